import { type Diagnosis, type Finding, wording } from '../../kit.ts';
import { hostKeyFindings } from '../../shared/host-survey.ts';
import { compareSeverity, worstSeverity } from '../../shared/severity.ts';
import { consoleLogsIn } from './console-logs.ts';
import { describe, FORECAST_MS, nameOf, type OfferOfConsoles } from './describe.ts';
import type { Facts } from './facts.ts';
import { type ConsoleProblem, judgeLogs } from './judge.ts';

/** Findings for single instances of one host. The others are one finding. */
const MAX_PER_HOST = 8;

export function diagnose(facts: Facts, _args: object, now: Date): Diagnosis<OfferOfConsoles> {
  const problems = consoleLogsIn(facts, now)
    .flatMap((logs) => judgeLogs(logs) ?? [])
    .toSorted(worstFirst);
  return {
    examined: facts.hosts.length,
    verdict: verdictOf(facts, problems),
    findings: [...findingsOf(problems), ...hostKeyFindings(facts.rejectedKeys)].toSorted(compareSeverity),
  };
}

function worstFirst(a: ConsoleProblem, b: ConsoleProblem): number {
  return (
    compareSeverity(a, b) ||
    (a.fullInMs ?? Infinity) - (b.fullInMs ?? Infinity) ||
    b.logs.diskBytes - a.logs.diskBytes ||
    (a.logs.target < b.logs.target ? -1 : 1)
  );
}

/** The worst of each host, and one finding for its others. */
function findingsOf(problems: readonly ConsoleProblem[]): readonly Finding<OfferOfConsoles>[] {
  const byHost = Map.groupBy(problems, ({ logs }) => logs.host.name);
  return [...byHost].flatMap(([host, all]) => {
    const orphans = all.filter(({ is }) => is === 'orphaned');
    const large = all.filter(({ is }) => is === 'large');
    return [
      ...large.slice(0, MAX_PER_HOST).map(describe),
      ...together(host, large.slice(MAX_PER_HOST), 'console-log-large', 'more large console logs'),
      ...(orphans.length === 1
        ? orphans.map(describe)
        : together(host, orphans, 'console-log-orphaned', 'folders that belong to no instance')),
    ];
  });
}

function together(
  host: string,
  all: readonly ConsoleProblem[],
  reason: string,
  what: string,
): readonly Finding<OfferOfConsoles>[] {
  const severity = worstSeverity(all.map((one) => one.severity));
  if (!severity) return [];
  const total = wording.bytes(all.reduce((sum, { logs }) => sum + logs.diskBytes, 0));
  return [
    {
      reason,
      severity,
      target: host,
      targets: all.map(({ logs }) => logs.target).toSorted(),
      summary: `${host} has ${all.length} ${what}, with ${total} of console output`,
      evidence: [
        {
          kind: 'table',
          columns: ['Folder', 'Instance', 'On disk'],
          rows: all.map(({ logs }) => [
            logs.folder,
            logs.owner?.server ? nameOf(logs) : '',
            wording.bytes(logs.diskBytes),
          ]),
        },
      ],
    },
  ];
}

function verdictOf({ hosts }: Facts, problems: readonly ConsoleProblem[]): string {
  const large = problems.filter(({ is }) => is === 'large');
  const [worst] = large;
  const where = wording.count(hosts.length, 'host');
  if (!worst) {
    const orphans = problems.length;
    const old =
      orphans === 0
        ? ''
        : `; ${wording.count(orphans, 'folder')} of no instance ${orphans === 1 ? 'has an old one' : 'have old ones'}`;
    return `No instance on ${where} has a console log of 100 MB or more on disk${old}`;
  }
  const { logs, fullInMs, isGrowing } = worst;
  const first = `The console log of ${nameOf(logs)} on ${logs.host.name} uses ${wording.bytes(logs.diskBytes)}`;
  const grows = !isGrowing
    ? ''
    : fullInMs === undefined || fullInMs > FORECAST_MS
      ? ' and is growing'
      : ` and fills the disk in about ${wording.span(fullInMs)}`;
  const others = large.length - 1;
  return `${first}${grows}${others === 0 ? '' : `; ${wording.count(others, 'other')} ${others === 1 ? 'is' : 'are'} large`}`;
}

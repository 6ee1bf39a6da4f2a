import { type Chart, type Diagnosis, type Finding, wording } from '../../kit.ts';
import type { OfferOfLeftovers } from './offers.ts';
import { compareSeverity } from '../../shared/severity.ts';
import type { EngineFacts, Facts, KeptContainers } from './facts.ts';
import { type Problem, problemsOf } from './problems.ts';
import { mainCause, matcherOf } from './started-by.ts';
import { sum } from './usage.ts';
import { KEPT_WORDS } from './words.ts';

export interface DiagnoseArgs {
  readonly older: number;
}

/** How many engines the verdict names. */
const MAX_NAMED = 3;

/** Decides what is left over on each engine. Pure. */
export function diagnose(facts: Facts, { older }: DiagnoseArgs, now: Date): Diagnosis<OfferOfLeftovers> {
  const { engines } = facts;
  const limits = { now, olderMs: older, matcher: matcherOf(facts) };
  const judged = engines
    .map((engine) => ({ engine, problems: problemsOf(engine, limits) }))
    .toSorted(
      (a, b) => bytesOf(b.problems) - bytesOf(a.problems) || (a.engine.target < b.engine.target ? -1 : 1),
    );
  const found = judged.filter(({ problems }) => problems.length > 0);
  const examined = engines.filter(({ containers }) => containers.isComplete).length;
  return {
    examined: found.length > 0 ? Math.max(examined, found.length) : examined,
    verdict: found.length > 0 ? describeFound(found, engines.length) : describeClear(engines),
    findings: found
      .flatMap(({ problems }) => problems)
      .toSorted((a, b) => compareSeverity(a.finding, b.finding) || b.bytes - a.bytes)
      .map(({ finding }): Finding<OfferOfLeftovers> => finding),
    measures: engines.flatMap(measuresOf),
    charts: sizeCharts(judged),
  };
}

/** With fewer engines, the verdict is enough. */
const MIN_CHARTED_ENGINES = 3;

/** The size of leftovers per engine, as far as it is known, the largest first. */
function sizeCharts(judged: readonly Judged[]): readonly Chart[] {
  const sizes = judged
    .map(({ engine, problems }) => ({
      target: engine.target,
      gigabytes: Math.round(bytesOf(problems) / 10_000_000) / 100,
    }))
    .filter(({ gigabytes }) => gigabytes > 0);
  if (sizes.length < MIN_CHARTED_ENGINES) return [];
  return [
    {
      kind: 'bars',
      title: 'Leftovers of known size by engine',
      unit: 'GB',
      labels: sizes.map(({ target }) => target),
      series: [{ name: 'size', values: sizes.map(({ gigabytes }) => gigabytes) }],
    },
  ];
}

interface Judged {
  readonly engine: EngineFacts;
  readonly problems: readonly Problem[];
}

function bytesOf(problems: readonly Problem[]): number {
  return sum(problems.map(({ bytes }) => bytes));
}

/** `build-2: 3 stopped containers use 46 GB` */
function describeFound(found: readonly Judged[], engines: number): string {
  const sentences = found.map(
    ({ engine, problems }) =>
      `${engine.target}: ${wording.list(
        problems.map(({ headline }) => headline),
        2,
      )}`,
  );
  const named = sentences.slice(0, MAX_NAMED).join('; ');
  const rest = sentences.length - MAX_NAMED;
  const cause = mainCause(
    found.flatMap(({ problems }) => problems.flatMap(({ started = [] }) => started)),
    sum(found.map(({ engine }) => engine.containers.leftovers.length)),
    { isCounted: engines === 1 },
  );
  if (engines === 1) return `${named}${cause}`;
  const share = `${found.length} of ${wording.count(engines, 'container engine')} ${found.length === 1 ? 'has' : 'have'} leftovers`;
  return `${share}. ${named}${rest > 0 ? `; and ${rest} more` : ''}${cause}`;
}

function describeClear(engines: readonly EngineFacts[]): string {
  const complete = engines.filter(({ containers }) => containers.isComplete);
  const where = complete.length === 1 ? (complete[0]?.target ?? '') : `${complete.length} container engines`;
  const kept = keptInWords(mergeKept(engines));
  return `No leftovers on ${where}${kept === '' ? '' : `; stopped containers kept: ${kept}`}`;
}

function mergeKept(engines: readonly EngineFacts[]): readonly KeptContainers[] {
  const all = engines.flatMap(({ containers }) => containers.kept);
  return [...Map.groupBy(all, ({ why }) => why)].map(([why, groups]) => ({
    why,
    count: sum(groups.map(({ count }) => count)),
    byName: sum(groups.map(({ byName }) => byName)),
    examples: [],
  }));
}

function keptInWords(kept: readonly KeptContainers[]): string {
  return wording.list(
    kept.map(({ why, count, byName }) => {
      const isGuess = why === 'kubernetes' && byName > 0;
      return `${count} ${KEPT_WORDS[why]}${isGuess ? ` (${byName} recognized only by name)` : ''}`;
    }),
    4,
  );
}

/** What a fix changes: the layers and images as reported by the engine, and the free space as reported by the kubelet of its node. */
function measuresOf({ target, containers: { leftovers }, usage, node }: EngineFacts) {
  const isMeasured = leftovers.every(({ bytes }) => bytes !== undefined);
  return [
    { label: target, value: leftovers.length, unit: 'leftover containers' },
    ...(isMeasured
      ? [
          {
            label: `${target}, leftover layers`,
            value: sum(leftovers.map(({ bytes }) => bytes)),
            unit: 'bytes',
          },
        ]
      : []),
    ...(usage?.imageBytes === undefined
      ? []
      : [{ label: `${target}, images`, value: usage.imageBytes, unit: 'bytes' }]),
    ...(node?.availableBytes === undefined
      ? []
      : [
          {
            label: `${node.cluster}:${node.name}, available (kubelet)`,
            value: node.availableBytes,
            unit: 'bytes',
          },
        ]),
  ];
}

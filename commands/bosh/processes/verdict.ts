import { wording } from '../../kit.ts';
import { agree, allOf, be, shareOf } from '../../shared/grammar.ts';
import { describeLockBriefly, isDown } from '../../shared/instances.ts';
import { type Kind, KINDS, type Problem } from './problem.ts';
import type { Survey } from './survey.ts';

/** How many causes the verdict names. */
const MAX_CAUSES = 2;

const kinds = Object.keys(KINDS) as readonly Kind[];

/** The verdict in one line: the shared causes if there are any, otherwise how many instances have a problem. */
export function verdictOf(surveys: readonly Survey[], problems: readonly Problem[]): string {
  const causes = problems.flatMap(({ headline, within }) =>
    headline === undefined
      ? []
      : [within === undefined || surveys.length === 1 ? headline : `${headline} (${within})`],
  );
  const each = countByKind(problems);
  const amount = each.reduce((sum, { instances }) => sum + instances.size, 0);
  const text =
    causes.length > 0
      ? describeCauses(causes, amount)
      : describeCounts(each, countActive(surveys)) || describeIgnored(problems);
  return `${text || describeHealthy(surveys)}${describeLocks(surveys)}`;
}

interface Counted {
  readonly kind: Kind;
  /** Each instance once, under the first of its kinds. */
  readonly instances: ReadonlySet<unknown>;
  readonly services: readonly string[];
}

function countByKind(problems: readonly Problem[]): readonly Counted[] {
  const seen = new Set<unknown>();
  return kinds
    .map((kind) => {
      const those = problems.flatMap(({ counts }) => (counts?.kind === kind ? [counts] : []));
      const instances = new Set(those.map(({ instance }) => instance).filter((one) => !seen.has(one)));
      for (const one of instances) seen.add(one);
      return { kind, instances, services: those.flatMap(({ service }) => service ?? []) };
    })
    .filter(({ instances }) => instances.size > 0);
}

function describeCauses(causes: readonly string[], others: number): string {
  const more = causes.length - MAX_CAUSES;
  return [
    ...causes.slice(0, MAX_CAUSES),
    ...(more > 0 ? [wording.count(more, 'more shared problem')] : []),
    ...(others > 0
      ? [wording.count(others, 'other instance has a problem', 'other instances have problems')]
      : []),
  ].join('; ');
}

function describeCounts(each: readonly Counted[], active: number): string {
  return each
    .map(({ kind, instances, services }, at) => {
      const amount = instances.size;
      const whose = at === 0 ? wording.capitalize(shareOf(amount, active, 'instance')) : `${amount} more`;
      const named = services.length > 0 ? ` (${wording.list(services, 2)})` : '';
      return `${whose} ${agree(amount, KINDS[kind])}${named}`;
    })
    .join(', ');
}

/** Used only if there is nothing else to report. */
function describeIgnored(problems: readonly Problem[]): string {
  return kinds
    .flatMap((kind) => {
      const amount = problems.reduce(
        (sum, { ignored }) => sum + (ignored?.kind === kind ? ignored.amount : 0),
        0,
      );
      return amount > 0 ? [`${wording.count(amount, 'ignored instance')} ${agree(amount, KINDS[kind])}`] : [];
    })
    .join(', ');
}

function describeHealthy(surveys: readonly Survey[]): string {
  const active = countActive(surveys);
  const stopped = surveys.reduce((sum, survey) => sum + survey.stopped, 0);
  const ignored = surveys.reduce((sum, survey) => sum + survey.ignored.length, 0);
  const resting = [
    ...(stopped > 0 ? [{ amount: stopped, as: 'stopped on purpose' }] : []),
    ...(ignored > 0 ? [{ amount: ignored, as: 'ignored' }] : []),
  ];
  if (active === 0) {
    const parts = resting.map(
      ({ amount, as }) => `${wording.count(amount, 'instance is', 'instances are')} ${as}`,
    );
    return `${ignored > 0 ? 'Nothing to check' : 'Nothing should run'}: ${parts.join(', ')}`;
  }
  const running = surveys
    .flatMap(({ reporting }) => reporting.flatMap(({ processes }) => processes))
    .filter((one) => !isDown(one));
  const where = wording.count(active, 'instance');
  const rest = resting.map(({ amount, as }) => `; ${amount} more ${agree(amount, be(as))}`).join('');
  if (running.length === 0)
    return `${where} ${agree(active, be('running'))}, but no process is listed${rest}`;
  const all = wording.capitalize(allOf(running.length, 'process', 'processes'));
  return `${all} on ${where} ${agree(running.length, be('running'))}${rest}`;
}

function countActive(surveys: readonly Survey[]): number {
  return surveys.reduce((sum, { active }) => sum + active.length, 0);
}

function describeLocks(surveys: readonly Survey[]): string {
  const locked = surveys.flatMap(({ deployment }) => describeLockBriefly(deployment) ?? []);
  return locked.length > 0 ? `; ${wording.list(locked)}` : '';
}

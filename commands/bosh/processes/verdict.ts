import { wording } from '../../kit.ts';
import { isDown, type Survey } from './survey.ts';
import type { Trouble } from './trouble.ts';

/** Of several causes these many are named. */
const MOST_CAUSES = 2;

const COUNTED: Record<NonNullable<Trouble['counts']>, { readonly one: string; readonly many: string }> = {
  down: { one: 'has processes that are not running', many: 'have processes that are not running' },
  silent: { one: 'does not answer', many: 'do not answer' },
  absent: { one: 'has no VM', many: 'have no VM' },
  unseen: { one: 'has a monit that does not answer', many: 'have a monit that does not answer' },
  stopped: { one: 'is stopped though it should run', many: 'are stopped though they should run' },
  failing: { one: 'is failing', many: 'are failing' },
  starting: { one: 'is still starting', many: 'are still starting' },
};

/** The answer in one line: the cause behind many where there is one, else how many instances are not well. */
export function verdictOf(surveys: readonly Survey[], troubles: readonly Trouble[]): string {
  const causes = troubles.flatMap(({ headline, within }) =>
    headline === undefined
      ? []
      : [within === undefined || surveys.length === 1 ? headline : `${headline} (${within})`],
  );
  const each = troubles.filter(({ counts }) => counts !== undefined);
  const said = causes.length > 0 ? causesIn(causes, each.length) : countsIn(each, awakeOf(surveys));
  return `${said || wellIn(surveys)}${locksIn(surveys)}`;
}

function causesIn(causes: readonly string[], others: number): string {
  const more = causes.length - MOST_CAUSES;
  return [
    ...causes.slice(0, MOST_CAUSES),
    ...(more > 0 ? [`${wording.count(more, 'more cause')} of the kind`] : []),
    ...(others > 0
      ? [
          `besides, ${wording.count(others, 'instance has trouble of its own', 'instances have troubles of their own')}`,
        ]
      : []),
  ].join('; ');
}

function countsIn(each: readonly Trouble[], awake: number): string {
  return (Object.keys(COUNTED) as (keyof typeof COUNTED)[])
    .map((kind) => ({ ...COUNTED[kind], amount: each.filter(({ counts }) => counts === kind).length }))
    .filter(({ amount }) => amount > 0)
    .map(({ amount, one, many }, at) => {
      const whose = at === 0 ? `${amount} of ${wording.count(awake, 'instance')}` : `${amount} more`;
      return `${whose} ${amount === 1 ? one : many}`;
    })
    .join(', ');
}

function wellIn(surveys: readonly Survey[]): string {
  const awake = awakeOf(surveys);
  const asleep = surveys.reduce((sum, survey) => sum + survey.asleep, 0);
  if (awake === 0)
    return `Nothing should run: ${wording.count(asleep, 'instance is', 'instances are')} stopped on purpose`;
  const running = surveys
    .flatMap(({ telling }) => telling.flatMap(({ processes }) => processes))
    .filter((one) => !isDown(one));
  const where = wording.count(awake, 'instance');
  const rest = asleep > 0 ? `; ${asleep} more ${asleep === 1 ? 'is' : 'are'} stopped on purpose` : '';
  if (running.length === 0)
    return `${where} ${awake === 1 ? 'runs' : 'run'}, and no process is told of${rest}`;
  return running.length === 1
    ? `The one process on ${where} runs${rest}`
    : `All ${running.length} processes on ${where} run${rest}`;
}

function awakeOf(surveys: readonly Survey[]): number {
  return surveys.reduce((sum, { awake }) => sum + awake.length, 0);
}

function locksIn(surveys: readonly Survey[]): string {
  const locked = surveys.flatMap(({ deployment: { lock, name } }) =>
    lock ? [`task ${lock.taskId} is changing ${name}`] : [],
  );
  return locked.length > 0 ? `; ${wording.list(locked)}` : '';
}

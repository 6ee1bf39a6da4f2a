import { wording } from '../../kit.ts';
import { adviceFor, isStatic } from './advice.ts';
import type { Cause } from './causes.ts';
import { exitInWords, lastExitOf } from './exits.ts';
import type { RestartedContainer } from './facts.ts';
import { killInWords } from './probe-words.ts';
import { failureInWords } from './probe-failures.ts';
import { isActive, lifeOf, type Restarting, type RestartingGroup } from './restarting.ts';
import { isRetry, severityOf } from './severity.ts';
import { lifeInWords, livesInWords, rateInWords, spanInWords } from './words.ts';

/** What is wrong, how it is known, and what to do. `rootCause`: another group that explains this one. */
export function summaryOf({ lead, members }: RestartingGroup, rootCause?: RestartingGroup): string {
  if (lead.loop.pace === 'proving') return describeProving(lead);
  const [first, ...rest] = members;
  const rate =
    lead.loop.restarts === 0
      ? `no start in ${spanInWords(lead.loop.spanMs)}`
      : members.length === 1 && isKnownByCount(lead)
        ? countText(lead)
        : rateInWords([first?.loop ?? lead.loop, ...rest.map(({ loop }) => loop)]);
  const what = wording.capitalize(`${subjectOf(lead)}${whatHappens(lead, members)}`, [
    lead.container.container,
  ]);
  const where = members.length > 1 ? ` in each of ${members.length} pods` : '';
  return `${what}. ${wording.capitalize(rate)}${where}${endedText(lead)}. ${followUp(lead, rootCause)}`;
}

/** Whether the summary says how often it has restarted in all, which is certain, instead of an estimated rate. */
export function isKnownByCount(one: Restarting): boolean {
  return one.loop.isEstimate && isActive(one) && severityOf(one) === 'critical';
}

/** `183 restarts in all, the last 51 s ago` */
function countText({ container: { status }, loop }: Restarting): string {
  const all = `${wording.count(status.restarts ?? 0, 'restart')} in all`;
  return loop.runningMs === undefined
    ? `${all}, and it is down now`
    : `${all}, the last ${lifeInWords(loop.runningMs)} ago`;
}

function followUp(lead: Restarting, rootCause: RestartingGroup | undefined): string {
  const who = lead.container.container;
  if (isRetry(lead)) return `The Job of ${who} retries it until \`backoffLimit\` is reached`;
  if (rootCause) return `${who} needs ${rootCause.target}, which restarts too: fix that first`;
  return adviceFor(lead);
}

function describeProving({ container, loop }: Restarting): string {
  const until = loop.provenAt ? ` until ${wording.utcTime(loop.provenAt)}` : '';
  const by = container.adjusted?.by === undefined ? '' : ` by fix ${container.adjusted.by}`;
  if (loop.provenAt === undefined && loop.runningMs !== undefined)
    return `The probe of ${container.container} was changed${by}, but the container has restarted since then. Find out why: the change may not be enough`;
  return `The probe of ${container.container} was changed${by}, and the container hasn't run long enough since then to verify that it is no longer killed. Wait${until}`;
}

function endedText({ loop, container }: Restarting): string {
  if (loop.pace !== 'ended') return '';
  const running = loop.runningMs === undefined ? 'none since' : `none for ${wording.span(loop.runningMs)}`;
  return container.status.state.kind === 'running' ? `, ${running}` : '';
}

function subjectOf({ container, cause }: Restarting): string {
  return cause.kind === 'killed-by-probe' || container.kind === 'main' ? '' : `${container.kind} container `;
}

/** `scheduler exits with code 0 (success) after 62 s`. */
function whatHappens(lead: Restarting, members: readonly Restarting[]): string {
  const { container, cause } = lead;
  const who = container.container;
  const exit = lastExitOf(container.status) ?? {};
  const lives = livesInWords(members.map(lifeOf).filter((one) => one !== undefined));
  const after = lives === undefined ? '' : ` after ${lives}`;
  switch (cause.kind) {
    case 'killed-by-probe':
      return killInWords(container, cause, lifeOf(lead));
    case 'out-of-memory':
      return container.memoryLimit === undefined
        ? `${who} is OOM-killed after ${lives ?? 'a while'} although it has no memory limit, so its node ran out of memory`
        : `${who} is OOM-killed${after}: it exceeds its memory limit of ${container.memoryLimit}`;
    case 'leader-lease-lost':
      return `${who} exits${after} because it couldn't renew its leader lease in time`;
    case 'exits-with-success':
      return `${who} exits with code 0 (success)${after === '' ? '' : after.replace(/ 0 s$/, ' less than 1 s')}, and restartPolicy ${container.restartPolicy} starts it again`;
    case 'crash-loop':
      return `${who} crashes with ${exitInWords(exit)}${after}`;
    case 'cannot-start':
      return `${who} can't be started${whyNotStarted(container)}`;
    case 'stopped-from-outside':
      if (cause.isSandboxLost)
        return `${who} is stopped${after} with ${exitInWords(exit)}, because its pod loses its sandbox and the kubelet creates the pod again`;
      return `${who} is stopped${byWhichSignal(exit)}${after}; ${container.liveness || container.startup ? 'nothing shows that a probe killed it' : 'it has no probe that could have killed it'}`;
    case 'restart-loop':
      return `${who} restarts for an unknown reason`;
  }
}

/** ` by SIGTERM (exit code 143)` */
function byWhichSignal(exit: Parameters<typeof exitInWords>[0]): string {
  const signal = { 137: ' by SIGKILL', 143: ' by SIGTERM' }[exit.exitCode ?? -1];
  return signal === undefined ? ` (${exitInWords(exit)})` : `${signal} (exit code ${exit.exitCode})`;
}

function whyNotStarted({ status, events }: RestartedContainer): string {
  const { state } = status;
  const waiting = state.kind === 'waiting' ? [state.message] : [];
  const message = [lastExitOf(status)?.message, ...waiting, events.startFailures[0]?.message].find(
    (one) => one !== undefined && one !== '' && !/^back-?off/i.test(one),
  );
  return message === undefined ? '' : ` (${failureInWords(message)})`;
}

/** For the verdict. */
export function headlineOf({ target, lead }: RestartingGroup): string {
  const { container } = lead.container;
  // Most owners with one container have the name of that.
  const name = target.endsWith(`/${container} (${container})`)
    ? target.slice(0, -container.length - 3)
    : target;
  return `${name} ${inShort(lead.cause, lead.container)}`;
}

function inShort(cause: Cause, container: RestartedContainer): string {
  switch (cause.kind) {
    case 'killed-by-probe':
      return `is killed by its ${cause.probe} probe${{ fails: ', which fails at once', 'times-out': ', which times out', either: '' }[cause.how]}`;
    case 'out-of-memory':
      return 'runs out of memory';
    case 'leader-lease-lost':
      return 'loses its leader lease';
    case 'exits-with-success':
      return 'exits with code 0';
    case 'crash-loop':
      return 'crashes';
    case 'cannot-start':
      return "can't be started";
    case 'stopped-from-outside':
      return 'is stopped from outside';
    case 'restart-loop':
      return `restarts${isStatic(container) ? ' (static pod)' : ''} for an unknown reason`;
  }
}

import type { ports } from '../../kit.ts';
import { isOutOfMemory, isUnknownExit, lastExitOf, lifeMsOf, mayBeStopped } from './exits.ts';
import type { RestartedContainer } from './facts.ts';
import { canHaveEnded, killWindows, type KillWindow } from './kill-windows.ts';
import type { Loop } from './loops.ts';
import { execFaultOf, howItFailed } from './probe-failures.ts';
import type { RestartSample } from './samples.ts';

/** Why a container restarts. */
export type Cause =
  | KilledByProbe
  | { readonly kind: 'out-of-memory' }
  | { readonly kind: 'leader-lease-lost' }
  | { readonly kind: 'exits-with-success' }
  | { readonly kind: 'crash-loop' }
  | { readonly kind: 'cannot-start' }
  | StoppedFromOutside
  | { readonly kind: 'restart-loop' };

export interface StoppedFromOutside {
  readonly kind: 'stopped-from-outside';
  /** Its pod lost its sandbox, so the kubelet stopped all containers of the pod. */
  readonly isSandboxLost?: true;
}

export interface KilledByProbe {
  readonly kind: 'killed-by-probe';
  readonly probe: ProbeName;
  /** How it fails. `either`: how long it ran fits both windows, or none of them, and no event shows which. */
  readonly how: 'fails' | 'times-out' | 'either';
  /** Whether an event says that it was killed, an event of an earlier kill or of another pod does, or only how long the container lives. */
  readonly by: 'events' | 'earlier' | 'lifetime';
  /** The windows that its life is in. None: it worked for a while and then failed. */
  readonly windows: readonly KillWindow[];
  /** The runtime cannot run commands in the container, so the probe says nothing about it. */
  readonly isExecBroken: boolean;
}

export type ProbeName = 'liveness' | 'startup';

/** A kill that is known from an earlier run, or of another pod of the same owner. */
export type KnownKill = NonNullable<RestartSample['kill']>;

/** Why a container is in this loop. Events of kills decide first, then the exit, the log, and at last how long it lives. */
export function causeOf(container: RestartedContainer, loop: Loop, known?: KnownKill): Cause {
  const exit = lastExitOf(container.status);
  if (loop.pace === 'proving') return killedBy(container, probeOf(container), 'events');
  if (cannotStart(container, exit)) return { kind: 'cannot-start' };
  const kill = matchingKill(container, exit);
  if (kill) return killedBy(container, kill, 'events');
  if (exit && isOutOfMemory(exit)) return { kind: 'out-of-memory' };
  if (exit && losesSandbox(container, exit)) return { kind: 'stopped-from-outside', isSandboxLost: true };
  const likelyKill = likelyKillOf(container, loop, exit, known);
  if (likelyKill) return killedBy(container, likelyKill.probe, likelyKill.by);
  if (!exit || isUnknownExit(exit)) return { kind: 'restart-loop' };
  if (!mayBeSignaled(exit) && losesLease(container.log ?? [])) return { kind: 'leader-lease-lost' };
  if (exit.exitCode === 0) return { kind: 'exits-with-success' };
  return mayBeSignaled(exit) ? { kind: 'stopped-from-outside' } : { kind: 'crash-loop' };
}

/** The kill that explains why it restarts; undefined if none is certain. */
export function killOf(container: RestartedContainer, cause: Cause): KnownKill | undefined {
  return cause.kind === 'killed-by-probe' && cause.by !== 'lifetime'
    ? asKnown(container, cause.probe)
    : undefined;
}

/** The kill that was its last exit, by the time of its event. */
export function lastKillOf(container: RestartedContainer): KnownKill | undefined {
  const probe = matchingKill(container, lastExitOf(container.status));
  return probe && asKnown(container, probe);
}

function asKnown({ status }: RestartedContainer, probe: ProbeName): KnownKill {
  const exitCode = lastExitOf(status)?.exitCode;
  return { probe, ...(exitCode !== undefined && { exitCode }) };
}

function mayBeSignaled(exit: ports.Termination): boolean {
  return exit.exitCode !== 0 && mayBeStopped(exit);
}

const NOT_STARTED =
  /^(?:CreateContainer(?:Config)?Error|RunContainerError|StartError|ContainerCannotRun|(?:PreCreate|PreStart|PostStart)HookError)$/;
const WRONG_PLATFORM = /exec format error/i;
/** A process that prints this about another program runs longer. */
const WRONG_PLATFORM_MS = 5_000;

function cannotStart({ status, log = [] }: RestartedContainer, exit: ports.Termination | undefined): boolean {
  const { state } = status;
  if (state.kind === 'waiting' && NOT_STARTED.test(state.reason ?? '')) return true;
  if (!exit) return false;
  if (NOT_STARTED.test(exit.reason ?? '')) return true;
  const lifeMs = lifeMsOf(exit);
  return (
    exit.exitCode !== 0 &&
    lifeMs !== undefined &&
    lifeMs <= WRONG_PLATFORM_MS &&
    log.some((line) => WRONG_PLATFORM.test(line))
  );
}

/** The kubelet sends the event right before SIGTERM; its time is in whole seconds. */
const EVENT_TOLERANCE_MS = 10_000;

/** The probe whose kill is the last exit, by the time of its event. Without the times of the exit, any kill that is known. */
function matchingKill(
  container: RestartedContainer,
  exit: ports.Termination | undefined,
): ProbeName | undefined {
  const { kills } = container.events;
  if (!kills) return undefined;
  const { finishedAt, startedAt } = exit ?? {};
  if (!kills.lastAt || !finishedAt) return kills.probe;
  const earliest = Math.max(
    finishedAt.getTime() - graceMsOf(container, kills.probe) - EVENT_TOLERANCE_MS,
    startedAt?.getTime() ?? 0,
  );
  // A kill after the last known exit is that of the instance that is stopping now.
  return kills.lastAt.getTime() >= earliest ? kills.probe : undefined;
}

/** How long after the exit the event may be: the kubelet looks at its pods at least once a minute, and may have to stop other containers first. */
const SANDBOX_AFTER_EXIT_MS = 2 * 60_000;

function losesSandbox(
  { events: { sandboxChanges }, graceSeconds }: RestartedContainer,
  exit: ports.Termination,
): boolean {
  const afterMs = (sandboxChanges?.lastAt?.getTime() ?? 0) - (exit.finishedAt?.getTime() ?? Infinity);
  const isNear = afterMs >= -(graceSeconds * 1_000 + EVENT_TOLERANCE_MS) && afterMs <= SANDBOX_AFTER_EXIT_MS;
  return isNear && mayBeStopped(exit);
}

function graceMsOf({ graceSeconds, ...container }: RestartedContainer, probe: ProbeName): number {
  return (container[probe]?.graceSeconds ?? graceSeconds) * 1_000;
}

/** How much earlier than the exit the last failure of a probe that killed may be: one event stands for many, and the kubelet limits their rate. */
const FAILURES_BEFORE_EXIT_MS = 10 * 60_000;

/** Few processes take longer to stop, and a long grace period would make any life fit. One that was ended by SIGKILL has used all of it. */
const LONGEST_STOP_SECONDS = 60;

/** A kill without an event of its own that matches: events are deleted after an hour, and limited in rate. */
function likelyKillOf(
  container: RestartedContainer,
  loop: Loop,
  exit: ports.Termination | undefined,
  known: KnownKill | undefined,
): Pick<KilledByProbe, 'probe' | 'by'> | undefined {
  const { kills, failures, backOff, startFailures } = container.events;
  const sinceKillMs = (exit?.finishedAt?.getTime() ?? 0) - (kills?.lastAt?.getTime() ?? 0);
  const isRecent = kills && sinceKillMs <= loop.spanMs;
  if (isRecent && kills.count * 2 > loop.restarts) return { probe: kills.probe, by: 'events' };
  // One that crashes now and then in between is still the same loop.
  if (isRecent && known && exit && livesLongEnough(container, kills.probe, exit))
    return { probe: kills.probe, by: 'events' };
  if (!exit || isUnknownExit(exit)) return undefined;
  const endsAsKnown = known && (mayBeStopped(exit) || exit.exitCode === known.exitCode);
  if (endsAsKnown && livesLongEnough(container, known.probe, exit))
    return { probe: known.probe, by: 'earlier' };
  if (!mayBeStopped(exit)) return undefined;
  const probes = (['startup', 'liveness'] as const).filter(
    (name) => windowsOf(container, name, exit, LONGEST_STOP_SECONDS).length > 0,
  );
  if (kills && probes.includes(kills.probe)) return { probe: kills.probe, by: 'events' };
  const failed = failures.find(({ probe, lastAt }) => {
    const before = (exit.finishedAt?.getTime() ?? 0) - (lastAt?.getTime() ?? Infinity);
    const explains = before <= FAILURES_BEFORE_EXIT_MS || failsMostTimes(container, probe);
    return explains && livesLongEnough(container, probe, exit);
  });
  if (failed) return { probe: failed.probe, by: 'events' };
  // If there are other events of the container, those of the kills would be there too.
  if (failures.length > 0 || backOff || startFailures.length > 0) return undefined;
  const [probe] = probes;
  return probe && { probe, by: 'lifetime' };
}

/**
 * Whether a probe has reached its threshold for most restarts. The count of an event is complete, but the kubelet sends only one event in five minutes
 * about a pod, and in a back-off most of these say only that: https://github.com/kubernetes/client-go/blob/v0.33.5/tools/record/events_cache.go
 */
function failsMostTimes(container: RestartedContainer, name: ProbeName): boolean {
  const failures = container.events.failures.filter(({ probe }) => probe === name);
  const count = failures.reduce((total, one) => total + one.count, 0);
  const { status, [name]: probe } = container;
  return probe !== undefined && count * 2 > (status.restarts ?? Infinity) * probe.failureThreshold;
}

/** Whether a probe can have failed as often as its threshold. */
function livesLongEnough(container: RestartedContainer, name: ProbeName, exit: ports.Termination): boolean {
  const probe = container[name];
  const lifeMs = lifeMsOf(exit);
  if (!probe) return false;
  return lifeMs === undefined || lifeMs / 1_000 >= killWindows(probe).fails.fromSeconds - 2;
}

/** The windows of a probe that fit how long the last instance ran. After a startup probe has passed, no age of the container limits the liveness probe. */
function windowsOf(
  container: RestartedContainer,
  name: ProbeName,
  exit: ports.Termination | undefined,
  longestStopSeconds = Infinity,
): readonly KillWindow[] {
  const probe = container[name];
  const lifeMs = exit && lifeMsOf(exit);
  if (!probe || lifeMs === undefined || (name === 'liveness' && container.startup)) return [];
  const life = {
    seconds: lifeMs / 1_000,
    ...(exit?.exitCode !== undefined && { exitCode: exit.exitCode }),
  };
  const isKilled = exit?.exitCode === 137;
  const graceSeconds = Math.min(graceMsOf(container, name) / 1_000, isKilled ? Infinity : longestStopSeconds);
  return Object.values(killWindows(probe)).filter((window) => canHaveEnded(window, life, graceSeconds));
}

function killedBy(container: RestartedContainer, probe: ProbeName, by: KilledByProbe['by']): KilledByProbe {
  const exit = lastExitOf(container.status);
  const windows = windowsOf(container, probe, exit);
  const { said, isWithoutText, isExecBroken } = saidByFailures(container, probe);
  const [only, ...more] = windows;
  return {
    kind: 'killed-by-probe',
    probe,
    how: said ?? (only && more.length === 0 ? only.how : isWithoutText ? 'fails' : 'either'),
    by,
    windows,
    isExecBroken,
  };
}

function probeOf({ liveness, startup }: RestartedContainer): ProbeName {
  return liveness || !startup ? 'liveness' : 'startup';
}

/** A probe that runs while its container ends says only that. */
const STOPPED = /\bstopped state\b|\bnot running\b/i;

/** What the events of failures say; `said` is undefined if they say nothing, or if both kinds are as frequent. */
function saidByFailures(
  container: RestartedContainer,
  name: ProbeName,
): {
  readonly said: 'fails' | 'times-out' | undefined;
  readonly isWithoutText: boolean;
  readonly isExecBroken: boolean;
} {
  const action = container[name]?.action ?? 'unknown';
  const all = container.events.failures.filter(({ probe }) => probe === name);
  const alive = all.filter(({ message }) => !STOPPED.test(message));
  const failures = alive.length > 0 ? alive : all;
  const countOf = (some: typeof failures) => some.reduce((sum, { count }) => sum + count, 0);
  // A kubelet that cuts a command off says so, but old ones and some runtimes say nothing.
  const telling = failures.filter(({ message }) => message !== '');
  const timedOut = countOf(telling.filter(({ message }) => howItFailed(message, action) === 'times-out'));
  const failed = countOf(telling) - timedOut;
  const total = countOf(failures);
  const broken = countOf(
    failures.filter(({ message }) => {
      const fault = execFaultOf(message);
      return fault === 'runtime' || fault === 'shortage';
    }),
  );
  return {
    said: timedOut === failed ? undefined : timedOut > failed ? 'times-out' : 'fails',
    isWithoutText: failures.length > 0 && telling.length === 0,
    isExecBroken: total > 0 && broken * 2 >= total,
  };
}

const LEASE_LOST =
  /leader ?election lost|failed to renew lease|lost (?:the )?lease|lost leadership|leader lost|lost master|stopped leading/i;
/** A controller that stops for any reason also gives up its lease: https://github.com/kubernetes-sigs/controller-runtime/issues/1786 */
const WHILE_STOPPING = /stop sequence was engaged/i;
/** These errors are common and usually pass, so they explain only the end of a log. */
const LOCK_ERROR = /failed to update lock|error retrieving resource lock/i;
const LAST_LINES = 10;

function losesLease(log: readonly string[]): boolean {
  return (
    log.some((line) => LEASE_LOST.test(line) && !WHILE_STOPPING.test(line)) ||
    log.slice(-LAST_LINES).some((line) => LOCK_ERROR.test(line))
  );
}

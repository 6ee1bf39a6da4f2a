import type { ports } from '../../commands/kit.ts';

/** How one instance of a container ends. */
export interface Instance {
  readonly seconds: number;
  readonly exitCode: number;
  /** Its liveness probe fails until the kubelet kills it. */
  readonly isKilled?: boolean;
}

export interface Lived {
  readonly startedMs: number;
  readonly endedMs: number;
  readonly how: Instance;
}

/** One pod with one container, as its kubelet starts it again and again. */
export interface ContainerDays {
  readonly status: (nowMs: number) => ports.ContainerStatus;
  readonly events: (nowMs: number) => readonly ports.ClusterEvent[];
}

interface Options {
  readonly startMs: number;
  readonly endMs: number;
  /** How the instance that starts at this time ends; undefined: it keeps running. */
  readonly lives: (startedMs: number, number: number) => Instance | undefined;
  readonly about: ports.ClusterEvent['about'];
}

const SECOND_MS = 1_000;
const GRACE_MS = 30 * SECOND_MS;
const FIRST_BACK_OFF_MS = 10 * SECOND_MS;
const LONGEST_BACK_OFF_MS = 300 * SECOND_MS;
/** `--event-ttl` of the API server. */
const EVENT_TTL_MS = 3_600_000;
/** A kubelet sends a burst of this many events about one object, and then one every five minutes: https://github.com/kubernetes/client-go/blob/v0.33.5/tools/record/events_cache.go */
const BURST = 25;
const REFILL_MS = 300 * SECOND_MS;

interface Recorded {
  readonly count: number;
  readonly firstMs: number;
  readonly reason: string;
  readonly message: string;
  readonly atMs: number;
}

export function containerDays({ startMs, endMs, lives, about }: Options): ContainerDays {
  const lived: Lived[] = [];
  const recorded = recorder();
  const { container = '' } = about;
  let current = startMs;
  let backOff: { ms: number; atMs: number } | undefined;
  for (let at = startMs; at < endMs;) {
    current = at;
    for (const reason of ['Pulled', 'Created', 'Started']) recorded.add(reason, `${reason} ${container}`, at);
    const how = lives(at, lived.length);
    if (!how) break;
    const endedMs = at + how.seconds * SECOND_MS;
    if (how.isKilled) {
      // With SIGKILL, after its whole grace period.
      const killedMs = endedMs - (how.exitCode === 137 ? GRACE_MS : 0);
      for (let failure = 2; failure >= 0; failure--)
        recorded.add('Unhealthy', 'Liveness probe failed: connection refused', killedMs - failure * 10_000);
      recorded.add('Killing', `Container ${container} failed liveness probe, will be restarted`, killedMs);
    }
    lived.push({ startedMs: at, endedMs, how });
    if (!backOff || endedMs - backOff.atMs > 2 * LONGEST_BACK_OFF_MS) {
      backOff = { ms: FIRST_BACK_OFF_MS, atMs: endedMs };
      at = endedMs + SECOND_MS;
      continue;
    }
    for (let sync = 0; sync < backOff.ms; sync += 12_000)
      recorded.add('BackOff', `Back-off restarting failed container ${container}`, endedMs + sync);
    at = endedMs + backOff.ms;
    backOff = { ms: Math.min(LONGEST_BACK_OFF_MS, backOff.ms * 2), atMs: at };
  }
  const last = lived.at(-1);
  return {
    status: (nowMs) => {
      const before = lived.filter(({ startedMs }) => startedMs <= nowMs);
      const newest = before.at(-1);
      const previous = before.findLast(({ endedMs }) => endedMs <= nowMs);
      const ended = previous && {
        exitCode: previous.how.exitCode,
        reason: previous.how.exitCode === 0 ? 'Completed' : 'Error',
        startedAt: wholeSeconds(previous.startedMs),
        finishedAt: wholeSeconds(previous.endedMs),
      };
      const isLast = current <= nowMs && last !== undefined && current > last.startedMs;
      const startedMs = isLast || !newest ? current : newest.endedMs > nowMs ? newest.startedMs : undefined;
      const restarts = before.length === 0 ? 0 : isLast ? before.length : before.length - 1;
      return {
        restarts,
        isReady: startedMs !== undefined,
        state:
          startedMs === undefined
            ? {
                kind: 'waiting',
                reason: 'CrashLoopBackOff',
                message: `back-off 5m0s restarting failed container=${container}`,
              }
            : { kind: 'running', startedAt: wholeSeconds(startedMs) },
        ...(ended && { last: ended }),
      };
    },
    events: (nowMs) => recorded.kept(nowMs).map((one) => ({ ...one, about })),
  };
}

function wholeSeconds(ms: number): Date {
  return new Date(Math.floor(ms / SECOND_MS) * SECOND_MS);
}

/**
 * Equal events are one with a count, which also counts those that were too many to be sent. One that was not sent again for an hour is deleted.
 */
function recorder() {
  const sent: Recorded[] = [];
  const observed = new Map<string, { count: number; firstMs: number }>();
  let tokens = BURST;
  let atMs = 0;
  return {
    add: (reason: string, message: string, eventMs: number) => {
      const known = observed.get(message) ?? { count: 0, firstMs: eventMs };
      known.count += 1;
      observed.set(message, known);
      tokens = Math.min(BURST, tokens + Math.max(0, eventMs - atMs) / REFILL_MS);
      atMs = Math.max(atMs, eventMs);
      if (tokens < 1) return;
      tokens -= 1;
      sent.push({ ...known, reason, message, atMs: eventMs });
    },
    kept: (nowMs: number) => {
      const last = new Map(sent.filter((one) => one.atMs <= nowMs).map((one) => [one.message, one]));
      return [...last.values()]
        .filter((one) => nowMs - one.atMs <= EVENT_TTL_MS)
        .map(({ reason, message, count, firstMs, atMs: lastMs }) => ({
          reason,
          message,
          type: 'Warning',
          count,
          firstAt: wholeSeconds(firstMs),
          lastAt: wholeSeconds(lastMs),
        }));
    },
  };
}

import { type Evidence, type ports, wording } from '../../kit.ts';
import { field } from '../../shared/evidence.ts';
import type { KilledByProbe, ProbeName } from './causes.ts';
import type { RestartedContainer } from './facts.ts';
import { killWindows, type KillWindow } from './kill-windows.ts';
import { failureInShort } from './probe-failures.ts';
import { lifeInWords } from './words.ts';

/** What a probe does, its windows, and how it kills. */

/** `85 to 95 s` */
export function windowInWords({ fromSeconds, toSeconds }: KillWindow): string {
  return `${fromSeconds} to ${toSeconds} s`;
}

/** How the probe kills a container that ran for this long: `etcd runs for 91 s between kills; …: the probe fails at once, it does not time out`. */
export function killInWords(
  container: RestartedContainer,
  cause: KilledByProbe,
  lifeMs: number | undefined,
): string {
  const { probe: name, how, windows } = cause;
  const probe = container[name];
  const who = container.container;
  const life = lifeMs === undefined ? '' : lifeInWords(lifeMs);
  const [only, ...more] = windows;
  const isOne = only !== undefined && more.length === 0;
  const what = {
    fails: `fails at once${shortly(container, name)}`,
    'times-out': `times out after ${probe?.timeoutSeconds ?? '?'} s`,
    either: 'fails at once or times out, and no event shows which',
  }[how];
  if (probe && isOne && only.how === how) {
    const window = `the ${how === 'fails' ? 'fast-failure' : 'timeout'} window of its ${name} probe is ${windowInWords(only)}`;
    const end = how === 'fails' ? ', it does not time out' : '';
    return `${who} runs for ${life} between kills; ${window}: the probe ${what}${end}`;
  }
  if (probe && how === 'either' && more.length > 0) {
    const { fails, timesOut } = killWindows(probe);
    return `${who} runs for ${life} between kills, which fits both windows of its ${name} probe: it fails at once (${windowInWords(fails)}) or times out (${windowInWords(timesOut)}), and no event shows which`;
  }
  const window = windows.find((one) => one.how === how);
  if (window)
    return `the ${name} probe kills ${who} after ${life}, in its ${how === 'fails' ? 'fast-failure' : 'timeout'} window of ${windowInWords(window)}: it ${what}`;
  const kills = `the ${name} probe kills ${who}${life === '' ? '' : ` after ${life}`}`;
  const worked = windows.length === 0 && isLaterThanAllWindows(container, name, lifeMs);
  return `${kills}: ${worked ? `it worked for a while, then ${what}` : `it ${what}`}`;
}

/**
 * Whether it lived longer than any container whose probe fails from the start. A startup probe moves the windows of the liveness probe, and never fails
 * after it has passed.
 */
function isLaterThanAllWindows(
  container: RestartedContainer,
  name: ProbeName,
  lifeMs: number | undefined,
): boolean {
  const probe = container[name];
  if (!probe || lifeMs === undefined || name === 'startup') return false;
  const delay =
    name === 'liveness' && container.startup ? killWindows(container.startup).timesOut.toSeconds : 0;
  const { fails, timesOut } = killWindows(probe);
  const grace = probe.graceSeconds ?? container.graceSeconds;
  return lifeMs / 1_000 > delay + Math.max(fails.toSeconds, timesOut.toSeconds) + grace;
}

function shortly({ events }: RestartedContainer, name: ProbeName): string {
  const shorts = events.failures
    .filter(({ probe }) => probe === name)
    .toSorted((a, b) => b.count - a.count)
    .map(({ message }) => failureInShort(message));
  return shorts[0] === undefined ? '' : ` (${shorts[0]})`;
}

/** The probe as in the manifest, and when it kills a container in which it fails from the start, with the arithmetic. */
export function aboutProbe(container: RestartedContainer, name: ProbeName): readonly Evidence[] {
  const probe = container[name];
  if (!probe) return [];
  return [
    field(wording.capitalize(`${name} probe`), probeInWords(probe)),
    ...(name === 'liveness' && container.startup
      ? [
          field(
            'Startup probe',
            `${probeInWords(container.startup)}; the liveness probe begins when it has passed`,
          ),
        ]
      : []),
    field('If it fails at once', failsArithmetic(probe)),
    field('If it times out', timesOutArithmetic(probe)),
  ];
}

/** `exec etcdctl, initialDelaySeconds 15, periodSeconds 10, timeoutSeconds 15, failureThreshold 8` */
function probeInWords({ text, ...probe }: ports.Probe): string {
  const keys = ['initialDelaySeconds', 'periodSeconds', 'timeoutSeconds', 'failureThreshold'] as const;
  return [text, ...keys.map((key) => `${key} ${probe[key]}`)].join(', ');
}

/** `killed after 85 to 95 s (15 + 7 × 10 up to 15 + 8 × 10)` */
function failsArithmetic(probe: ports.Probe): string {
  const { initialDelaySeconds: delay, periodSeconds: period, failureThreshold: threshold } = probe;
  const window = windowInWords(killWindows(probe).fails);
  return `killed after ${window} (${delay} + ${threshold - 1} × ${period} up to ${delay} + ${threshold} × ${period})`;
}

/** `killed after 135 to 145 s (15 + 7 × 15 + 15, up to one period of 10 s later)` */
function timesOutArithmetic(probe: ports.Probe): string {
  const { initialDelaySeconds: delay, periodSeconds: period, timeoutSeconds: timeout } = probe;
  const window = windowInWords(killWindows(probe).timesOut);
  const step = Math.max(period, timeout);
  return `killed after ${window} (${delay} + ${probe.failureThreshold - 1} × ${step} + ${timeout}, up to one period of ${period} s later)`;
}

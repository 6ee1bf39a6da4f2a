import { describe, expect, test } from 'vitest';
import { ago, backingOff, ended, NO_EVENTS, probe, restarted, runningFor } from './builders.ts';
import { causeOf, type KilledByProbe } from './causes.ts';
import type { ContainerEvents, RestartedContainer } from './facts.ts';
import type { Loop } from './loops.ts';

const LOOP: Loop = { pace: 'fast', restarts: 8, spanMs: 3_600_000, isEstimate: false };

/** The cause for a container whose last instance lived this long and has just ended. */
function causeAfter(
  seconds: number,
  exit: Parameters<typeof ended>[2],
  known: Partial<RestartedContainer> = {},
  loop = LOOP,
) {
  const last = ended({ seconds: seconds + 20 }, { seconds: 20 }, exit);
  return causeOf(restarted({ status: runningFor({ seconds: 18 }, { restarts: 8, last }), ...known }), loop);
}

const COMPLETED = { exitCode: 0, reason: 'Completed' };
const TERMINATED = { exitCode: 143, reason: 'Error' };
const KILLED = { exitCode: 137, reason: 'Error' };
const OOM_KILLED = { exitCode: 137, reason: 'OOMKilled' };

function events({
  kills,
  failures = [],
  ...known
}: {
  readonly kills?: number;
  readonly failures?: readonly string[];
} & Partial<Omit<ContainerEvents, 'kills' | 'failures'>>): ContainerEvents {
  const at = { firstAt: ago({ minutes: 50 }), lastAt: ago({ seconds: 21 }) };
  return {
    ...NO_EVENTS,
    ...(kills !== undefined && { kills: { probe: 'liveness', count: kills, ...at } }),
    failures: failures.map((message) => ({ probe: 'liveness', count: 20, message, ...at })),
    ...known,
  };
}

const byProbe = (known: Partial<KilledByProbe>) =>
  expect.objectContaining({ kind: 'killed-by-probe', ...known });

describe('without events', () => {
  /** https://oswalt.dev/2018/12/december-4-nre-labs-outage-post-mortem/ */
  test('a run that fits one window shows which probe killed it, and how the probe fails', () => {
    const cause = causeAfter(91.3, COMPLETED, { liveness: probe() });
    expect(cause).toEqual({
      kind: 'killed-by-probe',
      probe: 'liveness',
      how: 'fails',
      by: 'lifetime',
      windows: [{ how: 'fails', fromSeconds: 85, toSeconds: 95 }],
      isExecBroken: false,
    });
    expect(causeAfter(137, COMPLETED, { liveness: probe() })).toEqual(
      byProbe({ how: 'times-out', by: 'lifetime' }),
    );
  });

  test('a run that fits both windows does not show how the probe fails', () => {
    const liveness = probe({
      initialDelaySeconds: 10,
      periodSeconds: 30,
      timeoutSeconds: 10,
      failureThreshold: 5,
    });
    const cause = causeAfter(149, COMPLETED, { liveness });
    expect(cause).toEqual(byProbe({ how: 'either', by: 'lifetime' }));
    expect((cause as KilledByProbe).windows).toHaveLength(2);
  });

  test('a startup probe is named by its own window', () => {
    const startup = probe({
      initialDelaySeconds: 0,
      periodSeconds: 10,
      timeoutSeconds: 1,
      failureThreshold: 30,
    });
    expect(causeAfter(298, TERMINATED, { liveness: probe(), startup })).toEqual(
      byProbe({ probe: 'startup', by: 'lifetime' }),
    );
  });

  test('a startup probe moves the window of the liveness probe, so that a run of 91 s does not point to it', () => {
    const startup = probe({
      initialDelaySeconds: 0,
      periodSeconds: 10,
      timeoutSeconds: 1,
      failureThreshold: 30,
    });
    expect(causeAfter(91, TERMINATED, { liveness: probe(), startup })).toEqual({
      kind: 'stopped-from-outside',
    });
  });

  test('SIGKILL at the beginning of the window was not the probe, whose grace period comes first', () => {
    expect(causeAfter(90, KILLED, { liveness: probe() })).toEqual({ kind: 'stopped-from-outside' });
    expect(causeAfter(121, KILLED, { liveness: probe() })).toEqual(byProbe({ how: 'fails' }));
  });

  test('the grace period of the probe replaces that of the pod', () => {
    const cause = causeAfter(151, KILLED, { liveness: probe({ graceSeconds: 60 }) });
    expect(cause).toEqual(byProbe({ how: 'fails' }));
  });

  test('a long grace period does not make any life fit', () => {
    const known = { liveness: probe(), graceSeconds: 3_600 };
    expect(causeAfter(2_000, COMPLETED, known)).toEqual({ kind: 'exits-with-success' });
    expect(causeAfter(120, COMPLETED, known)).toEqual(byProbe({ how: 'fails' }));
    expect(causeAfter(3_690, KILLED, known)).toEqual(byProbe({ how: 'fails' }));
  });

  test.each([0xc0_00_01_3a, -1_073_741_510])('a Windows container is stopped with %d', (exitCode) => {
    expect(causeAfter(91, { exitCode }, { liveness: probe() })).toEqual(byProbe({ how: 'fails' }));
    expect(causeAfter(30, { exitCode }, { liveness: probe() })).toEqual({ kind: 'stopped-from-outside' });
    expect(causeAfter(91, { exitCode: 0xc0_00_00_05 }, { liveness: probe() })).toEqual({
      kind: 'crash-loop',
    });
  });

  test.each([5_000, 60, 30])('a life of %d s outside the windows is not the probe', (seconds) => {
    expect(causeAfter(seconds, COMPLETED, { liveness: probe() })).toEqual({ kind: 'exits-with-success' });
    expect(causeAfter(seconds, { exitCode: 1 }, { liveness: probe() })).toEqual({ kind: 'crash-loop' });
  });

  test('a process that exits with 1 in the window crashes', () => {
    expect(causeAfter(91, { exitCode: 1 }, { liveness: probe() })).toEqual({ kind: 'crash-loop' });
  });
});

describe('events of kills', () => {
  test('decide, whatever the exit code is', () => {
    for (const exit of [COMPLETED, TERMINATED, KILLED, { exitCode: 1 }])
      expect(causeAfter(1_000, exit, { liveness: probe(), events: events({ kills: 4 }) })).toEqual(
        byProbe({ by: 'events', windows: [] }),
      );
  });

  /** https://github.com/kubernetes/kubernetes/issues/140716 */
  test('the reason OOMKilled with exit code 143 is not an OOM kill', () => {
    const liveness = probe({
      action: 'http',
      initialDelaySeconds: 30,
      periodSeconds: 10,
      timeoutSeconds: 5,
      failureThreshold: 3,
    });
    const exit = { exitCode: 143, reason: 'OOMKilled' };
    const refused = 'Get "http://10.0.0.1:8080/ready": dial tcp 10.0.0.1:8080: connect: connection refused';
    expect(causeAfter(56, exit, { liveness, events: events({ kills: 7, failures: [refused] }) })).toEqual(
      byProbe({ how: 'fails', by: 'events' }),
    );
    expect(causeAfter(56, exit, { liveness })).toEqual(byProbe({ how: 'either', by: 'lifetime' }));
    expect(causeAfter(56, exit)).toEqual({ kind: 'stopped-from-outside' });
  });

  test('a probe that killed a container just before its last OOM kill is the cause', () => {
    const last = { liveness: probe(), memoryLimit: '512Mi', events: events({ kills: 8 }) };
    expect(causeAfter(120, OOM_KILLED, last)).toEqual(byProbe({}));
  });

  test('an old kill does not explain a later OOM kill or crash', () => {
    const old = { probe: 'liveness', count: 1, lastAt: ago({ minutes: 50 }) } as const;
    const last = { liveness: probe(), events: { ...NO_EVENTS, kills: old } };
    expect(causeAfter(30, OOM_KILLED, last)).toEqual({ kind: 'out-of-memory' });
    expect(causeAfter(30, { exitCode: 1 }, last)).toEqual({ kind: 'crash-loop' });
  });

  test('most of the restarts are explained by as many kills, even if the last one is not', () => {
    const kills = { probe: 'liveness', count: 7, lastAt: ago({ minutes: 10 }) } as const;
    const container = { liveness: probe(), events: { ...NO_EVENTS, kills } };
    expect(causeAfter(30, { exitCode: 1 }, container)).toEqual(byProbe({ by: 'events' }));
  });

  test('a known kill explains later exits like it, unless they came too soon', () => {
    const container = restarted({
      liveness: probe(),
      events: { ...NO_EVENTS, backOff: { count: 9 } },
    });
    const causeOfExit = (exitCode: number, lifeSeconds: number) => {
      const last = ended({ seconds: lifeSeconds + 22 }, { seconds: 22 }, { exitCode });
      const status = runningFor({ seconds: 21 }, { restarts: 9, last });
      return causeOf({ ...container, status }, LOOP, { probe: 'liveness', exitCode: 2 }).kind;
    };
    expect(causeOfExit(143, 91)).toBe('killed-by-probe');
    expect(causeOfExit(2, 400)).toBe('killed-by-probe');
    expect(causeOfExit(1, 91)).toBe('crash-loop');
    expect(causeOfExit(143, 30)).toBe('stopped-from-outside');
  });

  test('kills before the restarts that were counted explain none of them', () => {
    const kills = { probe: 'liveness', count: 7, lastAt: ago({ minutes: 50 }) } as const;
    const container = { liveness: probe(), events: { ...NO_EVENTS, kills } };
    const loop = { ...LOOP, restarts: 3, spanMs: 900_000 };
    expect(causeAfter(30, { exitCode: 1 }, container, loop)).toEqual({ kind: 'crash-loop' });
  });

  test('a startup probe is named by its event', () => {
    const kills = { probe: 'startup', count: 3, lastAt: ago({ seconds: 22 }) } as const;
    const startup = probe({ initialDelaySeconds: 0, timeoutSeconds: 1, failureThreshold: 30 });
    expect(causeAfter(298, TERMINATED, { startup, events: { ...NO_EVENTS, kills } })).toEqual(
      byProbe({ probe: 'startup', how: 'either', by: 'events' }),
    );
  });
});

describe('events of failures', () => {
  const liveness = probe({
    initialDelaySeconds: 10,
    periodSeconds: 30,
    timeoutSeconds: 10,
    failureThreshold: 5,
  });

  test('decide how a probe fails if its windows overlap', () => {
    const timedOut = events({ kills: 9, failures: ['command "/entrypoint python" timed out'] });
    expect(causeAfter(149, COMPLETED, { liveness, events: timedOut })).toEqual(byProbe({ how: 'times-out' }));
    const failed = events({ kills: 9, failures: ['no heartbeat'] });
    expect(causeAfter(149, COMPLETED, { liveness, events: failed })).toEqual(byProbe({ how: 'fails' }));
    expect(causeAfter(149, COMPLETED, { liveness, events: events({ kills: 9 }) })).toEqual(
      byProbe({ how: 'either' }),
    );
  });

  test('an empty text is that of a command that fails without output', () => {
    expect(causeAfter(149, COMPLETED, { liveness, events: events({ kills: 9, failures: [''] }) })).toEqual(
      byProbe({ how: 'fails' }),
    );
  });

  test('are enough if the event of the kill is gone', () => {
    const seen = events({ failures: ['HTTP probe failed with statuscode: 503'] });
    expect(causeAfter(1_000, TERMINATED, { liveness, events: seen })).toEqual(
      byProbe({ by: 'events', windows: [] }),
    );
  });

  test('do not point to a probe that cannot have reached its threshold', () => {
    const seen = events({ failures: ['connection refused'] });
    expect(causeAfter(60, COMPLETED, { liveness, events: seen })).toEqual({ kind: 'exits-with-success' });
  });

  test('do not explain a crash', () => {
    const seen = events({ failures: ['connection refused'] });
    expect(causeAfter(149, { exitCode: 1 }, { liveness, events: seen })).toEqual({ kind: 'crash-loop' });
  });

  test('that could not run are not failures', () => {
    const errors = [
      { probe: 'liveness', count: 1_440, message: 'exec failed', lastAt: ago({ seconds: 30 }) },
    ] as const;
    const backOff = { count: 30, lastAt: ago({ seconds: 30 }) };
    expect(causeAfter(600, COMPLETED, { liveness, events: { ...NO_EVENTS, errors, backOff } })).toEqual({
      kind: 'exits-with-success',
    });
  });

  test('if there are other events, and none of a probe, then a run that fits the window is a coincidence', () => {
    const backOff = { count: 108, lastAt: ago({ seconds: 30 }) };
    expect(causeAfter(149, COMPLETED, { liveness, events: { ...NO_EVENTS, backOff } })).toEqual({
      kind: 'exits-with-success',
    });
  });
});

describe('a runtime that cannot run commands', () => {
  /** https://github.com/kubernetes/kubeadm/issues/1299 */
  const broken =
    'rpc error: code = 2 desc = oci runtime error: exec failed: container_linux.go:247: starting container process caused "process_linux.go:110: decoding init error from pipe caused \\"read parent: connection reset by peer\\""';

  test('is recognized by the failures', () => {
    const seen = events({ kills: 3, failures: [broken] });
    expect(causeAfter(91.3, COMPLETED, { liveness: probe(), events: seen })).toEqual(
      byProbe({ how: 'fails', by: 'events', isExecBroken: true }),
    );
  });

  test('is not recognized by a command that the image does not have', () => {
    const missing =
      'OCI runtime exec failed: exec failed: unable to start container process: exec: "etcdctl": executable file not found in $PATH: unknown';
    const seen = events({ kills: 3, failures: [missing] });
    expect(causeAfter(91.3, COMPLETED, { liveness: probe(), events: seen })).toEqual(
      byProbe({ isExecBroken: false }),
    );
  });

  test('is not recognized by a few failures among others', () => {
    const at = { firstAt: ago({ minutes: 50 }), lastAt: ago({ seconds: 21 }) };
    const failures = [
      { probe: 'liveness', count: 2, message: broken, ...at },
      { probe: 'liveness', count: 40, message: 'the member has no leader', ...at },
    ] as const;
    const seen = { ...events({ kills: 5 }), failures };
    expect(causeAfter(91.3, COMPLETED, { liveness: probe(), events: seen })).toEqual(
      byProbe({ isExecBroken: false }),
    );
  });
});

describe('other causes', () => {
  test('exit code 0 without a probe is a process that exits with success', () => {
    const last = ended({ seconds: 150 }, { seconds: 150 }, COMPLETED);
    const backOff = { count: 108, lastAt: ago({ seconds: 20 }) };
    const container = restarted({ status: backingOff({ last }), events: { ...NO_EVENTS, backOff } });
    expect(causeOf(container, LOOP)).toEqual({ kind: 'exits-with-success' });
  });

  test.each([1, 2, 126, 127, 134, 139, 255])('exit code %d is a crash', (exitCode) => {
    expect(causeAfter(40, { exitCode })).toEqual({ kind: 'crash-loop' });
  });

  test.each([TERMINATED, KILLED])('a signal without a probe comes from outside', (exit) => {
    expect(causeAfter(40, exit)).toEqual({ kind: 'stopped-from-outside' });
  });

  test('the exit code of an OOM kill is 137', () => {
    expect(causeAfter(40, OOM_KILLED, { memoryLimit: '512Mi' })).toEqual({ kind: 'out-of-memory' });
    expect(causeAfter(91, OOM_KILLED, { memoryLimit: '512Mi', liveness: probe() })).toEqual({
      kind: 'out-of-memory',
    });
  });

  /** https://github.com/kubernetes/kubernetes/issues/122160 */
  test('the made-up exit code of a container that the runtime lost says nothing', () => {
    const last = { exitCode: 137, reason: 'ContainerStatusUnknown' };
    expect(causeOf(restarted({ status: runningFor({ minutes: 1 }, { last }) }), LOOP)).toEqual({
      kind: 'restart-loop',
    });
  });

  /** https://github.com/kubernetes/kubernetes/issues/74340 */
  test.each([
    'E1126 11:10:43.008059       1 controllermanager.go:302] "leaderelection lost"',
    'F1126 11:10:43.008059       1 controllermanager.go:213] leader election lost',
    'I1126 11:10:43.002513       1 leaderelection.go:285] failed to renew lease kube-system/kube-scheduler: timed out waiting for the condition',
    'E1126 11:10:43.002513       1 leaderelection.go:367] Failed to update lock: Put "https://10.0.0.1:6443/apis/coordination.k8s.io/v1/…": context deadline exceeded',
    '{"level":"error","logger":"setup","msg":"problem running manager","error":"leader election lost"}',
  ])('a lease that is lost is known by the log: %s', (line) => {
    const container = { log: ['I1126 starting', line], liveness: probe({ action: 'http' }) };
    expect(causeAfter(4_600, { exitCode: 1 }, container, { ...LOOP, pace: 'slow' })).toEqual({
      kind: 'leader-lease-lost',
    });
  });

  test('a leader that exits with success has lost its lease all the same', () => {
    const log = [
      'failed to renew lease default/example: context deadline exceeded',
      'leader lost: node-a_4711',
    ];
    expect(causeAfter(4_600, COMPLETED, { log: log.slice(1) })).toEqual({ kind: 'leader-lease-lost' });
    expect(causeAfter(4_600, COMPLETED, { log })).toEqual({ kind: 'leader-lease-lost' });
  });

  test('a lease that is given up because the controller stops does not explain why', () => {
    const log = [
      '{"level":"error","msg":"Could not wait for Cache to sync","controller":"shop"}',
      '{"level":"error","msg":"error received after stop sequence was engaged","error":"leader election lost"}',
      '{"level":"error","msg":"problem running manager","error":"failed to wait for shop caches to sync"}',
    ];
    expect(causeAfter(120, { exitCode: 1 }, { log })).toEqual({ kind: 'crash-loop' });
  });

  test('an error of the lock long before the end does not explain it', () => {
    const log = [
      'error retrieving resource lock',
      ...Array.from({ length: 20 }, () => 'syncing'),
      'panic: nil map',
    ];
    expect(causeAfter(4_600, { exitCode: 2 }, { log })).toEqual({ kind: 'crash-loop' });
  });

  test.each(['CreateContainerError', 'CreateContainerConfigError', 'RunContainerError'])(
    'a container that waits with %s cannot start',
    (reason) => {
      const status = backingOff({ state: { kind: 'waiting', reason, message: 'secret "db" not found' } });
      expect(causeOf(restarted({ status }), LOOP)).toEqual({ kind: 'cannot-start' });
    },
  );

  test.each(['StartError', 'ContainerCannotRun'])(
    'an instance that ended with %s never started',
    (reason) => {
      const last = { exitCode: 128, reason, message: 'exec: "/app": permission denied' };
      expect(causeOf(restarted({ status: backingOff({ last }) }), LOOP)).toEqual({ kind: 'cannot-start' });
    },
  );

  test('an image for another processor cannot start', () => {
    const log = ['exec /usr/bin/app: exec format error'];
    expect(causeAfter(0, { exitCode: 255 }, { log })).toEqual({ kind: 'cannot-start' });
    expect(causeAfter(400, { exitCode: 1 }, { log })).toEqual({ kind: 'crash-loop' });
  });

  test('a container without any known exit restarts for an unknown reason', () => {
    expect(causeOf(restarted({ status: runningFor({ minutes: 1 }) }), LOOP)).toEqual({
      kind: 'restart-loop',
    });
  });

  test('after a change of its probe, a container that has not ended since keeps that cause', () => {
    const container = restarted({ liveness: probe(), status: runningFor({ minutes: 1 }, { restarts: 0 }) });
    expect(causeOf(container, { ...LOOP, pace: 'proving', restarts: 0 })).toEqual(
      byProbe({ probe: 'liveness', how: 'either' }),
    );
  });
});

/** https://github.com/kubernetes/kubernetes/issues/110177 */
describe('a pod that loses its sandbox', () => {
  const sandboxChanges = { count: 24, firstAt: ago({ hours: 3 }), lastAt: ago({ seconds: 15 }) };

  test.each([COMPLETED, TERMINATED, KILLED])('stops its containers: $exitCode', (exit) => {
    const known = { liveness: probe(), events: events({ sandboxChanges }) };
    expect(causeAfter(91, exit, known)).toEqual({ kind: 'stopped-from-outside', isSandboxLost: true });
  });

  test('is no cause of another exit, of one at another time, or of a kill by a probe', () => {
    const lost = { liveness: probe(), events: events({ sandboxChanges }) };
    expect(causeAfter(300, { exitCode: 1 }, lost)).toEqual({ kind: 'crash-loop' });
    const before = { ...sandboxChanges, lastAt: ago({ minutes: 30 }) };
    const old = { liveness: probe(), events: events({ sandboxChanges: before }) };
    expect(causeAfter(300, COMPLETED, old)).toEqual({ kind: 'exits-with-success' });
    const killed = { liveness: probe(), events: events({ sandboxChanges, kills: 8 }) };
    expect(causeAfter(91, COMPLETED, killed)).toEqual(byProbe({ by: 'events' }));
  });
});

test('a failure without a text does not contradict how long the container lives', () => {
  const known = { liveness: probe(), events: events({ kills: 8, failures: [''] }) };
  expect(causeAfter(91, COMPLETED, known)).toEqual(byProbe({ how: 'fails' }));
  expect(causeAfter(137, COMPLETED, known)).toEqual(byProbe({ how: 'times-out' }));
  expect(causeAfter(900, COMPLETED, known)).toEqual(byProbe({ how: 'fails' }));
});

test('attempts while the container stops do not say how the probe fails', () => {
  const liveness = probe({ initialDelaySeconds: 5, timeoutSeconds: 1, failureThreshold: 3 });
  const stopped = 'OCI runtime exec failed: exec failed: cannot exec in a stopped state: unknown';
  const failures = ['command "/bin/check" timed out', stopped, stopped];
  expect(causeAfter(34, COMPLETED, { liveness, events: events({ kills: 8, failures }) })).toEqual(
    byProbe({ how: 'times-out', isExecBroken: false }),
  );
});

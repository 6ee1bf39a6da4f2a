import { describe, expect, test } from 'vitest';
import type { Finding, Remembered, Story } from '../../kit.ts';
import {
  ago,
  backingOff,
  counted,
  ended,
  factsOf,
  NO_EVENTS,
  NOW,
  probe,
  restarted,
  runningFor,
} from './builders.ts';
import { diagnose } from './diagnose.ts';
import type { ContainerEvents, Facts, RestartedContainer } from './facts.ts';
import type { RestartSample } from './samples.ts';
import * as stories from './stories.ts';

const ask = ({ facts, now }: Story<Facts>) => diagnose(facts, {}, now);

/** What is reported about containers at {@link NOW}. */
function judge(all: readonly RestartedContainer[], known: Parameters<typeof factsOf>[1] = {}) {
  return diagnose(factsOf(all, known), {}, NOW);
}

/** Earlier samples of a container that has restarted once every 2.5 minutes for the last hour. */
function looping(container: RestartedContainer): readonly Remembered<RestartSample>[] {
  const restarts = container.status.restarts ?? 0;
  return counted(container, [
    [{ minutes: 60 }, restarts - 24],
    [{ minutes: 15 }, restarts - 6],
  ]);
}

/** A container that runs for 18 s after an instance that ran for 91 s, with the loop in its samples. */
function loopOf(exit: Parameters<typeof ended>[2], known: Partial<RestartedContainer> = {}) {
  const container = restarted({
    status: runningFor(
      { seconds: 18 },
      { restarts: 30, last: ended({ seconds: 110 }, { seconds: 19 }, exit) },
    ),
    ...known,
  });
  return { container, earlier: looping(container) };
}

function judgeOne(exit: Parameters<typeof ended>[2], known: Partial<RestartedContainer> = {}): Finding {
  const { container, earlier } = loopOf(exit, known);
  const { findings } = judge([container], { earlier });
  expect(findings).toHaveLength(1);
  return findings[0]!;
}

function textOf({ summary, evidence = [] }: Finding): string {
  return [summary, ...evidence.map((one) => JSON.stringify(one))].join('\n');
}

describe('stories', () => {
  test('the probe of etcd fails at once, and the runtime is to be upgraded', () => {
    const { verdict, findings } = ask(stories.deadlyProbe);
    expect(verdict).toMatch(
      /^3 of 12 containers restart in a loop: kube-system\/etcd is killed by its liveness probe/,
    );
    const [etcd, ...symptoms] = findings;
    expect(etcd).toMatchObject({
      reason: 'killed-by-probe',
      severity: 'critical',
      target: 'kube-system/etcd (etcd)',
      targets: ['kube-system/etcd-antidote-controller-4m3j'],
    });
    expect(etcd?.summary).toContain(
      'etcd runs for 91 s between kills; the fast-failure window of its liveness probe is 85 to 95 s: the probe fails at once (exec failed), it does not time out.',
    );
    expect(etcd?.summary).toMatch(
      /says nothing about etcd\. docker-1\.13\.1-84 .*upgrade Docker to docker-1\.13\.1-88/,
    );
    expect(textOf(etcd!)).toMatch(/15 \+ 7 × 10 up to 15 \+ 8 × 10/);
    expect(textOf(etcd!)).not.toMatch(/remove the probe|memory/i);
    expect(etcd?.offers).toBeUndefined();
    expect(
      symptoms.map(({ target, summary }) => [
        target,
        /needs kube-system\/etcd \(etcd\), which restarts too/.test(summary),
      ]),
    ).toEqual([
      ['kube-system/kube-apiserver (kube-apiserver)', true],
      ['kube-system/kube-controller-manager (kube-controller-manager)', true],
    ]);
  });

  test('without events and earlier runs, how long it ran and its counter say the same', () => {
    const { findings } = ask(stories.deadlyProbeWithoutEvents);
    expect(findings).toMatchObject([{ reason: 'killed-by-probe', severity: 'critical' }]);
    expect(findings[0]).not.toHaveProperty('level');
    const text = textOf(findings[0]!);
    expect(text).toMatch(/runs for 91 s .* 85 to 95 s: the probe fails at once, it does not time out/);
    expect(text).toMatch(/Suspect the probe's command, not etcd/);
    expect(text).toMatch(/183 restarts in all, the last \d+ s ago/);
    expect(text).not.toMatch(/estimated|Restarts in all/);
    expect(text).toMatch(/it has no events/);
  });

  test('if how long it ran fits both windows, events decide', () => {
    const { findings } = ask(stories.slowCommand);
    const text = textOf(findings[0]!);
    expect(findings).toMatchObject([{ reason: 'killed-by-probe', severity: 'critical' }]);
    expect(text).toMatch(/149 s, in its timeout window of 140 to 170 s: it times out after 10 s/);
    expect(text).toMatch(/130 to 160 s.*\n.*140 to 170 s/);
    expect(text).toMatch(
      /With up to 30 s to stop, how long it ran fits both windows, so only the events show/,
    );
    expect(text).toMatch(/kubelets before 1\.20/);
    expect(text).not.toMatch(/check_scheduler/);
    expect(findings[0]?.offers).toMatchObject([
      { remediation: 'raise-limit', params: { field: 'timeoutSeconds', from: 10, to: 20 } },
      { remediation: 'raise-limit', params: { field: 'failureThreshold', from: 5, to: 15 } },
    ]);
  });

  test('exit code 143 is no OOM kill, and no reason to change the memory', () => {
    const { findings } = ask(stories.notOutOfMemory);
    expect(findings).toMatchObject([{ reason: 'killed-by-probe', target: 'zk/cluster (zookeeper)' }]);
    expect(findings[0]?.summary).toMatch(
      /window of 50 to 60 s: it fails at once \(connection refused\)\. 7 restarts in the last hour/,
    );
    expect(findings[0]?.summary).not.toMatch(/memory/);
    expect(textOf(findings[0]!)).toMatch(/not an OOM kill/);
    expect(findings[0]?.offers).toBeUndefined();
  });

  test('three pods with one cause are one finding', () => {
    const { verdict, findings } = ask(stories.lostLeases);
    expect(verdict).toBe(
      '3 of 9 containers restart in a slow loop: kube-system/kube-controller-manager loses its leader lease',
    );
    expect(findings).toMatchObject([
      {
        reason: 'leader-lease-lost',
        severity: 'warning',
        targets: ['cp-2', 'cp-1', 'cp-3'].map((node) => `kube-system/kube-controller-manager-${node}`),
        next: [{ check: 'etcd/health', args: {} }],
      },
    ]);
    expect(findings[0]?.summary).toMatch(
      /after 76 to 118 minutes because .* in time\. 13 to 14 restarts in the last day/,
    );
    expect(findings[0]?.summary).toMatch(/API server and of etcd/);
    expect(textOf(findings[0]!)).not.toMatch(/probe|memory/i);
  });

  test('a process that exits with success does not crash', () => {
    const { findings } = ask(stories.finishedTasks);
    expect(findings).toMatchObject([
      { reason: 'exits-with-success', severity: 'warning', target: 'default/demo-5d4f (command-demo)' },
      { reason: 'exits-with-success', severity: 'warning', target: 'ops/tainter-7c9b (tainter)' },
    ]);
    for (const finding of findings) {
      expect(finding.summary).toMatch(/as a Job or CronJob/);
      expect(textOf(finding)).not.toMatch(/crash|probe|memory/i);
    }
  });
});

describe('severity', () => {
  test.each([
    ['crash-loop', { exitCode: 1 }],
    ['out-of-memory', { exitCode: 137, reason: 'OOMKilled' }],
    ['stopped-from-outside', { exitCode: 143 }],
  ])('a fast loop that was measured is critical: %s', (reason, exit) => {
    expect(judgeOne(exit)).toMatchObject({ reason, severity: 'critical' });
  });

  test('an estimate is a warning, and says that it is one', () => {
    const { container } = loopOf({ exitCode: 1 });
    const { findings } = judge([container]);
    expect(findings).toMatchObject([{ reason: 'crash-loop', severity: 'warning' }]);
    expect(findings[0]?.summary).toMatch(/About \d+ restarts an hour \(estimated\)/);
    expect(findings[0]).not.toHaveProperty('level');
  });

  test('many restarts and a life in the window of its probe are no estimate', () => {
    const killed = (restarts: number, running: number, known: Partial<RestartedContainer> = {}) => {
      const last = ended(
        { seconds: running + 91 },
        { seconds: running },
        { exitCode: 0, reason: 'Completed' },
      );
      const status = runningFor({ seconds: running }, { restarts, last });
      return judge([restarted({ liveness: probe(), status, ...known })]).findings[0];
    };
    expect(killed(183, 51)).toMatchObject({ reason: 'killed-by-probe', severity: 'critical' });
    expect(killed(183, 51)?.summary).toMatch(/183 restarts in all, the last 51 s ago/);
    // The last two restarts may be the only ones for long.
    expect(killed(5, 51)).toMatchObject({ severity: 'warning' });
    // It has run for longer than before, so it may be well now.
    expect(killed(183, 300)).toMatchObject({ severity: 'warning' });
    // Nothing shows why it ended.
    expect(killed(183, 51, { liveness: probe({ initialDelaySeconds: 900 }) })).toMatchObject({
      reason: 'exits-with-success',
      severity: 'warning',
    });
  });

  test('a container that now runs for much longer than before may be well', () => {
    const running = (seconds: number, life: number) => {
      const last = ended({ seconds: seconds + life }, { seconds: seconds + 1 });
      const status = runningFor({ seconds }, { restarts: 4, last });
      return judge([restarted({ status, podCreatedAt: ago({ minutes: 13 }) })]).findings[0];
    };
    expect(running(330, 9)).toMatchObject({ reason: 'crash-loop', severity: 'warning' });
    expect(running(330, 200)).toMatchObject({ severity: 'critical' });
    expect(running(100, 9)).toMatchObject({ severity: 'critical' });
  });

  test('a long back-off is no estimate: it ended many times in a row, and is down', () => {
    const waiting = (delay: string) => {
      const state = {
        kind: 'waiting',
        reason: 'CrashLoopBackOff',
        message: `back-off ${delay} restarting failed container=app`,
      } as const;
      const status = backingOff({ restarts: 500, state, last: ended({ seconds: 70 }, { seconds: 60 }) });
      return judge([restarted({ status, podCreatedAt: ago({ days: 60 }) })]).findings[0];
    };
    expect(waiting('5m0s')).toMatchObject({ reason: 'crash-loop', severity: 'critical' });
    expect(waiting('5m0s')?.summary).toMatch(/500 restarts in all, and it is down now/);
    expect(waiting('2m40s')).toMatchObject({ severity: 'critical' });
    expect(waiting('1m20s')).toMatchObject({ severity: 'warning' });
  });

  test('a loop that has ended is info, and is not counted in the verdict', () => {
    const container = restarted({
      status: runningFor({ minutes: 40 }, { restarts: 9, last: ended({ minutes: 41 }, { minutes: 40 }) }),
    });
    const earlier = counted(container, [
      [{ minutes: 58 }, 1],
      [{ minutes: 45 }, 7],
    ]);
    const { verdict, findings } = judge([container], { earlier });
    expect(verdict).toBe('No restart loops in 40 containers; 1 stopped restarting within the last hour');
    expect(findings).toMatchObject([{ reason: 'crash-loop', severity: 'info' }]);
    expect(findings[0]?.summary).toMatch(/8 restarts in the last 58 minutes, none for 40 minutes/);
  });

  test('retries of a Job are info, as long as its limit can end them', () => {
    const owner = { kind: 'Job', name: 'import' };
    const status = (restarts: number) => ({
      status: runningFor({ seconds: 18 }, { restarts, last: ended({ seconds: 110 }, { seconds: 19 }) }),
    });
    const retried = judgeOne({}, { owner, restartPolicy: 'OnFailure', ...status(4) });
    expect(retried).toMatchObject({ reason: 'crash-loop', severity: 'info' });
    expect(retried.summary).toMatch(/`backoffLimit`/);
    expect(judgeOne({}, { owner, restartPolicy: 'OnFailure', ...status(300) })).toMatchObject({
      severity: 'warning',
    });
    expect(judgeOne({}, { owner, kind: 'sidecar', ...status(4) })).toMatchObject({ severity: 'critical' });
  });

  test('a Job whose container is killed from outside has a fault', () => {
    const owner = { kind: 'Job', name: 'import' };
    const exit = { exitCode: 137, reason: 'OOMKilled' };
    expect(judgeOne(exit, { owner, restartPolicy: 'OnFailure', memoryLimit: '1Gi' })).toMatchObject({
      reason: 'out-of-memory',
      severity: 'warning',
    });
  });
});

describe('a changed probe', () => {
  const changed = {
    liveness: probe(),
    adjusted: { by: 'm0123456789abcdef', at: ago({ minutes: 3 }) },
    podCreatedAt: ago({ minutes: 2 }),
  };

  test('stays info until it has run for a full kill window', () => {
    const fresh = restarted({ ...changed, status: runningFor({ minutes: 1 }, { restarts: 0 }) });
    const { verdict, findings } = judge([fresh]);
    expect(findings).toMatchObject([
      {
        reason: 'killed-by-probe',
        severity: 'info',
        target: 'shop/web (app)',
        targets: ['shop/web-5d8f7c9b4-x2lzq'],
      },
    ]);
    expect(findings[0]?.summary).toMatch(/m0123456789abcdef.*Wait until 2026-11-26 12:01 UTC/);
    expect(findings[0]?.offers).toBeUndefined();
    expect(verdict).toBe(
      "1 container with a changed probe hasn't run long enough to verify the change; no restart loops in 40 containers",
    );
  });

  test('is proven after that', () => {
    const proven = restarted({ ...changed, status: runningFor({ minutes: 3 }, { restarts: 0 }) });
    expect(judge([proven]).findings).toEqual([]);
  });
});

describe('grouping', () => {
  const pods = ['web-5d8f7c9b4-aaaaa', 'web-5d8f7c9b4-bbbbb'] as const;

  test('pods of one owner with different causes are different findings', () => {
    const [crashing, full] = [
      loopOf({ exitCode: 1 }, { pod: pods[0], uid: 'a' }),
      loopOf({ exitCode: 137, reason: 'OOMKilled' }, { pod: pods[1], uid: 'b', memoryLimit: '512Mi' }),
    ];
    const { findings } = judge([crashing.container, full.container], {
      earlier: [...crashing.earlier, ...full.earlier],
    });
    expect(findings.map(({ reason, targets }) => [reason, targets])).toEqual([
      ['crash-loop', [`shop/${pods[0]}`]],
      ['out-of-memory', [`shop/${pods[1]}`]],
    ]);
  });

  test('the log of one pod explains the others that end in the same way', () => {
    const log = ['leader election lost'];
    const [one, other] = [
      loopOf({ exitCode: 1 }, { pod: pods[0], uid: 'a' }),
      loopOf({ exitCode: 1 }, { pod: pods[1], uid: 'b', log }),
    ];
    const { findings } = judge([one.container, other.container], {
      earlier: [...one.earlier, ...other.earlier],
    });
    expect(findings).toMatchObject([
      { reason: 'leader-lease-lost', targets: pods.map((pod) => `shop/${pod}`) },
    ]);
    expect(findings[0]?.evidence).toContainEqual({ kind: 'log', lines: log });
  });

  test('with several clusters, the target names the cluster', () => {
    const [one, other] = [
      loopOf({ exitCode: 1 }, { cluster: 'eu', uid: 'a' }),
      loopOf({ exitCode: 1 }, { cluster: 'us', uid: 'b' }),
    ];
    const { findings } = judge([one.container, other.container], {
      earlier: [...one.earlier, ...other.earlier],
    });
    expect(findings.map(({ target }) => target)).toEqual(['eu:shop/web (app)', 'us:shop/web (app)']);
  });

  test('the order of the facts changes nothing', () => {
    const all = ['a', 'b', 'c'].map((uid) => loopOf({ exitCode: 1 }, { pod: `web-5d8f7c9b4-${uid}`, uid }));
    const earlier = all.flatMap((one) => one.earlier);
    const containers = all.map(({ container }) => container);
    expect(judge(containers.toReversed(), { earlier })).toEqual(judge(containers, { earlier }));
  });
});

describe('the summary', () => {
  test.each([
    [139, /exit code 139 \(SIGSEGV\)/],
    [134, /exit code 134 \(SIGABRT\)/],
    [127, /exit code 127 \(command not found\)/],
    [126, /exit code 126 \(the command cannot be executed\)/],
    [1, /crashes with exit code 1 after 91 s/],
  ])('exit code %d has its meaning', (exitCode, expected) => {
    expect(judgeOne({ exitCode }).summary).toMatch(expected);
  });

  test('an OOM kill names the limit, and the lack of one', () => {
    const exit = { exitCode: 137, reason: 'OOMKilled' };
    expect(judgeOne(exit, { memoryLimit: '512Mi' }).summary).toMatch(
      /memory limit of 512Mi.*raise the limit/,
    );
    expect(judgeOne(exit).summary).toMatch(/no memory limit, so its node ran out/);
  });

  test('a container that cannot start shows the message of the runtime', () => {
    const container = restarted({
      status: backingOff({
        restarts: 12,
        last: {
          exitCode: 128,
          reason: 'StartError',
          message: 'exec: "/app": permission denied',
          ...ended({ seconds: 60 }, { seconds: 60 }, { exitCode: 128, reason: 'StartError' }),
        },
      }),
    });
    const { findings } = judge([container], { earlier: looping(container) });
    expect(findings).toMatchObject([{ reason: 'cannot-start' }]);
    expect(findings[0]?.summary).toContain('exec: "/app": permission denied');
  });

  test('a run that fits the window of a probe, without an event, is mentioned as another possibility', () => {
    const finding = judgeOne({ exitCode: 1 }, { liveness: probe() });
    expect(finding.reason).toBe('crash-loop');
    expect(textOf(finding)).toMatch(/how long it ran fits 85 to 95 s or 135 to 145 s\. No event shows that/);
    expect(textOf(judgeOne({ exitCode: 1 }))).not.toMatch(/probe/);
  });

  test('a startup probe that kills is not said to have worked', () => {
    const startup = probe({ initialDelaySeconds: 0, failureThreshold: 3, timeoutSeconds: 1 });
    const kills = { probe: 'startup', count: 24, lastAt: ago({ seconds: 20 }) } as const;
    const failed = judgeOne({ exitCode: 143 }, { startup, events: { ...NO_EVENTS, kills } });
    expect(failed.summary).toMatch(/startup probe kills app after 91 s: it fails at once or times out/);
  });

  test('a pod that loses its sandbox is not accused of anything else', () => {
    const sandboxChanges = { count: 24, firstAt: ago({ hours: 1 }), lastAt: ago({ seconds: 15 }) };
    const lost = judgeOne({ exitCode: 0 }, { liveness: probe(), events: { ...NO_EVENTS, sandboxChanges } });
    expect(lost).toMatchObject({ reason: 'stopped-from-outside', severity: 'critical' });
    expect(lost.summary).toMatch(/loses its sandbox.*cgroup driver/);
    expect(textOf(lost)).toMatch(/at least 24 times/);
    expect(textOf(lost)).not.toMatch(/probe|Job|memory/);
  });

  test('a process that was killed for memory is mentioned, however the container ended', () => {
    for (const exitCode of [0, 1])
      expect(textOf(judgeOne({ exitCode, reason: 'OOMKilled' }))).toMatch(
        /one of its processes was OOM-killed/,
      );
  });

  test('SIGKILL without a reason may be an OOM kill', () => {
    expect(textOf(judgeOne({ exitCode: 137 }))).toMatch(/Other cause.*the node ran out of memory/);
    expect(textOf(judgeOne({ exitCode: 137 }, { memoryLimit: '512Mi' }))).toMatch(
      /it exceeded its memory limit of 512Mi, or the node ran out of memory/,
    );
  });

  test('a container that worked for a while is not said to be in a window', () => {
    const events: ContainerEvents = {
      ...NO_EVENTS,
      kills: { probe: 'liveness', count: 6, lastAt: ago({ seconds: 20 }) },
      failures: [
        {
          probe: 'liveness',
          count: 20,
          message: 'HTTP probe failed with statuscode: 503',
          lastAt: ago({ seconds: 20 }),
        },
      ],
    };
    const liveness = probe({
      action: 'http',
      text: 'GET http://:80/',
      initialDelaySeconds: 0,
      failureThreshold: 2,
    });
    const finding = judgeOne({ exitCode: 143 }, { liveness, events });
    expect(finding.summary).toMatch(
      /kills app after 91 s: it worked for a while, then fails at once \(HTTP status 503\)/,
    );
  });

  test('long lines and many lines of a log are cut, the newest stay', () => {
    const log = Array.from({ length: 30 }, (_, index) => `${index} ${'x'.repeat(900)}`);
    const { evidence = [] } = judgeOne({ exitCode: 1 }, { log });
    const [shown] = evidence.flatMap((one) => (one.kind === 'log' ? [one.lines] : []));
    expect(shown).toHaveLength(10);
    expect(shown?.at(-1)).toMatch(/^29 x+…$/);
    expect(Math.max(...shown!.map((line) => line.length))).toBeLessThan(260);
  });

  test('why a limit cannot be raised here', () => {
    const events: ContainerEvents = {
      ...NO_EVENTS,
      kills: { probe: 'liveness', count: 20, lastAt: ago({ seconds: 20 }) },
      failures: [
        { probe: 'liveness', count: 90, message: 'command timed out', lastAt: ago({ seconds: 20 }) },
      ],
    };
    const adjust = {
      allowed: false,
      because: '`allow.adjust` is not configured for the source lab',
    } as const;
    const finding = judgeOne({ exitCode: 143 }, { liveness: probe(), events, adjust });
    expect(finding.offers).toBeUndefined();
    expect(finding.evidence).toContainEqual({ kind: 'field', label: 'Not offered', value: adjust.because });
  });
});

describe('a probe that never runs', () => {
  const errors = [
    {
      probe: 'liveness',
      count: 1_440,
      message: 'OCI runtime exec failed: exec: "invalid": executable file not found in $PATH: unknown',
      firstAt: ago({ hours: 4 }),
      lastAt: ago({ seconds: 9 }),
    },
  ] as const;
  const healthy = { liveness: probe(), status: runningFor({ hours: 4 }, { restarts: 0 }) };

  test('protects nothing, which is info', () => {
    const { verdict, findings } = judge([restarted({ ...healthy, events: { ...NO_EVENTS, errors } })]);
    expect(verdict).toBe("No restart loops in 40 containers; 1 probe can't run");
    expect(findings).toMatchObject([
      { reason: 'probe-never-runs', severity: 'info', target: 'shop/web (app)' },
    ]);
    expect(findings[0]?.summary).toMatch(/at least 1440 attempts ended in an error/);
  });

  test('is not one that fails sometimes, or whose errors were few or long ago', () => {
    const failures = [{ probe: 'liveness', count: 2, message: '', lastAt: ago({ minutes: 1 }) }] as const;
    for (const events of [
      { ...NO_EVENTS, errors, failures },
      { ...NO_EVENTS, errors: [{ ...errors[0], count: 3 }] },
      { ...NO_EVENTS, errors: [{ ...errors[0], lastAt: ago({ hours: 3 }) }] },
    ])
      expect(judge([restarted({ ...healthy, events })]).findings).toEqual([]);
  });
});

test('without a loop, the verdict says how many containers were checked', () => {
  expect(judge([])).toMatchObject({
    examined: 40,
    verdict: 'No restart loops in 40 containers',
    findings: [],
  });
});

test('containers that were not kept count in the verdict', () => {
  const { container, earlier } = loopOf({ exitCode: 1 });
  const { verdict } = judge([container], { earlier, containers: 150_000, unkept: 99_000 });
  expect(verdict).toMatch(/^99001 of 150000 containers restart in a loop: shop\/web \(app\) crashes/);
});

test('the number of loops proves a fix', () => {
  const { container, earlier } = loopOf({ exitCode: 1 });
  expect(judge([container], { earlier }).measures).toEqual([
    { label: 'lab', value: 1, unit: 'containers in a restart loop' },
  ]);
  expect(judge([]).measures).toEqual([{ label: 'lab', value: 0, unit: 'containers in a restart loop' }]);
});

describe('docker-1.13.1 on CentOS 7', () => {
  const node = { name: 'node-a', containerRuntime: 'docker://1.13.1', osImage: 'CentOS Linux 7 (Core)' };
  const failed = (message: string): ContainerEvents => ({
    ...NO_EVENTS,
    kills: { probe: 'liveness', count: 20, lastAt: ago({ seconds: 20 }) },
    failures: [{ probe: 'liveness', count: 90, message, lastAt: ago({ seconds: 20 }) }],
  });

  test('is suspected if a command fails without a text', () => {
    expect(textOf(judgeOne({ exitCode: 0 }, { node, liveness: probe() }))).toMatch(/docker-1\.13\.1-84/);
    expect(textOf(judgeOne({ exitCode: 0 }, { node, liveness: probe(), events: failed('') }))).toMatch(
      /docker-1\.13\.1-84/,
    );
  });

  test('is not suspected if the command ran, if the probe is no command, or on another system', () => {
    const ran = failed('Error: etcdserver: no leader');
    const http = probe({ action: 'http', text: 'GET http://:80/' });
    const debian = { ...node, osImage: 'Debian GNU/Linux 9 (stretch)' };
    for (const known of [
      { node, liveness: probe(), events: ran },
      { node, liveness: http },
      { node: debian, liveness: probe() },
    ])
      expect(textOf(judgeOne({ exitCode: 0 }, known))).not.toMatch(/docker-1\.13\.1-84/);
  });
});

test('a crash with the reason OOMKilled may be because of one of its processes', () => {
  const finding = judgeOne({ exitCode: 1, reason: 'OOMKilled' }, { memoryLimit: '1Gi' });
  expect(finding.reason).toBe('crash-loop');
  expect(finding.evidence).toContainEqual({
    kind: 'field',
    label: 'Other cause',
    value: 'it may exit because one of its processes was OOM-killed',
  });
});

test('a container that was never started has not restarted', () => {
  const container = restarted({
    podCreatedAt: ago({ minutes: 12 }),
    status: backingOff({
      restarts: 0,
      state: { kind: 'waiting', reason: 'CreateContainerConfigError', message: 'secret "db" not found' },
    }),
  });
  const { findings } = judge([container]);
  expect(findings).toMatchObject([{ reason: 'cannot-start', severity: 'warning' }]);
  expect(findings[0]?.summary).toMatch(
    /can't be started \(secret "db" not found\)\. No start in the last 12 minutes/,
  );
});

test('the most severe member of a group decides', () => {
  const owner = { kind: 'Job', name: 'import' };
  const of = (uid: string, restarts: number) =>
    loopOf(
      { exitCode: 1 },
      {
        uid,
        pod: `import-${uid}`,
        owner,
        restartPolicy: 'OnFailure',
        status: runningFor({ seconds: 18 }, { restarts, last: ended({ seconds: 110 }, { seconds: 19 }) }),
      },
    );
  const [few, many] = [of('a', 8), of('b', 300)];
  const { findings } = judge([few.container, many.container], { earlier: [...few.earlier, ...many.earlier] });
  expect(findings).toMatchObject([{ severity: 'warning', targets: ['shop/import-a', 'shop/import-b'] }]);
});

test('pods of one owner whose probes fail in different ways are told apart in the table', () => {
  const of = (uid: string, message: string) =>
    loopOf(
      { exitCode: 143 },
      {
        uid,
        pod: `web-${uid}`,
        liveness: probe(),
        events: {
          ...NO_EVENTS,
          kills: { probe: 'liveness', count: 20, lastAt: ago({ seconds: 20 }) },
          failures: [{ probe: 'liveness', count: 90, message, lastAt: ago({ seconds: 20 }) }],
        },
      },
    );
  const [fails, slow] = [of('a', 'no heartbeat'), of('b', 'command timed out')];
  const { findings } = judge([fails.container, slow.container], {
    earlier: [...fails.earlier, ...slow.earlier],
  });
  expect(JSON.stringify(findings[0]?.evidence)).toMatch(/liveness fails at once.*liveness times out/);
});

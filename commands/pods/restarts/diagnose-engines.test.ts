import { describe, expect, test } from 'vitest';
import { ago, backingOff, ended, factsOf, NOW, restarted } from './builders.ts';
import { diagnose as report } from './diagnose.ts';
import { diagnoseEngines } from './diagnose-engines.ts';
import type { EngineFacts, EngineInstances, Facts } from './facts.ts';

const UID = '9a8ab44e28b43ed1203b49f15201573e';

/** [restart, exit code or none while it runs, started seconds ago, ended seconds ago] */
type Instance = readonly [
  attempt: number,
  exitCode: number | undefined,
  startedAgo: number,
  endedAgo?: number,
];

function pod(
  container: string,
  instances: readonly Instance[],
  known: Partial<EngineInstances> = {},
): EngineInstances {
  return {
    namespace: 'kube-system',
    pod: `${container}-cp-1`,
    uid: UID,
    container,
    instances: instances.map(([attempt, exitCode, startedAgo, endedAgo]) => ({
      id: `${attempt}`.repeat(64).slice(0, 64),
      attempt,
      state: endedAgo === undefined ? 'running' : 'exited',
      ...(exitCode !== undefined && { exitCode }),
      startedAt: ago({ seconds: startedAgo }),
      ...(endedAgo !== undefined && { finishedAt: ago({ seconds: endedAgo }) }),
    })),
    ...known,
  };
}

function engine(containers: readonly EngineInstances[], known: Partial<EngineFacts> = {}): EngineFacts {
  return {
    target: 'control-plane:cp-1',
    source: 'control-plane',
    engine: 'cp-1',
    node: 'cp-1',
    clockBehindMs: 0,
    clusters: ['lab'],
    containers,
    ...known,
  };
}

const diagnose = (...containers: readonly EngineInstances[]) => diagnoseEngines([engine(containers)], NOW);
const faults = (...containers: readonly EngineInstances[]) =>
  diagnose(...containers).map(
    ({ finding: { severity, reason, target } }) => `${severity} ${reason} ${target}`,
  );

const HOUR = 3_600;
const DAY = 86_400;
/** As `docker ps -a` showed them: https://oswalt.dev/2018/12/december-4-nre-labs-outage-post-mortem/ */
const ETCD = pod('etcd', [
  [1, undefined, 51],
  [0, 0, 142.3, 51],
]);
const STABLE_SERVER = pod('kube-apiserver', [[0, undefined, 58 * DAY]]);

describe('a restarting etcd', () => {
  test('is what the kubelet does: it names the SIGTERM, and what is unknown without the API server', () => {
    const [problem, ...others] = diagnose(ETCD);
    expect(others).toEqual([]);
    expect(problem?.finding).toMatchObject({
      severity: 'critical',
      reason: 'stopped-from-outside',
      target: 'kube-system/etcd (etcd)',
      targets: ['kube-system/etcd-cp-1'],
      summary:
        "etcd on cp-1 was stopped after 91 s with exit code 0 and started again 51 s ago. Exit code 0 means that something sent it SIGTERM, as the kubelet does when a probe fails; the probe can't be read without the API server. Check `journalctl -u kubelet` on cp-1",
      next: [{ check: 'etcd/health', args: {} }],
    });
    expect(problem?.finding.evidence?.[0]).toEqual({
      kind: 'table',
      columns: ['Restart', 'State', 'Ran for'],
      rows: [
        ['1', 'running', '51 s'],
        ['0', 'exit code 0, 51 s ago', '91 s'],
      ],
    });
  });

  test("names the window of kubeadm's probe as a guess, and the manifest", () => {
    const text = JSON.stringify(diagnose(ETCD)[0]?.finding.evidence);
    expect(text).toContain('This is a guess: the manifest was not read');
    expect(text).toContain('fails at once');
    expect(text).toContain('85 to 95 s');
    expect(text).toContain('/etc/kubernetes/manifests/etcd.yaml on cp-1');
    expect(text).not.toMatch(/80 to 90|135|remove/);
  });

  test.each([
    ['times out', 140, '135 to 145 s'],
    ['fails at once', 88, '80 to 90 s or 85 to 95 s'],
    ['fails at once', 82, '80 to 90 s'],
  ])('that %s after %i s: %s', (how, life, windows) => {
    const text = JSON.stringify(
      diagnose(
        pod('etcd', [
          [1, undefined, 5],
          [0, 0, life + 5, 5],
        ]),
      )[0]?.finding.evidence,
    );
    expect(text).toContain(how);
    expect(text).toContain(windows);
  });

  test.each([
    ['a run that fits no window', 20, 0],
    ['a crash', 91, 2],
  ])('does not guess a probe after %s', (_, life, exitCode) => {
    const text = JSON.stringify(
      diagnose(
        pod('etcd', [
          [1, undefined, 5],
          [0, exitCode, life + 5, 5],
        ]),
      ),
    );
    expect(text).not.toContain('guess');
  });

  test('counts what the engine shows', () => {
    const [problem] = diagnose(
      pod('etcd', [
        [3, undefined, 40],
        [2, 0, 140, 45],
        [1, 0, 245, 150],
        [0, 0, 360, 260],
      ]),
    );
    expect(problem?.headline).toBe(
      'etcd on cp-1 was stopped after 95 s with exit code 0 and started again, 3 times in 6 minutes',
    );
  });

  test('explains the rest of the control plane on its node, which is no finding of its own', () => {
    const all = [
      ETCD,
      pod('kube-apiserver', [[4, 1, 60, 40]]),
      pod('kube-controller-manager', [
        [3, undefined, 20],
        [2, 1, 90, 30],
      ]),
      pod('kube-scheduler', [[0, undefined, 3 * DAY]]),
    ];
    expect(faults(...all)).toEqual(['critical stopped-from-outside kube-system/etcd (etcd)']);
    expect(diagnose(...all)[0]?.finding.evidence).toContainEqual({
      kind: 'table',
      columns: ['On the same node', 'State'],
      rows: [
        ['kube-apiserver', 'not running, exit code 1, 40 s ago'],
        ['kube-controller-manager', 'running for 20 s'],
        ['kube-scheduler', 'running'],
      ],
    });
  });

  test('is a warning after one short run while the API server of its node keeps running', () => {
    expect(faults(ETCD, STABLE_SERVER)).toEqual(['warning stopped-from-outside kube-system/etcd (etcd)']);
  });
});

describe('a control plane that is down', () => {
  test('a kube-apiserver that is not running', () => {
    const [problem] = diagnose(
      pod('kube-apiserver', [[7, 1, 60, 40]]),
      pod('etcd', [[0, undefined, 9 * DAY]]),
    );
    expect(problem?.finding).toMatchObject({
      severity: 'critical',
      reason: 'crash-loop',
      summary:
        'kube-apiserver is not running on cp-1: it exited after 20 s with exit code 1, 40 s ago. Check `docker logs --tail 50 777777777777` on cp-1',
    });
  });

  test('that the kubelet should have started long ago', () => {
    const [problem] = diagnose(pod('kube-apiserver', [[0, 0, 9 * DAY, 2 * HOUR]]));
    expect(problem?.finding.summary).toContain('within 5 minutes: check that the kubelet runs');
    expect(problem?.finding.severity).toBe('critical');
  });

  test('a container that was created and never started', () => {
    const created = pod('etcd', [], { instances: [{ id: 'a'.repeat(64), attempt: 0, state: 'created' }] });
    expect(faults(created)).toEqual(['critical cannot-start kube-system/etcd (etcd)']);
  });

  test('killed by SIGKILL: out of memory or too slow to stop, and it is unknown which', () => {
    const [problem] = diagnose(
      pod('kube-apiserver', [
        [1, undefined, 5],
        [0, 137, 100, 6],
      ]),
    );
    expect(problem?.finding.reason).toBe('restart-loop');
    expect(problem?.finding.summary).toContain('ran out of memory or did not stop in time');
  });

  test('a kube-scheduler that cannot reach the API server is a warning', () => {
    expect(faults(STABLE_SERVER, pod('kube-scheduler', [[9, 1, 30, 10]]))).toEqual([
      'warning crash-loop kube-system/kube-scheduler (kube-scheduler)',
    ]);
  });

  test('a slow loop is a warning: runs of more than ten minutes, many times', () => {
    const server = (attempt: number) =>
      pod('kube-apiserver', [
        [attempt, undefined, 3 * 60],
        [attempt - 1, 1, 80 * 60, 3 * 60],
      ]);
    expect(faults(server(248))).toEqual(['warning crash-loop kube-system/kube-apiserver (kube-apiserver)']);
    expect(faults(server(1))).toEqual([]);
  });

  test('an exit of which nothing could be read', () => {
    const unread = pod('etcd', [], { instances: [{ id: 'a'.repeat(64), attempt: 1, state: 'exited' }] });
    expect(faults(unread)).toEqual(['critical restart-loop kube-system/etcd (etcd)']);
  });
});

describe('what is healthy is no finding', () => {
  test.each<readonly [string, EngineInstances]>([
    ['runs since it was created', pod('etcd', [[0, undefined, 20]])],
    [
      'restarted with its machine',
      pod('etcd', [
        [1, undefined, 51],
        [0, 255, 58 * DAY, 90],
      ]),
    ],
    [
      'restarted often, and has been running for long since',
      pod('etcd', [
        [183, undefined, 2 * HOUR],
        [182, 0, 2 * HOUR + 91, 2 * HOUR],
      ]),
    ],
    [
      'restarted fast, and has been running for 20 minutes since',
      pod('etcd', [
        [5, undefined, 20 * 60],
        [1, 1, 50 * 60, 45 * 60],
      ]),
    ],
    ['is paused', pod('etcd', [], { instances: [{ id: 'a'.repeat(64), attempt: 0, state: 'paused' }] })],
  ])('a control plane that %s', (_, container) => {
    expect(faults(container)).toEqual([]);
  });

  test('the pod before a change of its manifest, which ended with it', () => {
    const before = pod('etcd', [[0, 0, 400, 60]], { uid: 'b'.repeat(32) });
    expect(faults(before, pod('etcd', [[0, undefined, 55]]))).toEqual([]);
    expect(faults(pod('etcd', [[0, undefined, 55]]), before)).toEqual([]);
  });

  const other = (instances: readonly Instance[]) =>
    pod('app', instances, {
      namespace: 'shop',
      pod: 'web-5d8f7c9b4-x2lzq',
      uid: '6f8d7a1e-0000-4000-8000-000000000000',
    });

  test.each<readonly [string, EngineInstances]>([
    ['that has finished', other([[0, 0, 500, 100]])],
    [
      'that has restarted once',
      other([
        [1, undefined, 20],
        [0, 1, 90, 30],
      ]),
    ],
  ])('another container %s', (_, container) => {
    expect(faults(container)).toEqual([]);
  });

  test('another container that restarts is at most a warning: its owner and probe are unknown', () => {
    expect(
      faults(
        other([
          [8, undefined, 20],
          [7, 1, 90, 30],
        ]),
      ),
    ).toEqual(['info crash-loop shop/web-5d8f7c9b4-x2lzq (app)']);
    expect(
      faults(
        other([
          [8, undefined, 20],
          [4, 0, 900, 850],
        ]),
      ),
    ).toEqual(['warning restart-loop shop/web-5d8f7c9b4-x2lzq (app)']);
  });

  test('a container that is called etcd in another namespace is not of the control plane', () => {
    expect(faults({ ...other([[0, 0, 500, 100]]), container: 'etcd' })).toEqual([]);
  });
});

describe('several engines', () => {
  const three = ['cp-1', 'cp-2', 'cp-3'].map((node) =>
    engine([{ ...ETCD, pod: `etcd-${node}` }], { target: `control-plane:${node}`, engine: node, node }),
  );

  test('the same container on several nodes is one finding', () => {
    const [problem, ...others] = diagnoseEngines(three, NOW);
    expect(others).toEqual([]);
    expect(problem?.headline).toBe('etcd keeps restarting on cp-1, cp-2 and cp-3');
    expect(problem?.finding.targets).toEqual(
      ['cp-1', 'cp-2', 'cp-3'].map((node) => `kube-system/etcd-${node}`),
    );
    expect(problem?.finding.evidence?.[0]).toMatchObject({
      columns: ['Node', 'Restart', 'State', 'Ran for'],
    });
  });

  test('the order of the responses does not matter', () => {
    expect(diagnoseEngines(three.toReversed(), NOW)).toEqual(diagnoseEngines(three, NOW));
  });

  test('the cluster is in front of a target if others were read, and it is known', () => {
    const targets = (known: Partial<EngineFacts>) =>
      diagnoseEngines([engine([ETCD], known)], NOW, { isOnlyCluster: false }).map(
        ({ finding }) => finding.target,
      );
    expect(targets({})).toEqual(['lab:kube-system/etcd (etcd)']);
    expect(targets({ clusters: ['east', 'west'] })).toEqual(['kube-system/etcd (etcd)']);
  });

  test('a static pod is named without its node, however the engine names that', () => {
    const names = (known: Partial<EngineFacts>, name: string) =>
      diagnoseEngines([engine([{ ...ETCD, pod: name }], known)], NOW).map(({ finding }) => finding.target);
    const expected = ['kube-system/etcd (etcd)'];
    expect(names({ node: 'cp-1.example.internal' }, 'etcd-cp-1')).toEqual(expected);
    expect(names({ node: '192.0.2.1', engine: 'first' }, 'etcd-cp-1')).toEqual(expected);
  });
});

test('a clock that is behind does not make an old start look new', () => {
  const container = pod('etcd', [
    [1, undefined, 2 * HOUR],
    [0, 0, 2 * HOUR + 91, 2 * HOUR],
  ]);
  expect(diagnoseEngines([engine([container], { clockBehindMs: 2 * HOUR * 1_000 })], NOW)).toHaveLength(1);
  expect(diagnoseEngines([engine([container])], NOW)).toEqual([]);
});

describe('in the report', () => {
  const web = restarted({ cluster: 'west' });
  const reportOn = (facts: Partial<Facts>) =>
    report({ clusters: [], earlier: [], engines: [], ...facts }, {}, NOW);

  test('engines without a fault are counted, and nothing is called healthy that was not read', () => {
    const { verdict, examined, findings } = reportOn({ engines: [engine([STABLE_SERVER])] });
    expect(verdict).toBe('No restart loops in 1 container on 1 container engine');
    expect({ examined, findings }).toEqual({ examined: 1, findings: [] });
  });

  test('a cluster without an API server comes before the others, and is named', () => {
    const { clusters } = factsOf([web]);
    const { verdict, examined, findings } = reportOn({ clusters, engines: [engine([ETCD])] });
    expect(verdict).toMatch(/^etcd on cp-1 was stopped .*; No restart loops in 40 containers$/i);
    expect(examined).toBe(41);
    expect(findings.map(({ target }) => target)).toEqual(['lab:kube-system/etcd (etcd)']);
  });

  test('a cluster that does not respond changes no target of the others', () => {
    const looping = restarted({
      cluster: 'west',
      status: backingOff({ last: ended({ seconds: 60 }, { seconds: 30 }), restarts: 900 }),
      podCreatedAt: ago({ hours: 5 }),
    });
    const { clusters } = factsOf([looping]);
    const { findings } = reportOn({ clusters, silent: ['lab'] });
    expect(findings.map(({ target }) => target)).toEqual(['west:shop/web (app)']);
  });

  test('no number is reported of a cluster that could not be read: 0 would prove a fix', () => {
    const unread = { name: 'lab', containers: 0, restarted: [], areEventsComplete: false };
    const { measures, verdict } = reportOn({ clusters: [unread], engines: [engine([STABLE_SERVER])] });
    expect(measures).toEqual([]);
    expect(verdict).toBe('No restart loops in 1 container on 1 container engine');
  });

  test('nothing was examined if neither was read', () => {
    expect(reportOn({}).examined).toBe(0);
  });
});

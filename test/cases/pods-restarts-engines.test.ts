import { describe, expect, test } from 'vitest';
import { containerObject, type ContainerFacts, type ServedContainer } from '../world/docker/objects.ts';
import { askCase, problems } from './ask-case.ts';
import type { CaseFile } from './case-file.ts';
import { makeEngineCase } from './make-engine-case.ts';

/** What `pods/restarts` reports while the API server refuses connections, from the container engines of the control plane. */

/** When the newer of the two containers in the report has run for 51 s. */
const NOW = '2018-12-04T22:49:37.000Z';
const UID = '9a8ab44e28b43ed1203b49f15201573e';
const NODE = 'antidote-controller-zk2x';
const ago = (seconds: number) => new Date(Date.parse(NOW) - seconds * 1_000).toISOString();

type Life = readonly [attempt: number, startedAgo: number, endedAgo?: number, exitCode?: number];

/** As dockershim creates it. */
function ofKubelet(
  container: string,
  [attempt, startedAgo, endedAgo, exitCode = 0]: Life,
  { uid = UID, ...known }: ContainerFacts & { readonly uid?: string } = {},
): ServedContainer {
  const pod = `${container}-${NODE}`;
  return containerObject(`k8s_${container}_${pod}_kube-system_${uid}_${attempt}`, {
    image: '3cab8e1b9802',
    createdAt: ago(startedAgo),
    startedAt: ago(startedAgo),
    labels: {
      'io.kubernetes.pod.name': pod,
      'io.kubernetes.pod.namespace': 'kube-system',
      'io.kubernetes.pod.uid': uid,
      'io.kubernetes.container.name': container,
      'io.kubernetes.docker.type': 'container',
      'annotation.io.kubernetes.container.restartCount': String(attempt),
    },
    ...(endedAgo === undefined ? { state: 'running' } : { finishedAt: ago(endedAgo), exitCode }),
    ...known,
  });
}

const pause = containerObject(`k8s_POD_etcd-${NODE}_kube-system_${UID}_0`, { state: 'running' });
const build = containerObject('elastic_morse', { finishedAt: ago(86_400) });
/** `Up 51 seconds`, and `Exited (0) 51 seconds ago`. */
const ETCD = [ofKubelet('etcd', [1, 51]), ofKubelet('etcd', [0, 142.3, 51])];

/** A cluster that is never asked, because it is down, and an engine. */
function caseOf(containers: readonly ServedContainer[], changes: Partial<CaseFile> = {}): CaseFile {
  const file = makeEngineCase({ engine: NODE, containers });
  const version = { from: 'cluster:lab', request: 'GET /version', status: 200, body: {} };
  return { ...file, check: 'pods/restarts', now: NOW, answers: [...file.answers, version], ...changes };
}

const ask = (containers: readonly ServedContainer[], changes?: Partial<CaseFile>) =>
  askCase(caseOf(containers, changes), { down: ['lab'] });

/** https://oswalt.dev/2018/12/december-4-nre-labs-outage-post-mortem/ */
describe('etcd is restarted by the kubelet, and the API server with it', () => {
  test('the containers of the engine show what the kubelet does, and that the API server is unread', async () => {
    const verdict = await ask([...ETCD, pause, build]);

    expect(verdict.status).toBe('found');
    expect(problems(verdict)).toEqual([`critical kube-system/etcd-${NODE}`]);
    expect(verdict.report.verdict).toContain(
      `etcd on ${NODE} was stopped after 91 s with exit code 0 and started again 51 s ago`,
    );
    expect(verdict.report.gaps).toEqual([expect.objectContaining({ what: 'lab', kind: 'unreachable' })]);
    expect(verdict.text).toContain('SIGTERM, as the kubelet does when a probe fails');
    expect(verdict.text).toContain('85 to 95 s');
    expect(verdict.text).toContain('This is a guess');
    expect(verdict.text).toContain(`/etc/kubernetes/manifests/etcd.yaml on ${NODE}`);
    expect(verdict.offers).toEqual([]);
  });

  test('a probe that times out, seen only by the names of the containers', async () => {
    const byName = { labels: {} };
    const verdict = await ask([ofKubelet('etcd', [4, 20], byName), ofKubelet('etcd', [3, 160, 20], byName)]);
    expect(problems(verdict)).toEqual([`critical kube-system/etcd-${NODE}`]);
    expect(verdict.text).toContain('135 to 145 s');
    expect(verdict.text).toContain('times out');
  });

  test('an etcd that crashes is no kill by a probe', async () => {
    const verdict = await ask([ofKubelet('etcd', [6, 20, 19, 2]), pause]);
    expect(problems(verdict)).toEqual([`critical kube-system/etcd-${NODE}`]);
    expect(verdict.report.findings[0]?.reason).toBe('crash-loop');
    expect(verdict.text).not.toMatch(/SIGTERM|guess/);
  });
});

describe('never clear while the API server does not respond', () => {
  test('a control plane that keeps running is not a loop: it cannot be reached from here', async () => {
    const verdict = await ask([
      ofKubelet('etcd', [0, 9 * 86_400]),
      ofKubelet('kube-apiserver', [3, 9 * 86_400]),
    ]);
    expect(verdict.status).toBe('unknown');
    expect(problems(verdict)).toEqual([]);
    expect(verdict.text).toContain(
      `kube-apiserver is running on ${NODE}, for 9 days, but can't be read from here`,
    );
  });

  test('after a reboot, everything has restarted once', async () => {
    const verdict = await ask([
      ofKubelet('etcd', [1, 51]),
      ofKubelet('etcd', [0, 58 * 86_400, 90, 255]),
      ofKubelet('kube-apiserver', [1, 49]),
      ofKubelet('kube-apiserver', [0, 58 * 86_400, 90, 255]),
    ]);
    expect(problems(verdict)).toEqual([]);
    expect(verdict.status).toBe('unknown');
  });

  test('an engine without containers of a kubelet says what to run instead', async () => {
    const verdict = await ask([build]);
    expect(verdict.status).toBe('unknown');
    expect(verdict.text).toContain('crictl ps -a');
  });

  test('without an engine, the report says what could be configured', async () => {
    const file = caseOf([]);
    const answers = file.answers.filter(({ from }) => from === 'cluster:lab');
    const verdict = await askCase({ ...file, answers }, { down: ['lab'] });
    expect(verdict.status).toBe('unknown');
    expect(verdict.text).toContain('Configure a `docker` source for its control-plane nodes');
  });

  test('an engine that fails is a gap too', async () => {
    const refused = { status: 500, body: { message: 'server misbehaving' } };
    const file = makeEngineCase({
      engine: NODE,
      containers: [],
      answers: { 'GET /containers/json?all=1': refused },
    });
    const verdict = await ask([], { answers: [...file.answers, caseOf([]).answers.at(-1)!] });
    expect(verdict.status).toBe('unknown');
    expect(verdict.report.gaps.map(({ what }) => what).toSorted()).toEqual([NODE, 'lab']);
  });
});

/** It is up, and its etcd is not. */
test('an API server that only returns errors is one that does not respond', async () => {
  const body = { kind: 'Status', status: 'Failure', message: 'etcdserver: request timed out', code: 500 };
  const errors = ['nodes', 'pods', 'events'].map((list) => ({
    from: 'cluster:lab',
    request: `GET /api/v1/${list}`,
    status: 500,
    body,
  }));
  const verdict = await askCase(caseOf(ETCD, { answers: [...caseOf(ETCD).answers, ...errors] }));
  expect(problems(verdict)).toEqual([`critical kube-system/etcd-${NODE}`]);
  expect(verdict.report.gaps.map(({ what }) => what)).toEqual(['lab']);
});

test('while the API server responds, engines are not asked', async () => {
  const verdict = await askCase(caseOf(ETCD));
  expect(problems(verdict)).toEqual([]);
  expect(verdict.text).not.toContain('etcd');
});

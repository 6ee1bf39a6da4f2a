import { expect, onTestFinished, test } from 'vitest';
import { startCluster, type TestCluster } from '../../../test/world/kubernetes/api-server.ts';
import { podObject } from '../../../test/world/kubernetes/objects.ts';
import { openLab } from '../../../test/world/kubernetes/open-source.ts';
import { failure } from '../../../test/world/kubernetes/status.ts';
import type { Cluster } from '../../ports/clusters.ts';

const { signal } = new AbortController();
const READER = 'system:serviceaccount:wrench:reader';
const LOGS = '/api/v1/namespaces/kube-system/pods/etcd-a/log';
const ETCD = { namespace: 'kube-system', pod: 'etcd-a', container: 'etcd' };

async function open(
  log?: string,
  resources: readonly string[] = ['pods/log'],
): Promise<{ readonly server: TestCluster; readonly cluster: Cluster }> {
  const containers = [{ name: 'etcd' }, { name: 'metrics' }];
  const server = await startCluster({
    pods: [podObject('etcd-a', { namespace: 'kube-system', containers })],
    users: [{ name: READER, rules: [{ apiGroups: [''], resources, verbs: ['get'] }] }],
  });
  onTestFinished(server.close);
  if (log !== undefined) server.setPreviousLog(ETCD, log);
  return { server, cluster: (await openLab(server.kubeconfig())).cluster };
}

const numbered = (count: number, width: number) =>
  Array.from({ length: count }, (_, index) => `${index} `.padEnd(width, 'x')).join('\n');

test('reads the last lines that the previous instance wrote, with one request', async () => {
  const { server, cluster } = await open('one\n  two\n\nleaderelection lost\n');

  expect(await cluster.previousLog(ETCD, { signal, lines: 3 })).toEqual(['  two', '', 'leaderelection lost']);
  expect(await cluster.previousLog({ ...ETCD }, { signal, lines: 50 })).toHaveLength(4);
  expect(server.asked.map(({ method, path }) => `${method} ${path}`)).toEqual(
    [3, 50].map(
      (lines) =>
        `GET /api/v1/namespaces/kube-system/pods/etcd-a/log?container=etcd&limitBytes=65536&previous=true&tailLines=${lines}`,
    ),
  );
});

test('a container that wrote nothing has an empty log', async () => {
  const { cluster } = await open('');

  expect(await cluster.previousLog(ETCD, { signal, lines: 5 })).toEqual([]);
});

test('terminal sequences and invisible characters are removed, and long lines are cut', async () => {
  const { cluster } = await open(
    `\u001B[31mfatal\u001B[0m: \u202Edown\u0000\r\n${'y'.repeat(5_000)}\n\u{1F600}`,
  );

  const [first, second, third] = await cluster.previousLog(ETCD, { signal, lines: 10 });

  expect(first).toBe('fatal: down');
  expect(second).toBe(`${'y'.repeat(999)}…`);
  expect(third).toBe('\u{1F600}');
});

test('recognized secrets are replaced', async () => {
  const key = `-----BEGIN RSA PRIVATE KEY-----\n${'CANARY'.repeat(10)}\n-----END RSA PRIVATE KEY-----`;
  const { cluster } = await open(
    [
      'connecting to postgres://app:CANARY@db:5432/shop',
      `loaded ${key}`,
      'password=CANARY, retrying',
      '{"level":"fatal","token":"CANARY","msg":"leaderelection lost"}',
      'Authorization: Bearer CANARY',
      'panic: nil pointer',
    ].join('\n'),
  );

  const lines = await cluster.previousLog(ETCD, { signal, lines: 50 });

  expect(lines.join('\n')).not.toContain('CANARY');
  expect(lines.join('\n')).toContain('leaderelection lost');
  expect(lines.at(-1)).toBe('panic: nil pointer');
});

test('the last line is read even if the lines are longer than the limit of a response', async () => {
  const { server, cluster } = await open(`${numbered(200, 3_000)}\nthe last line`);

  const lines = await cluster.previousLog(ETCD, { signal, lines: 100 });

  expect(lines.at(-1)).toBe('the last line');
  expect(server.asked.length).toBeLessThan(4);
});

test('a single line that is longer than the limit is cut', async () => {
  const { cluster } = await open('z'.repeat(200_000));

  expect(await cluster.previousLog(ETCD, { signal, lines: 50 })).toEqual([`${'z'.repeat(999)}…`]);
});

test('a log that is not UTF-8 is read', async () => {
  const { server, cluster } = await open('');
  const bytes = Buffer.from([0x6f, 0x6b, 0xff, 0xfe, 0x0a, 0x65, 0x6e, 0x64]);
  server.fail({ path: LOGS, status: 200, body: bytes });

  expect((await cluster.previousLog(ETCD, { signal, lines: 5 })).at(-1)).toBe('end');
});

test.each([
  ['the container was never restarted', ETCD],
  ['the pod is gone', { ...ETCD, pod: 'etcd-b' }],
])('it is missing if %s', async (_, container) => {
  const { cluster } = await open();

  await expect(cluster.previousLog(container, { signal, lines: 5 })).rejects.toMatchObject({
    kind: 'missing',
    message: `there is no log of a previous instance of etcd in kube-system/${container.pod}`,
  });
});

test.each([
  'unable to retrieve container logs for containerd://4b6f',
  'failed to try resolving symlinks in path "/var/log/pods/x/etcd/1.log": lstat /var/log/pods/x: no such file or directory\n',
  'failed to open log file "/var/log/pods/x/etcd/1.log": open /var/log/pods/x: no such file or directory',
])('it is missing if the runtime has deleted it: %s', async (text) => {
  const { cluster } = await open(text);

  await expect(cluster.previousLog(ETCD, { signal, lines: 5 })).rejects.toMatchObject({ kind: 'missing' });
});

test('a log that quotes such an error is a log', async () => {
  const { cluster } = await open('start\nunable to retrieve container logs for docker://1\n');

  expect(await cluster.previousLog(ETCD, { signal, lines: 5 })).toHaveLength(2);
});

test('other errors name their cause', async () => {
  const { server, cluster } = await open('a log', []);
  const read = (container = ETCD) => cluster.previousLog(container, { signal, lines: 5 });

  await expect(read()).rejects.toMatchObject({
    kind: 'refused',
    message: 'permission denied (403): needs `get pods/log`',
  });
  server.allow(READER, [{ apiGroups: [''], resources: ['pods/log'], verbs: ['get'] }]);
  await expect(read({ ...ETCD, container: 'other' })).rejects.toMatchObject({
    kind: 'refused',
    message: expect.stringContaining('container other is not valid for pod etcd-a') as string,
  });
  await expect(read({ ...ETCD, pod: '..' })).rejects.toMatchObject({ kind: 'malformed' });
  const unreachable = 'Get "https://10.0.0.1:10250/containerLogs/x": dial tcp 10.0.0.1:10250: i/o timeout';
  server.fail({ path: LOGS, ...failure(500, 'InternalError', unreachable) });
  await expect(read()).rejects.toMatchObject({ kind: 'unreachable' });
  server.heal();
  server.fail({ path: LOGS, status: 404, body: '<html>' });
  await expect(read()).rejects.toMatchObject({ kind: 'malformed' });
});

test.each([
  [401, 'the server has asked for the client to provide credentials ( pods/log etcd-a)'],
  [
    403,
    'Forbidden (user=kube-apiserver-kubelet-client, verb=get, resource=nodes, subresource=proxy) ( pods/log etcd-a)',
  ],
])(
  'a kubelet that rejects the API server (%i) is not a problem of this credential',
  async (status, message) => {
    const { server, cluster } = await open('a log');
    server.fail({ path: LOGS, ...failure(status, 'Unauthorized', message) });

    await expect(cluster.previousLog(ETCD, { signal, lines: 5 })).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringContaining("kubelets do not accept the API server's own credential") as string,
    });
    expect(server.asked).toHaveLength(1);
  },
);

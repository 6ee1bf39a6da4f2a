import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { expect, onTestFinished, test } from 'vitest';
import { startCluster } from '../../../test/world/kubernetes/api-server.ts';
import { kubeconfigText } from '../../../test/world/kubernetes/kubeconfig.ts';
import { nodeObject } from '../../../test/world/kubernetes/objects.ts';
import { openLab, readAll, saveFile } from '../../../test/world/kubernetes/open-source.ts';
import type { SourceRecorder } from '../../ports/recorder.ts';
import { kubernetesConfig } from './config.ts';
import { openKubernetes } from './open.ts';

const { signal } = new AbortController();
const TOKEN = 'CANARY-token-0123456789';

interface RawServer {
  readonly url: string;
  /** The bytes received, one text per connection. */
  readonly received: readonly string[];
  readonly openSockets: () => number;
}

/** A TCP server that responds to each request with these bytes, or passes its socket to a function. */
async function startRaw(answer: string | ((socket: Socket) => void)): Promise<RawServer> {
  const received: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    const at = received.push('') - 1;
    socket.on('data', (chunk) => {
      received[at] += chunk.toString();
      if (!received[at]!.endsWith('\r\n\r\n')) return;
      if (typeof answer === 'string') socket.end(answer);
      else answer(socket);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    openSockets: () => sockets.size,
  };
}

const openAt = (server: string, options: object = {}) =>
  openLab(kubeconfigText([{ name: 'lab', server, user: { token: TOKEN } }]), options);

const LIST = JSON.stringify({ kind: 'NodeList', metadata: {}, items: [nodeObject('node-a')] });
const headers = (...lines: readonly string[]) =>
  ['HTTP/1.1 200 OK', 'content-type: application/json', 'connection: close', ...lines, '', ''].join('\r\n');

test.each([
  [
    'closes the connection in mid-response',
    headers(`content-length: ${LIST.length}`) + LIST.slice(0, 100),
    'unreachable',
  ],
  ['closes early without a content-length', headers() + LIST.slice(0, -1), 'malformed'],
  ['sends invalid chunks', `${headers('transfer-encoding: chunked')}5\r\n{"kin\r\nzz\r\nd"`, 'malformed'],
  ['sends a truncated HTTP/1.0 response', `HTTP/1.0 200 OK\r\n\r\n${LIST.slice(0, 50)}`, 'malformed'],
  ['does not speak HTTP', 'SSH-2.0-OpenSSH_9.6\r\n', 'malformed'],
  [
    'sends compressed data that was not requested',
    Buffer.concat([
      Buffer.from(headers('content-encoding: gzip')),
      gzipSync('0'.repeat(50_000_000)),
    ]).toString('latin1'),
    'malformed',
  ],
  ['sends only 100 Continue', 'HTTP/1.1 100 Continue\r\n\r\n', 'unreachable'],
  ['returns 204', 'HTTP/1.1 204 No Content\r\n\r\n', 'refused'],
  ['returns 304', 'HTTP/1.1 304 Not Modified\r\n\r\n', 'refused'],
])('an API server that %s', async (_, answer, kind) => {
  const { url } = await startRaw(answer);
  const { cluster } = await openAt(url);

  const { items, error } = await readAll(cluster.nodes({ signal }));

  expect(items).toEqual([]);
  expect(error).toMatchObject({ name: 'SourceError', kind });
  expect(String(error)).not.toContain('CANARY');
});

test('a complete HTTP/1.0 response is read', async () => {
  const { url } = await startRaw(`HTTP/1.0 200 OK\r\n\r\n${LIST}`);
  const { cluster } = await openAt(url);

  expect((await readAll(cluster.nodes({ signal }))).items).toHaveLength(1);
});

test.each(['http://127.0.0.2:1/api/v1/nodes', '//localhost:1/', 'https://127.0.0.1:1/', '/api/v1/nodes'])(
  'a redirect to %s is not followed',
  async (location) => {
    const { url, received } = await startRaw(
      `HTTP/1.1 307 Temporary Redirect\r\nlocation: ${location}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`,
    );
    const { cluster } = await openAt(url);

    expect((await readAll(cluster.nodes({ signal }))).error).toMatchObject({
      kind: 'unreachable',
      message: expect.stringContaining('which was not followed') as string,
    });
    expect(received.length).toBeLessThan(5);
  },
);

test.each([
  ['keeps sending a few bytes', (socket: Socket) => drip(socket)],
  ['sends only headers', (socket: Socket) => void socket.write(headers('content-length: 10'))],
  ['never responds', () => {}],
])('a request to an API server that %s times out and closes its connection', async (_, answer) => {
  const { url, openSockets } = await startRaw(answer);
  const { cluster } = await openAt(url, { timeoutMs: 500 });

  expect((await readAll(cluster.nodes({ signal }))).error).toMatchObject({
    kind: 'unreachable',
    code: 'TIMEOUT',
  });
  await expect.poll(openSockets, { timeout: 10_000 }).toBe(0);
});

function drip(socket: Socket): void {
  socket.write(headers('content-length: 1000000'));
  const timer = setInterval(() => socket.write(' '), 20);
  socket.on('close', () => clearInterval(timer));
}

test('an endless response is aborted', async () => {
  const chunk = Buffer.alloc(1_000_000, ' ');
  const { url, openSockets } = await startRaw((socket) => {
    socket.write(headers());
    const pump = (error?: Error | null): void => {
      if (!error && !socket.destroyed) socket.write(chunk, pump);
    };
    pump();
  });
  const { cluster } = await openAt(url, { timeoutMs: 60_000 });

  expect((await readAll(cluster.nodes({ signal }))).error).toMatchObject({
    kind: 'malformed',
    message: expect.stringContaining('responded with more than 64 MB') as string,
  });
  await expect.poll(openSockets, { timeout: 10_000 }).toBe(0);
});

test.each([429, 503])('a %i that asks to wait an hour ends at the timeout', async (status) => {
  const { url } = await startRaw(
    `HTTP/1.1 ${status} X\r\nretry-after: 3600\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`,
  );
  const { cluster } = await openAt(url, { timeoutMs: 1_000 });

  expect((await readAll(cluster.nodes({ signal }))).error).toMatchObject({ kind: 'unreachable' });
});

test('closing aborts running requests and prevents new ones; closing twice is safe', async () => {
  let waiting = (): void => {};
  const isAsked = new Promise<void>((resolve) => (waiting = resolve));
  const { url, openSockets, received } = await startRaw(() => waiting());
  const { source, cluster } = await openAt(url, { timeoutMs: 60_000 });
  const asking = readAll(cluster.nodes({ signal }));
  await isAsked;

  await Promise.all([source.close(), source.close()]);
  await source.close();

  expect((await asking).error).toMatchObject({ name: 'SourceError', kind: 'unreachable' });
  expect((await readAll(cluster.nodes({ signal }))).error).toMatchObject({
    kind: 'unreachable',
    message: 'no request was sent: the source is closed',
  });
  await expect.poll(openSockets, { timeout: 10_000 }).toBe(0);
  expect(received).toHaveLength(1);
});

test('closing kills a running plugin, and no connection is opened afterwards', async () => {
  const started = await saveFile('started', '');
  const command = await saveFile('plugin.sh', `#!/bin/sh\necho $$ > ${started}.pid\nsleep 600\n`, 0o700);
  const { url, received } = await startRaw(() => {});
  const user = { exec: { apiVersion: 'client.authentication.k8s.io/v1', command, interactiveMode: 'Never' } };
  const { source, cluster } = await openLab(kubeconfigText([{ name: 'lab', server: url, user }]), {
    timeoutMs: 60_000,
  });
  const asking = readAll(cluster.nodes({ signal }));

  await source.close();

  expect((await asking).error).toMatchObject({ name: 'SourceError', kind: 'unreachable' });
  expect(received).toEqual([]);
});

test('a request that gets 401 while the source closes is not retried', async () => {
  let close = (): Promise<void> => Promise.resolve();
  let closed = Promise.resolve();
  const server = createHttpServer((_, response) => {
    closed = close();
    response.writeHead(401, { 'content-type': 'application/json' }).end('{"kind":"Status"}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  let requests = 0;
  server.on('request', () => requests++);
  const { source, cluster } = await openAt(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  close = source.close;

  expect((await readAll(cluster.nodes({ signal }))).error).toMatchObject({ name: 'SourceError' });
  await closed;
  expect(requests).toBe(1);
});

const recordings = (): { readonly recorder: SourceRecorder; readonly recorded: () => string } => {
  const notes: unknown[] = [];
  return {
    recorded: () => JSON.stringify(notes),
    recorder: {
      http: async (question, send, recordable = (body) => body) => {
        const answer = await send(question);
        const body = answer.text.startsWith('{') ? recordable(JSON.parse(answer.text)) : answer.text;
        notes.push({ url: question.url, body });
        return answer;
      },
      certificate: (_, read) => read(),
      observe: (_, observe) => observe(),
    },
  };
};

test.each([
  ['unchanged', (token: string) => token],
  ['in base64', (token: string) => Buffer.from(`Bearer ${token}!`).toString('base64')],
  ['in base64url', (token: string) => Buffer.from(`?>${token}`).toString('base64url')],
])('a credential that a server quotes %s is redacted from errors and recordings', async (_, write) => {
  const server = await startCluster({ nodes: [nodeObject('node-a')] });
  onTestFinished(server.close);
  const token = server.tokenOf();
  const quoted = write(token);
  server.fail({ path: '/api/v1/nodes', status: 500, body: { kind: 'Status', message: `bad ${quoted}` } });
  const url = new URL(server.url);
  [url.username, url.password] = ['user', 'CANARY-in-the-url'];
  const kubeconfig = await saveFile(
    'kubeconfig',
    kubeconfigText([{ name: 'lab', server: url.href, ca: server.ca, user: { token } }]),
  );
  const { recorder, recorded } = recordings();
  const source = openKubernetes(kubernetesConfig.parse({ kind: 'kubernetes', kubeconfig }), recorder);
  onTestFinished(source.close);

  const { error } = await readAll(source.reads.clusters!.nodes({ signal }));

  expect(error).toMatchObject({ kind: 'unreachable' });
  expect(`${String(error)} ${recorded()}`).not.toContain(quoted);
  expect(`${String(error)} ${recorded()}`).not.toContain('CANARY');
  expect(recorded()).toContain('/api/v1/nodes');
});

test('fields of a pod that may contain a password are not recorded', async () => {
  const secret = 'CANARY-password';
  const pod = {
    metadata: {
      name: 'pod-a',
      namespace: 'shop',
      uid: 'uid-a',
      labels: { env: 'prod', lifecycle: 'spot' },
      annotations: { 'kubectl.kubernetes.io/last-applied-configuration': secret },
    },
    spec: {
      containers: [
        {
          name: 'app',
          image: 'app',
          env: [{ name: 'X', value: secret }],
          lifecycle: { postStart: { exec: { command: ['sh', '-c', secret] } } },
          livenessProbe: { httpGet: { httpHeaders: [{ name: 'X-Key', value: secret }] } },
          readinessProbe: { exec: { command: [secret] } },
          startupProbe: { exec: { command: ['check', secret] } },
        },
      ],
      volumes: [
        { name: 'a', csi: { driver: 'x', volumeAttributes: { key: secret } } },
        { name: 'b', flexVolume: { driver: 'x', options: { key: secret } } },
        { name: 'c', hostPath: { path: '/var/run/docker.sock' } },
      ],
    },
    status: {
      phase: 'Running',
      containerStatuses: [{ name: 'app', lastState: { terminated: { message: secret } } }],
    },
  };
  const server = await startCluster({ pods: [pod] });
  onTestFinished(server.close);
  const kubeconfig = await saveFile('kubeconfig', server.kubeconfig());
  const { recorder, recorded } = recordings();
  const source = openKubernetes(kubernetesConfig.parse({ kind: 'kubernetes', kubeconfig }), recorder);
  onTestFinished(source.close);

  expect((await readAll(source.reads.clusters!.pods({ signal }))).items).toHaveLength(1);

  expect(recorded()).not.toContain('CANARY');
  expect(recorded()).toContain('/var/run/docker.sock');
  expect(recorded()).toContain('"labels":{"env":"prod","lifecycle":"spot"}');
});

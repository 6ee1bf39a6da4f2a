import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { startEngine, type TestEngine } from '../../../test/world/docker/engine.ts';
import { type OpenedEngines, openEngines } from '../../../test/world/docker/open-engines.ts';
import { type ServerChannel, serveSsh } from '../../../test/world/ssh-server.ts';
import { type Sshd, startSshd } from '../../../test/world/sshd.ts';

const { signal } = new AbortController();
const query = { engine: '127.0.0.1', signal };
let engine: TestEngine;
let sshd: Sshd;
beforeAll(async () => {
  engine = await startEngine();
  sshd = await startSshd({ environment: { DOCKER_HOST: engine.url } });
});
afterAll(async () => {
  await sshd?.close();
  await engine?.close();
});

async function save(content: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'wrench-docker-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, 'file'), content);
  return join(folder, 'file');
}

const known = (server: Sshd, hostKey = server.hostKey): string => `[127.0.0.1]:${server.port} ${hostKey}\n`;

async function open({
  knownHosts = known(sshd),
  server = sshd,
  key = server.keyPath,
}: { readonly knownHosts?: string; readonly server?: Sshd; readonly key?: string } = {}): Promise<
  OpenedEngines & { readonly knownHostsPath: string }
> {
  const knownHostsPath = await save(knownHosts);
  const opened = openEngines({
    url: `ssh://${server.user}@{host}:${server.port}`,
    hosts: ['127.0.0.1'],
    ssh: { key, knownHosts: knownHostsPath },
    allow: { remove: {} },
  });
  return { ...opened, knownHostsPath };
}

const failureOf = ({ engines }: OpenedEngines): Promise<unknown> =>
  engines.info(query).then(
    () => expect.fail('it succeeded'),
    (error: unknown) => error,
  );

test('reads and removes over one ssh connection, with fewer sessions than sshd allows', async () => {
  const ids = await Promise.all(Array.from({ length: 30 }, () => engine.run({ state: 'created' })));
  const removed = await engine.run({ name: 'leftover', writes: 4_321 });
  const { engines, containers, writer, source } = await open();
  const [logins, commands] = [sshd.logins(), sshd.commands()];

  expect(engines.engines).toEqual([
    { name: '127.0.0.1', address: `ssh://127.0.0.1:${sshd.port}`, node: '127.0.0.1', host: '127.0.0.1' },
  ]);
  const found = await containers('127.0.0.1');
  expect(found.size).toBe(31);
  expect(await engines.containerSizes({ ...query, ids: [removed, ...ids] })).toEqual(
    new Map([[removed, 4_321], ...ids.map((id) => [id, 0] as const)]),
  );
  const { id, state, details } = found.get('leftover')!;
  await writer!.removeContainer(
    { engine: '127.0.0.1', id, state, finishedAtText: details!.finishedAtText },
    { idempotencyKey: 'm0123456789abcdef', signal },
  );
  expect(await engine.inspect(id)).toBeUndefined();
  expect(await source.healthCheck(signal)).toMatchObject({ ok: true });
  expect(sshd.logins() - logins).toBe(1);
  expect(sshd.commands() - commands).toBeLessThanOrEqual(6);
});

test('works with a key that sshd restricts to the engine', async () => {
  const restricted = await startSshd({
    environment: { DOCKER_HOST: engine.url },
    keyOptions: 'restrict,command="docker system dial-stdio"',
  });
  onTestFinished(restricted.close);
  const { engines, source } = await open({ server: restricted, knownHosts: known(restricted) });

  expect((await engines.info(query)).product).toBe('docker');
  expect(await source.healthCheck(signal)).toMatchObject({ ok: true });
  const shell = await execa(
    'ssh',
    [
      '-Fnone',
      `-i${restricted.keyPath}`,
      `-p${restricted.port}`,
      '-oStrictHostKeyChecking=no',
      '-oUserKnownHostsFile=/dev/null',
      '-oBatchMode=yes',
      `${restricted.user}@127.0.0.1`,
      'echo a shell',
    ],
    { input: 'GET /_ping HTTP/1.0\r\n\r\n' },
  );
  expect(shell.stdout).toMatch(/^HTTP\/1\.\d 200 OK/);
  expect(shell.stdout).not.toContain('a shell');
});

test('connects again after the ssh connection was lost', async () => {
  const { engines } = await open();
  await engines.info(query);
  const logins = sshd.logins();

  await sshd.endConnections();

  expect((await engines.info(query)).product).toBe('docker');
  expect(sshd.logins()).toBe(logins + 1);
});

test('refuses a host key that changed, and says what to do', async () => {
  const server = await startSshd();
  onTestFinished(server.close);
  const before = server.hostKey;
  await server.replaceHostKey();
  const opened = await open({ server, knownHosts: known(server, before) });

  const error = await failureOf(opened);

  expect(error).toMatchObject({ kind: 'refused', source: 'lab', code: 'SSH_HOST_KEY' });
  expect((error as Error).message).toMatch(
    /^the host key of 127\.0\.0\.1 has changed: it is now SHA256:\S+ \(ssh-ed25519\), and \S+ has a different one \(line 1\)/,
  );
  expect((error as Error).message).toContain(
    `ssh-keygen -f ${opened.knownHostsPath} -R '[127.0.0.1]:${server.port}'`,
  );
  expect(server.logins()).toBe(0);
  expect(await opened.source.healthCheck(signal)).toMatchObject({
    ok: false,
    hint: expect.stringContaining('fingerprint') as string,
  });
});

test('refuses a host that is not known, and a key that is revoked', async () => {
  const logins = sshd.logins();
  const unknown = await open({ knownHosts: '' });

  expect(await failureOf(unknown)).toMatchObject({
    kind: 'refused',
    message: expect.stringContaining(
      `\`ssh-keyscan -p ${sshd.port} 127.0.0.1 >> ${unknown.knownHostsPath}\``,
    ) as string,
  });
  expect(
    await failureOf(await open({ knownHosts: `${known(sshd)}@revoked * ${sshd.hostKey}\n` })),
  ).toMatchObject({
    kind: 'refused',
    message: expect.stringContaining('revoked') as string,
  });
  expect(sshd.logins()).toBe(logins);
  await writeFile(unknown.knownHostsPath, known(sshd));
  expect((await unknown.engines.info(query)).product).toBe('docker');
});

test('requests a host key of a known type', async () => {
  const server = await startSshd({ hostKeyType: 'rsa', environment: { DOCKER_HOST: engine.url } });
  onTestFinished(server.close);

  expect((await (await open({ server, knownHosts: known(server) })).engines.info(query)).product).toBe(
    'docker',
  );
  expect(await failureOf(await open({ server, knownHosts: known(server, sshd.hostKey) }))).toMatchObject({
    kind: 'refused',
    message: expect.stringContaining('only keys of other types for it (ssh-ed25519)') as string,
  });
});

test('explains a key that is not accepted, not readable, or not a key', async () => {
  const other = await startSshd();
  onTestFinished(other.close);

  expect(await failureOf(await open({ key: other.keyPath }))).toMatchObject({
    kind: 'refused',
    message: expect.stringContaining(`doesn't accept the ssh key of ${sshd.user}`) as string,
  });
  expect(await failureOf(await open({ key: '/nonexistent/key' }))).toMatchObject({ kind: 'missing' });
  const notKey = await failureOf(await open({ key: await save('canary-content') }));
  expect(notKey).toMatchObject({
    kind: 'malformed',
    message: expect.stringContaining("isn't a private key in PEM or OpenSSH format") as string,
  });
  expect((notKey as Error).message).not.toContain('canary');
});

test('explains that Docker is not running, and that a host has no Docker CLI', async () => {
  const stopped = await startSshd({ environment: { DOCKER_HOST: 'unix:///nonexistent/docker.sock' } });
  onTestFinished(stopped.close);
  const without = await startSshd({
    settings: ['ForceCommand echo "docker: command not found" >&2; exit 127'],
  });
  onTestFinished(without.close);

  expect(await failureOf(await open({ server: stopped }))).toMatchObject({
    message: expect.stringMatching(/is not in/) as string,
  });
  expect(await failureOf(await open({ server: stopped, knownHosts: known(stopped) }))).toMatchObject({
    kind: 'unreachable',
    message: 'Docker is not running on 127.0.0.1',
  });
  expect(await failureOf(await open({ server: without, knownHosts: known(without) }))).toMatchObject({
    kind: 'unreachable',
    message: expect.stringContaining('has no `docker` command') as string,
  });
});

const openAt = async (
  { port, knownHosts }: Awaited<ReturnType<typeof serveSsh>>,
  timeoutMs = 60_000,
): Promise<OpenedEngines> =>
  openEngines({
    url: `ssh://somebody@{host}:${port}`,
    hosts: ['127.0.0.1'],
    ssh: { key: sshd.keyPath, knownHosts: await save(knownHosts) },
    timeoutMs,
  });

function toEngine(accept: () => ServerChannel): void {
  const channel = accept();
  const upstream = connect(engine.url.slice('unix://'.length));
  upstream.on('error', () => channel.close());
  channel.on('error', () => upstream.destroy());
  channel.pipe(upstream).pipe(channel);
}

test('connects again after a server that started no command', async () => {
  let hangs = true;
  const server = await serveSsh((accept) => {
    if (!hangs) toEngine(accept);
  });
  const opened = await openAt(server, 4_000);

  expect(await failureOf(opened)).toMatchObject({ kind: 'unreachable', code: 'TIMEOUT' });
  hangs = false;

  await vi.waitFor(async () => expect((await opened.engines.info(query)).product).toBe('docker'), {
    timeout: 60_000,
  });
});

test.each<readonly [string, (channel: ServerChannel) => void, object]>([
  [
    'that prints text before the response',
    (channel) => void channel.write('Welcome to build-1!\n'),
    { kind: 'malformed', message: expect.stringContaining('.bashrc') as string },
  ],
  [
    'that prints without end',
    (channel) => {
      const write = (): void => {
        while (channel.write('x'.repeat(65_536)));
        channel.once('drain', write);
      };
      channel.on('error', () => undefined);
      write();
    },
    { kind: 'malformed', message: expect.stringContaining('.bashrc') as string },
  ],
  [
    'that ends immediately',
    (channel) => {
      channel.exit(0);
      channel.end();
    },
    { kind: 'unreachable', message: expect.stringContaining('closed the connection') as string },
  ],
])('explains a command %s', async (_, answer, failure) => {
  const server = await serveSsh((accept) => answer(accept()));

  expect(await failureOf(await openAt(server))).toMatchObject(failure);
});

test('closes immediately while a server does not respond to the login', async () => {
  const login = Promise.withResolvers<void>();
  const server = await serveSsh(() => undefined, login.resolve);
  const opened = await openAt(server);
  const failure = failureOf(opened);
  await login.promise;
  const since = performance.now();

  await opened.source.close();

  // The handshake may take 10 s.
  expect(performance.now() - since).toBeLessThan(5_000);
  expect(await failure).toMatchObject({ message: '127.0.0.1 was not queried: the source is closed' });
});

test('reports a host where no ssh server listens', async () => {
  const server = await startSshd();
  await server.close();

  const opened = openEngines({
    url: `ssh://${server.user}@{host}:${server.port}`,
    hosts: ['127.0.0.1'],
    ssh: { key: sshd.keyPath, knownHosts: await save('') },
  });

  expect(await failureOf(opened)).toMatchObject({
    kind: 'unreachable',
    message: expect.stringContaining('no ssh server listens there') as string,
  });
});

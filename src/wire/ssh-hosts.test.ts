import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect as connectSocket, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { type Sshd, startSshd } from '../../test/world/sshd.ts';
import { serveSsh } from '../../test/world/ssh-server.ts';
import { SourceError } from '../ports/source-error.ts';
import type { HostCommand } from './host-command.ts';
import { openSshHosts, type SshHosts, type SshHostsOptions } from './ssh-hosts.ts';
import type { SshRoute } from './ssh-login.ts';

const { signal } = new AbortController();
const MAX_BYTES = 1_000_000;
const command = (line: string, maxBytes = MAX_BYTES): HostCommand => ({ line, maxBytes });

let sshd: Sshd;
beforeAll(async () => {
  // All hosts of a test are this one.
  sshd = await startSshd({ settings: ['MaxStartups 1000'] });
});
afterAll(() => sshd?.close());

async function save(content: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'wrench-ssh-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, 'file'), content);
  return join(folder, 'file');
}

function routeTo(server: Pick<Sshd, 'port' | 'user' | 'keyPath' | 'hostKey'>): SshRoute {
  const { port, user, keyPath: key, hostKey } = server;
  return { host: '127.0.0.1', port, user, key, knownHosts: '/nonexistent', hostKeys: [hostKey] };
}

function open(routes: Readonly<Record<string, SshRoute>>, options: Partial<SshHostsOptions> = {}): SshHosts {
  const hosts = openSshHosts({
    source: 'compute',
    routeOf: (host) => routes[host],
    timeoutMs: 60_000,
    ...options,
  });
  onTestFinished(hosts.close);
  return hosts;
}

const failureOf = (run: Promise<unknown>): Promise<SourceError> =>
  run.then(
    () => expect.fail('it succeeded'),
    (error: unknown) => (error instanceof SourceError ? error : Promise.reject(error as Error)),
  );

test('runs commands over one connection, and returns bytes, errors and exit codes', async () => {
  const { run } = open({ a: routeTo(sshd) });
  const logins = sshd.logins();

  const outputs = await Promise.all([
    run('a', command("printf '\\377\\000\\033[31m'"), { signal }),
    run('a', command('echo oh no >&2; exit 3'), { signal }),
    run('a', command('kill -9 $$'), { signal }),
    run('a', command('no-such-program'), { signal }),
    ...Array.from({ length: 20 }, (_, at) => run('a', command(`cat; echo ${at}`), { signal })),
  ]);

  expect(outputs.slice(0, 3)).toEqual([
    { exitCode: 0, stdout: Buffer.from('\u00ff\0\u001b[31m', 'latin1'), stderr: '', isCut: false },
    { exitCode: 3, stdout: Buffer.alloc(0), stderr: 'oh no', isCut: false },
    { stdout: Buffer.alloc(0), stderr: '', isCut: false },
  ]);
  expect(outputs[3]).toMatchObject({ exitCode: 127 });
  expect(outputs.slice(4).map(({ stdout }) => Number(stdout))).toEqual(
    Array.from({ length: 20 }, (_, at) => at),
  );
  expect(sshd.logins() - logins).toBe(1);
});

test('reads at most the limit of a command, and stops it', async () => {
  const { run } = open({ a: routeTo(sshd) });

  const { stdout, isCut, exitCode } = await run('a', command('yes | head -c 10000000; sleep 1000'), {
    signal,
  });

  expect({ bytes: stdout.length, isCut, exitCode }).toEqual({
    bytes: MAX_BYTES,
    isCut: true,
    exitCode: undefined,
  });
  expect(await run('a', command('head -c 1000000 /dev/zero'), { signal })).toMatchObject({
    exitCode: 0,
    isCut: false,
  });
});

test('limits what a command writes to its standard error', async () => {
  const { run } = open({ a: routeTo(sshd) });

  const { stderr } = await run('a', command('yes x | head -c 10000000 >&2; echo'), { signal });

  expect(stderr.length).toBeLessThanOrEqual(16_000);
});

test('runs more commands than the server allows sessions', async () => {
  const single = await startSshd({ settings: ['MaxSessions 1'] });
  onTestFinished(single.close);
  const { run } = open({ a: routeTo(single) });

  const outputs = await Promise.all(
    Array.from({ length: 12 }, (_, at) => run('a', command(`echo ${at}`), { signal })),
  );

  expect(outputs.map(({ stdout }) => Number(stdout))).toEqual(Array.from({ length: 12 }, (_, at) => at));
});

test('a command that loses its connection fails, and the next one connects again', async () => {
  const own = await startSshd();
  onTestFinished(own.close);
  const { run } = open({ a: routeTo(own) });
  await run('a', command('true'), { signal });
  const commands = own.commands();
  const failure = failureOf(run('a', command('echo half; sleep 1000'), { signal }));
  await vi.waitFor(() => expect(own.commands()).toBe(commands + 1), { timeout: 60_000 });

  await own.endConnections();

  expect(await failure).toMatchObject({
    kind: 'unreachable',
    code: 'ECONNRESET',
    message: expect.stringContaining('before a command had ended') as string,
  });
  expect(await run('a', command('echo again'), { signal })).toMatchObject({ exitCode: 0 });
});

test('stops waiting when the caller does, and keeps the connection for others', async () => {
  const { run } = open({ a: routeTo(sshd) });
  const caller = new AbortController();
  const commands = sshd.commands();
  const stopped = run('a', command('sleep 1000'), { signal: caller.signal });
  await vi.waitFor(() => expect(sshd.commands()).toBe(commands + 1), { timeout: 60_000 });
  const logins = sshd.logins();

  caller.abort(new Error('no longer needed'));

  await expect(stopped).rejects.toThrow('no longer needed');
  await expect(run('a', command('true'), { signal: caller.signal })).rejects.toThrow('no longer needed');
  expect(await run('a', command('true'), { signal })).toMatchObject({ exitCode: 0 });
  expect(sshd.logins()).toBe(logins);
});

test('a host that hangs after the login fails once, and all its questions with it', async () => {
  const server = await serveSsh(() => undefined);
  const { run } = open(
    {
      hangs: {
        host: '127.0.0.1',
        port: server.port,
        user: 'x',
        key: sshd.keyPath,
        knownHosts: await save(server.knownHosts),
      },
      works: routeTo(sshd),
    },
    { timeoutMs: 2_000, concurrency: 1, deadMs: 600_000 },
  );
  const asked = Array.from({ length: 20 }, () => failureOf(run('hangs', command('true'), { signal })));

  const errors = await Promise.all(asked);

  expect(errors[0]).toMatchObject({
    kind: 'unreachable',
    code: 'TIMEOUT',
    message: expect.stringContaining("accepted the login, but didn't complete a command") as string,
  });
  expect(new Set(errors.map(({ message }) => message)).size).toBe(1);
  expect(await failureOf(run('hangs', command('true'), { signal }))).toMatchObject({ code: 'TIMEOUT' });
  expect(await run('works', command('true'), { signal })).toMatchObject({ exitCode: 0 });
});

test('one slow command fails alone', async () => {
  const { run } = open({ a: routeTo(sshd) }, { timeoutMs: 30_000 });
  await run('a', command('true'), { signal });

  const slow = failureOf(run('a', { ...command('sleep 1000'), timeoutMs: 100 }, { signal }));

  expect(await slow).toMatchObject({ kind: 'unreachable', code: 'TIMEOUT' });
  expect(await run('a', command('true'), { signal })).toMatchObject({ exitCode: 0 });
});

/** Accepts connections and says nothing. */
async function serveNothing(): Promise<{ readonly port: number; readonly accepted: () => number }> {
  let accepted = 0;
  const server: Server = createServer(() => (accepted += 1));
  await new Promise<void>((done) => void server.listen(0, '0.0.0.0', done));
  onTestFinished(() => void server.close());
  const address = server.address();
  return { port: typeof address === 'object' ? (address?.port ?? 0) : 0, accepted: () => accepted };
}

test.each([
  ['50 first of 500', 500, (at: number) => at < 50, 50],
  ['the last of 40', 40, (at: number) => at >= 30, 5],
  ['every third of 30', 30, (at: number) => at % 3 === 0, 5],
])(
  'hosts that do not respond hold up no other: %s',
  async (_, amount, isDead, concurrency) => {
    const nothing = await serveNothing();
    const server = await serveSsh((accept) => {
      const channel = accept();
      channel.exit(0);
      channel.end();
    });
    const route = {
      user: 'x',
      key: sshd.keyPath,
      knownHosts: await save(server.knownHosts),
    };
    const routes = Object.fromEntries(
      Array.from({ length: amount }, (__, at) => [
        `cmp-${at}`,
        isDead(at)
          ? { ...route, host: `127.1.0.${1 + (at % 200)}`, port: nothing.port }
          : { ...route, host: '127.0.0.1', port: server.port },
      ]),
    );
    // Longer than the test may take: all others must respond before one of these fails.
    const { run, close } = open(routes, {
      timeoutMs: 600_000,
      connectTimeoutMs: 600_000,
      concurrency,
    });
    let failed = 0;
    const asked = Object.keys(routes).map((name, at) => {
      const answer = run(name, command('true'), { signal });
      return isDead(at) ? answer.catch(() => void (failed += 1)) : answer;
    });

    const answers = await Promise.all(asked.filter((__, at) => !isDead(at)));

    expect(answers.every((one) => one?.exitCode === 0)).toBe(true);
    expect(failed).toBe(0);
    await close();
    await Promise.all(asked);
    expect(failed).toBe(asked.length - answers.length);
  },
  600_000,
);

test('a host that could not be connected is not tried again for a while, and later it is', async () => {
  const { close, ...gone } = await startSshd();
  await close();
  const route = { ...routeTo(gone), key: sshd.keyPath };
  const nothing = await serveNothing();
  const { run } = open(
    { gone: route, silent: { ...route, port: nothing.port } },
    { timeoutMs: 500, deadMs: 600_000 },
  );
  const first = await failureOf(run('gone', command('true'), { signal }));

  expect(first).toMatchObject({
    kind: 'unreachable',
    code: 'ECONNREFUSED',
    message: expect.stringContaining('no ssh server listens there') as string,
  });
  expect(await failureOf(run('gone', command('date'), { signal }))).toBe(first);
  await Promise.all(Array.from({ length: 9 }, () => failureOf(run('silent', command('true'), { signal }))));
  await failureOf(run('silent', command('true'), { signal }));
  expect(nothing.accepted()).toBe(1);

  const { run: runSoon } = open({ silent: { ...route, port: nothing.port } }, { timeoutMs: 500, deadMs: 0 });
  await failureOf(runSoon('silent', command('true'), { signal }));
  await failureOf(runSoon('silent', command('true'), { signal }));
  expect(nothing.accepted()).toBe(3);
});

test('reads many hosts over few connections, and closes idle ones for those that wait', async () => {
  let connected = 0;
  let most = 0;
  const proxy: Server = createServer((socket) => {
    connected += 1;
    most = Math.max(most, connected);
    const upstream = connectSocket(sshd.port, '127.0.0.1');
    socket.pipe(upstream).pipe(socket);
    socket.on('error', () => upstream.destroy());
    upstream.on('error', () => socket.destroy());
    socket.on('close', () => (connected -= 1));
  });
  await new Promise<void>((done) => void proxy.listen(0, '127.0.0.1', done));
  onTestFinished(() => void proxy.close());
  const { port } = proxy.address() as AddressInfo;
  const routes = Object.fromEntries(
    Array.from({ length: 30 }, (_, at) => [`cmp-${at}`, { ...routeTo(sshd), port }]),
  );
  const { run } = open(routes, { concurrency: 3 });
  const logins = sshd.logins();

  await Promise.all(
    Object.keys(routes).map(async (name) => {
      for (let at = 0; at < 3; at += 1) await run(name, command(`echo ${at}`), { signal });
    }),
  );

  // One is closed while the next one is opened.
  expect(most).toBeLessThanOrEqual(3 + 3);
  expect(sshd.logins() - logins).toBeGreaterThanOrEqual(30);
}, 300_000);

test('names the host that is not configured, and the source that is closed', async () => {
  const { run, close } = open({ a: routeTo(sshd) });
  const waiting = failureOf(run('a', command('sleep 1000'), { signal }));

  await close();

  expect(await waiting).toMatchObject({ message: expect.stringContaining('the source is closed') as string });
  expect(await failureOf(run('a', command('true'), { signal }))).toMatchObject({
    message: expect.stringContaining('the source is closed') as string,
  });
  expect(await failureOf(run('b', command('true'), { signal }))).toMatchObject({ kind: 'missing' });
});

test.each([
  ["echo 'sudo: a password is required' >&2; exit 1 # sudo -n lldpctl", 'refused', 'deploy/hosts/sudoers'],
  ["echo 'sudo: not found' >&2; exit 127 # sudo -n lldpctl", 'refused', 'has no `sudo`'],
  ["echo 'wrench-collect: not allowed' >&2; exit 126", 'refused', "doesn't allow a question"],
])('explains %s', async (line, kind, words) => {
  const { run } = open({ a: routeTo(sshd) });

  expect(await failureOf(run('a', command(line), { signal }))).toMatchObject({
    kind,
    message: expect.stringContaining(words) as string,
  });
});

/** In front of sshd. It goes on sending when a connection has been ended, and never ends one itself. */
async function serveEndless(): Promise<{ readonly port: number; readonly closed: Promise<void> }> {
  const closed = Promise.withResolvers<void>();
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    const upstream = connectSocket({ port: sshd.port, host: '127.0.0.1', allowHalfOpen: true });
    upstream.on('data', (data) => socket.write(data)).on('error', () => undefined);
    socket.on('data', (data) => upstream.write(data)).on('error', () => undefined);
    let sending: NodeJS.Timeout;
    socket.on('end', () => (sending = setInterval(() => socket.write('more'), 10)));
    socket.on('close', () => {
      clearInterval(sending);
      upstream.destroy();
      closed.resolve();
    });
  });
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
  onTestFinished(() => void server.close());
  return { port: (server.address() as AddressInfo).port, closed: closed.promise };
}

test('a connection that was ended is closed, even if the host never ends it', async () => {
  const { port, closed } = await serveEndless();
  const { run, close } = open({ a: { ...routeTo(sshd), port } });
  expect(await run('a', command('true'), { signal })).toMatchObject({ exitCode: 0 });

  await close();

  await closed;
});

test('so is the connection to a host whose key is rejected', async () => {
  const { port, closed } = await serveEndless();
  const { run } = open({ a: { ...routeTo(sshd), port, hostKeys: [`SHA256:${'A'.repeat(43)}`] } });

  expect(await failureOf(run('a', command('true'), { signal }))).toMatchObject({ code: 'SSH_HOST_KEY' });

  await closed;
});

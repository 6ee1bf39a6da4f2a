import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { type Sshd, startSshd } from '../../test/world/sshd.ts';
import { SourceError } from '../ports/source-error.ts';
import { keyFingerprint } from './known-hosts.ts';
import { openSshHosts } from './ssh-hosts.ts';
import type { SshLogin, SshRoute } from './ssh-login.ts';

const { signal } = new AbortController();
const run = promisify(execFile);

let host: Sshd;
let jump: Sshd;
beforeAll(async () => {
  [host, jump] = await Promise.all([startSshd(), startSshd()]);
});
afterAll(async () => {
  await host?.close();
  await jump?.close();
});

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'wrench-ssh-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function save(content: string): Promise<string> {
  const path = join(await makeFolder(), 'file');
  await writeFile(path, content);
  return path;
}

const known = (server: Sshd, hostKey = server.hostKey): string => `[127.0.0.1]:${server.port} ${hostKey}\n`;
const fingerprintOf = (hostKey: string): string =>
  keyFingerprint(Buffer.from(hostKey.split(' ')[1]!, 'base64'));

/** No host key is trusted unless the test adds one. */
function loginTo(server: Sshd, more: Partial<SshLogin> = {}): SshLogin {
  const { port, user, keyPath: key } = server;
  return { host: '127.0.0.1', port, user, key, knownHosts: '/nonexistent/known_hosts', ...more };
}

/** Runs one command, and returns its output or why it failed. */
async function ask(route: SshRoute, timeoutMs = 60_000): Promise<string | SourceError> {
  const hosts = openSshHosts({ source: 'compute', routeOf: () => route, timeoutMs });
  onTestFinished(hosts.close);
  try {
    const { stdout } = await hosts.run('cmp-1', { line: 'echo reached', maxBytes: 100 }, { signal });
    return stdout.toString().trim();
  } catch (error) {
    if (error instanceof SourceError) return error;
    throw error;
  }
}

test('trusts a host key from known_hosts, and from the configuration as a key or a fingerprint', async () => {
  const other = jump.hostKey;

  expect(await ask(loginTo(host, { knownHosts: await save(known(host)) }))).toBe('reached');
  expect(await ask(loginTo(host, { hostKeys: [other, host.hostKey] }))).toBe('reached');
  expect(await ask(loginTo(host, { hostKeys: [`${host.hostKey} root@cmp-1`] }))).toBe('reached');
  expect(await ask(loginTo(host, { hostKeys: [fingerprintOf(host.hostKey)] }))).toBe('reached');
});

const rejections = (of: () => Sshd, other: () => Sshd) =>
  [
    ['unknown', async () => ({}), 'verify on the host that its fingerprint is'],
    ['changed', async () => ({ knownHosts: await save(known(of(), other().hostKey)) }), 'has changed'],
    [
      'changed',
      async () => ({ hostKeys: [other().hostKey] }),
      '`hostKeys` in the configuration has a different one',
    ],
    ['changed', async () => ({ hostKeys: [fingerprintOf(other().hostKey)] }), 'may be intercepted'],
    ['other type', async () => ({ hostKeys: ['ssh-rsa AAAAB3NzaC1yc2E='] }), 'only keys of other types'],
    [
      'revoked',
      // A key that is also trusted stays revoked.
      async () => ({
        knownHosts: await save(`@revoked ${known(of())}${known(of())}`),
        hostKeys: [of().hostKey],
      }),
      'marks as revoked',
    ],
  ] as const;

test.each(
  rejections(
    () => host,
    () => jump,
  ),
)('rejects a host key that is %s', async (is, login, words) => {
  const logins = host.logins();

  expect(await ask(loginTo(host, await login()))).toMatchObject({
    kind: 'refused',
    code: 'SSH_HOST_KEY',
    hostKey: { host: '127.0.0.1', is, fingerprint: fingerprintOf(host.hostKey) },
    message: expect.stringContaining(words) as string,
  });
  expect(host.logins()).toBe(logins);
});

test.each(
  rejections(
    () => jump,
    () => host,
  ),
)('rejects a host key of a jump host that is %s, and does not reach the host', async (is, login, words) => {
  const logins = host.logins() + jump.logins();
  const route = { ...loginTo(host, { hostKeys: [host.hostKey] }), jump: [loginTo(jump, await login())] };

  expect(await ask(route)).toMatchObject({
    hostKey: { is, fingerprint: fingerprintOf(jump.hostKey) },
    message: expect.stringContaining(words) as string,
  });
  expect(host.logins() + jump.logins()).toBe(logins);
});

test('verifies the key of the host behind a jump host too', async () => {
  const route = { ...loginTo(host), jump: [loginTo(jump, { hostKeys: [jump.hostKey] })] };

  expect(await ask(route)).toMatchObject({
    hostKey: { is: 'unknown', fingerprint: fingerprintOf(host.hostKey) },
    message: expect.stringContaining('on 127.0.0.1') as string,
  });
});

test('reaches many hosts over one connection to each jump host', async () => {
  const second = await startSshd();
  onTestFinished(second.close);
  const route: SshRoute = {
    ...loginTo(host, { hostKeys: [host.hostKey] }),
    jump: [loginTo(jump, { hostKeys: [jump.hostKey] }), loginTo(second, { hostKeys: [second.hostKey] })],
  };
  const [ofJump, ofSecond] = [jump.logins(), second.logins()];
  const hosts = openSshHosts({ source: 'compute', routeOf: () => route, timeoutMs: 60_000 });
  onTestFinished(hosts.close);

  const outputs = await Promise.all(
    Array.from({ length: 5 }, (_, at) =>
      hosts.run(`cmp-${at}`, { line: 'echo reached', maxBytes: 100 }, { signal }),
    ),
  );

  expect(outputs.map(({ stdout }) => String(stdout))).toEqual(Array.from({ length: 5 }, () => 'reached\n'));
  expect([jump.logins() - ofJump, second.logins() - ofSecond]).toEqual([1, 1]);
});

test('explains a jump host that forbids forwarding, one that reaches nothing, and one that is down', async () => {
  const closed = await startSshd({ keyOptions: 'restrict' });
  onTestFinished(closed.close);
  const target = loginTo(host, { hostKeys: [host.hostKey] });
  const gone = await startSshd();
  await gone.close();
  const through = loginTo(jump, { hostKeys: [jump.hostKey] });

  expect(await ask({ ...target, jump: [loginTo(closed, { hostKeys: [closed.hostKey] })] })).toMatchObject({
    kind: 'refused',
    code: 'SSH_FORWARDING',
    message: expect.stringContaining('AllowTcpForwarding') as string,
  });
  expect(await ask({ ...target, port: gone.port, jump: [through] })).toMatchObject({
    kind: 'unreachable',
    message: expect.stringContaining("127.0.0.1 couldn't connect to it") as string,
  });
  expect(await ask({ ...target, jump: [{ ...through, port: gone.port }] })).toMatchObject({
    kind: 'unreachable',
    message: expect.stringContaining('no ssh server listens there') as string,
  });
});

test('gives up on a host behind a jump host that accepts the connection and says nothing', async () => {
  const server = createServer(() => undefined);
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
  onTestFinished(() => void server.close());
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  const route = { ...loginTo(host), port, jump: [loginTo(jump, { hostKeys: [jump.hostKey] })] };

  expect(await ask(route, 3_000)).toMatchObject({ kind: 'unreachable', code: 'TIMEOUT' });
});

async function startAgent(keyPath?: string): Promise<string> {
  const socket = join(await makeFolder(), 'agent');
  const program = 'ssh-agent';
  const agent = spawn(program, ['-D', '-a', socket], { stdio: ['ignore', 'pipe', 'ignore'] });
  onTestFinished(() => void agent.kill());
  // It prints the variables once it listens.
  await once(agent.stdout, 'data');
  if (keyPath !== undefined)
    await run('ssh-add', ['-q', keyPath], { env: { ...process.env, SSH_AUTH_SOCK: socket } });
  return socket;
}

test('logs in with the key of an agent, also through a jump host', async () => {
  const agent = await startAgent(host.keyPath);
  const login = loginTo(host, { key: undefined, agent, hostKeys: [host.hostKey] });

  expect(await ask(login)).toBe('reached');
  expect(await ask({ ...login, jump: [loginTo(jump, { hostKeys: [jump.hostKey] })] })).toBe('reached');
});

test('explains an agent that does not listen, has no key, or has the wrong one', async () => {
  const login = loginTo(host, { key: undefined, hostKeys: [host.hostKey] });

  expect(await ask({ ...login, agent: '/nonexistent/agent' })).toMatchObject({
    code: 'SSH_AGENT',
    message: expect.stringContaining('no ssh agent listens on /nonexistent/agent (ENOENT)') as string,
  });
  for (const agent of [await startAgent(), await startAgent(jump.keyPath)])
    expect(await ask({ ...login, agent })).toMatchObject({
      kind: 'refused',
      code: 'SSH_AUTHENTICATION',
      message: expect.stringContaining('accepts none of the keys in the ssh agent') as string,
    });
});

test('knows a host whose key was added after a rejected connection', async () => {
  const path = await save('');
  const route = loginTo(host, { knownHosts: path });
  const hosts = openSshHosts({ source: 'compute', routeOf: () => route, timeoutMs: 60_000, deadMs: 0 });
  onTestFinished(hosts.close);
  const reach = () => hosts.run('cmp-1', { line: 'echo reached', maxBytes: 100 }, { signal });
  await expect(reach()).rejects.toThrow('is not in');

  await writeFile(path, known(host));

  expect(await reach()).toMatchObject({ exitCode: 0 });
  expect(await readFile(path, 'utf8')).toBe(known(host));
});

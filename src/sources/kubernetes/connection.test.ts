import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { startCluster, type TestCluster } from '../../../test/world/kubernetes/api-server.ts';
import { kubeconfigText } from '../../../test/world/kubernetes/kubeconfig.ts';
import { nodeObject } from '../../../test/world/kubernetes/objects.ts';
import { openLab, readAll, saveFile } from '../../../test/world/kubernetes/open-source.ts';
import type { Cluster } from '../../ports/clusters.ts';
import { kubernetesConfig } from './config.ts';
import { readServiceAccount } from './kubeconfig.ts';
import { openKubernetes } from './open.ts';

const { signal } = new AbortController();

async function start(nodes: readonly string[] = ['node-a']): Promise<TestCluster> {
  const server = await startCluster({ nodes: nodes.map((name) => nodeObject(name)) });
  onTestFinished(server.close);
  return server;
}

const as = ({ url: server, ca }: TestCluster, user: object) =>
  kubeconfigText([{ name: 'lab', server, ca, user }]);

async function nodesOf(cluster: Cluster): Promise<readonly string[]> {
  const { items, error } = await readAll(cluster.nodes({ signal }));
  if (error !== undefined) throw error;
  return items.map(({ name }) => name);
}

/** A script that runs with the shell, and its path. */
const script = (lines: string) => saveFile('plugin.sh', `#!/bin/sh\n${lines}\n`, 0o700);
const plugin = (command: string, more: object = {}) => ({
  exec: { apiVersion: 'client.authentication.k8s.io/v1', command, interactiveMode: 'Never', ...more },
});
const printing = (status: object) =>
  `cat <<'END'\n${JSON.stringify({ apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status })}\nEND`;

test('several clusters in one file, by context', async () => {
  const [eu, us] = await Promise.all([start(['eu-1']), start(['us-1'])]);
  const both = kubeconfigText(
    [eu, us].map((server, index) => ({
      name: ['prod-eu', 'prod-us'][index]!,
      server: server.url,
      ca: server.ca,
      user: { token: server.tokenOf() },
    })),
  );

  expect(await nodesOf((await openLab(both)).cluster)).toEqual(['eu-1']);
  expect(await nodesOf((await openLab(both, { context: 'prod-us' })).cluster)).toEqual(['us-1']);
  await expect(nodesOf((await openLab(both, { context: 'prod-as' })).cluster)).rejects.toMatchObject({
    kind: 'missing',
    message: expect.stringMatching(/has no context prod-as\. Did you mean prod-(eu|us)\?$/) as string,
  });
});

test('a client certificate', async () => {
  const server = await start();
  const { certificatePem, keyPem } = await server.certificateOf();
  const base64 = (pem: string) => Buffer.from(pem).toString('base64');
  const user = { 'client-certificate-data': base64(certificatePem), 'client-key-data': base64(keyPem) };

  expect(await nodesOf((await openLab(as(server, user))).cluster)).toEqual(['node-a']);
});

test('a token file is read again after its token was rotated', async () => {
  const server = await start();
  const tokenFile = await saveFile('token', `${server.tokenOf()}\n`);
  const { cluster } = await openLab(as(server, { tokenFile }));
  await nodesOf(cluster);

  await writeFile(tokenFile, server.renewToken());

  expect(await nodesOf(cluster)).toEqual(['node-a']);
  expect(server.asked.map(({ status }) => status)).toEqual([200, 401, 200]);
});

test('an expired token is an error after one retry, without the token in the message', async () => {
  const server = await start();
  const { cluster } = await openLab(as(server, { token: server.tokenOf() }));
  server.renewToken();

  const error = await nodesOf(cluster).catch((failure: unknown) => failure);

  expect(error).toMatchObject({ kind: 'refused' });
  expect(String(error)).toContain('does not accept the token in the kubeconfig (401)');
  expect(String(error)).not.toContain('CANARY');
  expect(server.asked).toHaveLength(2);
});

test('the hint of the doctor names what to correct: the credential, the option, or the server', async () => {
  const server = await start();
  const invalid = await openLab(as(server, { token: 'CANARY' }));
  const unencrypted = await openLab(
    kubeconfigText([{ name: 'lab', server: 'http://api.example.com', user: { token: 'CANARY' } }]),
  );
  const missing = await openLab('', { kubeconfig: '/nonexistent/kubeconfig' });

  expect(await invalid.source.healthCheck(signal)).toMatchObject({
    ok: false,
    hint: expect.stringMatching(/^replace the credential/) as string,
  });
  expect(await missing.source.healthCheck(signal)).toMatchObject({
    ok: false,
    hint: 'correct `kubeconfig` or `context` of this source',
  });
  expect(await unencrypted.source.healthCheck(signal)).toMatchObject({
    ok: false,
    hint: 'use a server with https:// in the kubeconfig',
  });
});

test('no credential at all', async () => {
  const server = await start();
  const { cluster } = await openLab(as(server, {}));

  await expect(nodesOf(cluster)).rejects.toMatchObject({
    kind: 'refused',
    message: expect.stringContaining('anonymous') as string,
  });
});

test('an exec plugin provides a token, and runs again only if it has expired or was rejected', async () => {
  const server = await start();
  const answer = await saveFile('token', server.tokenOf());
  const runs = `${answer}.runs`;
  const command = await script(
    `echo run >> ${runs}\nprintf '{"kind":"ExecCredential","status":{"token":"%s","expirationTimestamp":"2999-01-01T00:00:00Z"}}' "$(cat ${answer})"`,
  );
  const { cluster } = await openLab(as(server, plugin(command)));
  await Promise.all([nodesOf(cluster), nodesOf(cluster), cluster.version({ signal })]);
  const counted = async () => readFile(runs, 'utf8');
  expect(await counted()).toBe('run\n');

  await writeFile(answer, server.renewToken());
  expect(await nodesOf(cluster)).toEqual(['node-a']);
  expect(await counted()).toBe('run\nrun\n');
});

test('an expired credential is replaced before it is used', async () => {
  const server = await start();
  const command = await script(
    printing({ token: server.tokenOf(), expirationTimestamp: '2020-01-01T00:00:00Z' }),
  );
  const { cluster } = await openLab(as(server, plugin(command)));

  expect(await nodesOf(cluster)).toEqual(['node-a']);
  expect(await nodesOf(cluster)).toEqual(['node-a']);
  expect(server.asked.map(({ status }) => status)).toEqual([200, 200]);
});

test('a plugin receives its arguments, variables and KUBERNETES_EXEC_INFO, but not our own settings', async () => {
  const server = await start();
  const file = await saveFile('seen', '');
  const command = await script(
    `printf '%s|%s|%s|%s' "$1" "$REGION" "$SLACK_BOT_TOKEN" "$KUBERNETES_EXEC_INFO" > ${file}\n${printing({ token: server.tokenOf() })}`,
  );
  process.env['SLACK_BOT_TOKEN'] = 'xoxb-CANARY';
  onTestFinished(() => void delete process.env['SLACK_BOT_TOKEN']);
  const user = plugin(command, { args: ['get-token'], env: [{ name: 'REGION', value: 'eu' }] });
  const { cluster } = await openLab(as(server, user));
  await nodesOf(cluster);

  const seen = await readFile(file, 'utf8');
  expect(seen).toMatch(
    /^get-token\|eu\|\|\{"apiVersion":"client.authentication.k8s.io\/v1","kind":"ExecCredential"/,
  );
});

test.each([
  ['exits with a code', 'echo CANARY-token >&2\nexit 3', 'refused', /exited with code 3/],
  ['prints no credential', 'echo CANARY-token', 'malformed', /printed no credential/],
  ['prints a credential without a token', printing({}), 'malformed', /printed no credential/],
  ['prints without end', 'yes CANARY-token', 'malformed', /more than 1 MB/],
])('a plugin that %s is named, and its output is not quoted', async (_, lines, kind, message) => {
  const server = await start();
  const { cluster } = await openLab(as(server, plugin(await script(lines))));

  const error = await nodesOf(cluster).catch((failure: unknown) => failure);

  expect(error).toMatchObject({ name: 'SourceError', kind });
  expect(String(error)).toMatch(message);
  expect(String(error)).toContain('exec plugin plugin.sh');
  expect(String(error)).not.toContain('CANARY');
  expect(server.asked).toEqual([]);
});

test('a plugin that is not installed', async () => {
  const server = await start();
  const { cluster } = await openLab(as(server, plugin('no-such-plugin')));

  await expect(nodesOf(cluster)).rejects.toMatchObject({
    kind: 'missing',
    message: 'the exec plugin no-such-plugin was not found: install it where the worker runs',
  });
});

test('a plugin that hangs is killed with its children', async () => {
  const server = await start();
  const pids = await saveFile('pids', '');
  const command = await script(`sleep 600 &\necho $! > ${pids}\necho CANARY-token >&2\nwait`);
  const { cluster } = await openLab(as(server, plugin(command)), { timeoutMs: 5_000 });

  await expect(nodesOf(cluster)).rejects.toMatchObject({
    kind: 'unreachable',
    code: 'TIMEOUT',
    message: 'the exec plugin plugin.sh did not finish within 5 s',
  });
  const pid = Number(await readFile(pids, 'utf8'));
  while (isRunning(pid)) await sleep(10);
});

test('a plugin that leaves a process with stdout open still provides its credential', async () => {
  const server = await start();
  const pids = await saveFile('pids', '');
  const command = await script(`sleep 600 &\necho $! > ${pids}\n${printing({ token: server.tokenOf() })}`);
  const { cluster } = await openLab(as(server, plugin(command)), { timeoutMs: 60_000 });

  expect(await nodesOf(cluster)).toEqual(['node-a']);
  process.kill(Number(await readFile(pids, 'utf8')), 'SIGKILL');
});

test.each([
  ['an argument with a null byte', 'true', { args: ['--token', 'CANARY\0'] }, 'ERR_INVALID_ARG_VALUE'],
  ['arguments that are too long', 'true', { args: ['CANARY'.repeat(100_000)] }, 'E2BIG'],
  ['a path below a file', '/etc/hostname/plugin', {}, 'ENOTDIR'],
  ['a folder', '/tmp', {}, 'EACCES'],
])('%s: the plugin cannot be run, and its arguments are not quoted', async (_, command, more, code) => {
  const server = await start();
  const { cluster } = await openLab(as(server, plugin(command, more)));

  const error = await nodesOf(cluster).catch((failure: unknown) => failure);

  expect(error).toMatchObject({ name: 'SourceError', kind: 'missing' });
  expect(String(error)).toContain(`cannot be run (${code})`);
  expect(String(error)).not.toContain('CANARY');
});

test('concurrent requests with a revoked credential run the plugin once', async () => {
  const server = await start();
  const answer = await saveFile('token', server.tokenOf());
  const runs = `${answer}.runs`;
  const command = await script(
    `echo run >> ${runs}\nprintf '{"kind":"ExecCredential","status":{"token":"%s"}}' "$(cat ${answer})"`,
  );
  const { cluster } = await openLab(as(server, plugin(command)));
  await nodesOf(cluster);
  await writeFile(answer, server.renewToken());

  await Promise.all(Array.from({ length: 100 }, () => cluster.version({ signal })));

  expect(await readFile(runs, 'utf8')).toBe('run\nrun\n');
});

test('a plugin whose credentials are never accepted does not run for every request', async () => {
  const server = await start();
  const runs = await saveFile('runs', '');
  const command = await script(
    `echo run >> ${runs}\n${printing({ token: 'CANARY-unknown', expirationTimestamp: '2020-01-01T00:00:00Z' })}`,
  );
  const { cluster } = await openLab(as(server, plugin(command)));

  for (let times = 0; times < 5; times++)
    await expect(cluster.version({ signal })).rejects.toMatchObject({ kind: 'refused' });

  // On a slow machine it may run again every five seconds, but not for every request.
  expect((await readFile(runs, 'utf8')).split('\n').length - 1).toBeLessThan(10);
});

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test.each([
  ['a missing file', undefined, 'missing', /couldn't read the file .* \(ENOENT\)/],
  ['invalid YAML', 'users: [\n{token: CANARY', 'malformed', /is not valid YAML \(line \d\)/],
  ['not a kubeconfig', '- CANARY', 'malformed', /is not a kubeconfig$/],
  ['an empty file', '', 'malformed', /is not a kubeconfig$/],
  ['contexts that are not a list', 'contexts: CANARY', 'malformed', /is invalid: `contexts`$/],
  ['no current context', 'contexts: []', 'missing', /has no current context/],
  [
    'no cluster',
    '{"current-context":"a","contexts":[{"name":"a","context":{"cluster":"b"}}]}',
    'missing',
    /has no /,
  ],
  [
    'an auth provider',
    kubeconfigText([
      { name: 'a', server: 'https://127.0.0.1:1', user: { 'auth-provider': { name: 'gcp' } } },
    ]),
    'malformed',
    /auth provider gcp/,
  ],
  [
    'a CA with `insecure-skip-tls-verify`',
    JSON.stringify({
      'current-context': 'a',
      contexts: [{ name: 'a', context: { cluster: 'a' } }],
      clusters: [
        {
          name: 'a',
          cluster: {
            server: 'https://127.0.0.1:1',
            'certificate-authority': '/ca.crt',
            'insecure-skip-tls-verify': true,
          },
        },
      ],
    }),
    'malformed',
    /cluster a has a CA and `insecure-skip-tls-verify`/,
  ],
  [
    'a CA that is not a certificate',
    kubeconfigText([{ name: 'a', server: 'https://127.0.0.1:1', ca: 'CANARY', user: {} }]),
    'malformed',
    /cluster a, `certificate-authority-data`/,
  ],
  [
    'a client certificate without a key',
    kubeconfigText([
      { name: 'a', server: 'https://127.0.0.1:1', user: { 'client-certificate-data': 'Q0FOQVJZ' } },
    ]),
    'malformed',
    /user a needs both a client certificate and its key/,
  ],
  [
    'an invalid client certificate',
    kubeconfigText([
      {
        name: 'a',
        server: 'https://127.0.0.1:1',
        user: { 'client-certificate-data': 'Q0FOQVJZ', 'client-key-data': 'Q0FOQVJZ' },
      },
    ]),
    'malformed',
    /couldn't read the CA, certificate or key configured for 127\.0\.0\.1:1/,
  ],
  [
    'groups without a user to impersonate',
    kubeconfigText([
      { name: 'a', server: 'https://127.0.0.1:1', user: { token: 'CANARY', 'as-groups': ['readers'] } },
    ]),
    'malformed',
    /user a impersonates \(.*\) without `as`/,
  ],
  [
    'a user name that cannot be sent in a header',
    kubeconfigText([
      { name: 'a', server: 'https://127.0.0.1:1', user: { token: 'CANARY', as: 'J\u00f6rg' } },
    ]),
    'malformed',
    /the user or group to impersonate contains characters/,
  ],
  [
    'a token that cannot be sent in a header',
    kubeconfigText([{ name: 'a', server: 'https://127.0.0.1:1', user: { token: 'CANARY\nX: y' } }]),
    'malformed',
    /the token contains characters/,
  ],
  [
    'a token file that is a device',
    kubeconfigText([{ name: 'a', server: 'https://127.0.0.1:1', user: { tokenFile: '/dev/zero' } }]),
    'missing',
    /couldn't read the file \/dev\/zero: it is not a file/,
  ],
  [
    'a proxy password with invalid encoding',
    kubeconfigText([
      { name: 'a', server: 'https://127.0.0.1:1', proxyUrl: 'http://u:CANARY%zz@127.0.0.1:1', user: {} },
    ]),
    'malformed',
    /the user or password of the proxy/,
  ],
  [
    'a token over plain HTTP',
    kubeconfigText([{ name: 'a', server: 'http://api.example.com', user: { token: 'CANARY-token' } }]),
    'refused',
    /no credential was sent to api\.example\.com because the connection is not encrypted/,
  ],
  [
    'a server that is not a URL',
    kubeconfigText([{ name: 'a', server: 'nowhere', user: {} }]),
    'malformed',
    /cluster a, `server`/,
  ],
])('%s: an error says what to correct', async (_, text, kind, message) => {
  const path = text === undefined ? join('/nonexistent', 'kubeconfig') : undefined;
  const { cluster } = await openLab(text ?? '', path === undefined ? {} : { kubeconfig: path });

  const error = await nodesOf(cluster).catch((failure: unknown) => failure);

  expect(error).toMatchObject({ name: 'SourceError', kind });
  expect(String(error)).toMatch(message);
  expect(String(error)).not.toContain('CANARY');
});

test('an API server that is unreachable, and one whose certificate is not trusted', async () => {
  const server = await start();
  const kubeconfig = server.kubeconfig();
  const untrusted = kubeconfigText([{ name: 'lab', server: server.url, user: { token: server.tokenOf() } }]);
  await expect(nodesOf((await openLab(untrusted)).cluster)).rejects.toMatchObject({
    kind: 'unreachable',
    message: expect.stringContaining('is not trusted') as string,
  });
  await server.close();

  await expect(nodesOf((await openLab(kubeconfig)).cluster)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});

test('through a proxy, which sees only the name of the server', async () => {
  const server = await start();
  const connects: (string | undefined)[] = [];
  const proxy = createServer();
  proxy.on('connect', (request, socket) => {
    connects.push(request.url);
    const { hostname, port } = new URL(`https://${request.url}`);
    const upstream = connect(Number(port), hostname, () => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      socket.pipe(upstream).pipe(socket);
    });
    upstream.on('error', () => socket.destroy());
    socket.on('error', () => upstream.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void proxy.close());
  const proxyUrl = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const user = { token: server.tokenOf() };
  const { url, ca } = server;

  expect(
    await nodesOf(
      (await openLab(kubeconfigText([{ name: 'lab', server: url, ca, proxyUrl, user }]))).cluster,
    ),
  ).toEqual(['node-a']);
  expect(connects).toEqual([new URL(url).host]);

  const wrong = kubeconfigText([{ name: 'lab', server: url, ca, proxyUrl: 'ftp://user:CANARY@proxy', user }]);
  await expect(nodesOf((await openLab(wrong)).cluster)).rejects.toMatchObject({
    kind: 'malformed',
    message: 'the proxy is not an http://, https:// or socks5:// URL',
  });
});

test('outside a pod there is no service account', async () => {
  const source = openKubernetes(kubernetesConfig.parse({ kind: 'kubernetes' }));
  onTestFinished(source.close);

  await expect(nodesOf(source.reads.clusters!)).rejects.toMatchObject({
    kind: 'missing',
    message: expect.stringMatching(/^no service account found: set `kubeconfig`/) as string,
  });
});

test('the service account of a pod', async () => {
  const server = await start();
  const token = await saveFile('token', server.tokenOf());
  const folder = join(token, '..');
  await writeFile(join(folder, 'ca.crt'), server.ca);

  const access = await readServiceAccount('lab', folder, { host: 'fd00::1', port: '443' });

  expect(access).toEqual({
    server: 'https://[fd00::1]:443',
    ca: server.ca,
    insecure: false,
    user: { tokenFile: token },
  });
});

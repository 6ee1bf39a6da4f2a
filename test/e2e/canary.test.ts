import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, expect, test, vi } from 'vitest';
import { loadCatalogue } from '../../src/request/catalogue.ts';
import { configSchema } from '../../src/config/schema.ts';
import { secretsIn } from '../../src/config/schema-walk.ts';
import { fillVault } from '../demo/downloading-failed.ts';
import { MAX_WORLD_WAIT_MS, WORLD_TEST_TIMEOUT_MS } from '../timeouts.ts';
import { writeCertificateFiles } from '../world/certificate-files.ts';
import { startTlsServers } from '../world/tls-servers.ts';
import { issue, makeAuthority } from '../world/ca.ts';
import { startCredhub } from '../world/credhub.ts';
import { startCluster } from '../world/kubernetes/api-server.ts';
import {
  certificateObject,
  certificateRequestObject,
  ISSUING,
  issuerObject,
  READY,
  secretObject,
  tlsData,
} from '../world/kubernetes/certificates.ts';
import { startOpsManager } from '../world/ops-manager.ts';
import { containerStatus, eventObject, nodeObject, podObject } from '../world/kubernetes/objects.ts';
import { workloadObject } from '../world/kubernetes/workloads.ts';
import { serveManagement } from '../world/rabbitmq/served-management.ts';
import { startVault } from '../world/vault.ts';
import { ADA, INCIDENT, setStage, TOKENS } from './harness.ts';

// Starts and stops many servers.
vi.setConfig({ testTimeout: WORLD_TEST_TIMEOUT_MS, hookTimeout: WORLD_TEST_TIMEOUT_MS });

const cleanUp: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of cleanUp.splice(0).toReversed()) await close();
});

/** Every source with a secret in it, in an environment that runs the real checks. */
async function plantCanaries() {
  const folder = await mkdtemp(join(tmpdir(), 'wrench-canary-'));
  cleanUp.push(() => rm(folder, { recursive: true, force: true }));
  const [servers, vault] = await Promise.all([startTlsServers(), startVault()]);
  cleanUp.push(servers.close, vault.close);
  const { token } = await fillVault(vault, new Date());
  await mkdir(join(folder, 'files'));
  const files = await writeCertificateFiles(join(folder, 'files'));
  const { environments } = configSchema.parse({
    environments: {
      prod: {
        sources: [
          { kind: 'vault', url: vault.address, paths: ['secret/cf', 'secret/elsewhere'], auth: { token } },
          { kind: 'tls', sites: Object.values(servers.sites), timeoutMs: 1_000 },
          { kind: 'files', paths: [files.pattern], passphrases: [files.passphrase] },
        ],
      },
    },
  });
  const secrets = [token, files.passphrase];
  const stage = await setStage({
    delivery: 'http',
    catalogue: await loadCatalogue(),
    config: { environments, secrets },
  });
  cleanUp.push(stage.close);
  await stage.startWorker();
  await stage.startBot();
  const canaries = [...files.canaries, ...vault.canaries(), ...Object.values(TOKENS), token];
  return { stage, vault, canaries: [...new Set(canaries)].filter((canary) => canary.length >= 8) };
}

const WAIT = { timeoutMs: MAX_WORLD_WAIT_MS };

async function everythingIn(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return (await Promise.all(files.map((file) => readFile(file, 'latin1')))).join('\n');
}

test('no private key, passphrase or token reaches a post, a file, the log or Redis', async () => {
  const { stage, vault, canaries } = await plantCanaries();
  const { workspace, redis, log } = stage;
  const ask = (text: string) =>
    workspace.command({ userId: ADA, channelId: INCIDENT, command: '/certs', text });
  const answers = () => workspace.messages(INCIDENT).filter(({ text }) => !text.startsWith('Checking '));

  await ask('expiring');
  await workspace.waitFor(() => answers().length === 1, WAIT);
  await ask('show bbs');
  await ask(`show ${TOKENS.bot}`);
  vault.dieAfter(5);
  await ask('expiring --within 60d');
  await workspace.waitFor(() => answers().length === 4, WAIT);

  const threads = answers().flatMap(({ ts }) => [...workspace.thread(INCIDENT, ts)]);
  const files = threads.flatMap((message) => message.files.map(({ bytes }) => bytes.toString()));
  const exits = {
    posts: JSON.stringify([...threads, ...workspace.ephemerals(ADA, INCIDENT)]),
    requests: JSON.stringify(workspace.requests.map(({ args }) => args)),
    files: files.join('\n'),
    log: log.join(''),
    redis: await everythingIn(redis.folder),
  };
  expect(canaries.length).toBeGreaterThan(20);
  expect(exits.posts).toContain('have expired');
  expect(exits.redis).toContain('have expired');
  for (const [exit, text] of Object.entries(exits)) {
    const escaped = [...canaries, ...canaries.map((canary) => JSON.stringify(canary).slice(1, -1))];
    expect(
      escaped.filter((canary) => text.includes(canary)),
      exit,
    ).toEqual([]);
  }
});

/** Lines of a key, also as base64 at any offset. */
function piecesOf(keyPem: string): readonly string[] {
  const lines = keyPem.split('\n').filter((line) => /^[A-Za-z0-9+/=]{24,}$/.test(line));
  return lines.flatMap((line) => [
    line.slice(8, 40),
    ...[0, 1, 2].map((offset) => Buffer.from(line.slice(offset)).toString('base64').slice(0, 28)),
  ]);
}

/** A CredHub, an Ops Manager and a cluster with keys wherever someone may have put one, also in messages. */
async function startWithKeys(folder: string) {
  const authority = await makeAuthority({ name: 'platform-ca' });
  const endsSoon = new Date(Date.now() + 3 * 86_400_000);
  const leaves = await Promise.all(
    (['rsa2048', 'p256', 'ed25519'] as const).map((keyType) =>
      issue(authority, { name: `${keyType}.example`, keyType, notAfter: endsSoon }),
    ),
  );
  const [rsa, ec, ed] = leaves.map(({ keyPem }) => keyPem) as [string, string, string];
  const bodyOf = (pem: string) => pem.replaceAll(/-----[^-]+-----\n/g, '');
  const message = `can't sign with ${bodyOf(ec)} and ${Buffer.from(ed).toString('base64')} and ${rsa}`;
  const stuck = { ...ISSUING, message };
  const web = secretObject('web-tls', { namespace: 'shop', data: tlsData(leaves[0]!) });
  const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify(web) };
  const cluster = await startCluster({
    secrets: [
      { ...web, metadata: { ...web.metadata, annotations } },
      secretObject('swapped', { namespace: 'shop', data: { 'tls.crt': rsa, 'tls.key': rsa, 'ca.crt': ec } }),
      secretObject('issuing', {
        namespace: 'shop',
        data: { 'tls.crt': ed + leaves[2]!.certificatePem, 'tls.key': ed, 'ca.crt': `junk ${bodyOf(rsa)}` },
      }),
      secretObject('files', {
        namespace: 'shop',
        type: 'Opaque',
        data: {
          'all.pem': leaves[1]!.certificatePem + ec,
          [`${bodyOf(ed).slice(0, 60)}.pem`.replaceAll(/[^\w.]/g, '')]: ec,
        },
      }),
    ],
    certificates: [
      certificateObject('web', {
        namespace: 'shop',
        spec: { secretName: 'web-tls' },
        status: {
          conditions: [{ ...READY, message }, stuck],
          notAfter: endsSoon.toISOString(),
          renewalTime: new Date(Date.now() - 9 * 86_400_000).toISOString(),
          failedIssuanceAttempts: 7,
        },
      }),
    ],
    certificaterequests: [
      certificateRequestObject('web-5', {
        namespace: 'shop',
        certificate: 'web',
        revision: 5,
        status: { conditions: [{ ...stuck, type: 'Ready', status: 'False', reason: 'Pending' }] },
      }),
    ],
    issuers: [issuerObject('lab', 'swapped', 'shop')],
  });
  cleanUp.push(cluster.close);
  const credhub = await startCredhub();
  cleanUp.push(credhub.close);
  await credhub.state.generate('/cf/ca', { isAuthority: true, days: 20 });
  await credhub.state.generate('/cf/leaf', { ca: '/cf/ca', days: 5 });
  await credhub.state.regenerate(credhub.state.find('/cf/ca')!, { transitional: true });
  const opsman = await startOpsManager({
    certificates: [
      { name: '/services/tls_ca', valid_until: endsSoon.toISOString(), issuer: message, is_ca: true },
      { name: `/x${bodyOf(ec)}`, rotation_procedure_name: message, deployments: [message] },
    ],
    answer: ({ path }) =>
      path.includes('certificate_authorities')
        ? { status: 422, body: { errors: { base: [message] } } }
        : undefined,
  });
  cleanUp.push(opsman.close);
  const files = { credhub: credhub.ca, opsman: opsman.ca, kubeconfig: cluster.kubeconfig() };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  const sources = [
    {
      kind: 'credhub',
      url: credhub.url,
      ca: join(folder, 'credhub'),
      auth: { client: credhub.reader },
      allow: { renew: { auth: { client: credhub.writer } } },
    },
    { kind: 'opsman', url: opsman.url, ca: join(folder, 'opsman'), auth: { client: opsman.client } },
    {
      kind: 'kubernetes',
      name: 'lab',
      kubeconfig: join(folder, 'kubeconfig'),
      kubelets: 'none',
      certificates: { secrets: 'all' },
      allow: { renew: {} },
    },
  ];
  return {
    sources,
    message,
    credhub,
    canaries: () => [
      ...[rsa, ec, ed].flatMap(piecesOf),
      ...credhub.canaries().flatMap((one) => (one.includes('PRIVATE KEY') ? piecesOf(one) : [one])),
      ...opsman.canaries(),
    ],
  };
}

test('no part of a private key in CredHub, Ops Manager or a cluster reaches a post, a file, the log or Redis', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'wrench-canary-'));
  cleanUp.push(() => rm(folder, { recursive: true, force: true }));
  const { sources, message, credhub, canaries } = await startWithKeys(folder);
  const written = { environments: { prod: { sources } } };
  const stage = await setStage({
    delivery: 'http',
    catalogue: await loadCatalogue(),
    config: {
      environments: configSchema.parse(written).environments,
      secrets: secretsIn(configSchema, written),
    },
  });
  cleanUp.push(stage.close);
  await stage.startWorker();
  await stage.startBot();
  const { workspace, redis, log } = stage;
  const answers = () => workspace.messages(INCIDENT).filter(({ text }) => !text.startsWith('Checking '));
  const ask = async (text: string): Promise<void> => {
    const before = answers().length;
    await workspace.command({ userId: ADA, channelId: INCIDENT, command: '/certs', text });
    await workspace.waitFor(() => answers().length > before, WAIT);
  };

  for (const text of ['expiring', 'drift', 'rotation', 'show web']) await ask(text);
  credhub.fail({ path: '/api/v1/', status: 400, body: JSON.stringify({ error: message }) });
  for (const text of ['expiring', 'drift', 'rotation']) await ask(text);

  const threads = answers().flatMap(({ ts }) => [...workspace.thread(INCIDENT, ts)]);
  const exits = {
    posts: JSON.stringify([...threads, ...workspace.ephemerals(ADA, INCIDENT)]),
    requests: JSON.stringify(workspace.requests.map(({ args }) => args)),
    files: threads.flatMap((one) => one.files.map(({ bytes }) => bytes.toString())).join('\n'),
    log: log.join(''),
    redis: await everythingIn(redis.folder),
  };
  expect(exits.posts).toContain("can't sign with");
  expect(exits.redis).toContain('/cf/ca');
  const all = [...new Set(canaries())].filter((one) => one.length >= 8);
  expect(all.length).toBeGreaterThan(40);
  for (const [exit, text] of Object.entries(exits))
    expect(
      all.filter((one) => text.includes(one)),
      exit,
    ).toEqual([]);
});

const CANARY = 'CANARYq7x2vv81';

/** A cluster whose API server returns a secret wherever one may be, in a restart loop that can be fixed. */
async function startLeakyCluster() {
  const at = (secondsAgo: number) => new Date(Date.now() - secondsAgo * 1_000).toISOString();
  const livenessProbe = {
    exec: { command: ['sh', '-c', `PASSWORD=${CANARY} check --password ${CANARY} http://u:${CANARY}@db/`] },
    initialDelaySeconds: 10,
    periodSeconds: 30,
    timeoutSeconds: 10,
    failureThreshold: 5,
  };
  const startupProbe = {
    httpGet: {
      path: `/started?token=${CANARY}`,
      port: 8080,
      httpHeaders: [{ name: 'Authorization', value: `Bearer ${CANARY}` }],
    },
  };
  const env = [{ name: 'DB_PASSWORD', value: CANARY }];
  const containers = [
    { name: 'app', image: 'app:1', env, args: ['--token', CANARY], livenessProbe, startupProbe },
  ];
  const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': CANARY };
  const message = (text: string, reason: string) =>
    eventObject('api-5f-1', {
      kind: 'Pod',
      namespace: 'shop',
      reason,
      message: text,
      count: 40,
      firstAt: at(3_000),
      lastAt: at(25),
    });
  const cluster = await startCluster({
    nodes: [nodeObject('node-a')],
    pods: [
      podObject('api-5f-1', {
        namespace: 'shop',
        node: 'node-a',
        uid: 'uid-1',
        createdAt: at(3_600),
        labels: { 'pod-template-hash': '5f' },
        annotations,
        owner: { kind: 'ReplicaSet', name: 'api-5f' },
        containers,
        containerStatuses: [
          containerStatus('app', {
            restartCount: 19,
            state: { running: { startedAt: at(20) } },
            lastState: {
              terminated: {
                exitCode: 143,
                reason: 'Error',
                message: `could not connect with ${CANARY}`,
                startedAt: at(181),
                finishedAt: at(21),
              },
            },
          }),
        ],
      }),
    ],
    events: [
      message(`Liveness probe failed: command "sh -c check --password ${CANARY}" timed out`, 'Unhealthy'),
      message(`Liveness probe failed: HTTP probe: Get "http://10.0.0.1/x?token=${CANARY}"`, 'Unhealthy'),
      message(`Liveness probe failed: password=${CANARY} was rejected`, 'Unhealthy'),
      message('Container app failed liveness probe, will be restarted', 'Killing'),
      message(`Back-off restarting: exec: "sh -c ${CANARY}": not found`, 'BackOff'),
    ],
    deployments: [workloadObject('api', { namespace: 'shop', containers })],
    replicasets: [
      workloadObject('api-5f', { namespace: 'shop', containers, owner: { kind: 'Deployment', name: 'api' } }),
    ],
  });
  const log = [
    'serving on :8080',
    `DB_PASSWORD=${CANARY}`,
    `connecting to postgres://api:${CANARY}@db:5432/shop`,
    `{"level":"info","token":"${CANARY}"}`,
    `Authorization: Bearer ${CANARY}`,
    `\u001b[31mpassword\u001b[0m=${CANARY}`,
    'received terminated signal, shutting down',
  ];
  cluster.setPreviousLog({ namespace: 'shop', pod: 'api-5f-1', container: 'app' }, `${log.join('\n')}\n`);
  return cluster;
}

test('no secret of a restarting pod reaches a post, a file, the log or Redis', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'wrench-canary-'));
  cleanUp.push(() => rm(folder, { recursive: true, force: true }));
  const cluster = await startLeakyCluster();
  cleanUp.push(cluster.close);
  const kubeconfig = join(folder, 'kubeconfig');
  await writeFile(kubeconfig, cluster.kubeconfig());
  const source = { kind: 'kubernetes', name: 'lab', kubeconfig, kubelets: 'none', allow: { adjust: {} } };
  const { environments } = configSchema.parse({ environments: { prod: { sources: [source] } } });
  const stage = await setStage({
    delivery: 'http',
    catalogue: await loadCatalogue(),
    config: { environments },
  });
  cleanUp.push(stage.close);
  await stage.startWorker();
  await stage.startBot();
  const { workspace, redis, log } = stage;
  const thread = () => {
    const [root] = workspace.messages(INCIDENT);
    return root ? [...workspace.thread(INCIDENT, root.ts)] : [];
  };

  await workspace.command({ userId: ADA, channelId: INCIDENT, command: '/pods', text: 'restarts' });
  await workspace.waitFor(() => thread().find(({ text }) => text.includes('in a loop')), WAIT);
  await workspace.click({
    userId: ADA,
    channelId: INCIDENT,
    messageTs: workspace.messages(INCIDENT)[0]!.ts,
    actionId: 'wrench:evidence',
  });
  const { view } = await workspace.waitFor(() => workspace.views(ADA)[0], WAIT);

  const exits = {
    posts: JSON.stringify(thread()),
    requests: JSON.stringify(workspace.requests.map(({ args }) => args)),
    evidence: JSON.stringify(view),
    files: thread()
      .flatMap((message) => message.files.map(({ bytes }) => bytes.toString()))
      .join('\n'),
    log: log.join(''),
    redis: await everythingIn(redis.folder),
  };
  expect(exits.evidence).toContain('received terminated signal');
  expect(exits.redis).toContain('api-5f-1');
  for (const [exit, text] of Object.entries(exits)) expect(text.includes(CANARY), exit).toBe(false);
});

/** A server that greets every client with an error that quotes a text: https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_err_packet.html */
async function quoteAsDatabase(quoted: string): Promise<number> {
  const message = Buffer.from(`\xff\x15\x04#28000Access denied for 'wrench' with ${quoted}`, 'latin1');
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.end(Buffer.concat([Buffer.from([message.length, 0, 0, 0]), message]));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  cleanUp.push(async () => void server.close());
  return (server.address() as AddressInfo).port;
}

test('no password of RabbitMQ and MySQL that a server quotes reaches a post, the log or Redis', async () => {
  const passwords = ['reader', 'purger', 'database'].map((of) => `${CANARY}-${of}`);
  const [reader = '', purger = '', database = ''] = passwords;
  const basic = Buffer.from(`wrench:${reader}`).toString('base64');
  const quoted = `password ${reader} in Basic ${basic} and amqp://wrench:${reader}@ctl-1`;
  // The text is cut in the middle of the password.
  const cut = `${'login '.repeat(31)}${reader}`;
  const broker = await serveManagement({
    users: [{ username: 'wrench', password: reader, tags: ['monitoring'] }],
  });
  cleanUp.push(broker.close);
  broker.setFault('/api/overview', { status: 500, body: { reason: quoted } });
  broker.setFault('/api/nodes', { status: 401, body: { reason: quoted } });
  broker.setFault('/api/health/checks/alarms', { status: 400, body: { error: cut } });
  const written = {
    environments: {
      prod: {
        sources: [
          {
            kind: 'rabbitmq',
            urls: [broker.url],
            user: { username: 'wrench', password: reader },
            allow: { purge: { username: 'wrench-purge', password: purger } },
          },
          {
            kind: 'mysql',
            host: '127.0.0.1',
            port: await quoteAsDatabase(database),
            user: { username: 'wrench', password: database },
          },
        ],
      },
    },
  };
  // What the configuration marks as secret is what every way out replaces.
  const secrets = secretsIn(configSchema, written);
  expect(secrets.toSorted()).toEqual(passwords.toSorted());
  const stage = await setStage({
    delivery: 'http',
    catalogue: await loadCatalogue(),
    config: { environments: configSchema.parse(written).environments, secrets },
  });
  cleanUp.push(stage.close);
  await stage.startWorker();
  await stage.startBot();
  const { workspace, redis, log } = stage;
  const answers = () => workspace.messages(INCIDENT).filter(({ text }) => !text.startsWith('Checking '));

  await workspace.command({ userId: ADA, channelId: INCIDENT, command: '/rabbit', text: 'health' });
  await workspace.command({ userId: ADA, channelId: INCIDENT, command: '/cloud', text: 'records' });
  await workspace.waitFor(() => answers().length === 2, WAIT);

  const threads = answers().flatMap(({ ts }) => [...workspace.thread(INCIDENT, ts)]);
  const exits = {
    posts: JSON.stringify(threads),
    requests: JSON.stringify(workspace.requests.map(({ args }) => args)),
    log: log.join(''),
    redis: await everythingIn(redis.folder),
  };
  expect(exits.posts).toContain('refused the user wrench (401)');
  expect(exits.posts).toContain('rejects the user or the password');
  for (const [exit, text] of Object.entries(exits))
    expect(
      [...passwords, basic, CANARY].filter((one) => text.includes(one)),
      exit,
    ).toEqual([]);
});

test('a crash prints no secrets of the process', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'wrench-crash-'));
  cleanUp.push(() => rm(folder, { recursive: true, force: true }));
  const words = `it went wrong with ${TOKENS.bot}, hvs.CAESIJcanarycanary and postgres://me:pw123456@db/x`;
  await writeFile(join(folder, 'words.txt'), words);
  const crash = `import { readFileSync } from 'node:fs';
    const { write } = process.stdout;
    process.stdout.write = (...words) => {
      setImmediate(() => { throw new Error(readFileSync(new URL('words.txt', import.meta.url), 'utf8')); });
      return write.apply(process.stdout, words);
    };`;
  await writeFile(join(folder, 'crash.mjs'), crash);

  const { all, exitCode } = await execa({
    all: true,
    reject: false,
    extendEnv: false,
    env: { SLACK_BOT_TOKEN: TOKENS.bot, PATH: '' },
  })`${process.execPath} --import ${join(folder, 'crash.mjs')} src/main.ts help`;

  expect(all).toContain('it went wrong with');
  expect(all).not.toMatch(/xoxb-\d|CAESIJcanary|pw123456/);
  expect(exitCode).toBe(70);
});

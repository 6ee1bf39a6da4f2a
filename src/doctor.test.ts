import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startWorkspace, type Workspace } from '../test/workspace/start-workspace.ts';
import { type Config, ConfigError, readEnvironment } from './config.ts';
import { exitCodeOf, type Patient, runDoctor, writeLines, writeLinesAsJson } from './doctor.ts';
import type { Source } from './ports/source.ts';
import { type LocalRedis, startLocalRedis } from './queue/local-redis.ts';

const config: Config = {
  environments: { prod: { sources: [] } },
  channels: {},
  defaultEnvironment: 'prod',
  limits: {} as Config['limits'],
  roles: {} as Config['roles'],
  remediations: {} as Config['remediations'],
  audit: {},
  checks: {},
  secrets: ['canary-vault-token'],
};
const healthy: Patient = {
  role: 'worker',
  settings: readEnvironment({}),
  config,
  sources: [],
  timeoutMs: 5_000,
};

async function examine(changes: Partial<Patient>): Promise<readonly string[]> {
  const lines = await runDoctor({ ...healthy, ...changes });
  return lines.map(({ level, about, said }) => `${level} ${about}: ${said}`);
}

let folder: string;
let server: LocalRedis;
let redis: Redis;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'wrench-doctor-'));
  server = await startLocalRedis(folder, () => undefined);
  redis = new Redis(server.url.replace('unix://', ''), { maxRetriesPerRequest: 1 });
});
afterAll(async () => {
  redis.disconnect();
  await server.close();
  rmSync(folder, { recursive: true });
});

const askRedis = (command: string, ...words: string[]) => redis.call(command, ...words);

test('a Redis as Wrench starts it is well', async () => {
  expect(await examine({ askRedis })).toEqual([
    'ok configuration: prod: 0 sources',
    expect.stringMatching(/^ok Redis: Redis \d+\.\d+\.\d+ answers$|^ok Redis: Valkey/),
    'ok Redis: evicts nothing (maxmemory-policy noeviction)',
    'ok Redis: writes every change to disk (appendfsync always)',
  ]);
});

test('a Redis that evicts and forgets is ill, and each line has its cure', async () => {
  await redis.config('SET', 'maxmemory-policy', 'allkeys-lru', 'appendonly', 'no');

  const lines = await runDoctor({ ...healthy, askRedis });

  await redis.config('SET', 'maxmemory-policy', 'noeviction', 'appendonly', 'yes');
  expect(exitCodeOf(lines)).toBe(1);
  expect(writeLines(lines.slice(2))).toBe(
    [
      '✖ Redis: evicts keys when its memory is full (maxmemory-policy allkeys-lru)',
      '    Set `maxmemory-policy noeviction` in redis.conf or the parameter group: evicted jobs are lost in silence.',
      '! Redis: keeps no append-only file: a restart loses what was asked and not yet posted',
      '    Set `appendonly yes`, with `appendfsync always` or `everysec`.',
      '',
    ].join('\n'),
  );
});

test('a managed Redis that forbids CONFIG is read from INFO, and what that does not tell is said', async () => {
  await redis.acl('SETUSER', 'managed', 'on', '>pass', '~*', '+@all', '-config');
  const managed = new Redis(server.url.replace('unix://', ''), { username: 'managed', password: 'pass' });

  const said = await examine({ askRedis: (command, ...words) => managed.call(command, ...words) });

  managed.disconnect();
  expect(said.slice(2)).toEqual([
    'ok Redis: evicts nothing (maxmemory-policy noeviction)',
    'warning Redis: keeps an append-only file and does not tell how often it is written',
  ]);
});

test.each([
  ['6.0.16', 'failed Redis: Redis 6.0.16 is too old'],
  ['6.2.0', 'ok Redis: Redis 6.2.0 answers'],
  ['10.0.0', 'ok Redis: Redis 10.0.0 answers'],
])('Redis %s: %s', async (version, line) => {
  const old = async (command: string, ...words: string[]) =>
    command === 'INFO' ? `# Server\r\nredis_version:${version}\r\n` : askRedis(command, ...words);

  expect(await examine({ askRedis: old })).toContain(line);
});

test('a Redis that is away, or never answers, is one line', async () => {
  const away = () =>
    Promise.reject(Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED' }));
  const silent = () => new Promise<never>(() => undefined);

  expect(await examine({ askRedis: away })).toContain(
    'failed Redis: does not answer: connect ECONNREFUSED 127.0.0.1:1',
  );
  expect(await examine({ askRedis: silent, timeoutMs: 50 })).toContain(
    'failed Redis: does not answer: no answer in 0.05 s',
  );
});

const BOT = 'xoxb-canary-bot';
const APP = 'xapp-canary-app';
const FULL = ['commands', 'chat:write', 'chat:write.public', 'files:write', 'usergroups:read', 'users:read'];

async function inWorkspace<T>(
  scopes: readonly string[],
  work: (workspace: Workspace) => Promise<T>,
): Promise<T> {
  const workspace = await startWorkspace({
    app: { delivery: 'socket', signingSecret: 'signing-secret', botToken: BOT, appToken: APP, scopes },
  });
  try {
    return await work(workspace);
  } finally {
    await workspace.close();
  }
}

function slackOf(apiUrl: string, variables: Record<string, string> = {}) {
  return readEnvironment({ SLACK_API_URL: apiUrl, SLACK_BOT_TOKEN: BOT, SLACK_APP_TOKEN: APP, ...variables });
}

test('tokens that Slack takes, with every scope, are well', async () => {
  const said = await inWorkspace(FULL, ({ apiUrl }) => examine({ role: 'bot', settings: slackOf(apiUrl) }));

  expect(said.slice(1)).toEqual([
    expect.stringMatching(/^ok Slack: the bot token is @\w+ of \w+/),
    'ok Slack: the bot token has every scope that is needed',
    'ok Slack: Socket Mode opens with the app token',
  ]);
});

test('each scope that is missing is named, with what it is for', async () => {
  const said = await inWorkspace(['commands', 'chat:write'], ({ apiUrl }) =>
    examine({ role: 'bot', settings: slackOf(apiUrl) }),
  );

  expect(said).toContain('failed Slack: the scope files:write is missing: to attach long lists as CSV');
  expect(said).toContain(
    'warning Slack: the scope chat:write.public is missing: to post in public channels that it was not invited to',
  );
});

test('tokens that Slack refuses are told apart, and not shown', async () => {
  const lines = await inWorkspace(FULL, ({ apiUrl }) =>
    runDoctor({
      ...healthy,
      role: 'bot',
      settings: slackOf(apiUrl, { SLACK_BOT_TOKEN: 'xoxb-canary-old', SLACK_APP_TOKEN: 'xapp-canary-old' }),
    }),
  );

  expect(lines.map(({ said }) => said)).toEqual(
    expect.arrayContaining([
      'the bot token is refused (invalid_auth)',
      'the app token is refused (invalid_auth)',
    ]),
  );
  expect(writeLinesAsJson(lines)).not.toContain('canary');
});

test('a Slack that is out of reach is told as such', async () => {
  const closed = createServer();
  const port = await new Promise<number>((done) =>
    closed.listen(0, '127.0.0.1', () => done((closed.address() as AddressInfo).port)),
  );
  await new Promise((done) => closed.close(done));

  const said = await examine({ role: 'bot', settings: slackOf(`http://127.0.0.1:${port}/api/`) });

  expect(said[1]).toMatch(/^failed Slack: the Web API does not answer: .*ECONNREFUSED/);
});

test('a bot without tokens is ill, a worker with tokens is doubtful', async () => {
  expect(await examine({ role: 'bot' })).toContain('failed Slack: there is no bot token');
  expect(await examine({ role: 'worker' })).toHaveLength(1);
  expect(await examine({ role: 'worker', settings: readEnvironment({ SLACK_BOT_TOKEN: BOT }) })).toContain(
    'warning Slack: a worker holds a Slack token, and needs none',
  );
});

function source(reach: Source['reach']): Source {
  return { name: 'vault', kind: 'vault', reach, close: () => Promise.resolve() };
}

test('every source says whether it can be reached, with its cure; one that throws or hangs ends nothing', async () => {
  const sources = [
    source(() => Promise.resolve({ ok: true, said: 'unsealed; 2 of 2 paths can be listed' })),
    source(() =>
      Promise.resolve({ ok: false, said: 'login refused for canary-vault-token', cure: 'Renew the token' }),
    ),
    source(() => Promise.reject(new Error('socket hang up'))),
    source(() => new Promise<never>(() => undefined)),
  ].map((one) => ({ environment: 'prod', source: one }));

  const lines = await runDoctor({ ...healthy, sources, timeoutMs: 50 });

  expect(lines.slice(1)).toEqual([
    { level: 'ok', about: 'prod/vault', said: 'unsealed; 2 of 2 paths can be listed' },
    { level: 'failed', about: 'prod/vault', said: 'login refused for [secret]', cure: 'Renew the token' },
    {
      level: 'failed',
      about: 'prod/vault',
      said: 'socket hang up',
      cure: 'Look at whether vault answers from here',
    },
    {
      level: 'failed',
      about: 'prod/vault',
      said: 'no answer in 0.05 s',
      cure: 'Look at whether vault answers from here',
    },
  ]);
});

test('a broken configuration is one line for each problem, and the rest is examined all the same', async () => {
  const broken = new ConfigError('wrench.yaml', [
    {
      path: 'environments.prod',
      at: { line: 3, column: 5 },
      what: 'unknown key `soruces`',
      cure: 'Did you mean `sources`?',
    },
    { path: 'limits', what: 'expected object' },
  ]);

  const lines = await runDoctor({ ...healthy, config: broken, askRedis });

  expect(lines.filter(({ about }) => about === 'configuration')).toEqual([
    {
      level: 'failed',
      about: 'configuration',
      said: 'wrench.yaml:3:5 environments.prod: unknown key `soruces`',
      cure: 'Did you mean `sources`?',
    },
    expect.objectContaining({ said: 'wrench.yaml limits: expected object' }),
  ]);
  expect(lines.some(({ about }) => about === 'Redis')).toBe(true);
  expect(exitCodeOf(lines)).toBe(1);
});

test('one JSON document for machines', async () => {
  const lines = await runDoctor(healthy);

  expect(JSON.parse(writeLinesAsJson(lines))).toEqual({ ok: true, lines });
  expect(exitCodeOf(lines)).toBe(0);
});

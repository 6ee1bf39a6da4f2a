import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { startWorkspace } from '../../test/workspace/start-workspace.ts';
import { cutEnd } from '../../test/world/tamper-audit.ts';
import { openAuditLog } from '../store/audit/audit-log.ts';
import { openAuditCopyStates } from '../store/audit/copy-states.ts';
import { openFreeze } from '../store/remediation/freeze.ts';
import { watchCopy } from '../store/audit/watch-copy.ts';
import { startLocalRedis } from '../queue/local-redis.ts';
import { PREFIX } from '../queue/queues.ts';

const main = fileURLToPath(new URL('../main.ts', import.meta.url));
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wrench-examine-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function doctor(words: readonly string[], env: Record<string, string> = {}) {
  const { PATH = '', HOME = '' } = process.env;
  return execa(process.execPath, [main, 'doctor', ...words], {
    cwd: folder,
    env: { PATH, HOME, ...env },
    extendEnv: false,
    reject: false,
  });
}

test('without a configuration the doctor says how to create one, and exits 1', async () => {
  const { stdout, exitCode } = await doctor([]);

  expect(exitCode).toBe(1);
  expect(stdout).toContain(
    '✖ configuration: ./wrench.yaml: File not found\n    Copy deploy/examples/wrench.yaml there',
  );
  expect(stdout).toContain('✖ Slack: no bot token is set');
});

test('a healthy installation gets a ✔ for configuration, private Redis, Slack and sources', async () => {
  writeFileSync(join(folder, 'site.pem'), '');
  writeFileSync(
    join(folder, 'wrench.yaml'),
    `environments: { prod: { sources: [{ kind: files, name: disk, paths: ["${folder}/*.pem"] }] } }\naudit: { copyTo: ${folder}/audit.jsonl }\n`,
  );
  const tokens = {
    botToken: 'xoxb-canary-bot',
    appToken: 'xapp-canary-app',
    signingSecret: 'signing-secret',
  };
  const scopes = [
    'commands',
    'chat:write',
    'chat:write.public',
    'files:write',
    'usergroups:read',
    'users:read',
    'app_mentions:read',
    'im:history',
  ];
  const workspace = await startWorkspace({ app: { delivery: 'socket', ...tokens, scopes } });

  const { stdout, exitCode } = await doctor(['--json'], {
    SLACK_API_URL: workspace.apiUrl,
    SLACK_BOT_TOKEN: tokens.botToken,
    SLACK_APP_TOKEN: tokens.appToken,
  });
  await workspace.close();

  const { ok, lines } = JSON.parse(stdout) as {
    ok: boolean;
    lines: readonly { level: string; about: string }[];
  };
  expect(lines.filter(({ level }) => level !== 'ok')).toEqual([]);
  expect([...new Set(lines.map(({ about }) => about))]).toEqual([
    'configuration',
    'remediations',
    'Redis',
    'audit',
    'Slack',
    'prod/disk',
  ]);
  expect({ ok, exitCode }).toEqual({ ok: true, exitCode: 0 });
  expect(stdout).not.toContain('canary');
});

test.each([
  [['--jsn'], 'Unknown flag `--jsn`. Did you mean `--json`?'],
  [['--prove-posting'], 'Missing value for `--prove-posting`.'],
  [['--prove-posting', '#incident'], 'Invalid channel `#incident` for `--prove-posting`.'],
  [['worker', '--prove-posting', 'C0123ABC'], '`--prove-posting` needs the bot token'],
  [['bots'], 'Unknown role `bots`. Did you mean `bot`?'],
])('an invalid argument (%j) is reported with exit code 64', async (words, said) => {
  const { stderr, stdout, exitCode } = await doctor(words);

  expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 64 });
  expect(stderr).toContain(said);
  expect(stderr).toContain('Run `wrench doctor --help` for usage.');
});

test('an unreachable Redis is reported immediately, with the reason', async () => {
  writeFileSync(
    join(folder, 'wrench.yaml'),
    'environments: { prod: { sources: [{ kind: tls, sites: ["127.0.0.1:1"] }] } }\n',
  );

  const { stdout, exitCode } = await doctor(['worker'], {
    REDIS_URL: 'redis://:canary-password@127.0.0.1:1',
  });

  expect(exitCode).toBe(1);
  expect(stdout).toMatch(/✖ Redis: doesn't respond: .*ECONNREFUSED/);
  expect(stdout).toContain('✖ prod/tls: ');
  expect(stdout).not.toContain('Slack');
  expect(stdout).not.toContain('canary');
});

test('reports from Redis whether remediations can be applied: durability, the freeze, and whether the audit ends at its head', async () => {
  const server = await startLocalRedis(join(folder, 'elsewhere'), () => undefined);
  const redis = new Redis(server.url.replace('unix://', ''));
  onTestFinished(async () => {
    redis.disconnect();
    await server.close();
  });
  writeFileSync(
    join(folder, 'wrench.yaml'),
    `environments: { prod: { sources: [{ kind: files, paths: ["${folder}/*.yaml"] }] } }\n`,
  );
  const lines = async () => (await doctor(['worker'], { REDIS_URL: server.url })).stdout.split('\n');
  const frozen = { by: 'U0123ADA', at: '2026-11-20T14:03:20.000Z', because: 'the move' };

  expect(await lines()).toEqual(
    expect.arrayContaining([
      '✔ remediations: Redis writes each fix to disk before it is applied',
      '✔ audit: no entries yet',
    ]),
  );
  await openFreeze(redis, PREFIX).freeze(frozen);
  await openFreeze(redis, PREFIX).unfreeze(frozen);
  await openFreeze(redis, PREFIX).freeze(frozen);
  expect(await lines()).toEqual(
    expect.arrayContaining([
      '! remediations: no fixes are applied: frozen since 2026-11-20 14:03 UTC by U0123ADA: the move',
      '✔ audit: 3 entries; the end of the stream matches the head',
    ]),
  );
  const { streamKey } = openAuditLog(redis, PREFIX);
  const [[last] = ['']] = await redis.xrevrange(streamKey, '+', '-', 'COUNT', 1);
  await redis.xdel(streamKey, last);
  expect(await lines()).toContain('✖ audit: the stream ends at entry 2, but the head is at entry 3');
});

test('fails if the audit does not continue the last head seen, or a copy has stopped', async () => {
  const data = join(folder, 'data');
  const server = await startLocalRedis(data, () => undefined);
  const redis = new Redis(server.url.replace('unix://', ''));
  onTestFinished(async () => {
    redis.disconnect();
    await server.close();
  });
  writeFileSync(
    join(folder, 'wrench.yaml'),
    `environments: { prod: { sources: [{ kind: files, paths: ["${folder}/*.yaml"] }] } }\n`,
  );
  const failed = async () => {
    const { stdout } = await doctor(['worker'], { WRENCH_DATA: data });
    return stdout.split('\n').filter((line) => line.startsWith('✖') && line.includes('audit'));
  };
  const chain = openAuditLog(redis, PREFIX);
  const states = openAuditCopyStates(redis, PREFIX);
  for (const what of ['one', 'two', 'three'])
    await chain.append({ kind: 'asked', at: '2026-11-20T14:03:20.000Z', who: ['U0123ADA'], what });
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const watching = { copy: { audit: chain, headFile: join(data, 'audit-head'), log }, states, bot: 'host-1' };
  await watchCopy({ ...watching, measure: () => undefined }).close();
  expect(await failed()).toEqual([]);

  await cutEnd(redis, chain, 1);
  await watchCopy({ ...watching, measure: () => undefined }).close();

  const missing =
    /the audit ends at entry 1, but entry 3 was seen on .* UTC: 2 entries are missing, from entry 2 on$/;
  expect(await failed()).toEqual([
    expect.stringMatching(missing),
    expect.stringMatching(
      new RegExp(`the bot on host-1 hasn't followed the audit since .* UTC: ${missing.source}`),
    ),
  ]);
});

test('examines the private Redis of a running Wrench like any other', async () => {
  const server = await startLocalRedis(join(folder, 'data'), () => undefined);
  onTestFinished(server.close);
  writeFileSync(
    join(folder, 'wrench.yaml'),
    `environments: { prod: { sources: [{ kind: files, paths: ["${folder}/*.yaml"] }] } }\n`,
  );

  const { stdout } = await doctor(['worker'], { WRENCH_DATA: join(folder, 'data') });

  expect(stdout).toContain('✔ Redis: writes every change to disk (appendfsync always)');
  expect(stdout).toContain('✔ audit: no entries yet');
});

test('an invalid token is not shown, and the file is still read', async () => {
  writeFileSync(join(folder, 'other.yaml'), 'environments: {}\n');

  const { stdout } = await doctor([], { SLACK_BOT_TOKEN: 'canary-token', WRENCH_CONFIG: './other.yaml' });

  expect(stdout).toContain('SLACK_BOT_TOKEN: Must begin with `xoxb-`');
  expect(stdout).toContain('./other.yaml:1:1 environments: Must contain at least one environment');
  expect(stdout).not.toContain('canary');
});

import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { UserGroup } from '../../test/workspace/model.ts';
import { startWorkspace, type Workspace } from '../../test/workspace/start-workspace.ts';
import { type Config, ConfigError, readEnvironment } from '../config/read-config.ts';
import { exitCodeOf, type DoctorInput, runDoctor, writeLines, writeLinesAsJson } from './run-doctor.ts';
import type { StoredState } from './remediations.ts';
import type { DeduplicationProof } from '../store/thread/post-deduplication.ts';
import type { Source } from '../ports/source.ts';
import { type LocalRedis, startLocalRedis } from '../queue/local-redis.ts';

const config: Config = {
  environments: { prod: { sources: [] } },
  channels: {},
  defaultEnvironment: 'prod',
  limits: {} as Config['limits'],
  roles: { requester: [], approver: [], auditor: [] },
  remediations: {
    destructive: [],
    off: [],
    approvals: { disruptive: 1, destructive: 2 },
    remind: { alsoNotify: [] },
  } as unknown as Config['remediations'],
  history: { days: 30 },
  audit: { copyTo: 'stdout' },
  checks: {},
  digests: {},
  commands: {},
  secrets: ['canary-vault-token'],
};
const healthy: DoctorInput = {
  role: 'worker',
  settings: readEnvironment({}),
  config,
  sources: [],
  checks: new Map(),
  timeoutMs: 5_000,
};

async function linesOf(changes: Partial<DoctorInput>): Promise<readonly string[]> {
  const lines = await runDoctor({ ...healthy, ...changes });
  return lines.map(({ level, about, message }) => `${level} ${about}: ${message}`);
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

const callRedis = (command: string, ...words: string[]) => redis.call(command, ...words);

test('a Redis that Wrench started passes', async () => {
  expect(await linesOf({ callRedis })).toEqual([
    'ok configuration: prod: 0 sources',
    'ok remediations: no fixes are offered: `roles.requester` is empty',
    expect.stringMatching(/^ok Redis: Redis \d+\.\d+\.\d+ responds$|^ok Redis: Valkey/),
    'ok Redis: never evicts keys (maxmemory-policy noeviction)',
    'ok Redis: writes every change to disk (appendfsync always)',
  ]);
});

test('a deprecated key is a warning with its line and its new form', async () => {
  const problem = {
    path: 'environments.prod.sources[0].maintain',
    at: { line: 4, column: 9 },
    what: 'deprecated',
    hint: 'Replace it with `allow: { maintain: true }`',
  };
  const deprecated = { file: './wrench.yaml', problems: [problem] };
  const lines = await runDoctor({ ...healthy, config: { ...config, deprecated } });

  expect(exitCodeOf(lines)).toBe(0);
  expect(writeLines(lines.slice(0, 1))).toBe(
    '! configuration: ./wrench.yaml:4:9 environments.prod.sources[0].maintain: Deprecated\n' +
      '    Replace it with `allow: { maintain: true }`.\n',
  );
});

test('a Redis that evicts keys and has no append-only file fails, and each line has a hint', async () => {
  await redis.config('SET', 'maxmemory-policy', 'allkeys-lru', 'appendonly', 'no');

  const lines = await runDoctor({ ...healthy, callRedis });

  await redis.config('SET', 'maxmemory-policy', 'noeviction', 'appendonly', 'yes');
  expect(exitCodeOf(lines)).toBe(1);
  expect(writeLines(lines.slice(3))).toBe(
    [
      '✖ Redis: evicts keys when its memory is full (maxmemory-policy allkeys-lru)',
      '    Set `maxmemory-policy noeviction` in redis.conf or the parameter group. Otherwise queued jobs may be lost silently.',
      '! Redis: has no append-only file: a restart loses unfinished requests',
      '    Set `appendonly yes`, with `appendfsync always` or `everysec`.',
      '',
    ].join('\n'),
  );
});

test('a managed Redis that forbids CONFIG is read from INFO, and what INFO lacks is reported', async () => {
  await redis.acl('SETUSER', 'managed', 'on', '>pass', '~*', '+@all', '-config');
  const managed = new Redis(server.url.replace('unix://', ''), { username: 'managed', password: 'pass' });

  const said = await linesOf({ callRedis: (command, ...words) => managed.call(command, ...words) });

  managed.disconnect();
  expect(said.slice(3)).toEqual([
    'ok Redis: never evicts keys (maxmemory-policy noeviction)',
    "warning Redis: has an append-only file, but doesn't report how often it is written",
  ]);
});

test.each([
  ['6.0.16', 'failed Redis: Redis 6.0.16 is too old'],
  ['6.2.0', 'ok Redis: Redis 6.2.0 responds'],
  ['10.0.0', 'ok Redis: Redis 10.0.0 responds'],
])('Redis %s: %s', async (version, line) => {
  const old = async (command: string, ...words: string[]) =>
    command === 'INFO' ? `# Server\r\nredis_version:${version}\r\n` : callRedis(command, ...words);

  expect(await linesOf({ callRedis: old })).toContain(line);
});

test('a Redis that is down or never responds is one line', async () => {
  const down = () =>
    Promise.reject(Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED' }));
  const hung = () => new Promise<never>(() => undefined);

  expect(await linesOf({ callRedis: down })).toContain(
    "failed Redis: doesn't respond: connect ECONNREFUSED 127.0.0.1:1",
  );
  expect(await linesOf({ callRedis: hung, timeoutMs: 50 })).toContain(
    "failed Redis: doesn't respond: no response in 0.05 s",
  );
});

const BOT = 'xoxb-canary-bot';
const APP = 'xapp-canary-app';
const FULL = [
  'app_mentions:read',
  'chat:write',
  'chat:write.public',
  'commands',
  'files:write',
  'im:history',
  'usergroups:read',
  'users:read',
];

async function inWorkspace<T>(
  scopes: readonly string[],
  work: (workspace: Workspace) => Promise<T>,
  userGroups?: readonly UserGroup[],
): Promise<T> {
  const workspace = await startWorkspace({
    ...(userGroups && { userGroups }),
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

test('valid tokens with every scope pass', async () => {
  const said = await inWorkspace(FULL, ({ apiUrl }) => linesOf({ role: 'bot', settings: slackOf(apiUrl) }));

  expect(said.slice(3)).toEqual([
    expect.stringMatching(/^ok Slack: the bot token is valid: @\w+ in \w+/),
    'ok Slack: the bot token has all required scopes',
    'ok Slack: the app token opens Socket Mode',
  ]);
});

test.each([true, false])(
  'whether Slack drops repeated posts is tested in a channel, saved and shown (it does: %s)',
  async (drops) => {
    const saved: DeduplicationProof[] = [];
    const repeats = {
      read: async () => saved[0],
      save: async (proof: DeduplicationProof) => {
        saved.push(proof);
      },
    };
    const stored = { ...healthyState, repeats };
    await inWorkspace(FULL, async ({ apiUrl, faults, messages }) => {
      faults.dropRepeats(drops);
      const input = { role: 'bot', settings: slackOf(apiUrl), callRedis, stored } as const;
      const last = async (changes: Partial<DoctorInput> = {}) =>
        (await linesOf({ ...input, ...changes })).filter((line) => line.includes('Slack:')).at(-1);

      expect(await last()).toContain('not tested whether');
      const proven = await last({ provePostingIn: 'C0123INCIDENT' });

      expect(saved).toMatchObject([{ drops }]);
      expect(proven).toContain(
        drops ? 'ok Slack: drops repeated posts' : 'ok Slack: does not drop repeated posts',
      );
      expect(await last()).toBe(proven);
      expect(messages('C0123INCIDENT')).toEqual([]);
    });
  },
);

test('a rejected test message proves nothing', async () => {
  const saved: DeduplicationProof[] = [];
  const repeats = {
    read: async () => undefined,
    save: async (proof: DeduplicationProof) => void saved.push(proof),
  };

  const said = await inWorkspace(FULL, ({ apiUrl }) =>
    linesOf({
      role: 'bot',
      settings: slackOf(apiUrl),
      callRedis,
      stored: { ...healthyState, repeats },
      provePostingIn: 'C0123SECRET',
    }),
  );

  expect(said).toContain('failed Slack: rejected the test message in C0123SECRET (channel_not_found)');
  expect(saved).toEqual([]);
});

test('lists each missing scope with its purpose', async () => {
  const said = await inWorkspace(['commands', 'chat:write'], ({ apiUrl }) =>
    linesOf({ role: 'bot', settings: slackOf(apiUrl) }),
  );

  expect(said).toContain(
    'failed Slack: the scope files:write is missing; the bot needs it to attach long lists as CSV',
  );
  expect(said).toContain(
    'warning Slack: the scope chat:write.public is missing; the bot needs it to post in public channels without an invitation',
  );
  expect(said).toContain(
    'warning Slack: the scope app_mentions:read is missing; the bot needs it to receive messages that mention it',
  );
});

test('reports which token Slack rejects, and shows neither', async () => {
  const lines = await inWorkspace(FULL, ({ apiUrl }) =>
    runDoctor({
      ...healthy,
      role: 'bot',
      settings: slackOf(apiUrl, { SLACK_BOT_TOKEN: 'xoxb-canary-old', SLACK_APP_TOKEN: 'xapp-canary-old' }),
    }),
  );

  expect(lines.map(({ message }) => message)).toEqual(
    expect.arrayContaining([
      'rejected the bot token (invalid_auth)',
      'rejected the app token (invalid_auth)',
    ]),
  );
  expect(writeLinesAsJson(lines)).not.toContain('canary');
});

test('reports an unreachable Slack', async () => {
  const closed = createServer();
  const port = await new Promise<number>((done) =>
    closed.listen(0, '127.0.0.1', () => done((closed.address() as AddressInfo).port)),
  );
  await new Promise((done) => closed.close(done));

  const said = await linesOf({ role: 'bot', settings: slackOf(`http://127.0.0.1:${port}/api/`) });

  expect(said[3]).toMatch(/^failed Slack: the Web API doesn't respond: .*ECONNREFUSED/);
});

test('a bot without tokens fails, a worker with tokens is a warning', async () => {
  expect(await linesOf({ role: 'bot' })).toContain('failed Slack: no bot token is set');
  expect((await linesOf({ role: 'worker' })).join()).not.toContain('Slack');
  expect(await linesOf({ role: 'worker', settings: readEnvironment({ SLACK_BOT_TOKEN: BOT }) })).toContain(
    'warning Slack: the worker has a Slack token, but needs none',
  );
});

type Roles = Config['roles'];

const withRoles = (roles: Partial<Roles>): Config => ({ ...config, roles: { ...config.roles, ...roles } });

async function checkRoles(
  roles: Partial<Roles>,
  scopes = FULL,
  prepare?: (workspace: Workspace) => void,
  userGroups?: readonly UserGroup[],
) {
  const work = async (workspace: Workspace) => {
    prepare?.(workspace);
    const lines = await linesOf({
      role: 'bot',
      settings: slackOf(workspace.apiUrl),
      config: withRoles(roles),
    });
    return lines.filter((line) => /Slack: (?!the bot token|the app token)/.test(line));
  };
  return inWorkspace(scopes, work, userGroups);
}

test('people and user groups that Slack knows pass, each looked up once', async () => {
  const roles = { requester: ['U0123ADA', 'S0123PLATFORM'], approver: ['U0123ADA', 'U0123GRACE'] };

  expect(await checkRoles(roles)).toEqual([
    'ok Slack: found everyone in the configuration: 2 people and 1 user group',
  ]);
});

test('lists people whom Wrench will refuse, with the reason and the role', async () => {
  const said = await checkRoles(
    { requester: ['U0NOBODY', 'U0123ADA'], approver: ['U0123GRACE', 'U0123KATE', 'U0123ADA'] },
    FULL,
    ({ setUser }) => {
      setUser('U0123ADA', { isDeleted: true });
      setUser('U0123GRACE', { isRestricted: true });
      setUser('U0123KATE', { teamId: 'T0OTHER' });
    },
  );

  expect(said.toSorted()).toEqual([
    'warning Slack: U0123ADA is deactivated and will be refused (roles.requester, roles.approver)',
    'warning Slack: U0123GRACE is a guest and will be refused (roles.approver)',
    'warning Slack: U0123KATE is from another workspace and will be refused (roles.approver)',
    "warning Slack: U0NOBODY doesn't exist in this workspace and will be refused (roles.requester)",
  ]);
});

test('people who are only reminded need no role, but must exist', async () => {
  const alsoNotify = ['U0123ADA', 'U0123GRACE', 'U0123KATE', 'S0123PLATFORM', 'S0NOSUCH'];
  const work = ({ apiUrl, setUser }: Workspace) => {
    setUser('U0123ADA', { isDeleted: true });
    setUser('U0123GRACE', { isRestricted: true });
    setUser('U0123KATE', { teamId: 'T0OTHER' });
    const remediations = { ...config.remediations, remind: { alsoNotify } };
    return linesOf({ role: 'bot', settings: slackOf(apiUrl), config: { ...config, remediations } });
  };
  const group = { id: 'S0123PLATFORM', handle: 'platform', name: 'Platform', users: [], isDisabled: true };

  const lines = await inWorkspace(FULL, work, [group]);

  expect(lines.filter((line) => line.includes('alsoNotify')).toSorted()).toEqual([
    "warning Slack: U0123ADA is deactivated and won't be notified (remediations.remind.alsoNotify)",
    "warning Slack: the user group S0123PLATFORM is disabled, so its members won't be notified (remediations.remind.alsoNotify)",
    "warning Slack: the user group S0NOSUCH doesn't exist in this workspace (remediations.remind.alsoNotify)",
  ]);
});

test('distinguishes disabled, empty and unknown user groups', async () => {
  const group = { id: 'S0123PLATFORM', handle: 'platform', name: 'Platform', users: ['U0123GRACE'] };
  const checkGroup = (changes: Partial<UserGroup>) =>
    checkRoles({ approver: ['S0123PLATFORM'] }, FULL, undefined, [{ ...group, ...changes }]);

  const disabled = await checkGroup({ isDisabled: true });
  const empty = await checkGroup({ users: [] });
  const unknown = await checkRoles({ auditor: ['S0NOSUCH'] });

  expect([...disabled, ...empty, ...unknown]).toEqual([
    'warning Slack: the user group S0123PLATFORM is disabled, so its members will be refused (roles.approver)',
    'warning Slack: the user group S0123PLATFORM has no members (roles.approver)',
    "warning Slack: the user group S0NOSUCH doesn't exist in this workspace (roles.auditor)",
  ]);
});

const askFrom = {
  environments: {
    prod: { sources: [], askFrom: { channels: ['C0123INCIDENT', 'C0NOSUCH'], groups: ['S0NOSUCH'] } },
  },
  commands: { certs: { askFrom: { channels: ['C0NOSUCH', 'C0123PLATFORM'], groups: ['S0123PLATFORM'] } } },
};

test('channels and user groups that Slack does not know are listed with their keys', async () => {
  const said = await inWorkspace(FULL, ({ apiUrl }) =>
    linesOf({ role: 'bot', settings: slackOf(apiUrl), config: { ...config, ...askFrom } }),
  );

  expect(said.filter((line) => line.startsWith('warning Slack'))).toEqual([
    "warning Slack: the user group S0NOSUCH doesn't exist in this workspace (environments.prod.askFrom.groups)",
    "warning Slack: the bot can't find channel C0NOSUCH (environments.prod.askFrom.channels, commands.certs.askFrom.channels)",
  ]);
});

test('the channel of a digest that Slack does not know is listed with its key', async () => {
  const nightly = { cron: '30 7 * * *', timeZone: 'UTC', channel: 'C0NOSUCH', quiet: false, checks: [] };
  const said = await inWorkspace(FULL, ({ apiUrl }) =>
    linesOf({ role: 'bot', settings: slackOf(apiUrl), config: { ...config, digests: { nightly } } }),
  );

  expect(said).toContain("warning Slack: the bot can't find channel C0NOSUCH (digests.nightly.channel)");
});

test('channels and user groups that Slack knows pass', async () => {
  const { certs } = askFrom.commands;
  const commands = { certs: { askFrom: { ...certs.askFrom, channels: ['C0123PLATFORM'] } } };
  const audit = { channel: 'C0123PLATFORM' };

  const said = await inWorkspace(FULL, ({ apiUrl }) =>
    linesOf({ role: 'bot', settings: slackOf(apiUrl), config: { ...config, commands, audit } }),
  );

  expect(said).toContain('ok Slack: found everyone in the configuration: 1 user group');
  expect(said).toContain('ok Slack: found every channel in the configuration: 1 channel');
});

test("a channel that couldn't be checked is not reported as unknown", async () => {
  const { certs } = askFrom.commands;

  const said = await inWorkspace(FULL, ({ apiUrl, faults }) => {
    faults.serverError('chat.getPermalink');
    return linesOf({
      role: 'bot',
      settings: slackOf(apiUrl),
      config: { ...config, commands: { certs } },
    });
  });

  expect(said).toContain("warning Slack: couldn't check C0NOSUCH and C0123PLATFORM (HTTP 503)");
});

test('in an organization-wide installation people belong by their organization', async () => {
  const enterprise = { id: 'E0ORG', name: 'Org' };
  const workspace = await startWorkspace({
    enterprise,
    app: { delivery: 'socket', signingSecret: 'signing-secret', botToken: BOT, appToken: APP, scopes: FULL },
  });
  try {
    workspace.setUser('U0123ADA', { teamId: 'T0EAST', enterpriseId: 'E0ORG' });
    workspace.setUser('U0123GRACE', { teamId: 'T0EAST', enterpriseId: 'E0OTHER' });

    const said = await linesOf({
      role: 'bot',
      settings: slackOf(workspace.apiUrl),
      config: withRoles({ requester: ['U0123ADA'], approver: ['U0123GRACE'] }),
    });

    expect(said.filter((line) => line.includes('another workspace'))).toEqual([
      'warning Slack: U0123GRACE is from another workspace and will be refused (roles.approver)',
    ]);
  } finally {
    await workspace.close();
  }
});

test('without the scopes, people are reported as unchecked and not as unknown', async () => {
  const said = await checkRoles({ requester: ['U0123ADA'], approver: ['S0123PLATFORM'] }, [
    'commands',
    'chat:write',
    'files:write',
  ]);

  expect(said).toContain(
    'failed Slack: the scope users:read is missing; the bot needs it to recognize guests, people from other workspaces and deactivated accounts',
  );
  expect(said.at(-1)).toBe("warning Slack: couldn't check U0123ADA and S0123PLATFORM (missing_scope)");
});

test.each<[string, Partial<Roles>, string]>([
  [
    'no requester',
    { approver: ['U0123ADA'] },
    'ok remediations: no fixes are offered: `roles.requester` is empty',
  ],
  [
    'no approver',
    { requester: ['U0123ADA'] },
    'warning remediations: only safe fixes are offered: `roles.approver` is empty',
  ],
  [
    'requesters and approvers',
    { requester: ['U0123ADA'], approver: ['S0123PLATFORM'] },
    'ok remediations: people can request and approve fixes',
  ],
])('reports the roles: %s', async (_, roles, line) => {
  expect(await linesOf({ config: withRoles(roles) })).toContain(line);
});

test('fewer approvers than required approvals is a warning', async () => {
  const approvals = { disruptive: 2, destructive: 2 };
  const roles = { requester: ['U0123KATE'], approver: ['U0123ADA'], auditor: [] };

  const said = await linesOf({
    config: { ...config, roles, remediations: { ...config.remediations, approvals } },
  });

  expect(said).toContain(
    'warning remediations: disruptive fixes need 2 approvals, but `roles.approver` lists 1 person',
  );
});

const HASH = 'a'.repeat(64);
const healthyState: StoredState = {
  durability: async () => 'on-disk',
  frozen: async () => undefined,
  audit: async () => ({ head: { seq: 7, hash: HASH }, last: { seq: 7, hash: HASH }, entries: 7 }),
  repeats: { read: async () => undefined, save: async () => undefined },
  auditEnd: async () => undefined,
  copies: async () => [],
};

async function checkState(changes: Partial<StoredState>): Promise<readonly string[]> {
  const said = await linesOf({ callRedis, stored: { ...healthyState, ...changes } });
  return said.slice(5);
}

test.each<[Awaited<ReturnType<StoredState['durability']>>, string]>([
  ['on-disk', 'ok remediations: Redis writes each fix to disk before it is applied'],
  [
    'soon',
    'warning remediations: only fixes whose plans have preconditions are applied: Redis may lose the last second',
  ],
  [
    'never',
    'warning remediations: no fixes are applied: Redis has no append-only file, so a restart would lose which ones were started',
  ],
])('the durability of Redis (%s) decides whether fixes are applied', async (durability, line) => {
  expect(await checkState({ durability: async () => durability })).toEqual([
    line,
    'ok audit: 7 entries; the end of the stream matches the head',
  ]);
});

test('reports a freeze with who, since when and why', async () => {
  const frozen = { by: 'U0123ADA', at: '2026-11-20T14:03:20.000Z', because: 'etcd is being\u001b[31m moved' };

  expect(await checkState({ frozen: async () => frozen })).toContain(
    'warning remediations: no fixes are applied: frozen since 2026-11-20 14:03 UTC by U0123ADA: etcd is being moved',
  );
});

test.each<[string, Awaited<ReturnType<StoredState['audit']>>, string]>([
  ['has no entry', { head: { seq: 0, hash: HASH }, entries: 0 }, 'ok audit: no entries yet'],
  [
    'lost its last entry',
    { head: { seq: 7, hash: HASH }, last: { seq: 6, hash: HASH }, entries: 6 },
    'failed audit: the stream ends at entry 6, but the head is at entry 7',
  ],
  [
    'lost its stream',
    { head: { seq: 7, hash: HASH }, entries: 0 },
    'failed audit: the stream ends at entry 0, but the head is at entry 7',
  ],
  [
    'ends with another entry',
    { head: { seq: 7, hash: HASH }, last: { seq: 7, hash: 'b'.repeat(64) }, entries: 7 },
    "failed audit: entry 7 doesn't match the head",
  ],
  [
    'lost an entry in its middle',
    { head: { seq: 7, hash: HASH }, last: { seq: 7, hash: HASH }, entries: 6 },
    'failed audit: the head is at entry 7, but the stream has 6 entries',
  ],
  [
    'grew during the check',
    { head: { seq: 7, hash: HASH }, last: { seq: 7, hash: HASH }, entries: 9 },
    'ok audit: 7 entries; the end of the stream matches the head',
  ],
  [
    'ends with something else',
    { head: { seq: 7, hash: HASH }, last: 'unreadable', entries: 7 },
    'failed audit: the stream ends with something that is not an audit entry',
  ],
])('an audit that %s', async (_, ends, line) => {
  expect((await checkState({ audit: async () => ends })).at(-1)).toBe(line);
});

test('an audit that does not continue the last head seen is a failure, with what is missing', async () => {
  const because = 'the audit ends at entry 7, but entry 4,329 was seen on 2026-11-20 14:03 UTC';

  expect(await checkState({ auditEnd: async () => ({ because, isUnknown: false }) })).toContain(
    `failed audit: ${because}`,
  );
});

test('a head file that the doctor may not read is a warning', async () => {
  const because = '/var/lib/wrench-bot/audit-head cannot be read (EACCES)';

  expect(await checkState({ auditEnd: async () => ({ because, isUnknown: true }) })).toContain(
    `warning audit: ${because}`,
  );
});

test('a stopped copy is a failure, with the bot, the reason and the time', async () => {
  const stopped = { because: 'it does not\u001b[31m fit', since: '2026-11-20T14:03:07.000Z' };
  const state = { seq: 3, behind: 0, at: '2026-11-20T14:10:00.000Z' };
  const copies = async () => [
    { ...state, bot: 'host-1', to: '/var/audit.jsonl', stopped },
    { ...state, bot: 'host-2', stopped },
    { ...state, bot: 'host-3', to: 'stdout' },
    { ...state, bot: 'host-4', to: 'stdout', headProblem: '/.wrench/audit-head cannot be written: EROFS' },
  ];

  expect((await checkState({ copies })).slice(2)).toEqual([
    "failed audit: the bot on host-1 hasn't copied the audit to /var/audit.jsonl since 2026-11-20 14:03 UTC: it does not fit",
    "failed audit: the bot on host-2 hasn't followed the audit since 2026-11-20 14:03 UTC: it does not fit",
    "warning audit: the bot on host-4 can't save the last audit head it has seen: /.wrench/audit-head cannot be written: EROFS",
  ]);
});

test('no copy of the audit is a warning for the bot, not for the worker', async () => {
  const line =
    'warning audit: entries removed from the end of the audit may go unnoticed: `audit.copyTo` is not set';

  expect(await linesOf({ role: 'bot', config: { ...config, audit: {} } })).toContain(line);
  expect(await linesOf({ role: 'worker', config: { ...config, audit: {} } })).not.toContain(line);
});

test('the copy of the audit must be writable for the bot; the worker does not check it', async () => {
  const copyTo = async (path: string, role: DoctorInput['role'] = 'bot') =>
    (await linesOf({ role, config: { ...config, audit: { copyTo: path } } })).filter((line) =>
      line.includes(' audit: '),
    );

  expect(await copyTo('stdout')).toEqual(['ok audit: copied to stdout']);
  expect(await copyTo(join(folder, 'audit.jsonl'))).toEqual([
    `ok audit: copied to ${join(folder, 'audit.jsonl')}`,
  ]);
  expect(await copyTo('/no/such/folder/audit.jsonl')).toEqual([
    "failed audit: can't be copied to /no/such/folder/audit.jsonl (ENOENT)",
  ]);
  expect(await copyTo('/no/such/folder/audit.jsonl', 'worker')).toEqual([]);
});

test('what Redis refuses to return is a separate line, and the rest is still reported', async () => {
  const refuse = () => Promise.reject(new Error('NOPERM this user has no permissions'));

  expect(await checkState({ frozen: refuse })).toEqual([
    'ok remediations: Redis writes each fix to disk before it is applied',
    "failed remediations: couldn't read from Redis: NOPERM this user has no permissions",
    'ok audit: 7 entries; the end of the stream matches the head',
  ]);
});

test('a Redis that is down is one line, with none about its contents', async () => {
  const down = () => Promise.reject(new Error('connect ECONNREFUSED'));

  const said = await linesOf({ callRedis: down, stored: { ...healthyState, durability: down } });

  expect(said.slice(2)).toEqual(["failed Redis: doesn't respond: connect ECONNREFUSED"]);
});

function source(healthCheck: Source['healthCheck']): Source {
  return { name: 'vault', kind: 'vault', reads: {}, healthCheck, close: () => Promise.resolve() };
}

test('each source is one line, with a hint if it fails; one that throws or hangs does not affect the others', async () => {
  const sources = [
    source(() => Promise.resolve({ ok: true, summary: 'unsealed; 2 of 2 paths can be listed' })),
    source(() =>
      Promise.resolve({
        ok: false,
        summary: 'login refused for canary-vault-token',
        hint: 'Renew the token',
      }),
    ),
    source(() => Promise.reject(new Error('socket hang up'))),
    source(() => new Promise<never>(() => undefined)),
  ].map((one) => ({ environment: 'prod', source: one }));

  const lines = await runDoctor({ ...healthy, sources, timeoutMs: 50 });

  expect(lines.slice(2)).toEqual([
    { level: 'ok', about: 'prod/vault', message: 'unsealed; 2 of 2 paths can be listed' },
    { level: 'failed', about: 'prod/vault', message: 'login refused for [secret]', hint: 'Renew the token' },
    {
      level: 'failed',
      about: 'prod/vault',
      message: 'socket hang up',
      hint: 'Check that vault is reachable from here',
    },
    {
      level: 'failed',
      about: 'prod/vault',
      message: 'no response in 0.05 s',
      hint: 'Check that vault is reachable from here',
    },
  ]);
});

test('a broken configuration is one line for each problem, and the rest is checked too', async () => {
  const broken = new ConfigError('wrench.yaml', [
    {
      path: 'environments.prod',
      at: { line: 3, column: 5 },
      what: 'unknown key `soruces`',
      hint: 'Did you mean `sources`?',
    },
    { path: 'limits', what: 'expected object' },
  ]);

  const lines = await runDoctor({ ...healthy, config: broken, callRedis });

  expect(lines.filter(({ about }) => about === 'configuration')).toEqual([
    {
      level: 'failed',
      about: 'configuration',
      message: 'wrench.yaml:3:5 environments.prod: Unknown key `soruces`',
      hint: 'Did you mean `sources`?',
    },
    expect.objectContaining({ message: 'wrench.yaml limits: Expected object' }),
  ]);
  expect(lines.some(({ about }) => about === 'Redis')).toBe(true);
  expect(exitCodeOf(lines)).toBe(1);
});

test('writes one JSON document, with the keys of 0.2', async () => {
  const lines = await runDoctor({
    ...healthy,
    config: { ...config, defaultEnvironment: undefined } as unknown as Config,
  });

  expect(JSON.parse(writeLinesAsJson(lines))).toEqual({
    ok: true,
    lines: lines.map(({ level, about, message, hint }) => ({
      level,
      about,
      said: message,
      ...(hint !== undefined && { cure: hint }),
    })),
  });
  expect(exitCodeOf(lines)).toBe(0);
});

import type { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { useRedis } from '../../../test/world/use-redis.ts';
import { type AuditEntry, chainEntry, GENESIS } from '../../store/audit/entry.ts';
import { openAuditLog } from '../../store/audit/audit-log.ts';
import { openFreeze } from '../../store/remediation/freeze.ts';
import type { AccessRole } from '../../store/remediation/policy.ts';
import { readAudit } from '../../store/audit/read.ts';
import { openRefusals } from '../../store/audit/refusals.ts';
import { connectFailFast, connectBlocking, waitUntilReady } from '../../queue/connection.ts';
import { makeLog } from '../../telemetry/log.ts';
import { openClaims } from '../../store/claims/claims.ts';
import { openFindingHistory } from '../../store/history/finding-history.ts';
import { openSilences } from '../../store/silences/open-silences.ts';
import { openStatusThreads } from '../../store/thread/status-threads.ts';
import type { AdminCommandDeps } from './admin-answer.ts';
import { answerAdminCommand } from './admin-commands.ts';

const redis = useRedis();
let connection: Redis;
beforeAll(async () => {
  connection = connectFailFast({ url: redis.url }, () => undefined) as Redis;
  await waitUntilReady(connection, 10_000);
});
afterAll(() => connection.disconnect());

const ROLES: Readonly<Record<string, readonly AccessRole[]>> = {
  U0REQ: ['requester'],
  U0APP: ['approver'],
  U0AUD: ['auditor'],
};

let deps: AdminCommandDeps;
let log: string[];
beforeEach(() => {
  const prefix = `{${crypto.randomUUID()}}`;
  const audit = openAuditLog(connection, prefix);
  log = [];
  const clock = async () => Number((await connection.time())[0]) * 1_000;
  const logger = makeLog({ level: 'debug', secrets: [], to: { write: (line) => log.push(line) } });
  deps = {
    audit,
    refusals: openRefusals(connection, prefix, audit),
    isFirst: async () => true,
    digests: {
      definitions: [],
      store: { read: async () => undefined, lastRun: async () => undefined },
      enqueueStart: async () => undefined,
    },
    freeze: openFreeze(connection, prefix, audit),
    directory: {
      authorize: async (roles, userId) =>
        roles === 'anyone' ||
        roles.some((role) => ROLES[userId]?.includes(role)) || {
          because: 'needs the role',
          toPerson: 'you need the role',
        },
      members: () => [],
      lookUpGroups: async () => undefined,
    },
    rules: { environments: { prod: {} }, commands: {} },
    checks: ['certs/expiring'],
    findings: {
      history: openFindingHistory(connection, prefix, 86_400_000),
      silences: openSilences(connection, prefix, audit),
      claims: openClaims(connection, prefix),
      statusThreads: openStatusThreads(connection, prefix),
      queues: { enqueueOutbox: async () => undefined },
      clock,
      log: logger,
    },
    clock,
    log: logger,
  };
});

const type = (user: string, text: string) =>
  answerAdminCommand(deps, { userId: user, deliveryId: text }, text);
const textOf = async (user: string, text: string) => (await type(user, text))?.message.text;

/** Each renderer writes backticks differently. */
const plain = (text = '') => text.replaceAll(/[`ˋ]/g, "'");

async function audited() {
  const entries: AuditEntry[] = [];
  for await (const raw of readAudit(deps.audit)) entries.push(JSON.parse(raw) as AuditEntry);
  return entries.map(({ entry: { kind, who, what, because } }) =>
    [kind, who.join(), what, because].join(' | '),
  );
}

test('a freeze is visible to the whole channel, with who and why', async () => {
  const answer = await type('U0REQ', 'freeze because of the migration');

  expect(answer).toMatchObject({ inChannel: true, outcome: 'done' });
  expect(answer?.message.text).toMatch(/FROZEN by <@U0REQ>.*Reason: Because of the migration/i);
  await expect(deps.freeze.read()).resolves.toMatchObject({
    by: 'U0REQ',
    because: 'because of the migration',
  });
  await expect(audited()).resolves.toEqual(['frozen | U0REQ | everything | because of the migration']);
});

test.each([
  ['freeze', ''],
  ['FREEZE because', ''],
  ['freeze because the network is being moved', 'the network is being moved'],
  ['freeze --because "the network is moved"', 'the network is moved'],
  ['freeze —because “the network is moved”', 'the network is moved'],
  ['freeze because=the network', 'the network'],
  ["freeze the customer's migration", "the customer's migration"],
])('%s freezes with its reason', async (text, because) => {
  await type('U0APP', text);

  await expect(deps.freeze.read()).resolves.toMatchObject({ because });
});

test('a second freeze changes nothing, and says who froze remediations', async () => {
  await type('U0REQ', 'freeze first');

  const answer = await type('U0APP', 'freeze second');

  expect(answer).toMatchObject({ outcome: 'done' });
  expect(answer?.inChannel).toBeUndefined();
  expect(answer?.message.text).toMatch(/FROZEN by <@U0REQ>.*first/);
  await expect(audited()).resolves.toHaveLength(1);
});

test('of ten freezes at once one takes effect, with one audit entry', async () => {
  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, number) => type('U0APP', `freeze ${number}`)),
  );

  expect(answers.filter((answer) => answer?.inChannel)).toHaveLength(1);
  await expect(audited()).resolves.toHaveLength(1);
});

test('a requester may freeze but not unfreeze; the refusal is answered and audited', async () => {
  await type('U0REQ', 'freeze');

  const answer = await type('U0REQ', 'unfreeze');

  expect(answer).toMatchObject({ outcome: 'refused' });
  expect(answer?.inChannel).toBeUndefined();
  expect(answer?.message.text).toMatch(/wrench unfreeze.*You need the role/);
  await expect(deps.freeze.read()).resolves.toBeDefined();
  await expect(audited()).resolves.toEqual([
    'frozen | U0REQ | everything | ',
    'refused | U0REQ | /wrench unfreeze | needs the role',
  ]);
});

test.each(['unfreeze', 'UNFREEZE', 'thaw'])(
  '%s is visible to the whole channel, and says so if nothing is frozen',
  async (word) => {
    await type('U0REQ', 'freeze');

    await expect(type('U0APP', `${word} because it is over`)).resolves.toMatchObject({
      inChannel: true,
      message: { text: expect.stringContaining('UNFROZEN by <@U0APP>') },
    });
    await expect(textOf('U0APP', word)).resolves.toBe('Nothing is frozen.');
    await expect(audited()).resolves.toEqual([
      'frozen | U0REQ | everything | ',
      'thawed | U0APP | everything | it is over',
    ]);
  },
);

test('a person without a role can neither freeze, unfreeze nor read the audit', async () => {
  for (const word of ['freeze', 'unfreeze', 'thaw', 'audit']) {
    await expect(type('U0NONE', word)).resolves.toMatchObject({ outcome: 'refused' });
  }
  await expect(type('U0REQ', 'audit')).resolves.toMatchObject({ outcome: 'refused' });
  await expect(deps.freeze.read()).resolves.toBeUndefined();
  await expect(audited()).resolves.toHaveLength(5);
});

test('the audit is visible only to the sender, and can be filtered by person', async () => {
  await type('U0REQ', 'freeze now');
  await type('U0APP', 'unfreeze');

  const all = await type('U0AUD', 'audit');
  expect(all?.inChannel).toBeUndefined();
  expect(all?.message.text).toMatch(/2 entries[\s\S]*<@U0REQ>[\s\S]*<@U0APP>/);
  for (const text of ['audit --user U0APP', 'audit —user @U0APP', 'audit user=U0APP|grace']) {
    const one = await textOf('U0AUD', text);
    expect(one).toContain('1 entry');
    expect(one).not.toContain('U0REQ');
  }
});

test('the audit shows one line for each fix, and all steps of one', async () => {
  const fix = { remediation: 'm0123456789abcdef', what: 'Restart doppler_z2/0', environment: 'prod' };
  const at = new Date().toISOString();
  await deps.audit.append({ ...fix, kind: 'asked', at, who: ['U0REQ'] });
  await deps.audit.append({ ...fix, kind: 'approved', at, who: ['U0APP'] });
  await deps.audit.append({ ...fix, kind: 'outcome', outcome: 'fixed', at, who: ['U0REQ', 'U0APP'] });

  await expect(textOf('U0AUD', 'audit')).resolves.toContain(
    'Restart doppler_z2/0 in prod: fixed, requested by <@U0REQ>, approved by <@U0APP>',
  );
  // Requested by someone else, but approved by this person.
  await expect(textOf('U0AUD', 'audit --user U0APP')).resolves.toContain('1 fix');
  await expect(textOf('U0AUD', 'audit --fix m01234567')).resolves.toContain('3 entries');
  for (const [id, problem] of [
    ['m99999', "No fix 'm99999' in this period"],
    ['everything', "Invalid id 'everything' for '--fix'"],
  ]) {
    const answer = await type('U0AUD', `audit --fix ${id}`);
    expect(answer).toMatchObject({ outcome: 'problem' });
    expect(plain(answer?.message.text)).toContain(problem);
  }
});

test('in a long audit, a fix whose first entries were not read says where they are', async () => {
  const fix = { remediation: 'm0123456789abcdef', what: 'Restart doppler_z2/0', environment: 'prod' };
  const at = new Date().toISOString();
  const last = chainEntry(GENESIS, { ...fix, kind: 'outcome', outcome: 'fixed', at, who: ['U0REQ'] });
  const pageBackwards = async () => [{ id: '1-0', raw: JSON.stringify(last) }];
  deps = { ...deps, audit: { ...deps.audit, pageBackwards } };

  for (const [text, words] of [
    ['audit --fix m01234567', 'Showing the last'],
    ['audit --fix m99999', "No fix 'm99999' in the last 5,000 entries."],
  ] as const) {
    const answer = plain(await textOf('U0AUD', text));
    expect(answer).toContain(words);
    expect(answer).toContain("'wrench audit export' in a terminal has all entries");
  }
});

test.each([
  ['audit --user @ada', "' for '--user'. Use a mention or an id"],
  ['audit --since yesterday', "Invalid time 'yesterday' for '--since'. Try 7d or 2026-11-20."],
  ['audit --sinse 7d', "Unknown flag '--sinse'. Did you mean '--since'?"],
  ['audit everything', "Unexpected argument 'everything'."],
  ['audit --user "U0', 'Missing closing quote'],
])('%s is answered with the problem', async (text, problem) => {
  const answer = await type('U0AUD', text);

  expect(answer).toMatchObject({ outcome: 'problem' });
  expect(plain(answer?.message.text)).toContain(problem);
});

test.each(['freeze help', 'help freeze', 'freeze --help', 'unfreeze ?', 'thaw ?', 'audit -h'])(
  '%s prints help, and does nothing',
  async (text) => {
    await expect(type('U0NONE', text)).resolves.toMatchObject({ outcome: 'help' });
    await expect(audited()).resolves.toEqual([]);
  },
);

test.each(['certs expiring', '', 'help', 'frozen', 'help certs'])(
  '"%s" is not a command of /wrench itself',
  async (text) => {
    await expect(type('U0APP', text)).resolves.toBeUndefined();
  },
);

test('while Redis is paused there is an answer in time, and nothing is started after it', async () => {
  const pausing = connectBlocking({ url: redis.url }, () => undefined) as Redis;
  await pausing.call('CLIENT', 'PAUSE', '3000', 'ALL');
  pausing.disconnect();

  const answer = await type('U0APP', 'freeze');

  expect(answer).toMatchObject({ outcome: 'redis-down' });
  expect(plain(answer?.message.text)).toContain("it's unknown whether '/wrench freeze' took effect");
  await expect.poll(() => log.length).toBe(1);
  await expect(deps.freeze.read()).resolves.toBeUndefined();
});

import { expect, test } from 'vitest';
import { runScriptsTwice } from '../../../test/world/lossy-redis.ts';
import { useRedis } from '../../../test/world/use-redis.ts';
import type { AuditEvent } from './entry.ts';
import { openAuditLog, parseEntry } from './audit-log.ts';
import { readWhole } from './read.ts';
import { openRefusals, type RefusedEvent, type RefusalLimits, startSweepingRefusals } from './refusals.ts';
import { verifyAudit } from './verify.ts';

const PREFIX = '{refusals}';
const HOUR: RefusalLimits = { windowMs: 3_600_000, audited: 5, answered: 30 };

const redis = useRedis();

function bot(limits = HOUR) {
  const connection = redis.connect();
  return openRefusals(connection, PREFIX, openAuditLog(connection, PREFIX), limits);
}

const click = (who: string, what = 'a click on approve'): RefusedEvent => ({
  kind: 'refused',
  at: '2026-11-20T14:03:07.000Z',
  who: [who],
  what,
  because: 'needs the approver role',
});

async function audited(): Promise<readonly AuditEvent[]> {
  return (await openAuditLog(redis.connect(), PREFIX).page()).flatMap(
    ({ raw }) => parseEntry(raw)?.entry ?? [],
  );
}
const whats = async () => (await audited()).map(({ who, what }) => `${who.join()} ${what}`);

/** Moves the end of everyone's window into the past, as if it had ended. */
async function endWindows(): Promise<void> {
  const connection = redis.connect();
  const ends = `${PREFIX}:refusals:ends`;
  for (const who of await connection.zrange(ends, '0', '-1')) await connection.zadd(ends, 'XX', '1', who);
}

/** Everything that Redis keeps of refusals besides the audit. */
async function kept(): Promise<readonly string[]> {
  return (await redis.connect().keys('*')).filter((key) => key.startsWith(`${PREFIX}:refusals`));
}

async function refuse(refusals: ReturnType<typeof bot>, who: string, times: number) {
  const answers = [];
  for (let number = 1; number <= times; number++) answers.push(await refusals.auditRefusal(click(who)));
  return answers;
}

test('the first five refusals of a person are audited individually, and the rest as one count', async () => {
  const refusals = bot();
  await refuse(refusals, 'U0ADA', 42);
  await refuse(refusals, 'U0KATE', 2);
  expect(await whats()).toEqual([
    ...Array.from({ length: 5 }, () => 'U0ADA a click on approve'),
    'U0KATE a click on approve',
    'U0KATE a click on approve',
  ]);

  await endWindows();
  await refusals.sweep();
  await refusals.sweep();

  const [sum, ...more] = (await audited()).slice(7);
  expect(more).toEqual([]);
  expect(sum).toMatchObject({
    kind: 'refused',
    who: ['U0ADA'],
    what: '37 more clicks or commands refused within 60 minutes',
    because: 'only the first 5 refusals of a person are audited individually',
    count: 37,
  });
  expect(await kept()).toEqual([]);
});

test('the summary entry has the time of Redis', async () => {
  const connection = redis.connect();
  const before = Number((await connection.time())[0]) * 1_000;
  const refusals = bot();
  await refuse(refusals, 'U0ADA', 6);
  await endWindows();
  await refusals.sweep();

  const at = Date.parse((await audited()).at(-1)?.at ?? '');
  expect(at).toBeGreaterThanOrEqual(before);
  expect(at).toBeLessThanOrEqual(Number((await connection.time())[0]) * 1_000 + 1_000);
});

test('nothing is summed up before the window has ended', async () => {
  const refusals = bot();
  await refuse(refusals, 'U0ADA', 9);

  await refusals.sweep();

  expect(await audited()).toHaveLength(5);
});

test('a window without uncounted refusals ends without an entry', async () => {
  const refusals = bot();
  await refuse(refusals, 'U0ADA', 5);
  await endWindows();

  await refusals.sweep();

  expect(await audited()).toHaveLength(5);
  expect(await kept()).toEqual([]);
});

test('a refusal after the end of a window sums it up and begins another', async () => {
  const refusals = bot();
  await refuse(refusals, 'U0ADA', 8);
  await endWindows();

  await expect(refusals.auditRefusal(click('U0ADA', 'a click on reject'))).resolves.toBe('yes');

  expect((await whats()).slice(5)).toEqual([
    'U0ADA 3 more clicks or commands refused within 60 minutes',
    'U0ADA a click on reject',
  ]);
  await expect(refuse(refusals, 'U0ADA', 5)).resolves.toEqual(['yes', 'yes', 'yes', 'yes', 'yes']);
  expect(await audited()).toHaveLength(5 + 1 + 5);
});

test('bots share the counts, and only one of those that sweep at once writes the summary', async () => {
  const bots = [bot(), bot(), bot(), bot()];
  await Promise.all(
    Array.from({ length: 200 }, async (_, number) =>
      bots[number % 4]?.auditRefusal(click(`U0${number % 2}`, `click ${number}`)),
    ),
  );
  expect(await audited()).toHaveLength(10);

  await endWindows();
  await Promise.all(bots.flatMap(({ sweep }) => [sweep(), sweep()]));

  expect((await audited()).slice(10).map(({ who, count }) => [who.join(), count])).toEqual(
    expect.arrayContaining([
      ['U00', 95],
      ['U01', 95],
    ]),
  );
  expect(await audited()).toHaveLength(12);
});

test('counts survive restarts of Redis and of all bots, and the first bot that sweeps sums them up', async () => {
  await refuse(bot(), 'U0ADA', 11);
  redis.disconnect();
  await redis.kill();
  await redis.start();
  await endWindows();

  const sweeping = startSweepingRefusals(bot(), 3_600_000, (error) => {
    throw error;
  });
  await sweeping.close();

  expect((await audited()).map(({ count }) => count)).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
    6,
  ]);
});

test('a summary or a refusal whose reply was lost is not written twice', async () => {
  const twice = runScriptsTwice(redis.connect());
  const refusals = openRefusals(twice, PREFIX, openAuditLog(twice, PREFIX), HOUR);
  await refusals.auditRefusal(click('U0ADA'));
  await refuse(bot(), 'U0ADA', 7);
  await endWindows();

  await refusals.sweep();

  const entries = await audited();
  expect(entries.map(({ count }) => count).filter(Boolean)).toEqual([3]);
  expect(entries).toHaveLength(6);
});

test('a person is answered up to a limit, and the last answer says so', async () => {
  const answers = await refuse(bot(), 'U0ADA', 33);

  expect(answers.slice(0, 29)).toEqual(Array.from({ length: 29 }, () => 'yes'));
  expect(answers.slice(29)).toEqual(['last', 'no', 'no', 'no']);
  await expect(bot().auditRefusal(click('U0KATE'))).resolves.toBe('yes');
});

test('Redis stores one number per person, however many refusals there are', async () => {
  const connection = redis.connect();
  const refusals = bot();
  await refuse(refusals, 'U0ADA', 10);
  const before = await connection.xlen(openAuditLog(connection, PREFIX).streamKey);
  await refuse(refusals, 'U0ADA', 500);

  expect(await connection.xlen(openAuditLog(connection, PREFIX).streamKey)).toBe(before);
  expect(await connection.hgetall(`${PREFIX}:refusals`)).toEqual({ U0ADA: '510' });
  expect(await connection.zcard(`${PREFIX}:refusals:ends`)).toBe(1);
  const { head, entries } = await readWhole(openAuditLog(connection, PREFIX));
  await expect(verifyAudit(entries, head)).resolves.toMatchObject({ kind: 'intact', entries: 5 });
});

import { expect, test } from 'vitest';
import { runScriptsTwice } from '../../../test/world/lossy-redis.ts';
import { useRedis } from '../../../test/world/use-redis.ts';
import type { AuditEvent } from './entry.ts';
import { openAuditLog } from './audit-log.ts';
import { readAudit, readNewest, readWhole } from './read.ts';
import { verifyAudit } from './verify.ts';

const PREFIX = '{chain}';
const redis = useRedis();

const anEvent = (what: string, who = 'U0ADA'): AuditEvent => ({
  kind: 'refused',
  at: '2026-11-20T14:03:07.000Z',
  who: [who],
  what,
});

async function verify() {
  const { head, entries } = await readWhole(openAuditLog(redis.connect(), PREFIX));
  return verifyAudit(entries, head);
}

async function everything(): Promise<readonly { seq: number; entry: AuditEvent }[]> {
  const entries: { seq: number; entry: AuditEvent }[] = [];
  for await (const raw of readAudit(openAuditLog(redis.connect(), PREFIX))) entries.push(JSON.parse(raw));
  return entries;
}

test('four processes that append at once write one chain without a gap', async () => {
  const chains = Array.from({ length: 4 }, () => openAuditLog(redis.connect(), PREFIX));

  await Promise.all(
    Array.from({ length: 500 }, async (_, number) => chains[number % 4]?.append(anEvent(`event ${number}`))),
  );

  await expect(verify()).resolves.toMatchObject({ kind: 'intact', entries: 500, from: 1, to: 500 });
  expect(new Set((await everything()).map(({ entry }) => entry.what)).size).toBe(500);
});

test('confirmed entries survive a killed Redis, once each, in a chain that verifies', async () => {
  const chains = [openAuditLog(redis.connect(), PREFIX), openAuditLog(redis.connect(), PREFIX)];
  const confirmed: string[] = [];
  const appending = chains.map(async (chain, process) => {
    for (let number = 0; number < 300; number++) {
      const what = `event ${process}-${number}`;
      await chain.append(anEvent(what));
      confirmed.push(what);
    }
  });
  for (const after of [50, 200, 350]) {
    await expect.poll(() => confirmed.length, { interval: 1 }).toBeGreaterThan(after);
    await redis.kill();
    await redis.start();
  }
  await Promise.all(appending);

  await expect(verify()).resolves.toMatchObject({ kind: 'intact', entries: 600 });
  expect((await everything()).map(({ entry }) => entry.what).toSorted()).toEqual(confirmed.toSorted());
});

test('an entry whose reply was lost is not appended twice, even if others appended since', async () => {
  const others = openAuditLog(redis.connect(), PREFIX);
  const chain = openAuditLog(
    runScriptsTwice(redis.connect(), () => others.append(anEvent('another process, meanwhile'))),
    PREFIX,
  );

  await chain.append(anEvent('mine'));

  expect((await everything()).map(({ entry }) => entry.what)).toEqual(['mine', 'another process, meanwhile']);
});

test('an invalid entry is not appended', async () => {
  const chain = openAuditLog(redis.connect(), PREFIX);

  await expect(chain.append({ ...anEvent('x'), who: [] })).rejects.toThrow('Too small');
  await chain.append(anEvent('after it'));

  await expect(verify()).resolves.toMatchObject({ kind: 'intact', entries: 1 });
});

test('detects entries that were removed, changed or inserted in Redis', async () => {
  const connection = redis.connect();
  const chain = openAuditLog(connection, PREFIX);
  for (let number = 1; number <= 5; number++) await chain.append(anEvent(`event ${number}`));
  const ids = (await connection.xrange(chain.streamKey, '-', '+')).map(([id]) => id);

  await connection.xadd(chain.streamKey, '*', 'entry', '{"seq":6}');
  await expect(verify()).resolves.toMatchObject({ because: "entry 6 isn't an audit entry" });
  await connection.xtrim(chain.streamKey, 'MAXLEN', 0);
  await expect(verify()).resolves.toMatchObject({
    because: 'the stream is empty but the head says 5: 5 entries were removed',
  });
  expect(ids).toHaveLength(5);
  await connection.del(chain.headKey, chain.streamKey);
  await expect(verify()).resolves.toEqual({ kind: 'intact', entries: 0 });
});

test('detects a removed head, also after further entries', async () => {
  const connection = redis.connect();
  const chain = openAuditLog(connection, PREFIX);
  await chain.append(anEvent('one'));
  await chain.append(anEvent('two'));
  await connection.del(chain.headKey);

  await expect(verify()).resolves.toMatchObject({
    because: 'the stream ends at 2 but there is no head: the head was removed',
  });
  await chain.append(anEvent('three'));
  await expect(verify()).resolves.toMatchObject({ because: 'entry 1 follows 2: it is out of order' });
});

test('reads only the newest entries of one person', async () => {
  const chain = openAuditLog(redis.connect(), PREFIX);
  for (let number = 1; number <= 30; number++)
    await chain.append(anEvent(`event ${number}`, number % 3 === 0 ? 'U0GRACE' : 'U0ADA'));

  const { entries, total, more } = await readNewest(chain, {
    sinceMs: 0,
    most: 3,
    wanted: ({ entry }) => entry.who.includes('U0GRACE'),
  });

  expect(entries.map(({ entry }) => entry.what)).toEqual(['event 24', 'event 27', 'event 30']);
  expect({ total, more }).toEqual({ total: 10, more: false });
});

test('reads entries by the time at which Redis stored them', async () => {
  const connection = redis.connect();
  const chain = openAuditLog(connection, PREFIX);
  const read = async (span: { sinceMs?: number; untilMs?: number }) => {
    const found: string[] = [];
    for await (const raw of readAudit(chain, span)) found.push(raw);
    return found.map((raw) => (JSON.parse(raw) as { seq: number }).seq);
  };
  await connection.xadd(chain.streamKey, '1000-0', 'entry', '{"seq":1}');
  await connection.xadd(chain.streamKey, '2000-0', 'entry', '{"seq":2}');
  await connection.xadd(chain.streamKey, '2000-1', 'entry', '{"seq":3}');
  await connection.xadd(chain.streamKey, '3000-0', 'entry', '{"seq":4}');

  await expect(read({ sinceMs: 2_000 })).resolves.toEqual([2, 3, 4]);
  await expect(read({ untilMs: 2_000 })).resolves.toEqual([1, 2, 3]);
  await expect(read({ sinceMs: 2_000, untilMs: 2_999 })).resolves.toEqual([2, 3]);
  await expect(read({ sinceMs: 5_000 })).resolves.toEqual([]);
});

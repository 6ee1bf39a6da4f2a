import { beforeEach, expect, test } from 'vitest';
import { runScriptsTwice } from '../../../test/world/lossy-redis.ts';
import { useRedis } from '../../../test/world/use-redis.ts';
import type { AuditEntry } from '../audit/entry.ts';
import { type AuditLog, openAuditLog } from '../audit/audit-log.ts';
import { type Freeze, openFreeze, parseFreezeReason } from './freeze.ts';
import { readWhole } from '../audit/read.ts';
import { verifyAudit } from '../audit/verify.ts';

const redis = useRedis();

let prefix: string;
let chain: AuditLog;
let freeze: Freeze;
beforeEach(() => {
  prefix = `{${crypto.randomUUID()}}`;
  const connection = redis.connect();
  chain = openAuditLog(connection, prefix);
  freeze = openFreeze(connection, prefix, chain);
});

const by = (who: string, because = '') => ({ by: who, at: '2026-11-20T14:03:07.000Z', because });
const kinds = async () => (await chain.page()).map(({ raw }) => (JSON.parse(raw) as AuditEntry).entry.kind);

test('the first freeze is kept until someone unfreezes', async () => {
  await expect(freeze.freeze(by('U0ADA', 'migration'))).resolves.toBe(true);
  await expect(freeze.freeze(by('U0GRACE'))).resolves.toBe(false);
  await expect(freeze.read()).resolves.toEqual(by('U0ADA', 'migration'));
  await expect(freeze.unfreeze(by('U0GRACE'))).resolves.toBe(true);
  await expect(freeze.unfreeze(by('U0GRACE'))).resolves.toBe(false);
  await expect(freeze.read()).resolves.toBeUndefined();
  await expect(kinds()).resolves.toEqual(['frozen', 'thawed']);
});

test('only one of many freezes at once over several connections takes effect, with one entry in a chain that verifies', async () => {
  const others = Array.from({ length: 3 }, () => openFreeze(redis.connect(), prefix));

  const done = await Promise.all(
    Array.from({ length: 40 }, async (_, number) => others[number % 3]?.freeze(by(`U0${number}`))),
  );

  expect(done.filter(Boolean)).toHaveLength(1);
  await expect(freeze.read()).resolves.toMatchObject({ by: `U0${done.indexOf(true)}` });
  const { head, entries } = await readWhole(chain);
  await expect(verifyAudit(entries, head)).resolves.toMatchObject({ kind: 'intact', entries: 1 });
});

test('a freeze without its audit entry is rejected', async () => {
  await expect(freeze.freeze({ ...by('U0ADA'), at: 'now' })).rejects.toThrow('Invalid ISO datetime');
  await expect(freeze.read()).resolves.toBeUndefined();
});

test('an unfreeze whose reply was lost takes effect, and is audited once', async () => {
  const twice = openFreeze(runScriptsTwice(redis.connect()), prefix);

  await expect(twice.freeze(by('U0ADA'))).resolves.toBe(true);
  await expect(twice.unfreeze(by('U0ADA'))).resolves.toBe(true);
  await expect(kinds()).resolves.toEqual(['frozen', 'thawed']);
});

test.each([
  ['', ''],
  ['because', ''],
  ['the  network\u0007 moves', 'the  network moves'],
  ['x'.repeat(900), 'x'.repeat(500)],
])('the reason in %j is %j', (typed, reason) => {
  expect(parseFreezeReason(typed)).toBe(reason);
});

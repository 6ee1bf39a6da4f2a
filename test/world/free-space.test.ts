import { afterAll, beforeAll, expect, test } from 'vitest';
import { check } from '../../commands/etcd/health/check.ts';
import { freeSpace } from '../../commands/etcd/health/free-space.ts';
import { readArguments } from '../../src/check/arguments.ts';
import type { ReadContext } from '../../src/check/context.ts';
import type { Report } from '../../src/check/finding.ts';
import { runCheck } from '../../src/check/run-check.ts';
import type { Source } from '../../src/ports/source.ts';
import { etcdConfig } from '../../src/sources/etcd/config.ts';
import { openEtcd } from '../../src/sources/etcd/open.ts';
import { type Etcd, startEtcd } from './etcd.ts';

const QUOTA_BYTES = 2 * 1024 * 1024;
const { signal } = new AbortController();

let etcd: Etcd;
let source: Source;
beforeAll(async () => {
  etcd = await startEtcd({ members: 3, quotaBytes: QUOTA_BYTES });
  source = openEtcd(etcdConfig.parse({ kind: 'etcd', ...etcd.access, allow: { maintain: true } }));
});
afterAll(async () => {
  await source.close();
  await etcd.close();
});

/** Test machines may have slow disks, so this test ignores disk speed. */
function runHealth(): Promise<Report> {
  const flags = new Map(Object.entries({ 'slow-share': '1', 'warning-days': '0', 'critical-days': '0' }));
  return runCheck(check, {
    check: 'etcd/health',
    environment: 'prod',
    args: readArguments(check, { bare: [], flags }),
    read: { keyValue: [source.reads.keyValue!] },
    now: new Date(),
    signal,
    deadlineMs: 30_000,
  });
}

function context(): ReadContext<'keyValue'> {
  return {
    read: { keyValue: [source.reads.keyValue!] },
    now: new Date(),
    signal,
    attempt: (_, __, read) => read(),
    gap: () => undefined,
    leftMs: () => 60_000,
    note: () => undefined,
    saw: () => undefined,
  };
}

async function write(key: string, length = 100_000): Promise<number> {
  return (await etcd.putV3(key, 'x'.repeat(length))).status;
}

async function apply(plan: Awaited<ReturnType<typeof freeSpace.plan>>): Promise<readonly string[]> {
  const recorded: string[] = [];
  const recordStep = async (line: string): Promise<void> => void recorded.push(line);
  const applyContext = { idempotencyKey: 'm0123456789abcdef', signal };
  const write = { keyValue: () => source.writes!.keyValue! };
  await freeSpace.apply({ ...context(), write, applyContext, recordStep }, { store: 'etcd' }, plan);
  return recorded;
}

test('an etcd that rejects writes is found, freed as planned, clear when checked again, and writable', async () => {
  expect(await runHealth()).toMatchObject({ status: 'clear', examined: 3 });
  await expect(freeSpace.plan(context(), { store: 'etcd' })).rejects.toThrow('no NOSPACE alarm is raised');

  while ((await write('one key, over and over')) === 200);
  await expect.poll(async () => (await runHealth()).verdict).toBe('etcd accepts no writes: NOSPACE');
  const before = await runHealth();
  const [finding] = before.findings;
  expect(before.findings.map(({ reason }) => reason)).toEqual(['no-space']);
  expect(finding?.offers).toEqual([
    {
      remediation: 'free-space',
      params: { store: 'etcd' },
      title: 'Free space in etcd',
      risk: 'destructive',
    },
  ]);

  const plan = await freeSpace.plan(context(), { store: 'etcd' });
  expect(JSON.parse(JSON.stringify(plan))).toEqual(await freeSpace.plan(context(), { store: 'etcd' }));
  expect(plan.safety).toEqual(["All 3 members are healthy: the quorum of 2 stays while one doesn't respond"]);
  const recorded = await apply(plan);

  expect(recorded[0]).toMatch(/^History of etcd compacted up to revision \d+$/);
  expect(recorded.slice(1, 4).toSorted()).toEqual([
    'etcd-z1-0 defragmented',
    'etcd-z1-1 defragmented',
    'etcd-z2-0 defragmented',
  ]);
  expect(recorded.slice(4).every((line) => /^NOSPACE alarm of etcd-z\d-\d disarmed$/.test(line))).toBe(true);
  expect(recorded.length).toBeGreaterThan(4);
  await expect.poll(async () => (await runHealth()).status).toBe('clear');
  expect(await write('a')).toBe(200);
});

test('an etcd full of live data keeps its alarm: it is not disarmed only to be raised again', async () => {
  for (let key = 0; key < 8; key++) expect(await write(`key ${key}`)).toBe(200);
  // One after the other, so that the cluster keeps its quorum.
  for (let member = 0; member < 3; member++) {
    await etcd.kill(member);
    await etcd.startWith(member, ['--quota-backend-bytes', String(QUOTA_BYTES / 4)]);
  }
  while ((await write('one more')) === 200);
  await expect.poll(async () => (await runHealth()).verdict).toBe('etcd accepts no writes: NOSPACE');

  const plan = await freeSpace.plan(context(), { store: 'etcd' });
  await expect(apply(plan)).rejects.toThrow(/^still full: etcd-z\d-\d uses \d/);

  expect((await source.reads.keyValue!.members({ signal, withinMs: 20_000 })).alarms).not.toEqual([]);
  expect(await write('a')).toBe(429);
});

test('with a member down no fix is offered or planned, and the check names the member', async () => {
  await etcd.kill(2);
  const { findings } = await runHealth();
  expect(findings.map(({ reason, target }) => `${reason} ${target}`)).toEqual([
    'no-space etcd',
    'member-unreachable etcd/etcd-z2-0',
  ]);
  expect(findings.flatMap(({ offers = [] }) => offers)).toEqual([]);
  await expect(freeSpace.plan(context(), { store: 'etcd' })).rejects.toMatchObject({
    kind: 'refused',
    message: 'cannot free space in etcd: etcd-z2-0 is not healthy',
  });
});

test('a lost quorum is reported first', async () => {
  await etcd.kill(1);
  expect((await runHealth()).verdict).toMatch(/^etcd has lost its quorum: 1 of 3 members responds/);
});

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { check as doppler } from '../../commands/etcd/doppler/check.ts';
import { collectTwice } from '../../commands/etcd/doppler/collect.ts';
import { readArguments } from '../../src/check/arguments.ts';
import type { Report } from '../../src/check/finding.ts';
import { runCheck } from '../../src/check/run-check.ts';
import { etcdConfig } from '../../src/sources/etcd/config.ts';
import { openEtcd } from '../../src/sources/etcd/open.ts';
import { MAX_WAIT_MS, WORLD_TEST_TIMEOUT_MS } from '../timeouts.ts';
import { issue } from './ca.ts';
import { type Etcd, type EtcdOptions, startEtcd } from './etcd.ts';
import { freePort } from './free-port.ts';

// Several etcds start and stop in each test.
vi.setConfig({ testTimeout: WORLD_TEST_TIMEOUT_MS, hookTimeout: WORLD_TEST_TIMEOUT_MS });

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

async function start(options: EtcdOptions): Promise<Etcd> {
  const etcd = await startEtcd(options);
  closing.push(() => etcd.close());
  return etcd;
}

type Access = Etcd['access'] & { readonly name?: string };

const DEADLINE_MS = 10_000;
/** Registered for long enough on any machine, and never refreshed. */
const KEY = '/doppler/meta/z1/doppler_z1/0';
const VALUE = JSON.stringify({ version: 1, endpoints: ['udp://10.0.1.1:3457'] });

/** One second is enough: keys are not refreshed, and these tests are not about that. */
const check = { ...doppler, collect: collectTwice(1_000) };

async function ask(all: readonly Access[], flags: Record<string, string> = {}): Promise<Report> {
  const sources = all.map((access) =>
    openEtcd(etcdConfig.parse({ kind: 'etcd', ...access, endpoints: [...access.endpoints] })),
  );
  try {
    return await runCheck(check, {
      check: 'etcd/doppler',
      environment: 'prod',
      args: readArguments(check, { bare: [], flags: new Map(Object.entries(flags)) }),
      read: { keyValue: sources.map(({ reads }) => reads.keyValue!) },
      now: new Date(),
      signal: new AbortController().signal,
      deadlineMs: DEADLINE_MS,
    });
  } finally {
    await Promise.all(sources.map((source) => source.close()));
  }
}

const lines = ({ findings }: Report) => findings.map(({ severity, reason }) => `${severity} ${reason}`);
const offersIn = ({ findings }: Report) => findings.flatMap(({ offers = [] }) => offers);

/** Each fact appears only once: in the verdict, a finding's summary, a gap or a note. */
function expectReportedOnce({ findings, gaps, notes = [] }: Report): void {
  const said = [...findings.map(({ summary }) => summary), ...gaps.map(({ because }) => because), ...notes];
  expect(said).toEqual([...new Set(said)]);
}

test.each([
  ['the larger cluster first', (a: Access, b: Access) => [...a.endpoints, ...b.endpoints]],
  ['the single one first', (a: Access, b: Access) => [...b.endpoints, ...a.endpoints]],
])(
  'endpoints of two clusters are reported as the cause, and their keys are not merged (%s)',
  async (_, order) => {
    const [three, one] = await Promise.all([
      start({ members: 3, tls: false }),
      start({ members: 1, tls: false }),
    ]);
    await one.put(KEY, VALUE, { ttlSeconds: 600 });
    const report = await ask([{ endpoints: order(three.access, one.access) }], { expected: 'doppler_z1/0' });
    expect(lines(report)).toEqual(['critical several-clusters']);
    expect(report.verdict).toBe("The endpoints of etcd are 2 separate clusters; couldn't check any doppler");
    expect(offersIn(report)).toEqual([]);
  },
);

test('every endpoint refuses connections', async () => {
  const ports = [await freePort(), await freePort(), await freePort()];
  const report = await ask([{ endpoints: ports.map((port) => ({ url: `http://127.0.0.1:${port}` })) }]);
  expect(lines(report)).toEqual(['critical quorum-lost']);
  expect(report.verdict).toMatch(/3 refuse connections\); couldn't check any doppler/);
  expectReportedOnce(report);
});

test('one member of three is restarted alone and never serves', async () => {
  const etcd = await start({ members: 3, tls: false });
  for (const index of [0, 1, 2]) await etcd.kill(index);
  // It does not respond before it has found a majority, so only its port can be waited for.
  void etcd.start(0).catch(() => undefined);
  await expect.poll(() => accepts(etcd.members[0]!.port), { timeout: MAX_WAIT_MS }).toBe(true);
  const report = await ask([etcd.access], { expected: 'doppler_z1/0' });
  expect(lines(report)).toEqual(['critical quorum-lost']);
  expectReportedOnce(report);
});

test('with two of three paused, the third has no leader', async () => {
  const etcd = await start({ members: 3, tls: false });
  await etcd.put(KEY, VALUE, { ttlSeconds: 600 });
  etcd.pause(1);
  etcd.pause(2);
  const report = await ask([etcd.access], { expected: 'doppler_z1/0' });
  expect(lines(report)).toEqual(['critical quorum-lost']);
  expect(offersIn(report)).toEqual([]);
  expectReportedOnce(report);
});

test('all certificates of etcd have expired', async () => {
  const etcd = await start({ members: 3, notAfter: new Date(Date.now() - 3_600_000) });
  const report = await ask([etcd.access], { expected: 'doppler_z1/0' });
  expect(lines(report)).toEqual(['critical certificate-expired']);
  expect(report.verdict).toMatch(
    /^All 3 endpoint certificates of etcd have expired; couldn't check any doppler/,
  );
});

test("Wrench's own client certificate has expired", async () => {
  const etcd = await start({ members: 1 });
  const folder = await mkdtemp(join(tmpdir(), 'wrench-client-'));
  closing.push(() => rm(folder, { recursive: true, force: true }));
  const expired = await issue(etcd.authority!, {
    name: 'etcd client',
    names: [],
    extendedKeyUsage: ['clientAuth'],
    notAfter: new Date(Date.now() - 3_600_000),
  });
  const clientCertificate = { cert: join(folder, 'client.crt'), key: join(folder, 'client.key') };
  await writeFile(clientCertificate.cert, expired.certificatePem);
  await writeFile(clientCertificate.key, expired.keyPem, { mode: 0o600 });
  const report = await ask([{ ...etcd.access, clientCertificate }]);
  expect(lines(report)).toEqual(['critical client-certificate-expired']);
  expect(report.findings[0]?.summary).toContain('members reject it, so their state is unknown');
});

test.each(['NOSPACE', 'CORRUPT'])('%s stops only the v3 API: v2 keys are still written', async (alarm) => {
  const etcd = await start({ members: 1, tls: false });
  const raised = await etcd.ask.v3('maintenance/alarm', { action: 'ACTIVATE', memberID: '1', alarm });
  expect(raised.status).toBe(200);
  expect((await etcd.putV3('a', 'b')).status).toBeGreaterThanOrEqual(400);
  await etcd.put(KEY, VALUE, { ttlSeconds: 600 });
  await etcd.put(KEY, VALUE, { ttlSeconds: 600, prevExist: true });
  const report = await ask([etcd.access], { expected: 'doppler_z1/0', protocols: 'udp' });
  expect(report.status).toBe('found');
  expect(lines(report)).toContain(`warning ${alarm === 'NOSPACE' ? 'no-space' : 'corrupt'}`);
  expect(report.verdict).toContain(`etcd has raised the alarm ${alarm}`);
  expect(lines(report)).not.toContain('warning member-unhealthy');
});

test('an etcd without v2 next to one with v2 is a note, unless it is selected by name or down', async () => {
  const [cf, kubernetes] = await Promise.all([
    start({ members: 1, tls: false }),
    start({ members: 1, tls: false, v2: false }),
  ]);
  const both = [cf.access, { ...kubernetes.access, name: 'kubernetes' }];
  const fine = await ask(both);
  expect(fine.gaps).toEqual([]);
  expect(fine.notes).toEqual([expect.stringMatching(/^kubernetes has no v2 API/)]);

  const named = await ask(both, { source: 'etcd,kubernetes' });
  expect(named.gaps.map(({ what, kind }) => [what, kind])).toEqual([['kubernetes', 'missing']]);

  await kubernetes.kill(0);
  const down = await ask(both);
  expect(down.status).not.toBe('clear');
  expect(lines(down)).toContain('critical quorum-lost');
});

test('makes no false statement about members with unresolvable advertised names behind one endpoint', async () => {
  const etcd = await start({ members: 3 });
  await etcd.put(KEY, VALUE, { ttlSeconds: 600 });
  const endpoints = etcd.access.endpoints.slice(0, 1);
  const report = await ask([{ ...etcd.access, endpoints }], { expected: 'doppler_z1/0' });
  expect(lines(report)).toEqual(['critical heartbeat-stopped']);
  expect(report.gaps).toEqual([]);
  expect(report.notes).toEqual([expect.stringMatching(/ of etcd can't be queried from here/)]);
});

test('if one of three members hangs, the dopplers are judged by the others', async () => {
  const etcd = await start({ members: 3, tls: false });
  await etcd.put(KEY, VALUE, { ttlSeconds: 600 });
  etcd.pause(0);
  const others = etcd.access.endpoints.slice(1);
  const report = await ask([{ endpoints: [...others, etcd.access.endpoints[0]!] }], {
    expected: 'doppler_z1/0',
  });
  expect(lines(report)).toContain('warning member-unhealthy');
  expect(report.examined).toBe(1);
  expect(report.gaps).toEqual([]);
});

test('an endpoint of a removed member is a warning, and the dopplers are still judged', async () => {
  const etcd = await start({ members: 3, tls: false });
  await etcd.put(KEY, VALUE, { ttlSeconds: 600 });
  const { body } = await etcd.ask.v3('cluster/member/list', {});
  const listed = body['members'] as { readonly ID: string; readonly name: string }[];
  const gone = listed.find(({ name }) => name === etcd.members[2]!.name)!;
  // etcd refuses to remove a member until all members have been up for a while.
  await expect
    .poll(async () => (await etcd.ask.v3('cluster/member/remove', { ID: gone.ID })).status, {
      timeout: MAX_WAIT_MS,
      interval: 200,
    })
    .toBe(200);
  // It exits by itself once it has learned of its removal.
  await expect.poll(() => etcd.members[2]!.pid(), { timeout: MAX_WAIT_MS }).toBe(undefined);
  const report = await ask([etcd.access], { expected: 'doppler_z1/0' });
  expect(lines(report)).toContain('warning endpoint-not-a-member');
  expect(lines(report)).not.toContain('critical quorum-lost');
  expect(report.examined).toBe(1);
});

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

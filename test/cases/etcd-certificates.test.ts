import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Authority, issue, makeAuthority } from '../world/ca.ts';
import { type Etcd, type EtcdOptions, startEtcd } from '../world/etcd.ts';
import { criticals, faults, isFinished, runEtcdHealth, summaryOf } from './run-etcd-health.ts';

/** https://github.com/etcd-io/etcd/issues/15740 https://github.com/kubernetes/kubeadm/issues/2177 */
const DAY_MS = 86_400_000;
const inDays = (days: number) => new Date(Date.now() + days * DAY_MS);
const YESTERDAY = inDays(-1);

const started: Etcd[] = [];
afterEach(async () => {
  for (const etcd of started.splice(0)) await etcd.close();
});

async function start(options: EtcdOptions = {}): Promise<Etcd> {
  const etcd = await startEtcd({ members: 3, ...options });
  started.push(etcd);
  return etcd;
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cases-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** A client certificate with this expiry, as configured for the source. */
async function clientUntil(authority: Authority, notAfter: Date) {
  const made = await issue(authority, {
    name: 'etcd client',
    names: [],
    extendedKeyUsage: ['clientAuth'],
    notBefore: inDays(-40),
    notAfter,
  });
  const [cert, key] = [join(folder, 'client.crt'), join(folder, 'client.key')];
  await writeFile(cert, made.certificatePem);
  await writeFile(key, made.keyPem);
  return { clientCertificate: { cert, key } };
}

describe('server certificates', () => {
  test('are reported if all have expired', async () => {
    const { access } = await start({ notAfter: YESTERDAY });
    const report = await runEtcdHealth(access);
    expect(criticals(report)).toEqual(['critical certificate-expired']);
    expect(report.text).toMatch(/All 3/);
    expect(isFinished(report)).toBe(true);
  });

  test('are reported along with a member that is down', async () => {
    const etcd = await start({ notAfter: YESTERDAY });
    await etcd.kill(2);
    const report = await runEtcdHealth(etcd.access);
    expect(criticals(report)).toContain('critical certificate-expired');
    expect(report.text).toContain('nothing listens there');
  });

  test('are reported along with the lost quorum if two members are down', async () => {
    const etcd = await start({ notAfter: YESTERDAY });
    await etcd.kill(1);
    await etcd.kill(2);
    const report = await runEtcdHealth(etcd.access);
    expect(criticals(report)).toContain('critical certificate-expired');
    expect(criticals(report)).toContain('critical quorum-lost');
  });

  test('are reported if two of three have expired, and the third shows that the cluster works', async () => {
    const { access } = await start({ notAfter: [YESTERDAY, YESTERDAY, inDays(300)] });
    const report = await runEtcdHealth(access);
    expect(criticals(report)).toEqual(['critical certificate-expired']);
    expect(report.text).not.toContain('quorum');
  });

  test('are reported by the earliest expiry', async () => {
    const { access } = await start({ notAfter: [inDays(300), inDays(3), inDays(20)] });
    const report = await runEtcdHealth(access);
    expect(faults(report)).toEqual(['critical certificate-expiring']);
    expect(summaryOf(report, 'certificate-expiring')).toContain('2 d');
  });

  test('are reported if all expire in 20 days', async () => {
    const { access } = await start({ notAfter: inDays(20) });
    expect(faults(await runEtcdHealth(access))).toEqual(['warning certificate-expiring']);
  });
});

describe('the client certificate', () => {
  test('is reported if it has expired, is about to, or is missing', async () => {
    const etcd = await start();
    const { access, authority } = etcd;
    const expired = await runEtcdHealth({ ...access, ...(await clientUntil(authority!, YESTERDAY)) });
    expect(criticals(expired)).toEqual(['critical client-certificate-expired']);
    expect(expired.report.verdict).toContain("Wrench's client certificate");

    const soon = await runEtcdHealth({ ...access, ...(await clientUntil(authority!, inDays(2))) });
    expect(faults(soon)).toEqual(['critical client-certificate-expiring']);

    const later = await runEtcdHealth({ ...access, ...(await clientUntil(authority!, inDays(20))) });
    expect(faults(later)).toEqual(['warning client-certificate-expiring']);

    const { clientCertificate: _, ...without } = access;
    const none = await runEtcdHealth(without);
    expect(none).toMatchObject({ status: 'unknown', findings: [] });
    expect(none.text).toContain('requires a client certificate');
  });

  test('is reported if the members do not trust its CA', async () => {
    const { access } = await start();
    const otherAuthority = await makeAuthority({ name: 'another CA' });
    const report = await runEtcdHealth({ ...access, ...(await clientUntil(otherAuthority, inDays(300))) });
    expect(report).toMatchObject({ status: 'unknown', findings: [] });
    expect(report.text).toContain('client certificate that it trusts');
  });

  test('is reported if it has expired along with those of all members', async () => {
    const { access, authority } = await start({ notAfter: YESTERDAY });
    const report = await runEtcdHealth({ ...access, ...(await clientUntil(authority!, YESTERDAY)) });
    expect(criticals(report).toSorted()).toEqual([
      'critical certificate-expired',
      'critical client-certificate-expired',
    ]);
  });

  test('is reported if it has expired while no member runs', async () => {
    const etcd = await start();
    for (const index of [0, 1, 2]) await etcd.kill(index);
    const report = await runEtcdHealth({
      ...etcd.access,
      ...(await clientUntil(etcd.authority!, YESTERDAY)),
    });
    expect(criticals(report).toSorted()).toEqual([
      'critical client-certificate-expired',
      'critical quorum-lost',
    ]);
  });

  test('is reported if its file does not exist', async () => {
    const { access } = await start({ members: 1 });
    const clientCertificate = { cert: join(folder, 'absent.crt'), key: join(folder, 'absent.key') };
    const report = await runEtcdHealth({ ...access, clientCertificate });
    expect(report).toMatchObject({ status: 'unknown', findings: [] });
    expect(report.text).toContain("couldn't read the file");
  });
});

describe('a misconfigured connection', () => {
  test('is reported: http:// to a TLS port, an address that is not in the certificate, another CA', async () => {
    const { access } = await start();
    const urls = access.endpoints.map(({ url }) => url);
    const plain = await runEtcdHealth({ endpoints: urls.map((url) => url.replace('https', 'http')) });
    expect(plain).toMatchObject({ status: 'unknown', findings: [] });
    expect(plain.text).toMatch(/https:\/\//);

    const unnamed = await runEtcdHealth({ ...access, endpoints: urls });
    expect(unnamed).toMatchObject({ status: 'unknown', findings: [] });
    expect(unnamed.text).toContain('not valid for this name');

    const { ca: _, ...untrusting } = access;
    const untrusted = await runEtcdHealth(untrusting);
    expect(untrusted).toMatchObject({ status: 'unknown', findings: [] });
    expect(untrusted.text).toContain('not trusted');
  });
});

describe('peer certificates', () => {
  /** Long enough for three members to find each other, on a slow machine too. */
  const LIFETIME_MS = 25_000;

  test(
    'are reported as the cause if they expire while members run and there is no leader',
    { timeout: 240_000 },
    async () => {
      const peerNotAfter = new Date(Date.now() + LIFETIME_MS);
      const etcd = await start({ tls: false, peerNotAfter });
      const before = await runEtcdHealth(etcd.access);
      expect(faults(before)).toEqual([]);

      await sleep(Math.max(0, peerNotAfter.getTime() + 1_000 - Date.now()));
      // Open connections stay open: only a restarted member is missing.
      const restarted = (await etcd.leader()) === 2 ? 1 : 2;
      await etcd.kill(restarted);
      await etcd.launch(restarted);
      const missing = await runEtcdHealth(etcd.access);
      expect(faults(missing)).toContain('warning member-unreachable');

      etcd.dropPeerConnections();
      for (const index of [0, 1, 2].filter((one) => one !== restarted)) await etcd.untilLeaderless(index);

      const report = await runEtcdHealth(etcd.access);
      expect(criticals(report)).toEqual(['critical no-leader']);
      expect(summaryOf(report, 'no-leader')).toMatch(/peer certificates of .* have expired/);
    },
  );
});

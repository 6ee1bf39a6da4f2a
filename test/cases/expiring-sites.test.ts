import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer as createPlainServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type TlsOptions } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { tlsConfig } from '../../src/sources/tls/config.ts';
import { openTls } from '../../src/sources/tls/open.ts';
import { type Authority, fullChain, issue, type Issued, makeAuthority } from '../world/ca.ts';
import { makeListeners } from '../world/tls-servers.ts';
import { type ExpiringRun, runExpiring } from './run-expiring.ts';

/** What live sites serve, and the right result. Every root is trusted unless the case is about that. */
const DAY_MS = 86_400_000;
const day = (days: number) => new Date(Date.now() + days * DAY_MS);
const expired = { notBefore: day(-1500), notAfter: day(-5) };

const listeners = makeListeners();
let dir: string;
let root: Authority;
let valid: Issued;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'cases-'));
  root = await makeAuthority({ name: 'cases root' });
  valid = await issue(root, { name: 'valid.cases' });
});
afterEach(() => listeners.close());
afterAll(() => rm(dir, { recursive: true }));

async function ask(
  sites: readonly string[],
  trust: readonly Issued[],
  config: object = {},
): Promise<ExpiringRun> {
  const path = join(dir, 'trust.pem');
  await writeFile(path, trust.map(({ certificatePem }) => certificatePem).join(''));
  return runExpiring(
    openTls(tlsConfig.parse({ kind: 'tls', name: 'edge', sites, trust: [path], ...config })),
    '',
  );
}

async function serve(options: TlsOptions): Promise<number> {
  return (await listeners.listen(createServer(options))).port;
}

const criticals = ({ findings }: ExpiringRun) => findings.filter((finding) => finding.startsWith('critical'));

describe('servers with two certificates', () => {
  test.each([
    ['RSA', 'rsa2048', 'p256'],
    ['ECDSA', 'p256', 'rsa2048'],
    ['Ed25519', 'ed25519', 'rsa2048'],
  ] as const)('the %s one has expired', async (_, oldType, newType) => {
    const old = await issue(root, { name: 'two.cases', keyType: oldType, ...expired });
    const fresh = await issue(root, { name: 'two.cases', keyType: newType });
    const port = await serve({
      cert: [fresh, old].map(({ certificatePem }) => certificatePem),
      key: [fresh, old].map(({ keyPem }) => keyPem),
    });
    const answer = await ask([`two.cases@127.0.0.1:${port}`], [root]);
    expect(answer.findings).toEqual(['critical certificate-expired']);
    expect(answer.report.verdict).toBe('1 of 3 certificates has expired');
  });

  test('are clear if both are valid', async () => {
    const [rsa, ecdsa] = [
      await issue(root, { name: 'two.cases', keyType: 'rsa2048' }),
      await issue(root, { name: 'two.cases' }),
    ];
    const port = await serve({
      cert: [rsa, ecdsa].map(({ certificatePem }) => certificatePem),
      key: [rsa, ecdsa].map(({ keyPem }) => keyPem),
    });
    expect(await ask([`two.cases@127.0.0.1:${port}`], [root])).toMatchObject({
      status: 'clear',
      findings: [],
      gapsAt: [],
    });
  });
});

describe('a cross-signed CA', () => {
  async function makeCrossed() {
    const old = await makeAuthority({ name: 'AddT', ...expired });
    const userT = await makeAuthority({ name: 'UserT' });
    const cross = await makeAuthority({ name: 'UserT', issuer: old, keys: userT.keys, ...expired });
    const issuing = await makeAuthority({ name: 'Issuing', issuer: userT });
    const leaf = await issue(issuing, { name: 'cross.cases' });
    const port = await serve({
      cert: [leaf, issuing, cross, old].map(({ certificatePem }) => certificatePem).join(''),
      key: leaf.keyPem,
    });
    return { site: `cross.cases@127.0.0.1:${port}`, userT, old };
  }

  test('is ballast if it has expired and a valid root is trusted, and the report does not suggest to renew it', async () => {
    const { site, userT } = await makeCrossed();
    const answer = await ask([site], [userT]);
    expect(criticals(answer)).toEqual([]);
    expect(answer.findings.every((finding) => finding.startsWith('info'))).toBe(true);
    expect(JSON.stringify(answer.report)).not.toMatch(/renew first/i);
  });

  test('is critical if it has expired and that root is not trusted', async () => {
    const { site, old } = await makeCrossed();
    expect(criticals(await ask([site], [old])).length).toBeGreaterThan(0);
  });

  test('is ballast if an intermediate has expired and a valid one has the same key', async () => {
    const fresh = await makeAuthority({ name: 'Issuing', issuer: root });
    const old = await makeAuthority({ name: 'Issuing', issuer: root, keys: fresh.keys, ...expired });
    const leaf = await issue(fresh, { name: 'twice.cases' });
    const port = await serve({
      cert: [leaf, old, fresh].map(({ certificatePem }) => certificatePem).join(''),
      key: leaf.keyPem,
    });
    expect(criticals(await ask([`twice.cases@127.0.0.1:${port}`], [root]))).toEqual([]);
  });

  test('is critical if an intermediate has expired and nothing replaces it', async () => {
    const old = await makeAuthority({ name: 'Issuing', issuer: root, ...expired });
    const leaf = await issue(old, { name: 'once.cases' });
    const port = await serve({ cert: fullChain(leaf, old), key: leaf.keyPem });
    expect(criticals(await ask([`once.cases@127.0.0.1:${port}`], [root]))).toEqual([
      'critical certificate-expired',
    ]);
  });
});

describe('long chains', () => {
  test.each([3, 12, 22])('report the expired intermediate at %i of 25', async (at) => {
    const authorities = [root];
    for (let number = 25; number >= 1; number -= 1)
      authorities.unshift(
        await makeAuthority({
          name: `deep ${number}`,
          issuer: authorities[0]!,
          ...(number === at && expired),
        }),
      );
    const leaf = await issue(authorities[0]!, { name: 'deep.cases' });
    const port = await serve({ cert: fullChain(leaf, authorities[0]!), key: leaf.keyPem });
    const answer = await ask([`deep.cases@127.0.0.1:${port}`], [root]);
    expect(answer.findings).toEqual(['critical certificate-expired']);
    expect(answer.report.findings[0]?.summary).toContain(`deep ${at}`);
  });
});

describe('addresses that never respond', () => {
  test('do not stop the check of a hundred healthy names, and their gaps are in the first line', async () => {
    const silent = [await startUnresponsive(), await startUnresponsive()];
    const healthy = await serve({ cert: valid.certificatePem, key: valid.keyPem });
    const names = (port: number) => Array.from({ length: 100 }, (_, at) => `n${at}.cases@127.0.0.1:${port}`);
    const sites = [...silent.flatMap(names), ...names(healthy)];
    const answer = await ask(sites, [root], { timeoutMs: 2000, concurrency: 10 });
    expect(answer.report.coverage).toEqual([{ source: 'edge', examined: 100 }]);
    expect(answer.gapsAt).toHaveLength(200);
    expect(answer.report.verdict).toMatch(/couldn't check 200 of 300 sources/i);
  });

  test('are counted if the deadline cuts the check off', async () => {
    const sites = Array.from({ length: 40 }, (_, at) => `n${at}.cases`);
    const port = await startUnresponsive();
    const source = openTls(
      tlsConfig.parse({
        kind: 'tls',
        name: 'edge',
        sites: sites.map((name) => `${name}@127.0.0.1:${port}`),
        timeoutMs: 600_000,
      }),
    );
    const { report, status } = await runExpiring(source, '', { deadlineMs: 200 });
    expect(status).toBe('unknown');
    expect(report.gaps).toEqual([
      { what: 'edge', because: '40 of 40 sites not finished within 0.2 s', kind: 'unfinished', places: 40 },
    ]);
    expect(report.verdict).toContain('40 of 40 sites not finished');
  });

  async function startUnresponsive(): Promise<number> {
    return (await listeners.listen(createPlainServer())).port;
  }
});

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type Server } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Authority, issue, type Issued, makeAuthority } from '../../../test/world/ca.ts';
import { makeListeners } from '../../../test/world/tls-servers.ts';
import type { SeenPlace, ScanResult } from '../../ports/certificates.ts';
import { tlsConfig } from './config.ts';
import { openTls } from './open.ts';

const DAY_MS = 86_400_000;
const day = (days: number) => new Date(Date.now() + days * DAY_MS);
const expired = { notBefore: day(-1500), notAfter: day(-5) };

const ground = makeListeners();
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wrench-paths-'));
});
afterAll(async () => {
  await ground.close();
  await rm(folder, { recursive: true });
});

test.each([22, 12, 2])(
  'in a chain of 26 certificates, the expired one is on the path, at position %i',
  async (expiredAt) => {
    const { leaf, chain, root } = await makeDeep(25, expiredAt);

    const { served, path, chain: all } = await see(leaf, chain, [root]);

    expect(served?.path).toBe('complete');
    expect(all).toHaveLength(26);
    expect(path).toHaveLength(27);
    expect(path?.filter(({ notAfter }) => notAfter < new Date()).map(({ name }) => name)).toEqual([
      `deep ${expiredAt}`,
    ]);
  },
);

test('reads the longest chain that fits into a handshake completely, and a longer one is a gap', async () => {
  const { leaf, chain } = await makeDeep(120);
  const tooLong = Array.from({ length: 3 }, () => chain).flat();

  expect((await see(leaf, chain)).chain).toHaveLength(121);
  expect(await inspect(leaf, tooLong)).toMatchObject({
    kind: 'unseen',
    error: {
      kind: 'malformed',
      message: 'it sends more than 100 KB of certificates, which TLS clients reject',
    },
  });
});

test('an expired cross certificate is not on the path if the root is trusted', async () => {
  const { leaf, chain, userT, addT } = await makeCrossed();

  const trusting = await see(leaf, chain, [userT]);
  const knowingNone = await see(leaf, chain);
  const knowingTheOld = await see(leaf, chain, [addT]);

  expect(trusting.served?.path).toBe('complete');
  expect(trusting.path?.map(({ name }) => name)).toEqual(['site.world.test', 'Issuing', 'UserT']);
  expect(trusting.path?.every(({ notAfter }) => notAfter > new Date())).toBe(true);
  for (const { served, path } of [knowingNone, knowingTheOld]) {
    expect(served?.path).toBe('complete');
    expect(path?.map(({ name }) => name)).toEqual(['site.world.test', 'Issuing', 'UserT', 'AddT']);
    expect(path?.slice(2).every(({ notAfter }) => notAfter < new Date())).toBe(true);
  }
});

test('finds a valid root that is served last, after an expired cross certificate', async () => {
  const { leaf, chain, userT } = await makeCrossed();

  const { path } = await see(leaf, [...chain, userT]);

  expect(path?.map(({ name }) => name)).toEqual(['site.world.test', 'Issuing', 'UserT']);
});

test('an expired root that is trusted is on the path if it is the only one', async () => {
  const root = await makeAuthority({ name: 'Old Root', ...expired });
  const middle = await makeAuthority({ name: 'Middle', issuer: root });
  const leaf = await issue(middle, { name: 'site.world.test' });

  const { served, path, chain } = await see(leaf, [middle], [root]);

  expect(served?.path).toBe('complete');
  expect(chain.map(({ name }) => name)).toEqual(['site.world.test', 'Middle']);
  expect(path?.map(({ name }) => name)).toEqual(['site.world.test', 'Middle', 'Old Root']);
});

test('an intermediate can be trusted', async () => {
  const root = await makeAuthority({ name: 'Old Root', ...expired });
  const middle = await makeAuthority({ name: 'Middle', issuer: root });
  const leaf = await issue(middle, { name: 'site.world.test' });

  const { served, path } = await see(leaf, [middle, root], [middle]);

  expect(served?.path).toBe('complete');
  expect(path?.map(({ name }) => name)).toEqual(['site.world.test', 'Middle']);
});

test('an incomplete path is reported as far as it goes', async () => {
  const root = await makeAuthority({ name: 'Root' });
  const old = await makeAuthority({ name: 'Old Middle', issuer: root, ...expired });
  const leaf = await issue(old, { name: 'site.world.test' });

  const { served, path } = await see(leaf, [old]);

  expect(served?.path).toBe('incomplete');
  expect(path?.map(({ name }) => name)).toEqual(['site.world.test', 'Old Middle']);
});

test('finds an added cross certificate, although the earlier one expired', async () => {
  const { leaf, chain, userT } = await makeCrossed();
  const newT = await makeAuthority({ name: 'NewT' });
  const crossedByNew = await makeAuthority({ name: 'UserT', issuer: newT, keys: userT.keys });
  const server = createServer(serving(leaf, chain));
  let now = Date.now();
  const scan = await scanning(server, [newT], () => now);
  const isValid = async () => (await scan()).path?.every(({ notAfter }) => notAfter.getTime() > now);
  expect([await isValid(), await isValid()]).toEqual([false, false]);

  server.setSecureContext(serving(leaf, [...chain, crossedByNew]));
  now += 3_600_000;

  expect(await isValid()).toBe(true);
});

test('judges the dates of a path by the clock of the scan', async () => {
  const { leaf, chain, userT } = await makeCrossed();
  const before = day(-100).getTime();
  const scan = await scanning(createServer(serving(leaf, chain)), [], () => before);
  const after = await scanning(createServer(serving(leaf, [...chain, userT])), [], Date.now);

  expect((await scan()).path?.at(-1)?.name).toBe('AddT');
  expect((await after()).path?.at(-1)?.name).toBe('UserT');
});

/** `deep 1` signs the leaf, the last one is the root, which is not in `chain`. */
async function makeDeep(length: number, expiredAt?: number) {
  const authorities: Authority[] = [];
  for (let depth = length + 1; depth >= 1; depth -= 1) {
    const issuer = authorities.at(-1);
    const dates = depth === expiredAt ? expired : {};
    authorities.push(await makeAuthority({ name: `deep ${depth}`, ...dates, ...(issuer && { issuer }) }));
  }
  const [root, ...chain] = authorities;
  const leaf = await issue(authorities.at(-1)!, { name: 'site.world.test' });
  return { leaf, chain: chain.toReversed(), root: root! };
}

async function makeCrossed() {
  const addT = await makeAuthority({ name: 'AddT', ...expired });
  const userT = await makeAuthority({ name: 'UserT' });
  const crossed = await makeAuthority({ name: 'UserT', issuer: addT, keys: userT.keys, ...expired });
  const issuing = await makeAuthority({ name: 'Issuing', issuer: userT });
  const leaf = await issue(issuing, { name: 'site.world.test' });
  return { leaf, chain: [issuing, crossed, addT], userT, addT };
}

function serving(leaf: Issued, chain: readonly Issued[]) {
  return { cert: [leaf, ...chain].map(({ certificatePem }) => certificatePem).join(''), key: leaf.keyPem };
}

async function scanning(server: Server, trust: readonly Issued[], clock?: () => number) {
  const { port } = await ground.listen(server);
  const files = await Promise.all(
    trust.map(async ({ certificatePem }, index) => {
      const file = join(folder, `${port}-${index}.pem`);
      await writeFile(file, certificatePem);
      return file;
    }),
  );
  const sites = [`site.world.test@127.0.0.1:${port}`];
  const config = tlsConfig.parse({ kind: 'tls', name: 'edge', sites, trust: files, timeoutMs: 30_000 });
  const { certificates } = openTls(config, clock).reads;
  return async () => {
    const found: ScanResult[] = [];
    for await (const one of certificates!.scan({ signal: new AbortController().signal })) found.push(one);
    expect(found).toHaveLength(1);
    const [result] = found;
    if (result?.kind !== 'seen') throw result?.error ?? new Error('nothing was read');
    return result;
  };
}

async function see(
  leaf: Issued,
  chain: readonly Issued[],
  trust: readonly Issued[] = [],
): Promise<SeenPlace> {
  return (await scanning(createServer(serving(leaf, chain)), trust))();
}

async function inspect(leaf: Issued, chain: readonly Issued[]): Promise<ScanResult> {
  const { port } = await ground.listen(createServer(serving(leaf, chain)));
  const site = `site.world.test@127.0.0.1:${port}`;
  const { certificates } = openTls(tlsConfig.parse({ kind: 'tls', name: 'edge', sites: [site] })).reads;
  const [result] = await certificates!.inspectSite!(site, { signal: new AbortController().signal });
  return result!;
}

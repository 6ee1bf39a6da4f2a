import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type SiteKind,
  startTlsServers,
  type TlsServers,
  type WorldSite,
} from '../../../test/world/tls-servers.ts';
import type { Handshake, SeenPlace, ScanResult } from '../../ports/certificates.ts';
import type { ReadProgress } from '../../ports/read-options.ts';
import { tlsConfig } from './config.ts';
import { openTls } from './open.ts';
import type { z } from 'zod';

const QUIET_MS = 300; // how long these tests wait for an unresponsive peer
const PATIENT_MS = 30_000; // for all others, even on a busy machine

let world: TlsServers;
let folder: string;

beforeAll(async () => {
  world = await startTlsServers();
  folder = await mkdtemp(join(tmpdir(), 'wrench-tls-'));
});
afterAll(async () => {
  await world.close();
  await rm(folder, { recursive: true });
});

test('reads a healthy site with its chain as served and the facts of its handshake', async () => {
  const { place, chain, served } = await see('healthy');

  const { port } = world.sites.healthy;
  expect(place).toBe(`edge:healthy.world.test@127.0.0.1:${port}`);
  expect(chain.map(({ name }) => name)).toEqual(['healthy.world.test', 'World Middle']);
  expect(served).toEqual({
    address: `127.0.0.1:${port}`,
    servername: 'healthy.world.test',
    protocol: 'TLSv1.3',
    nameMatches: true,
    path: 'incomplete', // its root is private and not configured here
    clientCertificateRequired: false,
    legacyOnly: false,
    stapled: false,
  } satisfies Handshake);
});

test.each<[SiteKind, Partial<Handshake>]>([
  ['expired-leaf', { path: 'complete', nameMatches: true }],
  ['expired-intermediate', { path: 'complete' }],
  ['not-yet-valid', { path: 'complete' }],
  ['self-signed', { path: 'self-signed', nameMatches: true }],
  ['incomplete', { path: 'incomplete' }],
  ['broken-path', { path: 'broken' }],
  ['unrelated-extra', { path: 'complete' }],
  ['out-of-order', { path: 'complete' }],
  ['wrong-name', { path: 'complete', nameMatches: false, servername: 'other.world.test' }],
  ['common-name-only', { path: 'complete', nameMatches: false }],
  ['weak-key', { path: 'complete' }],
  ['weak-signature', { path: 'complete' }],
  ['rsa', { path: 'complete' }],
  ['ed25519', { path: 'complete' }],
  ['tls12-only', { protocol: 'TLSv1.2', legacyOnly: false }],
  ['tls10-only', { protocol: 'TLSv1', legacyOnly: true, path: 'complete' }],
  [
    'mtls-tls12',
    { protocol: 'TLSv1.2', clientCertificateRequired: true, legacyOnly: false, path: 'complete' },
  ],
  [
    'mtls-tls13',
    { protocol: 'TLSv1.3', clientCertificateRequired: true, legacyOnly: false, path: 'complete' },
  ],
  ['mtls-hangs-up', { protocol: 'TLSv1.2', clientCertificateRequired: true, legacyOnly: false }],
  ['mtls-optional', { clientCertificateRequired: false }],
  ['must-staple', { stapled: false }],
  ['stapled', { stapled: true }],
  ['chatty', { path: 'complete' }],
])('reads %s as %o', async (kind, facts) => {
  const root = await rootFile();

  const { served } = await see(kind, { trust: [root] });

  expect(served).toMatchObject(facts);
});

test('the chain is as served, without certificates from a local trust store', async () => {
  const names = async (kind: SiteKind) =>
    (await see(kind, { trust: [await rootFile()] })).chain.map(({ name }) => name);

  expect(await names('incomplete')).toEqual(['healthy.world.test']);
  expect(await names('out-of-order')).toEqual(['healthy.world.test', 'World Middle']);
  expect(await names('broken-path')).toEqual(['broken-path.world.test', 'World Middle']);
});

test('lookAt returns every certificate as served, in that order, including unrelated ones', async () => {
  const names = async (kind: SiteKind) => {
    const { host, port } = world.sites[kind];
    const result = await inspectorFor({ sites: [world.sites[kind]] })(`${host}:${port}`);
    return result.kind === 'seen' && result.chain.map(({ name }) => name);
  };

  expect(await names('unrelated-extra')).toEqual(['healthy.world.test', 'Unrelated Root', 'World Middle']);
  expect(await names('out-of-order')).toEqual(['healthy.world.test', 'World Root', 'World Middle']);
});

test('reports unusual dates, keys and signatures', async () => {
  const leaf = async (kind: SiteKind) => (await see(kind)).chain[0];

  expect((await leaf('expired-leaf')).notAfter.getTime()).toBeLessThan(Date.now());
  expect((await leaf('not-yet-valid')).notBefore.getTime()).toBeGreaterThan(Date.now());
  expect((await leaf('never-expires')).notAfter.toISOString()).toBe('9999-12-31T23:59:59.000Z');
  expect(await leaf('weak-key')).toMatchObject({ key: { type: 'rsa', bits: 1024 } });
  expect(await leaf('weak-signature')).toMatchObject({ signature: 'sha1WithRSAEncryption' });
  expect(await leaf('ed25519')).toMatchObject({ key: { type: 'ed25519' } });
  expect(await leaf('negative-serial')).toMatchObject({ serial: '-5' });
  expect(await leaf('must-staple')).toMatchObject({ mustStaple: true });
  expect((await see('expired-intermediate')).chain[1]?.notAfter.getTime()).toBeLessThan(Date.now());
});

test('a hostile name stays text on one line', async () => {
  const { chain } = await see('hostile-name');

  expect(chain[0].name).toContain('<!channel>');
  expect(chain[0].name + chain[0].subject).not.toMatch(/\p{Cc}/u);
});

test('sends no server name for an address, and matches it against the addresses in the certificate', async () => {
  const { host, port } = world.sites['for-address'];

  const named = await only([`${host}:${port}`]);
  const other = await only([`${host}:${world.sites.healthy.port}`]);

  expect(named).toMatchObject({ kind: 'seen', served: { nameMatches: true } });
  expect(other).toMatchObject({ kind: 'seen', served: { nameMatches: false } });
  expect(Object.keys((named as SeenPlace).served ?? {})).not.toContain('servername');
});

test('one server serves each name its own certificate', async () => {
  const { host, port } = world.sites['many-names'];

  const results = await scan([`a.many.world.test@${host}:${port}`, `many-names.world.test@${host}:${port}`]);

  const names = results.map((result) => result.kind === 'seen' && [result.place, result.chain[0].name]);
  expect(Object.fromEntries(names as [string, string][])).toEqual({
    [`edge:a.many.world.test@${host}:${port}`]: 'many.world.test',
    [`edge:many-names.world.test@${host}:${port}`]: 'healthy.world.test',
  });
});

test.each<[SiteKind, string, string]>([
  ['plaintext', 'malformed', 'it does not speak TLS on this port'],
  ['silent', 'unreachable', `no response within ${QUIET_MS} ms`],
  ['resets', 'unreachable', 'it closed the connection during the handshake'],
  ['hangs-up', 'unreachable', 'it closed the connection during the handshake'],
  ['no-default-name', 'unreachable', 'it closed the connection during the handshake'],
  ['closed', 'unreachable', 'nothing listens there'],
  ['starttls-injecting', 'malformed', 'it sent more unencrypted data after it accepted TLS'],
  ['starttls-endless', 'malformed', 'it sent too much data before TLS'],
  ['starttls-silent', 'unreachable', `no response within ${QUIET_MS} ms`],
])('%s is a gap: %s, %s', async (kind, errorKind, message) => {
  const config = kind.endsWith('silent') ? { timeoutMs: QUIET_MS } : {};
  const result = await only([world.sites[kind]], config);

  expect(result).toMatchObject({ kind: 'unseen', error: { source: 'edge', kind: errorKind, message } });
});

test('an unknown name is a gap', async () => {
  expect(await only(['nowhere.invalid'])).toMatchObject({
    kind: 'unseen',
    place: 'edge:nowhere.invalid:443',
    error: { message: expect.stringMatching(/^name not found$|^name servers do not answer$|^no answer in/) },
  });
});

test.each(['smtp', 'imap', 'pop3', 'ftp', 'ldap', 'postgres', 'mysql'] as const)(
  '%s starts TLS after its prologue',
  async (protocol) => {
    const site = world.sites[`starttls-${protocol}`];

    const result = await only([site]);

    expect(result).toMatchObject({
      kind: 'seen',
      place: `edge:${protocol}://healthy.world.test@127.0.0.1:${site.port}`,
      served: { address: `127.0.0.1:${site.port}`, nameMatches: true, protocol: 'TLSv1.3' },
    });
  },
);

test.each(['smtp', 'imap', 'pop3', 'ftp', 'ldap', 'postgres', 'mysql'] as const)(
  'reports that %s does not offer TLS',
  async (protocol) => {
    expect(await only([world.sites[`starttls-refused-${protocol}`]])).toMatchObject({
      kind: 'unseen',
      error: {
        kind: 'refused',
        message: expect.stringMatching(/does not offer TLS|rejected the connection before TLS/),
      },
    });
  },
);

test('a prologue of another protocol is distinguished from one without TLS', async () => {
  const { host, port } = world.sites['starttls-smtp'];

  expect(await only([`imap://${host}:${port}`])).toMatchObject({
    error: { kind: 'malformed', message: 'it does not speak imap' },
  });
});

test('a site that fails is one gap, and all others are read', async () => {
  const all = Object.values(world.sites);

  const results = await scan(all, { timeoutMs: 5_000 });

  const seen = results.filter(({ kind }) => kind === 'seen').length;
  expect(results).toHaveLength(all.length);
  expect(seen).toBeGreaterThan(30);
});

test('checks every address of a name if configured', async () => {
  const { port } = world.sites.healthy;

  const results = await scan([`healthy.world.test@localhost:${port}`], { everyAddress: true });

  const places = results.map(({ place }) => place);
  expect(places.length).toBeGreaterThan(0);
  expect(results.some(({ kind }) => kind === 'seen')).toBe(true);
  expect(new Set(places).size).toBe(places.length);
});

test('reads sites from a file too, and an invalid line is a gap', async () => {
  const file = join(folder, 'sites.txt');
  const { host, port } = world.sites.healthy;
  await writeFile(
    file,
    `\uFEFF# edge\r\nhealthy.world.test@${host}:${port} # again\r\n\r\nhttp://nope:80\r\n`,
  );

  const results = await scan([world.sites.healthy], { sitesFile: file });

  expect(results.map(({ kind, place }) => `${kind} ${place}`)).toEqual([
    `unseen edge:${file} line 4`,
    `seen edge:healthy.world.test@${host}:${port}`,
  ]);
});

test('a site with an instance is on that host', async () => {
  const file = join(folder, 'cells.txt');
  const { host, port } = world.sites.healthy;
  await writeFile(file, `healthy.world.test@${host}:${port} diego-cell/1b\n`);

  expect(await scan([], { sitesFile: file })).toMatchObject([{ kind: 'seen', host: 'diego-cell/1b' }]);
  expect(await see('healthy')).not.toHaveProperty('host');
});

test('missing files are gaps, and the sites are still checked', async () => {
  const [nowhere, rootless] = [join(folder, 'nowhere'), join(folder, 'rootless.pem')];
  await writeFile(rootless, 'canary-5e1f');

  const results = await scan([world.sites.healthy], { sitesFile: nowhere, trust: [rootless] });

  expect(results.map(({ kind }) => kind)).toEqual(['unseen', 'unseen', 'seen']);
  expect(JSON.stringify(results)).not.toContain('canary');
  expect(results[0]).toMatchObject({ error: { kind: 'missing' }, place: `edge:${nowhere}` });
  expect(results[1]).toMatchObject({ error: { kind: 'malformed' }, place: `edge:trust ${rootless}` });
});

test('a self-signed certificate that is configured as trusted is complete', async () => {
  const file = join(folder, 'self.pem');
  await writeFile(file, world.certificates.leaves['self-signed'].leaf.certificatePem);

  expect(await see('self-signed', { trust: [file] })).toMatchObject({ served: { path: 'complete' } });
});

test('an aborted scan ends immediately and leaves no connection open', async () => {
  const controller = new AbortController();
  const sites = Array.from({ length: 40 }, (_, index) => `n${index}@127.0.0.1:${world.sites.silent.port}`);
  const config = { sites: [...sites, world.sites['starttls-silent']], timeoutMs: 60_000, perAddress: 100 };
  const scanning = collect(open(config).reads.certificates!.scan({ signal: controller.signal }));
  await until(() => connections() >= 80); // both ends of 40 are in this process

  controller.abort(new Error('enough'));

  await expect(scanning).rejects.toThrow('enough');
  await until(() => connections() === 0);
});

test('reports how many sites were read', async () => {
  const { healthy, closed } = world.sites;
  const reported: ReadProgress[] = [];
  const { certificates } = open({ sites: [healthy, closed] }).reads;
  const { signal } = new AbortController();

  await collect(certificates!.scan({ signal, onProgress: (progress) => reported.push(progress) }));

  expect(reported[0]).toEqual({ read: 0, of: 2, unit: 'sites' });
  expect(reported.at(-1)).toEqual({ read: 1, of: 2, unit: 'sites' });
});

test('the scan ends if its consumer stops', async () => {
  const sites = [world.sites.healthy, world.sites.silent, world.sites['starttls-silent']];
  const { certificates } = open({ sites, timeoutMs: 60_000 }).reads;

  for await (const { kind } of certificates!.scan({ signal: new AbortController().signal })) {
    expect(kind).toBe('seen');
    break;
  }

  await until(() => connections() === 0);
});

test('the health check lists the sites that do not respond, and says what to do', async () => {
  const { healthy, closed, plaintext } = world.sites;
  const { healthCheck } = open({ sites: [healthy, closed, plaintext] });

  const { ok, summary, hint } = await healthCheck(new AbortController().signal);

  expect(ok).toBe(false);
  expect(summary).toMatch(/^1 of 3 sites respond; not responding: /);
  expect(summary).toContain(`127.0.0.1:${closed.port} (nothing listens there)`);
  expect(hint).toContain('check firewalls and routes');
  expect(hint).toContain('smtp://');
});

test('the health check passes if all sites respond', async () => {
  const { healthCheck } = open({ sites: [world.sites.healthy] });

  expect(await healthCheck(new AbortController().signal)).toEqual({
    ok: true,
    summary: '1 of 1 site responds',
  });
});

test('the health check says that it stopped early', async () => {
  const { healthCheck } = open({ sites: [world.sites.silent] });

  expect(await healthCheck(AbortSignal.timeout(50))).toMatchObject({ ok: false, hint: expect.any(String) });
});

test('checks a site on demand, by any of its names', async () => {
  const { host, port } = world.sites.healthy;
  const inspect = inspectorFor({ sites: [world.sites.healthy] });
  const place = `edge:healthy.world.test@${host}:${port}`;

  expect(await inspect(`healthy.world.test@${host}:${port}`)).toMatchObject({ kind: 'seen', place });
  expect(await inspect(`${host}:${port}`)).toMatchObject({ place });
  expect(await inspect('healthy.world.test')).toMatchObject({ place });
  expect(await inspect(host)).toMatchObject({ place });
});

test('checks other sites only if the configuration allows it', async () => {
  const { closed, healthy } = world.sites;
  const inspect = inspectorFor({
    sites: [healthy],
    alsoLookAt: [`127.0.0.1:${closed.port}`, '*.allowed.invalid:443'],
  });

  expect(await inspect(`127.0.0.1:${closed.port}`)).toMatchObject({ kind: 'unseen' });
  expect(await inspect('www.allowed.invalid')).toMatchObject({ kind: 'unseen' });
  for (const refused of [
    `127.0.0.1:1`,
    'www.allowed.invalid:22',
    'x.invalid',
    'www.allowed.invalid@10.0.0.1:443',
  ])
    await expect(inspect(refused)).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('alsoLookAt'),
    });
  await expect(inspect('<!channel>')).rejects.toMatchObject({ kind: 'malformed' });
});

type Written = Partial<z.input<typeof tlsConfig>>;

function open(config: Written) {
  const sites = (config.sites ?? []) as z.input<typeof tlsConfig>['sites'];
  return openTls(tlsConfig.parse({ kind: 'tls', name: 'edge', timeoutMs: PATIENT_MS, ...config, sites }));
}

function inspectorFor(config: Written) {
  const { signal } = new AbortController();
  return async (site: string) => {
    const [result] = await open(config).reads.certificates!.inspectSite!(site, { signal });
    return result!;
  };
}

async function scan(sites: readonly (string | WorldSite)[], config: Written = {}): Promise<ScanResult[]> {
  const { certificates } = open({ ...config, sites: [...sites] }).reads;
  return collect(certificates!.scan({ signal: new AbortController().signal }));
}

async function only(sites: readonly (string | WorldSite)[], config: Written = {}): Promise<ScanResult> {
  const [result, ...others] = await scan(sites, config);
  expect(others).toEqual([]);
  return result!;
}

async function see(kind: SiteKind, config: Written = {}): Promise<SeenPlace> {
  const result = await only([world.sites[kind]], config);
  if (result.kind === 'unseen') throw result.error;
  return result;
}

async function rootFile(): Promise<string> {
  const file = join(folder, 'root.pem');
  await writeFile(file, world.certificates.root.certificatePem);
  return file;
}

async function collect(results: AsyncIterable<ScanResult>): Promise<ScanResult[]> {
  const all: ScanResult[] = [];
  for await (const result of results) all.push(result);
  return all;
}

/** Open TCP connections of this process, including those of the servers. */
function connections(): number {
  return process.getActiveResourcesInfo().filter((resource) => resource === 'TCPSocketWrap').length;
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

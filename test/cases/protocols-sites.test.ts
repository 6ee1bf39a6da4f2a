import { createServer } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { check } from '../../commands/certs/protocols/check.ts';
import { runCheck } from '../../src/check/run-check.ts';
import type { CertificateStore, Handshake, ScanResult } from '../../src/ports/certificates.ts';
import { SourceError } from '../../src/ports/source-error.ts';
import { tlsConfig } from '../../src/sources/tls/config.ts';
import { openTls } from '../../src/sources/tls/open.ts';
import { fullChain, issue, makeAuthority } from '../world/ca.ts';
import { makeListeners, type SiteKind, startTlsServers, type TlsServers } from '../world/tls-servers.ts';

/** What `/certs protocols` reports about real TLS servers, and that what it cannot check is never CLEAR. */
const listeners = makeListeners();
let world: TlsServers;

beforeAll(async () => {
  world = await startTlsServers();
});
afterAll(() => Promise.all([world.close(), listeners.close()]));

async function run(certificates: readonly CertificateStore[], args: Readonly<Record<string, string>> = {}) {
  return runCheck(check, {
    check: 'certs/protocols',
    environment: 'cases',
    args,
    read: { certificates },
    now: new Date(),
    signal: new AbortController().signal,
    deadlineMs: 600_000,
  });
}

function live(sites: readonly unknown[]): CertificateStore {
  const config = tlsConfig.parse({ kind: 'tls', name: 'edge', sites, timeoutMs: 20_000 });
  return openTls(config).reads.certificates!;
}

function serversOf(...kinds: readonly SiteKind[]): CertificateStore {
  return live(kinds.map((kind) => world.sites[kind]));
}

/** The same store with other handshakes. */
function showing(store: CertificateStore, shown: (served: Handshake) => Handshake): CertificateStore {
  return {
    ...store,
    scan: async function* (options) {
      for await (const result of store.scan(options))
        yield result.kind === 'seen' && result.served ? { ...result, served: shown(result.served) } : result;
    },
  };
}

function yielding(
  name: string,
  role: CertificateStore['role'],
  results: readonly ScanResult[] = [],
): CertificateStore {
  // oxlint-disable-next-line typescript/require-await -- a store in memory
  return {
    name,
    role,
    scan: async function* () {
      yield* results;
    },
  };
}

function withoutProtocol(served: Handshake): Handshake {
  const { protocol, ...others } = served;
  expect(protocol).toBe('TLSv1.3');
  return others;
}

test('sites that negotiate TLS 1.3 are CLEAR, even if they also support TLS 1.2', async () => {
  const { status, verdict } = await run([
    serversOf('healthy', 'rsa', 'mtls-tls13', 'expired-leaf', 'starttls-smtp'),
  ]);

  expect([status, verdict]).toEqual(['clear', 'All 5 live sites negotiate TLS 1.3']);
});

test.each([
  ['tls12-only', 'info no-tls-13', 'TLS 1.2'],
  ['mtls-tls12', 'info no-tls-13', 'TLS 1.2'],
  ['mtls-hangs-up', 'info no-tls-13', 'TLS 1.2'],
  ['tls10-only', 'warning outdated-tls', 'TLS 1.0'],
] as const)('%s is reported as %s', async (kind, expected, negotiated) => {
  const { status, findings } = await run([serversOf('healthy', kind)]);

  expect(status).toBe('found');
  expect(findings.map(({ severity, reason }) => `${severity} ${reason}`)).toEqual([expected]);
  expect(findings[0]?.summary).toContain(`negotiates only ${negotiated}:`);
});

test('a site with two certificates is one site', async () => {
  const root = await makeAuthority({ name: 'root' });
  const both = [
    await issue(root, { name: 'both.world.test', keyType: 'p256' }),
    await issue(root, { name: 'both.world.test', keyType: 'rsa2048' }),
  ];
  const server = createServer({
    cert: both.map((leaf) => fullChain(leaf, root)),
    key: both.map(({ keyPem }) => keyPem),
    maxVersion: 'TLSv1.2',
  });
  const { port } = await listeners.listen(server);

  const { verdict, findings } = await run([live([`both.world.test@127.0.0.1:${port}`])]);

  expect(verdict).toBe('1 live site is limited to TLS 1.2');
  expect(findings).toHaveLength(1);
});

test.each(['closed', 'plaintext', 'resets', 'hangs-up', 'starttls-refused-smtp'] as const)(
  'a site that shows nothing (%s) is unknown',
  async (kind) => {
    const { status, verdict, gaps } = await run([serversOf('healthy', kind)]);

    expect(status).toBe('unknown');
    expect(verdict).toBe("1 live site negotiates TLS 1.3; couldn't check 1 of 2 sources");
    expect(gaps).toHaveLength(1);
  },
);

test.each([
  ['the handshake ended before one was chosen', withoutProtocol],
  ['TLSv9', (served: Handshake) => ({ ...served, protocol: 'TLSv9' })],
])('a handshake without a known protocol is unknown: %s', async (because, shown) => {
  const { status, gaps } = await run([showing(serversOf('healthy'), shown)]);

  expect(status).toBe('unknown');
  expect(gaps.map((gap) => gap.because)).toEqual([`unknown protocol: ${because}`]);
});

test('the report notes if not all addresses of a site were checked', async () => {
  const { status, notes } = await run([
    showing(serversOf('healthy'), (served) => ({ ...served, otherAddresses: 1 })),
  ]);

  expect(status).toBe('clear');
  expect(notes).toEqual([expect.stringContaining('`everyAddress: true`')]);
});

test('stored certificates are not examined', async () => {
  const error = new SourceError('disk', 'refused', 'permission denied');
  const disk = yielding('disk', 'stored', [{ kind: 'unseen', place: 'disk:/etc/ssl/x.pem', error }]);

  expect(await run([disk, serversOf('healthy')])).toMatchObject({
    status: 'clear',
    gaps: [],
    coverage: [{ source: 'edge' }],
  });
  for (const args of [{}, { source: 'disk' }])
    expect(await run([disk], args)).toMatchObject({
      status: 'unknown',
      verdict: 'live sites: none are configured, only stored certificates',
    });
});

test('a source that lists no sites is unknown, even if another one does', async () => {
  const { status, gaps } = await run([yielding('lost', 'served'), serversOf('healthy')]);

  expect(status).toBe('unknown');
  expect(gaps).toMatchObject([{ what: 'lost', because: 'no sites are listed' }]);
});

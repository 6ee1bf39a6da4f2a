import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createSecureContext } from 'node:tls';
import { openTls } from '../../src/sources/tls/open.ts';
import { tlsConfig } from '../../src/sources/tls/config.ts';
import type { Figure } from './figure.ts';

interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly servername: string;
}

const CONCURRENCY = 50;
const ENDPOINTS = 10_000;
const ROUND = 1_000;
/** With three rounds, the same code varied by a fifth from run to run. */
const ROUNDS = 8;
const MB = 1024 * 1024;

/** The work of a plain loop for each site. */
type BareMode = 'tuned' | 'once' | 'twice';

/**
 * Scanning against a plain `tls.connect` loop that reads the served chain, against the fastest possible
 * loop, which shares one context and reads nothing, and against a loop that also requests an RSA
 * certificate; then memory while scanning 10,000.
 */
export async function benchTlsScan(): Promise<Figure[]> {
  const servers = fork(new URL('tls-scan-servers.ts', import.meta.url));
  const folder = await mkdtemp(join(tmpdir(), 'wrench-bench-'));
  const trust = [join(folder, 'root.pem')];
  try {
    const [{ ports, portsWithBoth, root }] = (await once(servers, 'message')) as [
      { ports: number[]; portsWithBoth: number[]; root: string },
    ];
    await writeFile(join(folder, 'root.pem'), root);
    const endpoints = endpointsAt(ports, ENDPOINTS);
    const some = endpoints.slice(0, ROUND);
    const plain = await compare(some, trust, 'once');
    const tuned = await compare(some, trust, 'tuned');
    const { before, peak, rate } = await measureMemory(endpoints, trust);
    const both = await compare(endpointsAt(portsWithBoth, ROUND), trust, 'twice');
    const name = `TLS sites scanned, ${CONCURRENCY} at once, against tls.connect`;
    return [
      { name: `${name} and getPeerCertificate(true)`, ...plain, unit: 'sites/s', goal: 'ratio >= 0.8' },
      { name: `${name} alone, one context for all, and nothing read`, ...tuned, unit: 'sites/s' },
      { name: `${name} twice, for an RSA certificate too`, ...both, unit: 'sites/s' },
      {
        name: `${ENDPOINTS} TLS sites scanned`,
        ours: rate,
        bare: plain.bare,
        ratio: rate / plain.bare,
        unit: 'sites/s',
      },
      {
        name: `resident memory, peak over ${ENDPOINTS} TLS sites against before`,
        ours: peak / MB,
        bare: before / MB,
        ratio: peak / before,
        unit: 'MB',
        goal: 'flat',
      },
    ];
  } finally {
    servers.kill();
    await once(servers, 'exit');
    await rm(folder, { recursive: true });
  }
}

function endpointsAt(ports: readonly number[], count: number): Endpoint[] {
  return Array.from({ length: count }, (_, index) => ({
    host: '127.0.0.1',
    port: ports[index % ports.length] ?? 0,
    servername: `n${index}.bench.test`,
  }));
}

/** Alternating, several times, and the best of each, so that a disturbed round does not count. */
async function compare(
  endpoints: readonly Endpoint[],
  trust: string[],
  how: BareMode,
): Promise<{ ours: number; bare: number; ratio: number }> {
  let ours = 0;
  let bare = 0;
  const certificates = how === 'twice' ? 2 : 1;
  await scanOurs(endpoints, trust, certificates);
  await scanBare(endpoints, how);
  for (let round = 0; round < ROUNDS; round += 1) {
    bare = Math.max(bare, await rateOf(endpoints.length, () => scanBare(endpoints, how)));
    ours = Math.max(ours, await rateOf(endpoints.length, () => scanOurs(endpoints, trust, certificates)));
  }
  return { ours, bare, ratio: ours / bare };
}

async function measureMemory(
  endpoints: readonly Endpoint[],
  trust: string[],
): Promise<{ before: number; peak: number; rate: number }> {
  const before = process.memoryUsage.rss();
  let peak = before;
  const sampling = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 50);
  const rate = await rateOf(endpoints.length, () => scanOurs(endpoints, trust, 1));
  clearInterval(sampling);
  return { before, peak, rate };
}

async function rateOf(count: number, work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return (count / (performance.now() - startedAt)) * 1000;
}

async function scanOurs(
  endpoints: readonly Endpoint[],
  trust: string[],
  certificatesEach: number,
): Promise<void> {
  const everyKeyType = certificatesEach > 1;
  const { certificates } = openTls(
    tlsConfig.parse({ kind: 'tls', sites: [...endpoints], trust, concurrency: CONCURRENCY, everyKeyType }),
  ).reads;
  let seen = 0;
  for await (const { kind } of certificates?.scan({ signal: new AbortController().signal }) ?? [])
    if (kind === 'seen') seen += 1;
  const all = endpoints.length * certificatesEach;
  if (seen !== all) throw new Error(`only ${seen} of ${all} certificates were seen`);
}

const RSA = 'rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:rsa_pkcs1_sha256';

async function scanBare(endpoints: readonly Endpoint[], how: BareMode): Promise<void> {
  const secureContext = how === 'tuned' ? createSecureContext({ ca: [] }) : undefined;
  const options = { rejectUnauthorized: false, ...(secureContext ? { secureContext } : { ca: [] }) };
  const handshakes = how === 'twice' ? [options, { ...options, sigalgs: RSA }] : [options];
  const waiting = endpoints.values();
  const lane = async () => {
    for (const endpoint of waiting)
      for (const handshake of handshakes)
        await new Promise<void>((resolve, reject) => {
          const socket = connect({ ...endpoint, ...handshake });
          socket.once('error', reject).once('secureConnect', () => {
            if (secureContext === undefined) socket.getPeerCertificate(true);
            socket.destroy();
            resolve();
          });
        });
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, lane));
}

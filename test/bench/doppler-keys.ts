import { readFile } from 'node:fs/promises';
import { Agent, request } from 'undici';
import { etcdConfig } from '../../src/sources/etcd/config.ts';
import { openEtcd } from '../../src/sources/etcd/open.ts';
import { type Etcd, startEtcd } from '../world/etcd.ts';
import { type Figure, percentile } from './figure.ts';

const KEYS = 10_000;
const DIRECTORY = '/doppler/meta';
/** As large jobs have them, so that there are directories to walk too. */
const KEYS_IN_JOB = 100;
const TTL_SECONDS = 86_400;
const CONCURRENCY = 64;
const WARM_UP = 5;
const ROUNDS = 40;

/** Reads everything once, and returns the number of keys. */
type Read = () => Promise<number>;

/**
 * 10,000 dopplers in a real etcd, read with a majority by our source, against the minimum: the same GET
 * with the same client certificate, and `JSON.parse` of the same response, without using it.
 */
export async function benchDopplerKeys(cleanup: AsyncDisposableStack): Promise<Figure[]> {
  const etcd = await startEtcd();
  cleanup.defer(etcd.close);
  await fill(etcd);
  const ours = openOurs(cleanup, etcd);
  const bare = await openBare(cleanup, etcd);
  for (let round = 0; round < WARM_UP; round += 1) await Promise.all([bare(), ours()]);
  const tookMs = { ours: [] as number[], bare: [] as number[] };
  for (let round = 0; round < ROUNDS; round += 1) {
    // Alternating, and each as often second: the garbage of one is collected in the time of the next.
    if (round % 2 === 0) tookMs.bare.push(await time(bare));
    tookMs.ours.push(await time(ours));
    if (round % 2 === 1) tookMs.bare.push(await time(bare));
  }
  const perSecond = (all: readonly number[]) => (KEYS * 1_000) / percentile(all, 0.5);
  const [oursRate, bareRate] = [perSecond(tookMs.ours), perSecond(tookMs.bare)];
  return [
    {
      name: `${KEYS} doppler keys, against an HTTP read and JSON.parse of the same answer`,
      ours: oursRate,
      bare: bareRate,
      unit: 'keys/s',
      ratio: oursRate / bareRate,
      goal: 'ratio >= 0.7',
    },
  ];
}

async function fill(etcd: Etcd): Promise<void> {
  const left = Array.from({ length: KEYS }, (_, at) => at);
  const lane = async () => {
    for (let at = left.pop(); at !== undefined; at = left.pop()) {
      const job = Math.floor(at / KEYS_IN_JOB);
      const key = `${DIRECTORY}/z${job % 3}/doppler_${job}/${at % KEYS_IN_JOB}`;
      const host = `10.0.${at >> 8}.${at & 255}`;
      const endpoints = [`udp://${host}:3457`, `tls://${host}:3458`, `ws://${host}:8081`];
      await etcd.put(key, JSON.stringify({ version: 1, endpoints }), { ttlSeconds: TTL_SECONDS });
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, lane));
}

function openOurs(cleanup: AsyncDisposableStack, { access }: Etcd): Read {
  const source = openEtcd(etcdConfig.parse({ kind: 'etcd', ...access }));
  cleanup.defer(source.close);
  const { signal } = new AbortController();
  return async () => (await source.reads.keyValue?.tree(DIRECTORY, { signal }))?.leaves.length ?? 0;
}

async function openBare(cleanup: AsyncDisposableStack, { access, members }: Etcd): Promise<Read> {
  const [member] = members;
  const { ca, clientCertificate } = access;
  if (!member?.servername || !ca || !clientCertificate) throw new Error('the bench wants TLS');
  const [roots, cert, key] = await Promise.all(
    [ca, clientCertificate.cert, clientCertificate.key].map((path) => readFile(path, 'utf8')),
  );
  const connect = { ca: roots!, cert: cert!, key: key!, servername: member.servername };
  const dispatcher = new Agent({ connect });
  cleanup.defer(() => dispatcher.close());
  const url = `${member.url}/v2/keys${DIRECTORY}?recursive=true&quorum=true`;
  return async () => {
    const { body } = await request(url, { dispatcher });
    const answer = JSON.parse(await body.text()) as Answer;
    const jobs = answer.node.nodes.flatMap(({ nodes }) => nodes);
    return jobs.reduce((sum, { nodes }) => sum + nodes.length, 0);
  };
}

/** A root, its zones, their jobs, their keys. */
interface Answer {
  readonly node: {
    readonly nodes: readonly { readonly nodes: readonly { readonly nodes: readonly unknown[] }[] }[];
  };
}

async function time(read: Read): Promise<number> {
  const startedAt = performance.now();
  const keys = await read();
  const tookMs = performance.now() - startedAt;
  if (keys !== KEYS) throw new Error(`${keys} of ${KEYS} keys were read`);
  return tookMs;
}

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RequestCounts, ServedCluster } from './cluster-server.ts';
import type { Figure } from './figure.ts';
import { stopChild } from './processes.ts';

const NODES = 5_000;
const PODS_PER_NODE = 30;
const PODS = NODES * PODS_PER_NODE;

/** The range of heaps to try: no process starts with less, and none of these needs more. */
const HEAP_MB = { least: 10, most: 200 };
const MOST_OF_PAGE_HEAP = 1.5;

/** The result of one separate process. */
interface Outcome {
  readonly examined: number;
  readonly gaps?: number;
  readonly ms: number;
}

/** A check, and what it examines. */
interface Subject {
  readonly check: string;
  readonly amount: number;
  readonly unit: string;
}

const SUBJECTS: readonly Subject[] = [
  { check: 'node/disk', amount: NODES, unit: 'nodes/s' },
  { check: 'pods/restarts', amount: PODS, unit: 'containers/s' },
];

/**
 * Compares checks on a large cluster with a baseline that sends the same requests through the client
 * and drops the responses: once with a CA in the kubeconfig, so that the client opens a connection for each
 * request, and once with keep-alive. Then compares the heap that the check needs with that of a program
 * that holds one page.
 */
export async function benchClusters(cleanup: AsyncDisposableStack): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'wrench-bench-'));
  cleanup.defer(() => rm(folder, { recursive: true, force: true }));
  const server = fork(new URL('cluster-server.ts', import.meta.url), [String(NODES), String(PODS_PER_NODE)]);
  cleanup.defer(() => stopChild(server));
  const [{ kubeconfig, ca }] = (await once(server, 'message')) as [ServedCluster];
  const write = async (name: string, content: string) => {
    await writeFile(join(folder, name), content, { mode: 0o600 });
    return join(folder, name);
  };
  const file = await write('kubeconfig', kubeconfig);
  const withoutCa = await write('kubeconfig-without-ca', withoutAuthority(kubeconfig));
  const trustingCa = { NODE_EXTRA_CA_CERTS: await write('ca.pem', ca) };
  const requests = async () => {
    server.send('counts');
    const [counts] = (await once(server, 'message')) as [RequestCounts];
    return JSON.stringify(Object.entries(counts).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  };

  const pageMb = await smallestHeapMb((mb) => holdsPage(file, mb));
  await requests();
  const figures: Figure[] = [];
  for (const subject of SUBJECTS) figures.push(...(await compare(subject)));
  return figures;

  async function compare(subject: Subject): Promise<readonly Figure[]> {
    const kept = rateOf(await run('cluster-bare.ts', subject, withoutCa, { env: trustingCa }));
    const sent = await requests();
    const ours = rateOf(await run('cluster-ours.ts', subject, file));
    const sentByOurs = await requests();
    if (sentByOurs !== sent) throw new Error(`the check sends ${sentByOurs}, and the bare program ${sent}`);
    const bare = rateOf(await run('cluster-bare.ts', subject, file));
    const oursMb = await sufficientHeapMb(pageMb, (mb) =>
      run('cluster-ours.ts', subject, file, { heapMb: mb }),
    );
    // Those for the memory are not compared.
    await requests();

    const name = `${subject.check} on ${NODES.toLocaleString('en')} nodes and ${PODS.toLocaleString('en')} pods`;
    const against = (which: string, rate: number): Figure => ({
      name: `${name}, against the client with ${which}`,
      ours,
      bare: rate,
      ratio: ours / rate,
      unit: subject.unit,
      goal: 'ratio >= 0.8',
    });
    return [
      against('a connection for each request, its default', bare),
      against('connections kept', kept),
      {
        name: `${name}, --max-old-space-size with which it finishes, against the smallest to hold a page of 500 pods`,
        ours: oursMb,
        bare: pageMb,
        ratio: oursMb / pageMb,
        unit: 'MB',
        goal: `ratio <= ${MOST_OF_PAGE_HEAP}`,
      },
    ];
  }
}

/** The same kubeconfig without the CA, for a client that already trusts it. */
function withoutAuthority(kubeconfig: string): string {
  return JSON.stringify(JSON.parse(kubeconfig), (key, value: unknown) =>
    key === 'certificate-authority-data' ? undefined : value,
  );
}

/** @throws Error if the program did not read everything, or if its heap was too small. */
async function run(
  program: string,
  { check, amount }: Subject,
  kubeconfig: string,
  { heapMb, env }: { readonly heapMb?: number; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<Outcome> {
  const child = fork(new URL(program, import.meta.url), [check, kubeconfig], {
    execArgv: heapMb === undefined ? [] : [`--max-old-space-size=${heapMb}`],
    env: { ...process.env, ...env },
    // V8 prints pages of output if the heap is too small.
    stdio: ['ignore', 'inherit', heapMb === undefined ? 'inherit' : 'ignore', 'ipc'],
  });
  let outcome: Outcome | undefined;
  child.on('message', (message: Outcome) => (outcome = message));
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0 || !outcome) throw new Error(`${program} ended with ${code}`);
  const { examined, gaps = 0 } = outcome;
  if (examined !== amount || gaps > 0)
    throw new Error(`${program} examined ${examined} of ${amount}, with ${gaps} gaps`);
  return outcome;
}

function rateOf({ examined, ms }: Outcome): number {
  return (examined / ms) * 1000;
}

async function holdsPage(kubeconfig: string, heapMb: number): Promise<boolean> {
  const child = fork(new URL('cluster-page.ts', import.meta.url), [kubeconfig], {
    execArgv: [`--max-old-space-size=${heapMb}`],
    stdio: 'ignore',
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code === 0;
}

async function smallestHeapMb(isEnough: (mb: number) => Promise<boolean>): Promise<number> {
  let { least, most } = HEAP_MB;
  while (most - least > 1) {
    const middle = Math.floor((least + most) / 2);
    if (await isEnough(middle)) most = middle;
    else least = middle;
  }
  return most;
}

/** The goal if it suffices, otherwise the next larger heap that does. */
async function sufficientHeapMb(pageMb: number, attempt: (mb: number) => Promise<unknown>): Promise<number> {
  for (let mb = Math.floor(MOST_OF_PAGE_HEAP * pageMb); mb <= HEAP_MB.most; mb = Math.ceil(mb * 1.2))
    try {
      await attempt(mb);
      return mb;
    } catch (error) {
      console.error(`with --max-old-space-size=${mb}: ${(error as Error).message}`);
    }
  throw new Error(`${HEAP_MB.most} MB are too small for ${PODS} pods`);
}

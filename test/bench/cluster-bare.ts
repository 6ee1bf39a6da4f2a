import { readFile } from 'node:fs/promises';
import { CoreV1Api, KubeConfig, type V1ListMeta } from '@kubernetes/client-node';

/**
 * The baseline: the client's typed API sends the same requests as the check, with the same concurrency, and
 * drops the responses. Runs as a separate process; its argument is the path of a kubeconfig.
 */
const LIMIT = 500;
const NODE_LIMIT = 100;
/** Lists nodes, and sends two requests to the kubelet of each. */
const NODES_AT_ONCE = 20;

const [path = ''] = process.argv.slice(2);
const config = new KubeConfig();
config.loadFromString(await readFile(path, 'utf8'));
const core = config.makeApiClient(CoreV1Api);

interface Page {
  readonly metadata?: V1ListMeta;
  readonly items: readonly object[];
}

interface Asked {
  readonly limit: number;
  readonly _continue?: string;
}

async function* pages<P extends Page>(
  ask: (asked: Asked) => Promise<P>,
  limit = LIMIT,
): AsyncGenerator<P['items']> {
  let token: string | undefined;
  do {
    const { metadata, items } = await ask({ limit, ...(token !== undefined && { _continue: token }) });
    yield items;
    const { _continue: next } = metadata ?? {};
    token = next === '' ? undefined : next;
  } while (token !== undefined);
}

async function countAll(ask: (asked: Asked) => Promise<Page>): Promise<number> {
  let count = 0;
  for await (const items of pages(ask)) count += items.length;
  return count;
}

async function askKubelets(names: Iterable<string>): Promise<void> {
  for (const name of names)
    await Promise.all(
      ['stats/summary', 'configz'].map((rest) => core.connectGetNodeProxyWithPath({ name, path: rest })),
    );
}

/** Kubelets are queried while nodes are still being listed. */
async function readNodes(): Promise<number> {
  const kubelets: Promise<void>[] = [];
  let count = 0;
  for await (const items of pages((asked) => core.listNode(asked), NODE_LIMIT)) {
    count += items.length;
    await Promise.all(kubelets.splice(0));
    const names = items.flatMap(({ metadata }) => metadata?.name ?? []).values();
    for (let lane = 0; lane < NODES_AT_ONCE; lane += 1) kubelets.push(askKubelets(names));
  }
  await Promise.all(kubelets);
  return count;
}

const startedAt = performance.now();
const [nodes, pods] = await Promise.all([
  readNodes(),
  countAll((asked) => core.listPodForAllNamespaces(asked)),
  countAll((asked) =>
    core.listEventForAllNamespaces({ ...asked, fieldSelector: 'involvedObject.kind=Node' }),
  ),
]);
process.send?.({ nodes, pods, ms: performance.now() - startedAt });
process.disconnect();

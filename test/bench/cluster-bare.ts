import { readFile } from 'node:fs/promises';
import { AppsV1Api, CoreV1Api, KubeConfig, type V1ListMeta } from '@kubernetes/client-node';

/**
 * The baseline: the client's typed API sends the same requests as the check, with the same concurrency, and
 * drops the responses. Runs as a separate process; its arguments are the name of the check and the path of a
 * kubeconfig.
 */
const LIMIT = 500;
const NODE_LIMIT = 100;
/** How many kubelets are queried at the same time. */
const NODES_AT_ONCE = 20;
/** The check reads the logs of a limited number of containers. */
const LOGS = 20;

const [check = '', path = ''] = process.argv.slice(2);
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

async function countAll(ask: (asked: Asked) => Promise<Page>, limit = LIMIT): Promise<number> {
  let count = 0;
  for await (const items of pages(ask, limit)) count += items.length;
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
  for await (const items of pages(listNodes, NODE_LIMIT)) {
    count += items.length;
    await Promise.all(kubelets.splice(0));
    const names = items.flatMap(({ metadata }) => metadata?.name ?? []).values();
    for (let lane = 0; lane < NODES_AT_ONCE; lane += 1) kubelets.push(askKubelets(names));
  }
  await Promise.all(kubelets);
  return count;
}

const listNodes = (asked: Asked) => core.listNode(asked);
const listPods = (asked: Asked) => core.listPodForAllNamespaces(asked);
const listEvents = (kind: string) => (asked: Asked) =>
  core.listEventForAllNamespaces({ ...asked, fieldSelector: `involvedObject.kind=${kind}` });

/** The number of nodes. */
async function askAboutDisks(): Promise<number> {
  const [nodes] = await Promise.all([readNodes(), countAll(listPods), countAll(listEvents('Node'))]);
  return nodes;
}

/** The number of pods, each with one container. */
async function askAboutRestarts(): Promise<number> {
  const namespace = 'shop';
  const missing = () => undefined;
  const [pods] = await Promise.all([
    countAll(listPods),
    countAll(listNodes, NODE_LIMIT),
    countAll(listEvents('Pod')),
  ]);
  await Promise.all([
    ...Array.from({ length: LOGS }, () =>
      core.readNamespacedPodLog({ namespace, name: 'checkout', previous: true }).catch(missing),
    ),
    // All that restart are of one Deployment.
    config.makeApiClient(AppsV1Api).readNamespacedDeployment({ namespace, name: 'checkout' }).catch(missing),
  ]);
  return pods;
}

const startedAt = performance.now();
const examined = await (check === 'pods/restarts' ? askAboutRestarts() : askAboutDisks());
process.send?.({ examined, ms: performance.now() - startedAt });
process.disconnect();

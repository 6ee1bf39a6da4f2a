import type { ApiRequest } from '../world/kubernetes/answer-request.ts';
import { startCluster } from '../world/kubernetes/api-server.ts';
import { parseObjectPath } from '../world/kubernetes/resources.ts';
import type { ApiAnswer } from '../world/kubernetes/status.ts';
import {
  type ClusterSize,
  CONFIG_JSON,
  eventCount,
  eventsJson,
  nodeName,
  nodesJson,
  podEventCount,
  podEventsJson,
  podsJson,
  statsJson,
} from './cluster-content.ts';

export interface ServedCluster {
  readonly kubeconfig: string;
  /** PEM. */
  readonly ca: string;
}

/** The number of requests since the last call, by resource: `nodes`, `pods`, `configz`. */
export type RequestCounts = Readonly<Record<string, number>>;

interface List {
  readonly count: number;
  readonly write: (from: number, to: number) => string;
}

/** An API server; its arguments are the numbers of nodes and pods. Runs as a separate process, so that only the client is measured. */
const [nodes = 0, podsPerNode = 0] = process.argv.slice(2).map(Number);
const size: ClusterSize = { nodes, podsPerNode };
const nothing: List = { count: 0, write: () => '' };
const podEvents: List = { count: podEventCount(size), write: podEventsJson };
const lists: Readonly<Record<string, List>> = {
  nodes: { count: nodes, write: nodesJson },
  pods: { count: nodes * podsPerNode, write: (from, to) => podsJson(from, to, size) },
  events: { count: eventCount(size), write: eventsJson },
};
const indexes = new Map(Array.from({ length: nodes }, (_, index) => [nodeName(index), index]));
let counts: Record<string, number> = {};

const cluster = await startCluster({ answer });
process.send?.({ kubeconfig: cluster.kubeconfig(), ca: cluster.ca } satisfies ServedCluster);
process.on('message', () => {
  process.send?.(counts satisfies RequestCounts);
  counts = {};
});
process.once('disconnect', () => process.exit());

/** Lists and kubelets; everything else is left to the API server. */
function answer({ method, path, query }: ApiRequest): ApiAnswer | undefined {
  const named = parseObjectPath(path);
  if (method !== 'GET' || !named) return undefined;
  const { resource, name, rest } = named;
  const asked = rest ?? resource.plural;
  counts[asked] = (counts[asked] ?? 0) + 1;
  if (name === undefined) return page(resource.plural, resource.kind, query);
  const node = indexes.get(name);
  if (node === undefined || rest === undefined) return undefined;
  return { status: 200, body: Buffer.from(rest === 'configz' ? CONFIG_JSON : statsJson(node, size)) };
}

function page(plural: string, kind: string, query: URLSearchParams): ApiAnswer {
  const isAboutPods = (query.get('fieldSelector') ?? '').includes('involvedObject.kind=Pod');
  const { count, write } = (isAboutPods ? podEvents : lists[plural]) ?? nothing;
  const from = Number(query.get('continue') ?? 0);
  const to = Math.min(count, from + (Number(query.get('limit') ?? 0) || count));
  const rest = to < count ? `,"continue":"${to}","remainingItemCount":${count - to}` : '';
  const metadata = `{"resourceVersion":"918441003"${rest}}`;
  return {
    status: 200,
    body: Buffer.from(
      `{"kind":"${kind}List","apiVersion":"v1","metadata":${metadata},"items":[${write(from, to)}]}`,
    ),
  };
}

import { type ports, SourceError, wording } from '../../kit.ts';
import { type Settled, settle } from '../../shared/settle.ts';
import type { Context } from './facts.ts';

interface ReadList<T> {
  /** What was read before an error. */
  readonly items: readonly T[];
  readonly error?: SourceError;
}

interface ReadNodes {
  readonly nodes: ReadonlyMap<string, Pick<ports.ClusterNode, 'architecture' | 'containerRuntime'>>;
  readonly error?: SourceError;
}

/** Reads each list of a namespace once, however many services are in it. */
export class NamespaceReader {
  readonly #context: Context;
  readonly #lists = new Map<string, Promise<unknown>>();

  constructor(context: Context) {
    this.#context = context;
  }

  services(cluster: ports.Cluster, namespace: string): Promise<ReadList<ports.ClusterService>> {
    return this.#once(cluster, `services ${namespace}`, (signal) => cluster.services({ namespace, signal }));
  }

  pods(cluster: ports.Cluster, namespace: string): Promise<ReadList<ports.Pod>> {
    return this.#once(cluster, `pods ${namespace}`, (signal) => cluster.pods({ namespace, signal }));
  }

  rollouts(cluster: ports.Cluster, namespace: string): Promise<ReadList<ports.Rollout>> {
    return this.#once(cluster, `rollouts ${namespace}`, (signal) => cluster.rollouts({ namespace, signal }));
  }

  endpoints(cluster: ports.Cluster, namespace: string, service: string): Promise<ReadList<ports.Endpoint>> {
    return this.#once(cluster, `endpoints ${namespace}/${service}`, (signal) =>
      cluster.endpoints({ namespace, service, signal }),
    );
  }

  async nodes(cluster: ports.Cluster): Promise<ReadNodes> {
    const { items, error } = await this.#once(cluster, 'nodes', (signal) => cluster.nodes({ signal }));
    return { nodes: new Map(items.map((node) => [node.name, node])), ...(error && { error }) };
  }

  #once<T>(
    { name }: ports.Cluster,
    what: string,
    list: (signal: AbortSignal) => AsyncIterable<readonly T[]>,
  ): Promise<ReadList<T>> {
    const key = `${name} ${what}`;
    const known = this.#lists.get(key);
    if (known) return known as Promise<ReadList<T>>;
    const reading = readAll(this.#context, name, list);
    this.#lists.set(key, reading);
    return reading;
  }
}

/** No namespace has more. A server may send pages without end. */
const MOST_ITEMS = 100_000;

async function readAll<T>(
  context: Context,
  source: string,
  list: (signal: AbortSignal) => AsyncIterable<readonly T[]>,
): Promise<ReadList<T>> {
  const items: T[] = [];
  const { error }: Settled<void> = await settle(context, source, async (signal) => {
    for await (const page of list(signal)) {
      items.push(...page);
      if (items.length > MOST_ITEMS)
        throw new SourceError(
          source,
          'malformed',
          `there are more than ${wording.count(MOST_ITEMS, 'item')}`,
        );
    }
  });
  return { items: [...items], ...(error && { error }) };
}

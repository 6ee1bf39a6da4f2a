import { type ports, SourceError } from '../kit.ts';

/** In-memory brokers and databases for the fixtures of checks (`fixtures.ts`), as documented in `src/ports`. */

export interface StoredBrokerNode {
  /** Its endpoint. */
  readonly url: string;
  readonly overview?: ports.BrokerOverview;
  readonly nodes?: readonly ports.BrokerNode[];
  readonly alarms?: readonly ports.BrokerAlarm[];
  readonly memory?: Readonly<Record<string, ports.BrokerMemory>>;
  readonly queues?: readonly ports.BrokerQueue[];
  /** Every question fails with it. */
  readonly error?: SourceError;
}

const PAGE_SIZE = 2;

/** Queues come in pages of 2, in the order that is given. */
export function brokerSource({
  name,
  endpoints,
  purging = { allowed: false, because: `\`allow.purge\` is not configured for the source ${name}` },
}: {
  readonly name: string;
  readonly endpoints: readonly StoredBrokerNode[];
  readonly purging?: ports.ConfiguredPermission;
}): ports.Broker {
  const find = ({ endpoint }: ports.BrokerQuery): StoredBrokerNode => {
    const found = endpoints.find(({ url }) => url === endpoint);
    if (!found) throw new SourceError(name, 'missing', `${endpoint} is not configured`);
    if (found.error) throw found.error;
    return found;
  };
  return {
    name,
    endpoints: endpoints.map(({ url }) => ({ url })),
    overview: async (query) => find(query).overview ?? {},
    nodes: async (query) => find(query).nodes ?? [],
    alarms: async (query) => find(query).alarms ?? [],
    memory: async (query) => {
      const found = find(query).memory?.[query.node];
      if (!found) throw new SourceError(name, 'missing', `the memory of ${query.node} is unknown`);
      return found;
    },
    queues: async function* (query) {
      const { queues = [] } = find(query);
      for (let at = 0; at < Math.max(queues.length, 1); at += PAGE_SIZE)
        yield queues.slice(at, at + PAGE_SIZE);
    },
    purging,
  };
}

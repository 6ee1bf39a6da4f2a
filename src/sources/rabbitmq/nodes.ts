import type {
  BrokerAlarm,
  BrokerMemory,
  BrokerNode,
  BrokerOverview,
  BrokerQuery,
} from '../../ports/brokers.ts';
import { SourceError } from '../../ports/source-error.ts';
import { asObject, type JsonObject, textIn } from '../../wire/json-object.ts';
import { printable } from '../../wire/x509.ts';
import { countOf, flagIn, knownFacts, nameOf, namesOf } from './broker-values.ts';
import { inPath, jsonOf, type ManagementApi } from './management-api.ts';

/** Either of them switches statistics off, and the API doesn't say which: https://www.rabbitmq.com/docs/management#disable-stats */
const STATISTICS_SETTING = 'management.disable_stats or management_agent.disable_metrics_collector';
const MAX_PARTS = 12;

/** @throws {SourceError} */
export async function readOverview(api: ManagementApi, query: BrokerQuery): Promise<BrokerOverview> {
  const body = objectOf(api, query, 'its overview', await read(api, query, '/api/overview'));
  const totals = asObject(body['object_totals']);
  const isOff = flagIn(body['disable_stats']);
  // Old versions don't say it, and then only a count shows that there are statistics.
  const hasStatistics =
    isOff === undefined
      ? countOf(asObject(body['queue_totals'])['messages']) === undefined
        ? undefined
        : true
      : !isOff;
  return knownFacts({
    node: nameOf(body['node']),
    cluster: nameOf(body['cluster_name']),
    version: nameOf(body['rabbitmq_version']) ?? nameOf(body['product_version']),
    hasStatistics,
    statisticsSetting: hasStatistics === false ? STATISTICS_SETTING : undefined,
    connections: countOf(totals['connections']),
    queues: countOf(totals['queues']),
    consumers: countOf(totals['consumers']),
  });
}

/** @throws {SourceError} */
export async function readNodes(api: ManagementApi, query: BrokerQuery): Promise<readonly BrokerNode[]> {
  const body = await read(api, query, '/api/nodes');
  if (!Array.isArray(body) || body.length === 0)
    throw malformed(api, query, 'did not return a list of nodes');
  return body.map((one) => toNode(api, query, asObject(one)));
}

function toNode(api: ManagementApi, query: BrokerQuery, node: JsonObject): BrokerNode {
  const name = nameOf(node['name']);
  const isRunning = flagIn(node['running']);
  if (name === undefined || isRunning === undefined)
    throw malformed(api, query, 'listed a node without its name, or without whether it is running');
  const partitions = namesOf(node['partitions']);
  if (partitions === undefined && (node['partitions'] ?? undefined) !== undefined)
    throw malformed(api, query, `listed the partitions of ${name} in an unknown form`);
  const uptimeMs = countOf(node['uptime']);
  return {
    name,
    isRunning,
    ...knownFacts({
      memoryBytes: countOf(node['mem_used']),
      memoryLimitBytes: countOf(node['mem_limit']),
      hasMemoryAlarm: flagIn(node['mem_alarm']),
      diskFreeBytes: countOf(node['disk_free']),
      diskLimitBytes: countOf(node['disk_free_limit']),
      hasDiskAlarm: flagIn(node['disk_free_alarm']),
      filesUsed: countOf(node['fd_used']),
      filesMost: countOf(node['fd_total']),
      socketsUsed: countOf(node['sockets_used']),
      socketsMost: countOf(node['sockets_total']),
      processesUsed: countOf(node['proc_used']),
      processesMost: countOf(node['proc_total']),
      uptimeSeconds: uptimeMs === undefined ? undefined : uptimeMs / 1000,
      partitions,
      isBeingDrained: flagIn(node['being_drained']),
    }),
  };
}

/** The response is 503 while alarms are in effect. @throws {SourceError} */
export async function readBrokerAlarms(
  api: ManagementApi,
  query: BrokerQuery,
): Promise<readonly BrokerAlarm[]> {
  const { endpoint, signal } = query;
  const answer = await api.get({ endpoint, path: '/api/health/checks/alarms', accept: [503], signal });
  const { host } = new URL(endpoint);
  // The node may be starting, or a proxy may have no node to send it to.
  if (answer.status === 503 && !answer.text.trimStart().startsWith('{'))
    throw new SourceError(api.source, 'unreachable', `${host} responded with an error (503)`);
  const body = asObject(jsonOf(api.source, endpoint, answer));
  if (answer.status !== 503) {
    if (body['status'] === 'ok') return [];
    throw malformed(api, query, 'did not say whether there are alarms');
  }
  const alarms: unknown = body['alarms'];
  if (!Array.isArray(alarms) || alarms.length === 0) {
    const reason = textIn(body, 'reason');
    throw new SourceError(
      api.source,
      'unreachable',
      `${host} responded with an error (503)${reason === undefined ? '' : `: ${printable(reason).slice(0, 200)}`}`,
    );
  }
  return alarms.map((one) => {
    const [node, resource] = [nameOf(asObject(one)['node']), nameOf(asObject(one)['resource'])];
    if (node === undefined || resource === undefined)
      throw malformed(api, query, 'listed an alarm without its node or resource');
    return { node, resource };
  });
}

/** https://www.rabbitmq.com/docs/memory-use#breakdown @throws {SourceError} */
export async function readMemory(
  api: ManagementApi,
  query: BrokerQuery & { readonly node: string },
): Promise<BrokerMemory> {
  const answer = await read(api, query, `/api/nodes/${inPath(api.source, query.node)}/memory`);
  const memory = objectOf(api, query, `the memory of ${query.node}`, answer)['memory'];
  // Of a node that is down.
  if (memory === 'not_available')
    throw new SourceError(api.source, 'unreachable', `the memory of ${query.node} is not available`);
  const breakdown = asObject(memory);
  const usedBytes = totalOf(breakdown);
  if (usedBytes === undefined) throw malformed(api, query, `did not return the memory of ${query.node}`);
  const parts = Object.keys(breakdown)
    .filter((name) => !NOT_PARTS.has(name))
    .flatMap((name) => {
      const bytes = countOf(breakdown[name]);
      return bytes === undefined || bytes === 0 ? [] : [[printable(name), bytes] as const];
    })
    .toSorted(([, one], [, other]) => other - one)
    .slice(0, MAX_PARTS);
  return {
    usedBytes,
    ...knownFacts({ unusedBytes: countOf(breakdown['allocated_unused']) }),
    parts: Object.fromEntries(parts),
  };
}

const NOT_PARTS: ReadonlySet<string> = new Set([
  'total',
  'strategy',
  'allocated_unused',
  'reserved_unallocated',
]);

/** Up to 3.6 a number; then one total for each way of measuring, of which `strategy` is the configured one. */
function totalOf(breakdown: JsonObject): number | undefined {
  const plain = countOf(breakdown['total']);
  if (plain !== undefined) return plain;
  const totals = asObject(breakdown['total']);
  const strategy = textIn(breakdown, 'strategy') ?? 'rss';
  const measured = countOf(totals[strategy === 'legacy' ? 'erlang' : strategy]);
  if (measured !== undefined) return measured;
  const all = Object.keys(totals).flatMap((name) => countOf(totals[name]) ?? []);
  return all.length === 0 ? undefined : Math.max(...all);
}

function read(api: ManagementApi, { endpoint, signal }: BrokerQuery, path: string): Promise<unknown> {
  return api.getJson({ endpoint, path, signal });
}

function objectOf(api: ManagementApi, query: BrokerQuery, what: string, body: unknown): JsonObject {
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as JsonObject;
  throw malformed(api, query, `did not return ${what}`);
}

function malformed({ source }: ManagementApi, { endpoint }: BrokerQuery, words: string): SourceError {
  return new SourceError(source, 'malformed', `${new URL(endpoint).host} ${words}`);
}

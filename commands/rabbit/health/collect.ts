import { setTimeout } from 'node:timers/promises';
import { type ports, type ReadContext, SourceError, wording } from '../../kit.ts';
import { answerOf, type Settled } from '../../shared/settle.ts';
import { chooseSources } from '../../shared/sources.ts';
import { type BrokerFacts, type Facts, hostOf, nodesOf, type View } from './facts.ts';
import { queuesWithoutCounts, statesUnknown } from './queue-gaps.ts';
import type { QueueSample } from './queue-sample.ts';
import { lostNodes } from './split.ts';

type Context = ReadContext<'brokers', never, QueueSample>;

/** Below this share of its limit, what uses the memory of a node isn't asked. */
const MEMORY_SHARE = 0.5;
/** A node that starts or stops is seen differently by the others for a moment. */
const SECOND_LOOK_MS = 2_000;
/** Of an endpoint's part of the time that is left. */
const SHARE_FOR_QUEUES = 0.8;
/** Queues are created and deleted while they are counted. */
const COUNT_TOLERANCE = 0.02;

/** Asks the node behind every endpoint of every cluster. */
export async function collect(
  context: Context,
  { source }: { readonly source?: string | undefined },
): Promise<Facts> {
  const brokers = chooseSources(context, 'brokers', source);
  const read = await Promise.all(brokers.map((broker) => readBroker(context, broker)));
  return { brokers: read, areSeveral: context.read.brokers.length > 1, earlier: context.earlier };
}

async function readBroker(context: Context, broker: ports.Broker): Promise<BrokerFacts> {
  const { name, endpoints, purging } = broker;
  const [asked, queues] = await Promise.all([
    Promise.all(endpoints.map(({ url }) => askNode(context, broker, url))),
    readQueues(context, broker),
  ]);
  const overviews = asked.flatMap(({ overview }) => ('value' in overview ? [overview.value] : []));
  const views = await lookAgain(context, broker, viewsOf(asked), queues.value);
  for (const { endpoint, nodes } of asked)
    if ('error' in nodes) context.gap(`${name} (${hostOf(endpoint)}): nodes`, nodes.error);
  if (endpoints.length === 0) context.gap(name, new SourceError(name, 'missing', 'it has no endpoints'));
  const nodes = nodesOf({ views });
  context.saw(name, nodes.length);
  const alarms = reportAlarms(context, broker, asked, nodes);
  await reportQueues(context, broker, { overviews, queues });
  reportBlindness(context, name, views, nodes);
  reportPartitions(context, name, overviews, nodes);
  const memory = await readMemory(context, broker, views, nodes, alarms ?? []);
  return {
    name,
    views,
    asked: endpoints.length,
    ...(alarms && { alarms }),
    queues: queues.value,
    hasAllQueues: queues.error === undefined,
    memory,
    purging,
  };
}

interface AskedNode {
  readonly endpoint: string;
  readonly overview: Settled<ports.BrokerOverview>;
  readonly nodes: Settled<readonly ports.BrokerNode[]>;
  readonly alarms: Settled<readonly ports.BrokerAlarm[]>;
}

async function askNode({ signal }: Context, broker: ports.Broker, endpoint: string): Promise<AskedNode> {
  const query = { endpoint, signal };
  const [overview, nodes, alarms] = await Promise.all([
    answerOf(signal, () => broker.overview(query)),
    answerOf(signal, () => broker.nodes(query)),
    answerOf(signal, () => broker.alarms(query)),
  ]);
  return { endpoint, overview, nodes, alarms };
}

function viewsOf(asked: readonly AskedNode[]): readonly View[] {
  return asked.flatMap(({ endpoint, overview, nodes }) => {
    if (nodes.error) return [];
    const node = overview.value?.node;
    return [{ endpoint, ...(node !== undefined && { node }), nodes: nodes.value }];
  });
}

/** If the nodes disagree, asks them once more. */
async function lookAgain(
  context: Context,
  broker: ports.Broker,
  views: readonly View[],
  queues: readonly ports.BrokerQueue[],
): Promise<readonly View[]> {
  const { signal, leftMs } = context;
  if (lostNodes(views, queues).length === 0 || leftMs() < 3 * SECOND_LOOK_MS) return views;
  const again = await answerOf(signal, async () => {
    await setTimeout(SECOND_LOOK_MS, undefined, { signal });
    return Promise.all(
      views.map(async (view) => ({
        ...view,
        nodes: await broker.nodes({ endpoint: view.endpoint, signal }),
      })),
    );
  });
  return 'value' in again ? again.value : views;
}

interface ReadQueues {
  readonly value: readonly ports.BrokerQueue[];
  readonly error?: SourceError;
}

/**
 * From the first endpoint that lists all of them in its share of the time. Otherwise the longest part of a list, and why it ends.
 */
async function readQueues(
  { signal, leftMs }: Context,
  { name, endpoints, queues }: ports.Broker,
): Promise<ReadQueues> {
  let best: ReadQueues = { value: [], error: new SourceError(name, 'missing', 'it has no endpoints') };
  for (const [at, { url: endpoint }] of endpoints.entries()) {
    const value: ports.BrokerQueue[] = [];
    const late = new SourceError(name, 'unreachable', `${hostOf(endpoint)} didn't list its queues in time`);
    const shareMs = (leftMs() / (endpoints.length - at)) * SHARE_FOR_QUEUES;
    const read = await answerOf(signal, () =>
      within({ signal, ms: shareMs, late }, async (either) => {
        for await (const page of queues({ endpoint, signal: either }))
          if (!either.aborted) value.push(...page);
      }),
    );
    if ('value' in read) return { value };
    if (at === 0 || value.length > best.value.length) best = { value, error: read.error };
    if (signal.aborted) break;
  }
  return best;
}

/** Gives up after a time, though the source may ignore its signal. */
async function within<T>(
  { signal, ms, late }: { readonly signal: AbortSignal; readonly ms: number; readonly late: SourceError },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const stop = new AbortController();
  const done = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const cut = Promise.withResolvers<never>();
  either.addEventListener('abort', () => cut.reject(either.reason as Error), { once: true });
  void setTimeout(ms, undefined, { signal: AbortSignal.any([signal, done.signal]) }).then(
    () => stop.abort(late),
    () => undefined,
  );
  try {
    return await Promise.race([work(either), cut.promise]);
  } finally {
    done.abort();
  }
}

/** Every node knows all alarms of the cluster, and each node says its own. */
function reportAlarms(
  { gap }: Context,
  { name }: ports.Broker,
  asked: readonly AskedNode[],
  nodes: readonly ports.BrokerNode[],
): readonly ports.BrokerAlarm[] | undefined {
  const answered = asked.flatMap(({ alarms }) => ('value' in alarms ? [alarms.value] : []));
  const own = nodes.flatMap(({ name: node, hasMemoryAlarm = false, hasDiskAlarm = false }) => [
    ...(hasMemoryAlarm ? [{ node, resource: 'memory' }] : []),
    ...(hasDiskAlarm ? [{ node, resource: 'disk space' }] : []),
  ]);
  const all = [...answered.flat(), ...own];
  const unique = [
    ...new Map(all.map((one) => [JSON.stringify([one.node, one.resource.toLowerCase()]), one])).values(),
  ];
  const areOwnKnown =
    nodes.length > 0 &&
    nodes.every((one) => one.hasMemoryAlarm !== undefined && one.hasDiskAlarm !== undefined);
  if (answered.length > 0 || areOwnKnown) return unique;
  const [first] = asked.flatMap(({ alarms }) => ('error' in alarms ? [alarms.error] : []));
  gap(`${name}: alarms`, first ?? new SourceError(name, 'missing', 'no node could be asked'));
  return unique.length > 0 ? unique : undefined;
}

async function reportQueues(
  context: Context,
  broker: ports.Broker,
  {
    overviews,
    queues: { value: queues, error },
  }: { readonly overviews: readonly ports.BrokerOverview[]; readonly queues: ReadQueues },
): Promise<void> {
  const { gap, note } = context;
  const { name } = broker;
  if (error) gap(`${name}: queues`, error);
  const off = overviews.find(({ hasStatistics }) => hasStatistics === false);
  if (off) {
    const setting =
      off.statisticsSetting ?? 'management.disable_stats or management_agent.disable_metrics_collector';
    const because = `statistics are switched off (${setting}): read the Prometheus endpoint, or ask with enable_queue_totals=true`;
    gap(`${name}: messages, consumers and memory`, new SourceError(name, 'missing', because));
  } else {
    const without = queuesWithoutCounts(queues);
    if (without.gap) gap(`${name}: ${without.gap}`, new SourceError(name, 'missing', without.because));
    if (without.note) note(`${name}: ${without.note}`);
  }
  for (const state of statesUnknown(queues))
    gap(`${name}: ${state.queue}`, new SourceError(name, 'malformed', `its state ${state.state} is unknown`));
  if (!error) await reportMissingQueues(context, broker, overviews, queues.length);
}

/** A user sees the queues of the virtual hosts in which it has a permission, and the number of all. */
async function reportMissingQueues(
  { gap, signal }: Context,
  broker: ports.Broker,
  overviews: readonly ports.BrokerOverview[],
  listed: number,
): Promise<void> {
  const [total = 0] = overviews.flatMap(({ queues }) => queues ?? []);
  if (!isShort(listed, total)) return;
  // Meanwhile, some may have been deleted.
  const again = await Promise.all(
    broker.endpoints.map(({ url }) => answerOf(signal, () => broker.overview({ endpoint: url, signal }))),
  );
  const totals = again.flatMap((one) => ('value' in one ? (one.value.queues ?? []) : []));
  const left = Math.min(total, ...totals);
  if (isShort(listed, left))
    gap(
      `${broker.name}: ${left - listed} of ${left} queues`,
      new SourceError(
        broker.name,
        'refused',
        "they aren't listed: give the user a permission in each virtual host",
      ),
    );
}

function isShort(listed: number, total: number): boolean {
  return total - listed > Math.floor(total * COUNT_TOLERANCE);
}

function reportBlindness(
  { note }: Context,
  name: string,
  views: readonly View[],
  nodes: readonly ports.BrokerNode[],
): void {
  const named = views.flatMap(({ node }) => node ?? []);
  const asked = new Set(named).size + views.length - named.length;
  if (views.length > 0 && nodes.length > 1 && asked < nodes.length)
    note(
      `${name}: asked ${asked} of ${nodes.length} nodes, so a split may go unseen; configure the address of each node, not of a load balancer`,
    );
}

/** Since 4.3 there are none. With statistics off, they are part of what can't be read. */
function reportPartitions(
  { gap }: Context,
  name: string,
  overviews: readonly ports.BrokerOverview[],
  nodes: readonly ports.BrokerNode[],
): void {
  if (nodes.length < 2 || overviews.some(({ hasStatistics }) => hasStatistics === false)) return;
  const running = nodes.filter(({ isRunning }) => isRunning);
  const silent = running.filter(({ partitions }) => partitions === undefined);
  const isExpected =
    silent.length < running.length ||
    overviews.some(({ version }) => version !== undefined && hasMnesia(version));
  if (silent.length > 0 && isExpected)
    gap(
      `${name}: partitions of ${wording.list(silent.map((one) => one.name))}`,
      new SourceError(name, 'missing', "the broker didn't report them"),
    );
}

function hasMnesia(version: string): boolean {
  const [major = NaN, minor = NaN] = version.split('.').map(Number);
  return major < 4 || (major === 4 && minor < 3);
}

/** The largest parts, of nodes that use much or have an alarm. That it can't be read matters only to explain a finding. */
async function readMemory(
  { signal }: Context,
  broker: ports.Broker,
  views: readonly View[],
  nodes: readonly ports.BrokerNode[],
  alarms: readonly ports.BrokerAlarm[],
): Promise<Readonly<Record<string, ports.BrokerMemory>>> {
  const wanted = nodes.filter(
    ({ name, isRunning, memoryBytes = 0, memoryLimitBytes = Infinity }) =>
      (isRunning && memoryBytes / memoryLimitBytes >= MEMORY_SHARE) ||
      alarms.some((one) => one.node === name && /memory/i.test(one.resource)),
  );
  const found = await Promise.all(
    wanted.map(async ({ name: node }) => {
      for (const { endpoint } of views) {
        const read = await answerOf(signal, () => broker.memory({ endpoint, node, signal }));
        if ('value' in read) return [[node, read.value] as const];
      }
      return [];
    }),
  );
  return Object.fromEntries(found.flat());
}

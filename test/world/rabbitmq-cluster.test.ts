import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Broker, BrokerNode, BrokerQueue } from '../../src/ports/brokers.ts';
import type { Source } from '../../src/ports/source.ts';
import { rabbitmqConfig } from '../../src/sources/rabbitmq/config.ts';
import { openRabbitmq } from '../../src/sources/rabbitmq/open.ts';
import { MAX_WORLD_WAIT_MS, WORLD_TEST_TIMEOUT_MS } from '../timeouts.ts';
import { type Rabbitmq, startRabbitmq } from './rabbitmq.ts';

/** Three real nodes. */
let rabbitmq: Rabbitmq;
let source: Source;
let broker: Broker;
beforeAll(async () => {
  rabbitmq = await startRabbitmq({ nodes: 3 });
  source = openRabbitmq(rabbitmqConfig.parse({ kind: 'rabbitmq', ...rabbitmq.config }));
  broker = source.reads.brokers!;
}, WORLD_TEST_TIMEOUT_MS);
afterAll(async () => {
  await source?.close();
  await rabbitmq?.close();
});

const ALL = ['rabbit1@localhost', 'rabbit2@localhost', 'rabbit3@localhost'];
const query = (node: number) => ({
  endpoint: rabbitmq.nodes[node]!.url,
  signal: new AbortController().signal,
});
const wait = { timeout: MAX_WORLD_WAIT_MS, interval: 300 };

const runningNodes = (nodes: readonly BrokerNode[]) =>
  nodes.filter(({ isRunning }) => isRunning).map(({ name }) => name);

async function runningFor(node: number): Promise<readonly string[]> {
  return runningNodes(await broker.nodes(query(node)));
}

/** Members in the order of their names: the server's is random. */
async function membersOf(queue: string): Promise<Pick<BrokerQueue, 'members' | 'online'> | undefined> {
  for await (const page of broker.queues(query(0)))
    for (const { name, members = [], online = [] } of page)
      if (name === queue) return { members: members.toSorted(), online: online.toSorted() };
  return undefined;
}

/**
 * A quorum queue with a leader. On a busy machine, the members of a new cluster may not elect one within the server's own timeout, and never for this
 * queue again; then another queue is declared.
 */
async function declareLedger(): Promise<string> {
  const deadline = Date.now() + MAX_WORLD_WAIT_MS;
  for (let attempt = 1; ; attempt += 1) {
    const name = `ledger-${attempt}`;
    try {
      await rabbitmq.declare(name, { arguments: { 'x-queue-type': 'quorum' } });
      await expect
        .poll(() => membersOf(name), { timeout: MAX_WORLD_WAIT_MS / 6, interval: 300 })
        .toMatchObject({ members: ALL, online: ALL });
      return name;
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
  }
}

test(
  'a quorum queue whose other members are down has one of three online',
  async () => {
    const ledger = await declareLedger();
    await Promise.all([rabbitmq.kill(1), rabbitmq.kill(2)]);
    await expect.poll(() => runningFor(0), wait).toEqual(ALL.slice(0, 1));
    await expect.poll(() => membersOf(ledger), wait).toMatchObject({ members: ALL, online: ALL.slice(0, 1) });
    const [, stopped] = await broker.nodes(query(0));
    expect(stopped).toEqual({ name: ALL[1], isRunning: false });
    await expect(broker.nodes(query(1))).rejects.toMatchObject({ kind: 'unreachable' });
  },
  WORLD_TEST_TIMEOUT_MS,
);

import { type Evidence, type Finding, type ports, wording } from '../../kit.ts';
import { optionalField, steps } from '../../shared/evidence.ts';
import { type BrokerFacts, nodesOf } from './facts.ts';
import { nextForPayloads } from './offers.ts';

/** Memory in use, without what Erlang only keeps allocated, as a share of the limit. */
const NEARLY_FULL = 0.9;
const IN_USE = 0.8;
const LARGE_BINARIES_SHARE = 0.4;
const MIN_LARGE_BINARIES = 1_000_000_000;
const MAX_PARTS = 4;
/** Consumers may fetch a few in advance. */
const MIN_HELD = 1_000;
const LARGE_PAYLOAD_BYTES = 1_000_000;

export function memoryFinding(
  broker: BrokerFacts,
  node: ports.BrokerNode,
  target: string,
): readonly Finding[] {
  const { name, memoryBytes, memoryLimitBytes } = node;
  if (memoryBytes === undefined || !memoryLimitBytes) return [];
  const memory = broker.memory[name];
  const evidence = memoryEvidence(broker, name, node);
  const binaries = memory?.parts['binary'] ?? 0;
  const largest = largestQueue(broker, name);
  const isBacklog =
    largest !== undefined &&
    (largest.messageBytes ?? 0) >= binaries * MAIN_SHARE &&
    (largest.messageBytes ?? 0) < (largest.messages ?? 0) * LARGE_PAYLOAD_BYTES;
  if (binaries >= Math.max(MIN_LARGE_BINARIES, memoryLimitBytes * LARGE_BINARIES_SHARE))
    return [
      {
        reason: 'large-binaries',
        severity: 'warning',
        target,
        summary: `${name} keeps ${wording.bytes(binaries)} of message bodies in memory, of a limit of ${wording.bytes(memoryLimitBytes)}${isBacklog ? `, most of it in ${largest.name}` : ': someone probably sends large messages'}`,
        evidence: [
          ...evidence,
          ...steps([
            isBacklog
              ? 'Start or fix the consumers of that queue before the alarm blocks publishers'
              : 'Find out which programs send large messages: their queues have few messages with many bytes',
          ]),
        ],
        ...(!isBacklog && nextForPayloads(broker)),
      },
    ];
  if (memoryBytes < memoryLimitBytes * NEARLY_FULL) return [];
  const inUse = memoryBytes - (memory?.unusedBytes ?? 0);
  if (inUse < memoryLimitBytes * IN_USE) return [];
  return [
    {
      reason: 'memory-nearly-full',
      severity: 'warning',
      target,
      summary: `${name} uses ${wording.percent(memoryBytes / memoryLimitBytes)} of its memory limit, above which all publishers are blocked`,
      evidence: [
        ...evidence,
        ...steps([
          'Find out which queues grow, and start or fix their consumers before the alarm blocks publishers',
        ]),
      ],
      level: { value: Math.floor((memoryBytes / memoryLimitBytes) * 100), unit: '% used' },
    },
  ];
}

/** What a node that is close to its limit only keeps allocated: `rabbit@mq-1 uses 24 of 26 GB, of which 19 GB is allocated but unused`. */
export function unusedMemoryInWords(broker: BrokerFacts): readonly string[] {
  return nodesOf(broker).flatMap(({ name, memoryBytes, memoryLimitBytes }) => {
    const unused = broker.memory[name]?.unusedBytes;
    if (memoryBytes === undefined || !memoryLimitBytes || unused === undefined) return [];
    const isAtLimit = memoryBytes >= memoryLimitBytes * NEARLY_FULL;
    return isAtLimit && memoryBytes - unused < memoryLimitBytes * IN_USE
      ? [
          `${name} holds ${wording.bytes(memoryBytes)} of ${wording.bytes(memoryLimitBytes)}, but Erlang doesn't use ${wording.bytes(unused)} of it`,
        ]
      : [];
  });
}

/** A part that uses at least this share of the memory is its cause. */
const MAIN_SHARE = 0.5;

/** `: binary, the content of messages, uses 12 of 14 GB` */
export function memoryCause({ memory }: BrokerFacts, node: string): string {
  const { parts = {}, unusedBytes = 0, usedBytes = 0 } = memory[node] ?? {};
  const [largest] = Object.entries({ ...parts, [UNUSED]: unusedBytes }).toSorted(([, a], [, b]) => b - a);
  if (!largest || usedBytes === 0 || largest[1] < usedBytes * MAIN_SHARE) return '';
  const [part, bytes] = largest;
  const what = part === 'binary' ? 'binary, the content of messages,' : part;
  return `: ${what} uses ${wording.bytes(bytes)} of ${wording.bytes(usedBytes)}`;
}

const UNUSED = 'memory that is allocated but unused';

export function memoryEvidence(
  broker: BrokerFacts,
  node: string,
  known: ports.BrokerNode | undefined,
): readonly Evidence[] {
  const { memoryBytes, memoryLimitBytes } = known ?? {};
  const breakdown = broker.memory[node];
  const used = memoryBytes ?? breakdown?.usedBytes;
  return [
    ...optionalField(
      'Memory',
      used === undefined
        ? undefined
        : `${wording.bytes(used)}${memoryLimitBytes === undefined ? '' : ` of ${wording.bytes(memoryLimitBytes)}`}`,
    ),
    ...optionalField('Largest parts', breakdown && partsInWords(breakdown)),
    ...optionalField('Most message bytes', queueInWords(largestQueue(broker, node))),
  ];
}

function partsInWords({ parts, unusedBytes }: ports.BrokerMemory): string {
  const largest = Object.entries(parts)
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, MAX_PARTS)
    .map(([part, bytes]) => `${part} ${wording.bytes(bytes)}`);
  const unused = unusedBytes === undefined ? [] : [`${wording.bytes(unusedBytes)} allocated but unused`];
  return [...largest, ...unused].join(', ');
}

/** Of a node, the one with most bytes. The memory of a queue doesn't contain its messages. */
export function largestQueue(
  { queues }: BrokerFacts,
  node: string | undefined,
): ports.BrokerQueue | undefined {
  return queues
    .filter((one) => (node === undefined || one.node === node) && (one.messageBytes ?? 0) > 0)
    .reduce<ports.BrokerQueue | undefined>(
      (best, one) => ((one.messageBytes ?? 0) > (best?.messageBytes ?? 0) ? one : best),
      undefined,
    );
}

export function queueInWords(largest: ports.BrokerQueue | undefined): string | undefined {
  if (!largest) return undefined;
  const { vhost, name, messageBytes = 0, messages, unacknowledged = 0, consumers } = largest;
  const counted = messages === undefined ? '' : `, ${wording.count(messages, 'message')}`;
  const held = unacknowledged === 0 ? '' : `, ${unacknowledged.toLocaleString('en-US')} unacknowledged`;
  const read = consumers === undefined ? '' : `, ${wording.count(consumers, 'consumer')}`;
  return `${vhost}:${name}: ${wording.bytes(messageBytes)}${counted}${held}${read}`;
}

export function isHeldMost(broker: BrokerFacts, node: string): boolean {
  const largest = largestQueue(broker, node);
  return largest !== undefined && isHeld(largest);
}

/** Consumers that take messages and don't acknowledge them keep these in memory. */
function isHeld({ messages = 0, unacknowledged = 0 }: ports.BrokerQueue): boolean {
  return unacknowledged >= Math.max(MIN_HELD, messages * MAIN_SHARE);
}

/** Message bodies use most of the memory, and not as the many messages of one queue. */
export function areLargePayloads(broker: BrokerFacts, node: string): boolean {
  const { parts = {}, usedBytes = 0 } = broker.memory[node] ?? {};
  const { binary = 0 } = parts;
  const { messages = 0, messageBytes = 0 } = largestQueue(broker, node) ?? {};
  const isBacklog = messageBytes >= binary * MAIN_SHARE && messageBytes < messages * LARGE_PAYLOAD_BYTES;
  return usedBytes > 0 && binary >= usedBytes * MAIN_SHARE && !isBacklog;
}

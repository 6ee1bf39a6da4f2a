import type { BrokerQueue } from '../../ports/brokers.ts';
import { asObject, type JsonObject, textIn } from '../../wire/json-object.ts';
import { printable } from '../../wire/x509.ts';
import { countOf, flagIn, knownFacts, nameOf, namesOf, numberOrText, withKnown } from './broker-values.ts';

/** What is read of each queue. Everything else costs the server time: https://www.rabbitmq.com/docs/http-api-reference */
export const QUEUE_COLUMNS = [
  'vhost',
  'name',
  'type',
  'node',
  'state',
  'messages',
  'messages_ready',
  'messages_unacknowledged',
  'consumers',
  'message_bytes',
  'messages_details.rate',
  'message_stats.publish_details.rate',
  'message_stats.deliver_get_details.rate',
  'durable',
  'exclusive',
  'auto_delete',
  'idle_since',
  'leader',
  'members',
  'online',
  'arguments',
  'effective_policy_definition',
].join(',');

/** @returns undefined if it has no name or virtual host. */
export function toQueue(queue: JsonObject): BrokerQueue | undefined {
  const vhost = textIn(queue, 'vhost');
  const name = queue['name'];
  if (vhost === undefined || typeof name !== 'string') return undefined;
  const stats = asObject(queue['message_stats']);
  const given = asObject(queue['arguments']);
  const policy = asObject(queue['effective_policy_definition']);
  // What most queues have is one literal, which is much faster than adding one fact after the other.
  const usual = knownFacts({
    vhost: printable(vhost),
    name: printable(name),
    type: nameOf(queue['type']),
    node: leaderOf(queue),
    state: nameOf(queue['state']),
    messages: countOf(queue['messages']),
    ready: countOf(queue['messages_ready']),
    unacknowledged: countOf(queue['messages_unacknowledged']),
    consumers: countOf(queue['consumers']),
    messageBytes: countOf(queue['message_bytes']),
    messagesPerSecond: numberOrText(asObject(queue['messages_details'])['rate']),
    isDurable: flagIn(queue['durable']),
    isExclusive: flagIn(queue['exclusive']),
    isAutoDelete: flagIn(queue['auto_delete']),
  });
  return withKnown(usual, {
    publishedPerSecond: countOf(asObject(stats['publish_details'])['rate']),
    deliveredPerSecond: countOf(asObject(stats['deliver_get_details'])['rate']),
    idleSince: usual.consumers === 0 ? timeOf(queue['idle_since']) : undefined,
    members: namesOf(queue['members']),
    online: namesOf(queue['online']),
    maxLength: limitOf(given['x-max-length'], policy['max-length']),
    expiresMs: limitOf(given['x-expires'], policy['expires']),
    messageTtlMs: limitOf(given['x-message-ttl'], policy['message-ttl']),
  });
}

/** A quorum queue without a leader has an empty one, and `node` may still name the last. */
function leaderOf(queue: JsonObject): string | undefined {
  return 'leader' in queue ? nameOf(queue['leader']) : nameOf(queue['node']);
}

/** If both an argument and the policy set it, the lower value applies: https://www.rabbitmq.com/docs/maxlength */
function limitOf(given: unknown, ofPolicy: unknown): number | undefined {
  const [one, other] = [countOf(given), countOf(ofPolicy)];
  return one === undefined || other === undefined ? (one ?? other) : Math.min(one, other);
}

/** `2026-11-28T03:33:18.432+00:00`; up to 3.8 `2026-11-28 3:33:18`, in UTC. */
function timeOf(text: unknown): Date | undefined {
  if (typeof text !== 'string') return undefined;
  const at = text.indexOf(' ');
  const ms = Date.parse(at === -1 ? text : `${text.slice(0, at)}T${text.slice(at + 1).padStart(8, '0')}Z`);
  return Number.isNaN(ms) ? undefined : new Date(ms);
}

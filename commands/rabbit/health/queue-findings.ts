import { type Evidence, isRpcQueue, type ports, wording } from '../../kit.ts';
import { field, optionalField, steps } from '../../shared/evidence.ts';
import { type BrokerFacts, type Facts, queueTarget } from './facts.ts';
import { isNotificationQueue, isVersioned } from './notification-queues.ts';
import type { HealthFinding } from './offers.ts';
import { nextForPayloads, offerPurge } from './offers.ts';
import { whyNotToPurge } from './purge-rules.ts';
import { samplesByTarget } from '../../shared/samples-by-target.ts';
import { sampleTarget } from './queue-sample.ts';
import { type Growth, growthOf } from './samples.ts';

/** From this many messages on, growth matters. */
const MIN_GROWING = 1_000;
/** From this many on, a queue that no one reads matters although its growth is unknown. */
const MIN_UNREAD = 10_000;
const MIN_UNREAD_BYTES = 1_000_000_000;
/** A queue with consumers may hold a burst of this many. */
const MIN_BACKLOG = 10_000;
/** Less than 6 messages a minute is no trend. */
const MIN_GROWTH_PER_SECOND = 0.1;
/** Published faster than delivered, by more than what rates of a few seconds vary. */
const SLOWER = 1.05;
const LARGE_PAYLOAD_BYTES = 1_000_000;
/** A few large messages are no burden. */
const MIN_LARGE_BYTES = 50_000_000;

/** Findings about queues that can be used: unread, read too slowly, or with messages that are too large. */
export function queueFindings(facts: Facts, broker: BrokerFacts, now: Date): readonly HealthFinding[] {
  const samplesOf = samplesByTarget(facts.earlier, sampleTarget);
  return broker.queues.flatMap((queue) => {
    const target = sampleTarget({ source: broker.name, vhost: queue.vhost, queue: queue.name });
    const growth = growthOf(queue, samplesOf(target), now);
    const backlog = unreadFinding(facts, broker, queue, growth) ?? slowFinding(facts, broker, queue, growth);
    const large = payloadFinding(facts, broker, queue);
    return [...(backlog ? [backlog] : []), ...(large ? [large] : [])];
  });
}

function unreadFinding(
  facts: Facts,
  broker: BrokerFacts,
  queue: ports.BrokerQueue,
  growth: Growth | undefined,
): HealthFinding | undefined {
  const { name, consumers, messages = 0, messageBytes = 0, deliveredPerSecond = 0 } = queue;
  // A stream keeps its messages after they were read. A program may fetch messages without being a consumer.
  if (consumers !== 0 || queue.type === 'stream' || deliveredPerSecond > 0) return undefined;
  const grows = growth === undefined ? undefined : growth.messagesPerSecond > 0;
  const isLarge = messages >= MIN_UNREAD || messageBytes >= MIN_UNREAD_BYTES;
  if (!isLarge && !(grows === true && messages >= MIN_GROWING)) return undefined;
  const limits = limitsInWords(queue);
  // It stays as it is, or is limited: that costs space, and nothing more follows.
  const isSettled = grows === false || limits !== undefined;
  return {
    reason: 'queue-unread',
    severity: isSettled && messageBytes < MIN_UNREAD_BYTES ? 'info' : 'warning',
    target: queueTarget(facts, broker.name, queue),
    summary: `${name} has ${amountOf(queue)} and no consumer${growthInWords(growth)}`,
    evidence: [
      ...queueEvidence(queue, growth, limits),
      ...unreadSteps(queue),
      ...optionalField('Purge', whyNoPurge(broker, queue)),
    ],
    level: { value: messages, unit: 'messages' },
    ...offerPurge(broker, queue),
  };
}

/** What is missing for a purge that would be possible. */
function whyNoPurge({ purging }: BrokerFacts, queue: ports.BrokerQueue): string | undefined {
  return purging.allowed || whyNotToPurge(queue) !== undefined
    ? undefined
    : `not offered: ${purging.because}`;
}

function unreadSteps({ name, isDurable }: ports.BrokerQueue): readonly Evidence[] {
  if (isVersioned(name))
    return steps([
      'Find out whether any program should read versioned notifications',
      'If none does, set `notification_format = unversioned` in the section `[notifications]` of nova.conf on every host of Nova, and restart its services',
      'Or start the program that reads them',
    ]);
  if (isNotificationQueue(name))
    return steps([
      'Find out which program should read these notifications, such as Ceilometer for billing, and start it',
      'If none does, set `driver = noop` in the section `[oslo_messaging_notifications]` of the services that send them, and restart these',
    ]);
  if (isRpcQueue(name))
    return steps([
      'Services call one another through this queue: check whether the service that reads it runs and is connected',
      "Don't purge it: each message is a call that someone waits for",
    ]);
  return steps([
    `Find out which program reads this queue${isDurable ? ': it is durable, so its messages may be needed and its consumer may come back' : ''}`,
    'If it is abandoned, ask its owner to delete it or to limit its length',
  ]);
}

function slowFinding(
  facts: Facts,
  broker: BrokerFacts,
  queue: ports.BrokerQueue,
  growth: Growth | undefined,
): HealthFinding | undefined {
  const {
    name,
    type,
    consumers = 0,
    messages = 0,
    messageBytes = 0,
    publishedPerSecond,
    deliveredPerSecond,
  } = queue;
  if (consumers === 0 || type === 'stream') return undefined;
  if (messages < MIN_BACKLOG && messageBytes < MIN_UNREAD_BYTES) return undefined;
  // Consumers that hang hold what was delivered to them, and nothing more is.
  const isStuck = deliveredPerSecond === 0 && (growth?.messagesPerSecond ?? -1) >= 0;
  if (growth === undefined || (!isStuck && growth.messagesPerSecond < MIN_GROWTH_PER_SECOND))
    return undefined;
  const areKnown = publishedPerSecond !== undefined && deliveredPerSecond !== undefined;
  // Between two runs, growth itself shows it.
  if (growth.overMs === undefined && areKnown && publishedPerSecond < deliveredPerSecond * SLOWER)
    return undefined;
  return {
    reason: 'consumers-too-slow',
    severity: 'warning',
    target: queueTarget(facts, broker.name, queue),
    summary: `${name} has ${amountOf(queue)}, and its ${wording.count(consumers, 'consumer')} ${slownessInWords(consumers, isStuck)}${growthInWords(growth)}`,
    evidence: [
      ...optionalField(
        'Rates',
        areKnown
          ? `published ${perSecond(publishedPerSecond)}, delivered ${perSecond(deliveredPerSecond)}`
          : undefined,
      ),
      ...queueEvidence(queue, growth, limitsInWords(queue)),
      ...steps([
        'Check the consumers for errors and load, or start more of them',
        'Find out who publishes more than usual',
      ]),
    ],
    level: { value: messages, unit: 'messages' },
  };
}

function slownessInWords(consumers: number, isStuck: boolean): string {
  if (isStuck) return consumers === 1 ? 'takes none of them' : 'take none of them';
  return consumers === 1 ? "doesn't keep up" : "don't keep up";
}

function payloadFinding(
  facts: Facts,
  broker: BrokerFacts,
  queue: ports.BrokerQueue,
): HealthFinding | undefined {
  const { name, messages = 0, messageBytes = 0 } = queue;
  if (messages === 0 || messageBytes < MIN_LARGE_BYTES || messageBytes / messages < LARGE_PAYLOAD_BYTES)
    return undefined;
  return {
    reason: 'messages-too-large',
    severity: 'warning',
    target: queueTarget(facts, broker.name, queue),
    summary: `${name} has ${wording.count(messages, 'message')} of ${wording.bytes(messageBytes / messages)} on average: each is kept in memory and sent between nodes`,
    evidence: steps([
      isRpcQueue(name)
        ? 'Find out which calls have such large responses: the console log of an instance, or a list without a limit'
        : 'Find out which program publishes them, and let it send a reference instead of the content',
      'Check for console logs that grow: each reload of a console page may send the whole log',
    ]),
    ...(isRpcQueue(name) && nextForPayloads(broker)),
  };
}

function amountOf({ messages = 0, messageBytes }: ports.BrokerQueue): string {
  const counted = `${messages.toLocaleString('en-US')} ${messages === 1 ? 'message' : 'messages'}`;
  return messageBytes === undefined ? counted : `${counted} (${wording.bytes(messageBytes)})`;
}

/** `, +369/min` */
function growthInWords(growth: Growth | undefined): string {
  if (growth === undefined) return '. Whether it grows is unknown yet';
  const perMinute = Math.round(growth.messagesPerSecond * 60);
  if (perMinute > 0) return `, and grows by ${perMinute.toLocaleString('en-US')}/min`;
  return growth.messagesPerSecond > 0 ? ', and grows slowly' : ", but doesn't grow";
}

function queueEvidence(
  { vhost, type, isDurable, idleSince }: ports.BrokerQueue,
  growth: Growth | undefined,
  limits: string | undefined,
): readonly Evidence[] {
  return [
    field(
      'Queue',
      `${[...(type === undefined ? [] : [type]), ...(isDurable === undefined ? [] : [isDurable ? 'durable' : 'not durable'])].join(', ') || 'of an unknown type'}, in the virtual host ${vhost}`,
    ),
    ...optionalField(
      'Growth measured',
      growth?.overMs === undefined ? undefined : `since a run ${wording.span(growth.overMs)} ago`,
    ),
    ...optionalField('Limited to', limits),
    ...optionalField('Idle since', idleSince && wording.utcTime(idleSince)),
  ];
}

function limitsInWords({ maxLength, expiresMs, messageTtlMs }: ports.BrokerQueue): string | undefined {
  const limits = [
    ...(maxLength === undefined ? [] : [`${maxLength.toLocaleString('en-US')} messages`]),
    ...(messageTtlMs === undefined ? [] : [`messages of the last ${wording.period(messageTtlMs)}`]),
    ...(expiresMs === undefined ? [] : [`${wording.period(expiresMs)} without use`]),
  ];
  return limits.length === 0 ? undefined : limits.join(', ');
}

function perSecond(rate: number): string {
  return `${Number(rate.toFixed(1))}/s`;
}

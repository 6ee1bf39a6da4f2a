import { type Finding, isRpcQueue, type ports } from '../../kit.ts';
import type { BrokerFacts } from './facts.ts';
import { type PurgeParams, whyNotToPurge } from './purge-rules.ts';

interface PurgeOffer {
  readonly remediation: 'purge-queue';
  readonly params: PurgeParams;
}

export type HealthFinding = Finding<PurgeOffer>;

/** An offer to purge the queue, if the configuration allows it and nothing could miss its messages. */
export function offerPurge(
  { name: source, purging }: BrokerFacts,
  queue: ports.BrokerQueue,
): Pick<HealthFinding, 'offers'> {
  if (!purging.allowed || whyNotToPurge(queue) !== undefined) return {};
  const { vhost, name } = queue;
  return { offers: [{ remediation: 'purge-queue', params: { source, vhost, queue: name } }] };
}

/** In a cluster of OpenStack, the console logs of instances are sent in answers of calls. */
export function nextForPayloads({ queues }: Pick<BrokerFacts, 'queues'>): Pick<Finding, 'next'> {
  return queues.some(({ name }) => isRpcQueue(name)) ? { next: [{ check: 'cloud/consoles', args: {} }] } : {};
}

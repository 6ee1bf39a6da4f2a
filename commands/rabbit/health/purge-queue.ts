import { defineRemediation, type ports, type ReadContext, SourceError, wording } from '../../kit.ts';
import { fitTitle } from '../../shared/title.ts';
import { isVersioned } from './notification-queues.ts';
import { type PurgeParams, purgeParams, whyNotToPurge } from './purge-rules.ts';

/** Deletes the messages of exactly one queue of notifications that no one reads. */
export const purgeQueue = defineRemediation({
  about: 'Deletes the messages of one queue of notifications that has no consumer',
  title: ({ queue }) => fitTitle(`Purge ${queue}`),
  risk: 'destructive',
  allow: 'purge',
  uses: ['brokers'],
  params: purgeParams,
  settlesWithinSeconds: 60,
  plan: async (context, params) => {
    const { source, vhost, queue: name } = params;
    const { broker, queue } = await find(context, params);
    if (!broker.purging.allowed) throw new SourceError(source, 'refused', broker.purging.because);
    const obstacle = whyNotToPurge(queue);
    if (obstacle !== undefined) throw new SourceError(source, 'refused', `${name} isn't purged: ${obstacle}`);
    const { type = '', messages = 0, messageBytes } = queue;
    const amount = `${messages.toLocaleString('en-US')} messages${messageBytes === undefined ? '' : ` (${wording.bytes(messageBytes)})`}`;
    return {
      lines: [`Purge the queue ${name} in the virtual host ${vhost} of ${source}; the queue stays`],
      targets: [`${source}:${vhost}:${name}`],
      precondition: { queue: name, 'virtual host': vhost, type, consumers: 'none' },
      impact: `Deletes ${amount} and what arrives until then; stops nothing`,
      irreversible: [
        `All messages in ${name} are lost: events about instances, volumes and networks that no program has read.`,
        ...(isVersioned(name)
          ? []
          : ['If a program that bills by them, such as Ceilometer, is only stopped, it never gets them.']),
      ],
      safety: [`No program consumes ${name}`],
      afterwards: [
        isVersioned(name)
          ? 'It fills up again until `notification_format = unversioned` is set in nova.conf, or a program reads it.'
          : 'It fills up again until `driver = noop` is set for the services that send them, or a program reads it.',
      ],
    };
  },
  apply: async ({ write, applyContext, recordStep }, { source, vhost, queue }) => {
    applyContext.signal.throwIfAborted();
    const { purged } = await write.brokers(source).purgeQueue({ vhost, name: queue }, applyContext);
    await recordStep(
      `Purged ${purged.toLocaleString('en-US')} messages from ${queue} in the virtual host ${vhost}`,
    );
  },
});

/** From the first node that lists all queues. */
async function find(
  { read, signal }: Pick<ReadContext<'brokers'>, 'read' | 'signal'>,
  { source, vhost, queue: name }: PurgeParams,
): Promise<{ readonly broker: ports.Broker; readonly queue: ports.BrokerQueue }> {
  const broker = read.brokers.find((one) => one.name === source);
  if (!broker) throw new SourceError(source, 'missing', `${source} is no longer configured`);
  let failure: SourceError | undefined;
  for (const { url: endpoint } of broker.endpoints) {
    try {
      for await (const page of broker.queues({ endpoint, signal })) {
        const queue = page.find((one) => one.vhost === vhost && one.name === name);
        if (queue) return { broker, queue };
      }
      throw new SourceError(source, 'missing', `${name} no longer exists in the virtual host ${vhost}`);
    } catch (error) {
      if (!(error instanceof SourceError) || error.kind === 'missing') throw error;
      failure ??= error;
    }
  }
  throw failure ?? new SourceError(source, 'missing', 'no address is configured');
}

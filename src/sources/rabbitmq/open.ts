import type { Broker, BrokerWriter } from '../../ports/brokers.ts';
import type { SourceRecorder } from '../../ports/recorder.ts';
import type { Source } from '../../ports/source.ts';
import type { RabbitmqConfig } from './config.ts';
import { checkBrokerHealth } from './health-check.ts';
import { openManagementApi } from './management-api.ts';
import { readBrokerAlarms, readMemory, readNodes, readOverview } from './nodes.ts';
import { readBrokerPermissions } from './permissions.ts';
import { purgeQueue } from './purge.ts';
import { listQueues } from './queue-list.ts';
import { withoutUnreadFacts } from './recordable.ts';

/** A RabbitMQ cluster, by the management API of its nodes. Opening it reads no files and sends no requests. It can purge only with `allow.purge`. */
export function openRabbitmq(config: RabbitmqConfig, recorder?: SourceRecorder): Source {
  const { name, urls, allow } = config;
  const api = openManagementApi(config, recorder && withoutUnreadFacts(recorder));
  const reader: Broker = {
    name,
    endpoints: urls.map((url) => ({ url })),
    overview: (query) => readOverview(api, query),
    nodes: (query) => readNodes(api, query),
    alarms: (query) => readBrokerAlarms(api, query),
    memory: (query) => readMemory(api, query),
    queues: (query) => listQueues(api, query),
    purging: allow.purge
      ? { allowed: true }
      : { allowed: false, because: `\`allow.purge\` is not configured for the source ${name}` },
  };
  const writer: BrokerWriter = {
    purgeQueue: (queue, applyContext) => purgeQueue(api, queue, applyContext),
  };
  return {
    name,
    kind: 'rabbitmq',
    reads: { brokers: reader },
    ...(allow.purge && { writes: { brokers: writer } }),
    healthCheck: (signal) => checkBrokerHealth(api, signal),
    permissions: (signal) => readBrokerPermissions(config, api, signal),
    close: api.close,
  };
}

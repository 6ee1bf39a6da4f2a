import type { Recordable, SourceRecorder } from '../../ports/recorder.ts';
import type { JsonObject } from '../../wire/json-object.ts';

/** Members of responses that are read. Others may contain what no one expects, such as paths, addresses of clients and arguments of applications. */
const READ: ReadonlySet<string> = new Set(
  (
    'error reason status alarms node resource name tags ' +
    'rabbitmq_version product_version cluster_name disable_stats object_totals queue_totals connections queues consumers ' +
    'running mem_used mem_limit mem_alarm disk_free disk_free_limit disk_free_alarm fd_used fd_total sockets_used sockets_total proc_used proc_total ' +
    'uptime partitions being_drained ' +
    'items page page_count page_size total_count filtered_count item_count ' +
    'vhost type state messages messages_ready messages_unacknowledged message_bytes messages_details message_stats publish_details ' +
    'deliver_get_details rate durable exclusive auto_delete idle_since leader members online ' +
    'arguments effective_policy_definition x-max-length x-expires x-message-ttl max-length expires message-ttl'
  ).split(' '),
);

/** A recorder that keeps only the parts of responses that Wrench reads. */
export function withoutUnreadFacts(recorder: SourceRecorder): SourceRecorder {
  return {
    ...recorder,
    http: (question, send) => recorder.http(question, send, readFacts),
  };
}

const readFacts: Recordable = (body) => {
  if (Array.isArray(body)) return body.map(readFacts);
  if (typeof body !== 'object' || body === null) return body;
  return Object.fromEntries(
    Object.entries(body as JsonObject).flatMap(([key, value]) => {
      // The parts of the memory of a node have names of their own, and are numbers.
      if (key === 'memory') return [[key, value] as const];
      return READ.has(key) ? [[key, readFacts(value)] as const] : [];
    }),
  );
};

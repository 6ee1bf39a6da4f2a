import { randomBytes, randomUUID } from 'node:crypto';
import type { TestCluster } from './api-server.ts';
import { timestamp } from './deployment-controller.ts';
import type { ApiObject } from './resources.ts';

interface ContainerEvent {
  readonly pod: { readonly namespace: string; readonly name: string; readonly uid: string };
  readonly container: string;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
  readonly atMs: number;
}

export type RecordEvent = (event: ContainerEvent) => void;

/** `--event-ttl` of the API server. */
const KEPT_MS = 3_600_000;

interface Recorded {
  readonly event: ApiObject;
  readonly count: number;
  readonly atMs: number;
}

/** Records events about containers. Equal ones are one event with a count. */
export function makeEventRecorder(cluster: TestCluster): {
  readonly record: RecordEvent;
  /** Deletes events that have not occurred for an hour, as the API server does. */
  readonly expire: (nowMs: number) => void;
} {
  const recorded = new Map<string, Recorded>();
  return {
    record: ({ pod, container, type, reason, message, atMs }) => {
      const key = JSON.stringify([pod.uid, container, type, reason, message]);
      const earlier = recorded.get(key);
      const at = timestamp(new Date(atMs));
      const count = (earlier?.count ?? 0) + 1;
      const event: ApiObject = {
        metadata: earlier?.event.metadata ?? {
          name: `${pod.name}.${randomBytes(8).toString('hex')}`,
          namespace: pod.namespace,
          uid: randomUUID(),
          creationTimestamp: at,
        },
        involvedObject: { kind: 'Pod', apiVersion: 'v1', ...pod, fieldPath: `spec.containers{${container}}` },
        type,
        reason,
        message,
        count,
        firstTimestamp: earlier?.event['firstTimestamp'] ?? at,
        lastTimestamp: at,
        eventTime: null,
        source: { component: 'kubelet' },
      };
      recorded.set(key, { event, count, atMs });
      cluster.save('events', event);
    },
    expire: (nowMs) => {
      for (const [key, { event, atMs }] of recorded)
        if (nowMs - atMs > KEPT_MS) {
          recorded.delete(key);
          cluster.remove('events', event.metadata.name, event.metadata.namespace);
        }
    },
  };
}

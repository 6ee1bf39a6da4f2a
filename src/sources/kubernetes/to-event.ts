import type { ClusterEvent } from '../../ports/clusters.ts';
import { asObject, type JsonObject, textIn } from '../../wire/json-object.ts';
import { wholeNumberIn, dateIn, optionalText } from './json-values.ts';
import { withoutPrivateText } from './private-text.ts';

/** Kubernetes limits messages to 1,024 characters, but accepts longer ones from old clients. */
const MAX_MESSAGE_LENGTH = 10_000;

/** Maps a core/v1 `Event`. Events written through events.k8s.io have their times and count in other fields. */
export function toEvent(item: JsonObject): ClusterEvent {
  const metadata = asObject(item['metadata']);
  const about = asObject(item['involvedObject']);
  const series = asObject(item['series']);
  // `spec.containers{etcd}`
  const container = /\{([-a-z\d]{1,253})\}$/.exec(textIn(about, 'fieldPath') ?? '')?.[1];
  const firstAt =
    dateIn(item, 'firstTimestamp') ?? dateIn(item, 'eventTime') ?? dateIn(metadata, 'creationTimestamp');
  const lastAt =
    dateIn(series, 'lastObservedTime') ??
    dateIn(item, 'lastTimestamp') ??
    dateIn(item, 'eventTime') ??
    dateIn(metadata, 'creationTimestamp');
  return {
    about: {
      kind: textIn(about, 'kind') ?? '',
      ...optionalText('namespace', about),
      name: textIn(about, 'name') ?? '',
      ...optionalText('uid', about),
      ...(container !== undefined && { container }),
    },
    reason: textIn(item, 'reason') ?? '',
    message: withoutPrivateText((textIn(item, 'message') ?? '').slice(0, MAX_MESSAGE_LENGTH)),
    type: textIn(item, 'type') ?? '',
    count: Math.max(1, wholeNumberIn(item, 'count') ?? 0, wholeNumberIn(series, 'count') ?? 0),
    ...(firstAt && { firstAt }),
    ...(lastAt && { lastAt }),
  };
}

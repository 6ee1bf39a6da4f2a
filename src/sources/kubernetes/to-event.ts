import type { ClusterEvent } from '../../ports/clusters.ts';
import { asObject, type JsonObject, numberIn, textIn } from '../../wire/json-object.ts';
import { dateIn, optionalText } from './json-values.ts';

/** Maps a core/v1 `Event`. Events written through events.k8s.io have their times and count in other fields. */
export function toEvent(item: JsonObject): ClusterEvent {
  const metadata = asObject(item['metadata']);
  const about = asObject(item['involvedObject']);
  const series = asObject(item['series']);
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
    },
    reason: textIn(item, 'reason') ?? '',
    message: textIn(item, 'message') ?? '',
    type: textIn(item, 'type') ?? '',
    count: Math.max(1, numberIn(item, 'count') ?? 0, numberIn(series, 'count') ?? 0),
    ...(firstAt && { firstAt }),
    ...(lastAt && { lastAt }),
  };
}

import type { StoreAlarm } from '../../ports/key-value.ts';
import { type JsonObject, listIn } from '../../wire/json-object.ts';
import { hexId } from './ids.ts';

/**
 * The alarms in a response. None is dropped: an alarm for the whole cluster has no member id, because the gateway omits an id of 0, and an
 * alarm of a kind that this etcd doesn't know is a number: https://github.com/etcd-io/etcd/issues/14849
 */
export function readAlarms(answer: JsonObject): readonly StoreAlarm[] {
  return listIn(answer, 'alarms').map((alarm) => toAlarm(alarm['memberID'], alarm['alarm']));
}

/** In a member's status, which is also available without a majority: `memberID:17496614320493254894 alarm:NOSPACE `. */
const IN_STATUS = /^(?:memberID:(?<memberId>\d{1,20}) +)?alarm:(?<kind>\w+)/;

/** The alarms among the errors that a member reports. */
export function alarmsAmong(errors: readonly string[]): readonly StoreAlarm[] {
  return errors.flatMap((error) => {
    const { memberId, kind } = IN_STATUS.exec(error)?.groups ?? {};
    return kind === undefined ? [] : [toAlarm(memberId, kind)];
  });
}

export function isAlarm(error: string): boolean {
  return IN_STATUS.test(error);
}

/** Removes duplicates. An alarm without a member is kept only if no member raised the same kind. */
export function dedupeAlarms(alarms: readonly StoreAlarm[]): readonly StoreAlarm[] {
  const named = new Set(alarms.flatMap(({ kind, memberId }) => (memberId === undefined ? [] : [kind])));
  const kept = alarms.filter(({ kind, memberId }) => memberId !== undefined || !named.has(kind));
  return [...new Map(kept.map((alarm) => [`${alarm.kind} ${alarm.memberId ?? ''}`, alarm])).values()];
}

function toAlarm(memberId: unknown, kind: unknown): StoreAlarm {
  const id = hexId(memberId);
  const word = typeof kind === 'string' || typeof kind === 'number' ? String(kind).slice(0, 40) : '';
  return { kind: /^\w+$/.test(word) ? word : 'UNKNOWN', ...(id !== undefined && { memberId: id }) };
}

import type { StoreAlarm } from '../../ports/key-value.ts';
import { SourceError } from '../../ports/source-error.ts';
import { idIn, listIn, textIn } from './answers.ts';
import type { Cluster } from './cluster.ts';
import { firstAnswer } from './first-answer.ts';
import { askVersion, callV3 } from './gateway.ts';

/** The alarms, or why they could not be asked for: a majority has to agree on them. */
export type Alarms = readonly StoreAlarm[] | SourceError;

export async function askAlarms(cluster: Cluster, signal: AbortSignal): Promise<Alarms> {
  try {
    return await firstAnswer(cluster.name, cluster.contacts.configured, signal, async (contact, signal) => {
      const version = await askVersion(cluster, contact, signal);
      const call = { path: 'maintenance/alarm', body: { action: 'GET' }, signal };
      const answer = await callV3(cluster, contact, version, call);
      return listIn(answer, 'alarms').flatMap((alarm) => {
        const memberId = idIn(alarm, 'memberID');
        const kind = textIn(alarm, 'alarm');
        return memberId !== undefined && isKind(kind) ? [{ memberId, kind }] : [];
      });
    });
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    // Without v3 there is no space to run out of, and nothing that is compared.
    return error.kind === 'missing' ? [] : error;
  }
}

/** In a member's status, which it also gives without a majority: `memberID:17496614320493254894 alarm:NOSPACE `. */
const IN_STATUS = /^memberID:(?<memberId>[1-9]\d{0,19}) alarm:(?<kind>NOSPACE|CORRUPT)\b/;

/** @throws {SourceError} where a majority is there, and yet they could not be had: no alarms must not be mistaken for none. */
export function allAlarms(asked: Alarms, said: readonly string[], hasQuorum: boolean): readonly StoreAlarm[] {
  if (asked instanceof SourceError && hasQuorum) throw asked;
  const seen = said.flatMap((words) => {
    const { memberId, kind } = IN_STATUS.exec(words)?.groups ?? {};
    return memberId !== undefined && isKind(kind) ? [{ memberId, kind }] : [];
  });
  const all = [...(asked instanceof SourceError ? [] : asked), ...seen];
  return [...new Map(all.map((alarm) => [`${alarm.memberId} ${alarm.kind}`, alarm])).values()];
}

function isKind(kind: string | undefined): kind is StoreAlarm['kind'] {
  return kind === 'NOSPACE' || kind === 'CORRUPT';
}

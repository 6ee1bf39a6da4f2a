import { type ports, wording } from '../../kit.ts';
import { field } from '../../shared/evidence.ts';
import { memberNames, storeTarget } from '../../shared/describe-store.ts';
import type { StoreState } from './collect.ts';
import { membersTable } from './members-table.ts';
import type { Problem } from './problem.ts';

const CORRUPTION = 'https://etcd.io/docs/v3.5/op-guide/data_corruption/';

/** The names of those that raised an alarm of this kind; an alarm outlives its member, and may name none. */
export function raisedBy({ alarms, members }: ports.StoreMembers, kind: string): string {
  const ids = alarms.flatMap((alarm) => (alarm.kind === kind ? (alarm.memberId ?? []) : []));
  return memberNames(ids.map((id) => members.find((member) => member.id === id) ?? { id, name: '' }));
}

/** Also reported when the quorum is lost: a hasty repair would make it worse. */
export function corrupt(store: StoreState): Problem | undefined {
  if (!store.alarms.some(({ kind }) => kind === 'CORRUPT')) return undefined;
  const by = raisedBy(store, 'CORRUPT');
  return {
    headline: `${store.name} accepts no writes: CORRUPT`,
    finding: {
      reason: 'corrupt',
      severity: 'critical',
      target: store.name,
      summary: `${store.name} accepts no writes: the databases of its members differ (CORRUPT${by === '' ? '' : `, raised by ${by}`}). Take a snapshot of every member before anything else, then replace the corrupt ones`,
      evidence: [
        field('Documentation', CORRUPTION),
        field('No fix offered', 'a person must decide which member is right'),
        membersTable(store),
      ],
    },
  };
}

/** What it means is not known here, so it is neither harmless nor critical. */
export function unknownAlarms(store: StoreState): Problem[] {
  const kinds = new Set(store.alarms.map(({ kind }) => kind).filter((kind) => !KNOWN_ALARMS.has(kind)));
  return [...kinds].toSorted().map((kind) => {
    const raisers = store.members.filter(({ id }) =>
      store.alarms.some((alarm) => alarm.kind === kind && alarm.memberId === id),
    );
    const by = raisedBy(store, kind);
    const headline = `${store.name} has raised the alarm ${kind}`;
    return {
      headline,
      finding: {
        reason: 'unknown-alarm',
        severity: 'warning',
        target: raisers.length === 1 ? storeTarget(store, raisers) : store.name,
        summary: `${headline}${by === '' ? '' : ` (${by})`}, which Wrench does not know. Look it up in the documentation for this etcd version; no fix is offered while it is raised`,
        evidence: [membersTable(store)],
      },
    };
  });
}

const KNOWN_ALARMS: ReadonlySet<string> = new Set(['NOSPACE', 'CORRUPT']);

/** `CORRUPT and READONLY`; empty where there is none but NOSPACE. */
export function otherAlarms({ alarms }: ports.StoreMembers): string {
  return wording.list(
    [...new Set(alarms.map(({ kind }) => kind))].filter((kind) => kind !== 'NOSPACE').toSorted(),
  );
}

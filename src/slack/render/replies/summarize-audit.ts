import type { AuditEntry, AuditEvent } from '../../../store/audit/entry.ts';

/** Everything that happened to one fix. */
export interface AuditedFix {
  readonly id: string;
  /** Of its last entry. */
  readonly at: string;
  readonly what: string;
  readonly environment?: string;
  /** The kind of its last entry, or its outcome. */
  readonly state: string;
  /** Why it ended like that. */
  readonly because?: string;
  readonly requestedBy: readonly string[];
  readonly approvedBy: readonly string[];
  /** The requester of a safe fix confirmed it, so no one else approved it. */
  readonly isConfirmed: boolean;
  readonly rejectedBy: readonly string[];
  readonly events: readonly AuditEvent[];
}

export type AuditLine =
  | { readonly kind: 'fix'; readonly fix: AuditedFix }
  | { readonly kind: 'event'; readonly event: AuditEvent };

const ENDED_BECAUSE = ['refused', 'rejected', 'expired', 'skipped', 'outcome'];

/**
 * One line for each fix, at the time of its last entry, and one for each entry that is not about the course of a fix. In the order of the
 * entries, which are oldest first. What happened before the first entry isn't known.
 */
export function summarizeAudit(entries: readonly AuditEntry[]): readonly AuditLine[] {
  const events = entries.map(({ entry }) => entry);
  const byFix = Map.groupBy(events.filter(isCourse), ({ remediation }) => remediation);
  const last = new Map([...byFix.values()].map((some) => [some.at(-1), some]));
  return events.flatMap((event): readonly AuditLine[] => {
    if (!isCourse(event)) return [{ kind: 'event', event }];
    const some = last.get(event);
    return some ? [{ kind: 'fix', fix: fixOf(event, some) }] : [];
  });
}

/** The refusal of a person is not a state of the fix. */
function isCourse({ remediation, kind, who }: AuditEvent): boolean {
  return remediation !== undefined && (kind !== 'refused' || who.includes('wrench'));
}

function fixOf(last: AuditEvent, events: readonly AuditEvent[]): AuditedFix {
  const by = (kind: AuditEvent['kind']) => [
    ...new Set(events.filter((one) => one.kind === kind).flatMap(({ who }) => who)),
  ];
  const { remediation = '', at, what, environment, kind, outcome, because } = last;
  const asked = by('asked');
  return {
    id: remediation,
    at,
    what,
    ...(environment !== undefined && { environment }),
    state: kind === 'outcome' ? (outcome ?? kind) : kind,
    ...(because !== undefined && ENDED_BECAUSE.includes(kind) && { because }),
    // A plan is audited with its requester.
    requestedBy: asked.length > 0 ? asked : by('planned'),
    approvedBy: by('approved'),
    isConfirmed: events.some((one) => one.kind === 'approved' && one.confirmed),
    rejectedBy: by('rejected'),
    events,
  };
}

/** Whether a person had a part in it. */
export function isBy(line: AuditLine, user: string): boolean {
  const events = line.kind === 'fix' ? line.fix.events : [line.event];
  return events.some(({ who }) => who.includes(user));
}

import type { Evidence } from '../../kit.ts';
import { field } from '../../shared/evidence.ts';
import { corrupt, raisedBy, unknownAlarms } from './alarms.ts';
import type { StoreState } from './collect.ts';
import {
  type Space,
  hasAlarm,
  isOnlyToDisarm,
  isWorthFreeing,
  obstacleTo,
  obstacleToFreeing,
  spaceOf,
} from './condition.ts';
import { membersTable } from './members-table.ts';
import type { DisarmOffer, FreeSpaceOffer, Problem } from './problem.ts';
import { bytes, percent } from './units.ts';

export interface SpaceLimits {
  /** In percent of the quota. */
  readonly warningFill: number;
  readonly criticalFill: number;
}

const SPACE_QUOTA = 'https://etcd.io/docs/v3.4/op-guide/maintenance/#space-quota';

/** Below half in use, and large enough to matter: https://www.talos.dev/v1.7/advanced/etcd-maintenance/#defragmentation */
const FRAGMENTED_SHARE = 0.5;
const FRAGMENTED_BYTES = 100_000_000;

/** Alarms first: a full store is not reported as filling. */
export function spaceProblems(store: StoreState, limits: SpaceLimits): Problem[] {
  const space = onlyToDisarm(store) ?? noSpace(store) ?? filling(store, limits) ?? fragmented(store);
  return [corrupt(store), ...unknownAlarms(store), space].flatMap((problem) => problem ?? []);
}

/** Space was freed, or the quota raised, and the alarm is still there. */
function onlyToDisarm(store: StoreState): Problem | undefined {
  if (!isOnlyToDisarm(store)) return undefined;
  const space = spaceOf(store)!;
  const headline = `${store.name} accepts no writes: NOSPACE is still raised, though there is space again`;
  return {
    headline,
    finding: {
      reason: 'no-space',
      severity: 'critical',
      target: store.name,
      summary: `${headline} (${filled(space)}). Disarm the alarm; nothing else is needed`,
      evidence: [
        field('Raised by', raisedBy(store, 'NOSPACE') || 'no named member'),
        ...whyNot(store, obstacleTo(store)),
        field('Documentation', SPACE_QUOTA),
        membersTable(store),
      ],
      ...offer(store, obstacleTo(store), { remediation: 'disarm', params: { store: store.name } }),
    },
  };
}

export function noSpace(store: StoreState): Problem | undefined {
  if (!hasAlarm(store, 'NOSPACE')) return undefined;
  const space = spaceOf(store);
  const headline = `${store.name} accepts no writes: NOSPACE`;
  return {
    headline,
    finding: {
      reason: 'no-space',
      severity: 'critical',
      target: store.name,
      summary: `${headline}${space ? `, ${filled(space)}` : ''}. Reads and deletes still work. Free space, then disarm the alarm: it does not clear by itself`,
      evidence: [
        field('Raised by', raisedBy(store, 'NOSPACE') || 'no named member'),
        ...freeIn(space),
        ...whyNot(store, obstacleToFreeing(store)),
        field('Documentation', SPACE_QUOTA),
        membersTable(store),
      ],
      ...offer(store, obstacleToFreeing(store), freeSpaceOffer(store)),
    },
  };
}

function filling(store: StoreState, { warningFill, criticalFill }: SpaceLimits): Problem | undefined {
  const space = spaceOf(store);
  if (!space?.quotaBytes) return undefined;
  const share = space.sizeBytes / space.quotaBytes;
  if (share * 100 < Math.min(warningFill, criticalFill)) return undefined;
  const isCritical = share * 100 >= criticalFill;
  const isWorth = isWorthFreeing(space);
  const next = isWorth
    ? `Defragmenting frees ${bytes(space.freeBytes ?? 0)}`
    : 'Defragmenting would free little: find out what writes so much, or raise the quota';
  return {
    headline: `${store.name} is ${percent(share)} full`,
    finding: {
      reason: 'database-filling',
      severity: isCritical ? 'critical' : 'warning',
      target: store.name,
      summary: `${store.name} is ${percent(share)} full, ${filled(space)}: at its quota it stops accepting writes. ${next}`,
      evidence: [
        ...freeIn(space),
        ...(isWorth ? whyNot(store, obstacleToFreeing(store)) : []),
        field('Documentation', SPACE_QUOTA),
      ],
      ...(isWorth && offer(store, obstacleToFreeing(store), freeSpaceOffer(store))),
    },
  };
}

function fragmented(store: StoreState): Problem | undefined {
  const space = spaceOf(store);
  const { sizeBytes = 0, freeBytes = 0 } = space ?? {};
  if (sizeBytes < FRAGMENTED_BYTES || freeBytes < FRAGMENTED_SHARE * sizeBytes) return undefined;
  return {
    finding: {
      reason: 'database-fragmented',
      severity: 'info',
      target: store.name,
      summary: `${bytes(freeBytes)} of the ${bytes(sizeBytes)} database of ${store.name} is unused and can be reclaimed by defragmenting. Not urgent`,
      evidence: [field('Documentation', SPACE_QUOTA), membersTable(store)],
    },
  };
}

const freeSpaceOffer = ({ name }: StoreState): FreeSpaceOffer => ({
  remediation: 'free-space',
  params: { store: name },
});

type Offer = FreeSpaceOffer | DisarmOffer;

/** No button if the configuration does not allow it, or it must not be done now. */
function offer(
  { maintain }: StoreState,
  obstacle: string | undefined,
  one: Offer,
): { readonly offers?: readonly Offer[] } {
  return maintain && obstacle === undefined ? { offers: [one] } : {};
}

function whyNot({ maintain, name }: StoreState, obstacle: string | undefined): Evidence[] {
  if (obstacle !== undefined) return [field('No fix offered', obstacle)];
  return maintain
    ? []
    : [field('No fix offered', `\`allow.maintain\` is not configured for the source ${name}`)];
}

function filled({ sizeBytes, quotaBytes }: Space): string {
  return quotaBytes === undefined ? bytes(sizeBytes) : `${bytes(sizeBytes)} of ${bytes(quotaBytes)} used`;
}

function freeIn(space: Space | undefined): Evidence[] {
  if (space?.freeBytes === undefined) return [];
  const history = 'compacting the history first may free more';
  return [field('Reclaimable', `${bytes(space.freeBytes)} of ${bytes(space.sizeBytes)}; ${history}`)];
}

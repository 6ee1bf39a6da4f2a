import type { StoreLook } from './collect.ts';
import { hasAlarm, isWorthFreeing, obstacleTo, type Space, spaceOf } from './condition.ts';
import type { FreeSpaceOffer } from './free-space.ts';
import { bytes, type Evidence, field, membersTable, named, percent, type Trouble } from './words.ts';

export interface SpaceLimits {
  /** In percent of the quota. */
  readonly warningFill: number;
  readonly criticalFill: number;
}

const SPACE_QUOTA = 'https://etcd.io/docs/v3.4/op-guide/maintenance/#space-quota';
const CORRUPTION = 'https://etcd.io/docs/v3.5/op-guide/data_corruption/';

/** Below half in use, and large enough to matter: https://www.talos.dev/v1.7/advanced/etcd-maintenance/#defragmentation */
const FRAGMENTED_SHARE = 0.5;
const FRAGMENTED_BYTES = 100_000_000;

/** Alarms first: a full store is not told to be filling. */
export function spaceTroubles(store: StoreLook, limits: SpaceLimits): Trouble[] {
  return [corrupt(store), noSpace(store) ?? filling(store, limits) ?? fragmented(store)].flatMap(
    (trouble) => trouble ?? [],
  );
}

function raisedBy({ alarms, members }: StoreLook, kind: string): string {
  const ids = alarms.filter((alarm) => alarm.kind === kind).map(({ memberId }) => memberId);
  return named(ids.map((id) => members.find((member) => member.id === id) ?? unknown(id)));
}

/** An alarm outlives the member that raised it. */
function unknown(id: string) {
  return { id, name: '', clientUrls: [] };
}

/** Told where the quorum is lost, too: it is the one thing that a repair in haste makes worse. */
export function corrupt(store: StoreLook): Trouble | undefined {
  if (!hasAlarm(store, 'CORRUPT')) return undefined;
  const by = raisedBy(store, 'CORRUPT');
  return {
    headline: `${store.name} takes no writes: CORRUPT`,
    finding: {
      reason: 'corrupt',
      severity: 'critical',
      target: store.name,
      summary: `${store.name} takes no writes: the databases of its members differ (CORRUPT of ${by}). Keep a snapshot of each member before anything else, then replace those that are wrong`,
      evidence: [
        field('Documentation', CORRUPTION),
        field('No fix is offered', 'which member is right is for people to find out'),
        membersTable(store),
      ],
    },
  };
}

function noSpace(store: StoreLook): Trouble | undefined {
  if (!hasAlarm(store, 'NOSPACE')) return undefined;
  const space = spaceOf(store);
  const headline = `${store.name} takes no writes: NOSPACE`;
  return {
    headline,
    finding: {
      reason: 'no-space',
      severity: 'critical',
      target: store.name,
      summary: `${headline}${space ? `, ${filled(space)}` : ''}. Reads and deletes still work. Make room, then take the alarm back: it does not go by itself`,
      evidence: [
        field('Raised by', raisedBy(store, 'NOSPACE')),
        ...freeIn(space),
        ...obstacleIn(store),
        field('Documentation', SPACE_QUOTA),
        membersTable(store),
      ],
      ...offersFor(store),
    },
  };
}

function filling(store: StoreLook, { warningFill, criticalFill }: SpaceLimits): Trouble | undefined {
  const space = spaceOf(store);
  if (!space?.quotaBytes) return undefined;
  const share = space.sizeBytes / space.quotaBytes;
  if (share * 100 < Math.min(warningFill, criticalFill)) return undefined;
  const isCritical = share * 100 >= criticalFill;
  const isWorth = isWorthFreeing(space);
  const next = isWorth
    ? `defragmenting gives back ${bytes(space.freeBytes ?? 0)}`
    : 'there is little to give back: find out what writes so much, or raise the quota';
  return {
    headline: `${store.name} is ${percent(share)} full`,
    finding: {
      reason: 'database-filling',
      severity: isCritical ? 'critical' : 'warning',
      target: store.name,
      summary: `${store.name} is ${percent(share)} full, ${filled(space)}: at its quota it takes no more writes; ${next}`,
      evidence: [
        ...freeIn(space),
        ...(isWorth ? obstacleIn(store) : []),
        field('Documentation', SPACE_QUOTA),
      ],
      ...(isWorth && offersFor(store)),
    },
  };
}

function fragmented(store: StoreLook): Trouble | undefined {
  const space = spaceOf(store);
  const { sizeBytes = 0, freeBytes = 0 } = space ?? {};
  if (sizeBytes < FRAGMENTED_BYTES || freeBytes < FRAGMENTED_SHARE * sizeBytes) return undefined;
  return {
    finding: {
      reason: 'database-fragmented',
      severity: 'info',
      target: store.name,
      summary: `${bytes(freeBytes)} of the ${bytes(sizeBytes)} on the disks of ${store.name} are empty pages, which defragmenting gives back; there is no hurry`,
      evidence: [field('Documentation', SPACE_QUOTA), membersTable(store)],
    },
  };
}

function offersFor(store: StoreLook): { readonly offers?: readonly FreeSpaceOffer[] } {
  if (obstacleTo(store) !== undefined) return {};
  return { offers: [{ remediation: 'free-space', params: { store: store.name } }] };
}

function obstacleIn(store: StoreLook): Evidence[] {
  const because = obstacleTo(store);
  return because === undefined ? [] : [field('No fix is offered', because)];
}

function filled({ sizeBytes, quotaBytes }: Space): string {
  return quotaBytes === undefined ? bytes(sizeBytes) : `${bytes(sizeBytes)} of ${bytes(quotaBytes)}`;
}

function freeIn(space: Space | undefined): Evidence[] {
  if (space?.freeBytes === undefined) return [];
  const history = 'compacting the history comes first, and may give back more';
  return [field('Empty pages', `${bytes(space.freeBytes)} of ${bytes(space.sizeBytes)}; ${history}`)];
}

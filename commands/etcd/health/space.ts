import { type Chart, type Evidence, type Level, type ports, wording } from '../../kit.ts';
import { trendCharts } from '../../shared/trend-chart.ts';
import { field } from '../../shared/evidence.ts';
import { memberNames, membersTable, storeTarget } from '../../shared/store-members.ts';
import type { StoreState } from './collect.ts';
import { describeRate, describeWhen, forecastOf, growthEvidence } from './growth.ts';
import {
  type Space,
  hasAlarm,
  isOnlyToDisarm,
  isWorthFreeing,
  obstacleTo,
  obstacleToFreeing,
  spaceOf,
} from './maintenance.ts';
import type { MaintenanceOffer, Problem } from './verdict.ts';

export interface SpaceLimits {
  /** Percentages of the quota. */
  readonly warningFill: number;
  readonly criticalFill: number;
}

const DAY_MS = 86_400_000;
const CORRUPTION = 'https://etcd.io/docs/v3.5/op-guide/data_corruption/';
const SPACE_QUOTA = 'https://etcd.io/docs/v3.4/op-guide/maintenance/#space-quota';

/** Less than half is in use, and it is large enough to matter: https://www.talos.dev/v1.7/advanced/etcd-maintenance/#defragmentation */
const FRAGMENTED_SHARE = 0.5;
const FRAGMENTED_BYTES = 100_000_000;

/** NOSPACE comes first: a full store is not also reported as filling. */
export function spaceProblems(store: StoreState, limits: SpaceLimits): Problem[] {
  const problem =
    onlyToDisarm(store) ?? noSpace(store) ?? filling(store, limits) ?? growing(store) ?? fragmented(store);
  return problem ? [problem] : [];
}

/** All alarms except NOSPACE. Also reported without a quorum, because a hasty repair would make it worse. */
export function alarmProblems(store: StoreState): Problem[] {
  const kinds = new Set(store.alarms.map(({ kind }) => kind));
  const unknown = [...kinds].filter((kind) => kind !== 'NOSPACE' && kind !== 'CORRUPT').toSorted();
  return [
    ...(kinds.has('CORRUPT') ? [corrupt(store)] : []),
    ...unknown.map((kind) => unknownAlarm(store, kind)),
  ];
}

function corrupt(store: StoreState): Problem {
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
        sizesTable(store),
      ],
    },
  };
}

/** Its meaning is unknown, so it is neither harmless nor critical. */
function unknownAlarm(store: StoreState, kind: string): Problem {
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
      summary: `${headline}${by === '' ? '' : ` (${by})`}, which Wrench does not know. Look it up in the documentation of this etcd version. No fix is offered while it is raised`,
      evidence: [sizesTable(store)],
    },
  };
}

/** Space was freed or the quota was raised, but the alarm is still raised. */
function onlyToDisarm(store: StoreState): Problem | undefined {
  if (!isOnlyToDisarm(store)) return undefined;
  const space = spaceOf(store)!;
  const headline = `${store.name} accepts no writes: NOSPACE is still raised, although there is space again`;
  return {
    headline,
    finding: {
      reason: 'no-space',
      severity: 'critical',
      target: store.name,
      summary: `${headline} (${filled(space)}). Disarm the alarm; nothing else is needed`,
      ...fillLevel(space),
      evidence: [
        field('Raised by', raisedBy(store, 'NOSPACE') || 'no named member'),
        ...whyNot(store, obstacleTo(store)),
        field('Documentation', SPACE_QUOTA),
        sizesTable(store),
      ],
      ...offer(store, obstacleTo(store), 'disarm'),
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
      summary: `${headline}${space ? ` (${filled(space)})` : ''}. Reads and deletes still work. Free space, then disarm the alarm; it won't clear by itself`,
      ...fillLevel(space),
      evidence: [
        field('Raised by', raisedBy(store, 'NOSPACE') || 'no named member'),
        ...freeIn(space),
        ...whyNot(store, obstacleToFreeing(store)),
        field('Documentation', SPACE_QUOTA),
        sizesTable(store),
      ],
      ...offer(store, obstacleToFreeing(store), 'free-space'),
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
  const forecast = forecastOf(store);
  const when = forecast ? `, ${describeWhen(forecast)} if it keeps growing by ${describeRate(forecast)}` : '';
  const next = isWorth
    ? `Defragmenting frees ${wording.bytes(space.freeBytes ?? 0)}`
    : 'Defragmenting would free little. Find out what writes so much, or raise the quota';
  return {
    headline: `${store.name} is ${wording.percent(share)} full`,
    finding: {
      reason: 'database-filling',
      severity: isCritical ? 'critical' : 'warning',
      target: store.name,
      summary: `${store.name} is ${wording.percent(share)} full, ${filled(space)}: at its quota it stops accepting writes${when}. ${next}`,
      ...fillLevel(space),
      evidence: [
        ...freeIn(space),
        ...growthEvidence(forecast),
        ...(isWorth ? whyNot(store, obstacleToFreeing(store)) : []),
        field('Documentation', SPACE_QUOTA),
      ],
      ...(isWorth && offer(store, obstacleToFreeing(store), 'free-space')),
    },
  };
}

/** An estimate, so never critical. */
function growing(store: StoreState): Problem | undefined {
  const forecast = forecastOf(store);
  if (!forecast) return undefined;
  const isSoon = forecast.fullInMs <= DAY_MS;
  const when = describeWhen(forecast);
  return {
    ...(isSoon && { headline: `${store.name} reaches its quota ${when} if it keeps growing` }),
    finding: {
      reason: 'database-growing',
      severity: isSoon ? 'warning' : 'info',
      target: store.name,
      summary: `${store.name} grows by ${describeRate(forecast)}. If that continues, it reaches its quota of ${wording.bytes(forecast.quotaBytes)} ${when} and stops accepting writes. Find out what writes so much, compact the history regularly (--auto-compaction-retention), or raise the quota`,
      ...fillLevel(spaceOf(store)),
      evidence: [...growthEvidence(forecast), field('Documentation', SPACE_QUOTA), sizesTable(store)],
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
      summary: `${wording.bytes(freeBytes)} of the ${wording.bytes(sizeBytes)} database of ${store.name} is unused. Defragmenting frees it, but that is not urgent`,
      evidence: [field('Documentation', SPACE_QUOTA), sizesTable(store)],
    },
  };
}

/** No offer if the configuration does not allow it, or it must not be done now. */
function offer(
  { maintain, name }: StoreState,
  obstacle: string | undefined,
  remediation: MaintenanceOffer['remediation'],
): Pick<Problem['finding'], 'offers'> {
  return maintain && obstacle === undefined ? { offers: [{ remediation, params: { store: name } }] } : {};
}

function whyNot({ maintain, name }: StoreState, obstacle: string | undefined): Evidence[] {
  if (obstacle !== undefined) return [field('No fix offered', obstacle)];
  return maintain
    ? []
    : [field('No fix offered', `\`allow.maintain\` is not configured for the source ${name}`)];
}

function filled({ sizeBytes, quotaBytes }: Space): string {
  return quotaBytes === undefined
    ? wording.bytes(sizeBytes)
    : `${wording.bytes(sizeBytes)} of ${wording.bytes(quotaBytes)} used`;
}

function fillLevel(space: Space | undefined): { readonly level?: Level } {
  const value = space && percentOfQuota(space);
  return value === undefined ? {} : { level: { value, unit: '% of quota' } };
}

function percentOfQuota({
  sizeBytes,
  quotaBytes,
}: Pick<Space, 'sizeBytes' | 'quotaBytes'>): number | undefined {
  return quotaBytes ? Math.round((sizeBytes / quotaBytes) * 1_000) / 10 : undefined;
}

/** Below this share, the size of a database does not matter. */
const MIN_CHARTED_PERCENT = 25;

/** How full the fullest member of each store was since the oldest sample. Empty if all were always far from their quotas. */
export function fillCharts(stores: readonly StoreState[], now: Date): readonly Chart[] {
  const lines = stores.flatMap(({ name, members, quotaBytes: least, earlier = [] }) => {
    const known = members.flatMap(({ id, dbSizeBytes: sizeBytes, quotaBytes = least }) => {
      if (sizeBytes === undefined || !quotaBytes) return [];
      return [{ id, quotaBytes, value: percentOfQuota({ sizeBytes, quotaBytes }) ?? 0 }];
    });
    const [fullest] = known.toSorted((a, b) => b.value - a.value);
    if (!fullest) return [];
    const { id, quotaBytes, value } = fullest;
    const before = earlier.flatMap(({ memberId, ageMs, dbSizeBytes: sizeBytes }) =>
      memberId === id && sizeBytes !== undefined
        ? [{ ms: now.getTime() - ageMs, value: percentOfQuota({ sizeBytes, quotaBytes }) ?? 0 }]
        : [],
    );
    return [{ name, value, earlier: before }];
  });
  const isOfInterest = lines.some(({ value, earlier }) =>
    [value, ...earlier.map((one) => one.value)].some((percent) => percent >= MIN_CHARTED_PERCENT),
  );
  return isOfInterest ? trendCharts({ title: 'Database size by etcd', unit: '% of quota' }, lines, now) : [];
}

function freeIn(space: Space | undefined): Evidence[] {
  if (space?.freeBytes === undefined) return [];
  const history = 'compacting the history first may free more';
  return [
    field(
      'Reclaimable',
      `${wording.bytes(space.freeBytes)} of ${wording.bytes(space.sizeBytes)}; ${history}`,
    ),
  ];
}

/** The names of the members that raised an alarm of this kind. An alarm may name a removed member, or none. */
function raisedBy({ alarms, members }: ports.StoreMembers, kind: string): string {
  const ids = alarms.flatMap((alarm) => (alarm.kind === kind ? (alarm.memberId ?? []) : []));
  return memberNames(ids.map((id) => members.find((member) => member.id === id) ?? { id, name: '' }));
}

function sizesTable(store: StoreState): Evidence {
  return membersTable(store, { showSizes: true });
}

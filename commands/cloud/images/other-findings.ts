import { type Evidence, type Finding, wording } from '../../kit.ts';
import { field, steps } from '../../shared/evidence.ts';
import { cleanersOf, type Cleaner, type Cleaning, isCacheShared } from './cleaning.ts';
import { describeAge, type LostBase } from './lost.ts';
import { lastReport } from './lost-findings.ts';
import type { BaseAtRisk } from './risks.ts';
import type { Base, Storage } from './storages.ts';

export interface JudgedStorage {
  readonly storage: Storage;
  readonly cleaning: Cleaning;
  readonly atRisk: readonly BaseAtRisk[];
  readonly lost: readonly LostBase[];
}

type Plain = Finding<never>;

const SOON_MS = 6 * 3_600_000;
const MAX_NAMES = 3;
const MAX_ROWS = 20;

/** One finding for each silent host whose base images will be removed. An image that several silent hosts use belongs to the first. */
export function riskFindings({ storage, atRisk, cleaning }: JudgedStorage, now: Date): readonly Plain[] {
  const byOwner = Map.groupBy(atRisk, ({ owners }) =>
    owners
      .map(({ host }) => host)
      .toSorted()
      .join(', '),
  );
  return [...byOwner].map(([host, bases]): Plain => {
    const sorted = bases.toSorted((a, b) => a.removal.atMs - b.removal.atMs);
    const [next] = sorted as [BaseAtRisk, ...BaseAtRisk[]];
    const isSoon = sorted.some(
      ({ removal: { atMs, by } }) => !by.isAssumed && atMs - cleaning.nowMs < SOON_MS,
    );
    const isDue = next.removal.atMs <= cleaning.nowMs;
    const servers = [...new Map(sorted.flatMap((one) => one.servers).map((one) => [one.id, one])).values()];
    const time = isDue
      ? `on the next pass of ${next.removal.by.host.name}`
      : `after about ${utcTimeOf(next.removal.atMs)}`;
    const when = sorted.length === 1 ? ` ${time}` : `, the first ${time}`;
    return {
      reason: 'base-image-at-risk',
      severity: isSoon ? 'critical' : 'warning',
      target: host,
      targets: servers.map(({ id }) => id).toSorted(),
      summary: `${wording.count(sorted.length, 'base image')} that instances on ${host} need will be removed${when}, because ${host} doesn't report. Set \`remove_unused_base_images\` to False on the other hosts first`,
      evidence: [
        field('Cause', next.owners.map((one) => lastReport(one, now)).join('; ')),
        field('Removed by', `${describeCleaner(next.removal.by)}, on ${storage.name}`),
        ...baseRows(sorted, cleaning),
        field('To gain time', '`touch` the files: their age is counted from when they were last modified'),
      ],
    };
  });
}

/** The summary says when the only one is removed. */
function baseRows(bases: readonly BaseAtRisk[], { nowMs }: Cleaning): readonly Evidence[] {
  const usersOf = ({ servers }: BaseAtRisk): string =>
    wording.list(
      servers.map(({ name }) => name),
      MAX_NAMES,
    );
  const [first, ...others] = bases;
  if (first && others.length === 0)
    return [field('Base image', first.base.path), field('Instances', usersOf(first))];
  return [
    {
      kind: 'table',
      columns: ['Base image', 'Instances', 'Removed'],
      rows: bases
        .slice(0, MAX_ROWS)
        .map((one) => [
          one.base.path,
          usersOf(one),
          one.removal.atMs <= nowMs ? 'on the next pass' : `after about ${utcTimeOf(one.removal.atMs)}`,
        ]),
    },
  ];
}

/** `2026-11-26 14:20 UTC` */
function utcTimeOf(ms: number): string {
  return `${wording.isoTimestamp(ms).slice(0, 16).replace('T', ' ')} UTC`;
}

function describeCleaner({ host, isAssumed }: Cleaner): string {
  return isAssumed ? `${host.name} (its settings are assumed to be the defaults)` : host.name;
}

/** One finding for all hosts that would remove base images of a host that doesn't report. */
export function settingsFinding(judged: readonly JudgedStorage[], now: Date): readonly Plain[] {
  const dangerous = judged.filter(isDangerous);
  if (dangerous.length === 0) return [];
  const all = dangerous.flatMap(({ cleaning }) => cleaning.cleaners);
  const ofAll = all.filter(({ settings }) => !settings.isPerHost);
  const cleaners = ofAll.length > 0 ? ofAll : all;
  const hosts = cleaners.map(({ host }) => host.name).toSorted();
  const areDefaults = cleaners.every(({ settings }) => settings.isDefault);
  const assumed = cleaners.filter(({ isAssumed }) => isAssumed).map(({ host }) => host.name);
  const silent = dangerous.flatMap(({ cleaning }) => cleaning.silent);
  const names = [...new Set(silent.map(({ host }) => host))].toSorted();
  return [
    {
      reason: 'shared-cache-cleaned',
      severity: 'warning',
      target: 'nova.conf [image_cache]',
      summary: `${wording.list(hosts, MAX_NAMES)} ${hosts.length === 1 ? 'removes' : 'remove'} unused base images from shared storage. Those of a host that doesn't report for 24 hours count as unused. Set \`remove_unused_base_images\` to False on every compute`,
      evidence: [
        field(
          'remove_unused_base_images',
          areDefaults
            ? `not set, and True by default${assumed.length > 0 ? ` (no settings found on ${wording.list(assumed, MAX_NAMES)})` : ''}`
            : `True on ${wording.list(hosts, MAX_NAMES)}`,
        ),
        field('Shared storage', wording.list([...new Set(dangerous.map(({ storage }) => storage.name))])),
        ...silent
          .slice(0, MAX_NAMES)
          .map((one) =>
            field(
              'Not reporting',
              one.isOff
                ? lastReport(one, now)
                : `${one.host}${one.at ? `, for ${describeAge(one.at, now)}` : ''}${one.isDown ? '; Nova says it is down' : ''}`,
            ),
          ),
        ...steps([
          'Set `remove_unused_base_images = False` in `[image_cache]` on every compute, and restart nova-compute there',
          names.length === 0
            ? undefined
            : `Bring nova-compute on ${wording.list(names, MAX_NAMES)} back, or move its instances to another host`,
        ]),
      ],
    },
  ];
}

function isDangerous({ storage, cleaning, lost }: JudgedStorage): boolean {
  if (!isCacheShared(storage, cleaning) || cleaning.cleaners.length === 0) return false;
  const isCleaned = (base: Pick<Base, 'path'>): boolean => cleanersOf(cleaning, base).length > 0;
  return cleaning.silent.length > 0 || lost.some(({ base }) => isCleaned(base));
}

export function corruptFinding({ storage }: JudgedStorage): readonly Plain[] {
  if (storage.stamps !== 'corrupt' || storage.isShared !== true) return [];
  return [
    {
      reason: 'compute-nodes-corrupt',
      severity: 'warning',
      target: `${storage.name} compute_nodes`,
      summary: `The file \`compute_nodes\` on ${storage.name} is not valid JSON, and Nova treats it as empty: hosts don't count each other's instances. Check the storage, then delete the file, which nova-compute writes again`,
      evidence: [
        field(
          'Read on',
          wording.list(storage.hosts.filter(({ stamps }) => stamps === 'corrupt').map(({ name }) => name)),
        ),
      ],
    },
  ];
}

/** Hosts of one storage that don't see the same files. */
export function disputeFindings({ storage }: JudgedStorage): readonly Plain[] {
  const disputed = storage.bases.filter(({ state }) => state === 'disputed');
  const [first] = disputed;
  if (!first) return [];
  const who = (state: string): string =>
    wording.list(
      first.seen.filter(({ file }) => file.state === state).map(({ host }) => host),
      MAX_NAMES,
    );
  return [
    {
      reason: 'hosts-disagree',
      severity: 'warning',
      target: storage.name,
      summary: `${wording.count(disputed.length, 'base image')} on ${storage.name}: ${who('missing')} can't see what ${who('present')} can. Compare the mounts of these hosts`,
      evidence: [
        field(
          'Base images',
          wording.list(
            disputed.map(({ path }) => path),
            MAX_NAMES,
          ),
        ),
      ],
    },
  ];
}

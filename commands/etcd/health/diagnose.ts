import { type Diagnosis, wording } from '../../kit.ts';
import { type CertificateLimits, certificateTroubles, withEnded } from './certificates.ts';
import type { Facts, StoreLook } from './collect.ts';
import { spaceOf } from './condition.ts';
import type { FreeSpaceOffer } from './free-space.ts';
import { type MemberLimits, memberTroubles } from './members.ts';
import { type PaceLimits, paceTroubles, possibleCauses } from './pace.ts';
import { quorumTrouble } from './quorum.ts';
import { corrupt, type SpaceLimits, spaceTroubles } from './space.ts';
import { bytes, named, type Trouble } from './words.ts';

export type Limits = CertificateLimits & MemberLimits & PaceLimits & SpaceLimits;

/** Judges each store by itself. What a member does not tell is not judged. */
export function diagnose({ stores }: Facts, limits: Limits, now: Date): Diagnosis<FreeSpaceOffer> {
  const judged = stores.map((store) => ({ store, troubles: troublesOf(store, limits, now) }));
  const findings = judged.flatMap(({ troubles }) => troubles.map(({ finding }) => finding));
  return {
    examined: stores.reduce((sum, store) => sum + toldBy(store).length, 0),
    verdict: verdictOf(judged),
    findings: ['critical', 'warning', 'info'].flatMap((severity) =>
      findings.filter((finding) => finding.severity === severity),
    ),
    measures: stores.flatMap(measuresOf),
  };
}

/** Without a quorum only what it may have come from is told besides, and not all that follows from it. */
function troublesOf(store: StoreLook, limits: Limits, now: Date): readonly Trouble[] {
  const certificates = certificateTroubles(store, limits, now);
  const quorum = quorumTrouble(store);
  if (quorum) {
    const broken = corrupt(store);
    return [quorum, ...(broken ? [broken] : []), ...certificates, ...possibleCauses(store, limits)];
  }
  return [
    ...spaceTroubles(store, limits),
    ...memberTroubles(store, limits, withEnded(store, now)),
    ...certificates,
    ...paceTroubles(store, limits),
  ];
}

interface Judged {
  readonly store: StoreLook;
  readonly troubles: readonly Trouble[];
}

/** Of several stores those with trouble are named, and the others counted. */
function verdictOf(judged: readonly Judged[]): string {
  const troubled = judged.filter(({ troubles }) => troubles.length > 0);
  if (troubled.length === 0 && judged.length > 1)
    return `All ${judged.reduce((sum, { store }) => sum + store.members.length, 0)} members of ${wording.list(judged.map(({ store }) => store.name))} are healthy`;
  const told = (judged.length > 1 ? troubled : judged).map(({ store, troubles }) => sayOf(store, troubles));
  const well = judged.length - told.length;
  const rest = well > 0 ? [`${wording.count(well, 'other store is', 'other stores are')} well`] : [];
  const names = judged.map(({ store }) => store.name);
  return begin([...told, ...rest].join('; '), names);
}

function sayOf(store: StoreLook, troubles: readonly Trouble[]): string {
  const headlines = troubles.flatMap(({ headline }) => headline ?? []);
  if (headlines.length > 0) return headlines.slice(0, 2).join('; ');
  const [first] = troubles;
  return first ? `${wellIn(store)}; ${things(troubles.length)}` : wellIn(store);
}

function things(amount: number): string {
  return amount === 1 ? 'one thing to look at' : `${amount} things to look at`;
}

/** `All 3 members of etcd are healthy, n3 leads, 210 kB of 2.1 GB` */
function wellIn(store: StoreLook): string {
  const told = toldBy(store).length;
  const whose = told === store.members.length ? 'all' : `of ${store.members.length} members of ${store.name}`;
  const who =
    store.members.length === 1
      ? `the one member of ${store.name} is healthy`
      : whose === 'all'
        ? `all ${told} members of ${store.name} are healthy`
        : `${whose} ${told} tell of themselves and are healthy`;
  const leader = store.members.find(({ isLeader }) => isLeader);
  const leads = leader && store.members.length > 1 ? [`${named([leader])} leads`] : [];
  const { sizeBytes, quotaBytes } = spaceOf(store) ?? {};
  const size =
    sizeBytes === undefined
      ? []
      : [quotaBytes === undefined ? bytes(sizeBytes) : `${bytes(sizeBytes)} of ${bytes(quotaBytes)}`];
  return [who, ...leads, ...size].join(', ');
}

/** All but those that answer and will not say how they are: these are gaps. */
function toldBy({ members }: StoreLook) {
  return members.filter(({ error }) => !error || error.kind === 'unreachable');
}

/** Healthy is who says so itself: under an alarm nobody does, and all do again once it is taken back. */
function measuresOf(store: StoreLook): NonNullable<Diagnosis['measures']> {
  const { name, members } = store;
  const healthy = members.filter(({ error, healthy }) => !error && healthy !== false).length;
  const space = spaceOf(store);
  return [
    { label: name, value: healthy, of: members.length, unit: 'healthy' },
    ...(space
      ? [{ label: `${name} database`, value: Math.round(space.sizeBytes / 100_000) / 10, unit: 'MB' }]
      : []),
  ];
}

/** With a capital letter, but for the names of stores: they are written as configured. */
function begin(text: string, names: readonly string[]): string {
  if (names.some((name) => text.startsWith(`${name} `))) return text;
  return text.charAt(0).toUpperCase() + text.slice(1);
}

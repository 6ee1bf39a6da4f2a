import { type Finding, type ports, wording } from '../../kit.ts';
import { clientCertificateTrouble, expiredCertificates } from '../../shared/store-certificates.ts';
import { identityTroubles } from '../../shared/store-identity.ts';
import {
  isKnownDown,
  isNeverStarted,
  isSilent,
  isWell,
  quorumTrouble,
} from '../../shared/store-responses.ts';
import {
  membersTable,
  named,
  nameOf,
  sentence,
  type Store,
  type Trouble,
} from '../../shared/describe-store.ts';
import type { StoreLook } from './collect.ts';
import type { Service } from './services.ts';

/**
 * Above two seconds etcd's TTLs are unreliable: it assumes that its members' clocks agree.
 * https://github.com/cloudfoundry/loggregator-release/issues/127
 */
const MOST_SKEW_MS = 2_000;

/** How long before its end our own certificate is reported here; `/etcd health` reports it earlier. */
const CLIENT_CERTIFICATE = { warningDays: 7, criticalDays: 0 };

/** Faults of the stores themselves, which are judged before any key. */
export interface StoreTrouble {
  readonly finding: Finding<never>;
  /** In a few words, for what follows from it. */
  readonly because: string;
  /** The keys must not be acted on because of it. */
  readonly spoils: boolean;
}

/** With these the keys cannot be judged. */
const WITHOUT_KEYS: ReadonlySet<string> = new Set([
  'several-clusters',
  'several-leaders',
  'quorum-lost',
  'no-leader',
  'endpoints-down',
]);

export function troublesOf(
  service: Service,
  looks: readonly StoreLook[],
  now: Date,
): readonly StoreTrouble[] {
  return looks.flatMap(({ name, members, later }) => {
    if (!members) return [];
    const store: Store = { ...members, name };
    const quorum = quorumTrouble(store, now);
    const whole = [...identityTroubles(store), ...(quorum ? [quorum] : [])].map((trouble) =>
      WITHOUT_KEYS.has(trouble.finding.reason) ? spoiling(service, trouble) : beside(trouble),
    );
    // One of three that has expired leaves two to read the keys from.
    const spoilt = later === undefined && quorum === undefined;
    const own = clientCertificateTrouble(store, CLIENT_CERTIFICATE, now);
    const served = expiredCertificates(store, now);
    const certificates = [
      ...(own ? [{ ...beside(own), spoils: spoilt }] : []),
      ...(served ? [spoilt ? spoiling(service, served) : beside(served)] : []),
    ];
    const ofMembers = quorum ? [] : unhealthy(store);
    return [...whole, ...certificates, ...clockSkew(store, service), ...alarms(store), ...ofMembers];
  });
}

function beside({ finding, headline }: Trouble): StoreTrouble {
  return { finding, because: headline, spoils: false };
}

/** A restart changes nothing while the store itself is broken. */
function spoiling({ process }: Service, { finding, headline }: Trouble): StoreTrouble {
  const summary = `${finding.summary}. Restarting ${process} does not help`;
  return { finding: { ...finding, summary }, because: headline, spoils: true };
}

function clockSkew(store: Store, { process }: Service): readonly StoreTrouble[] {
  const { members, name } = store;
  const clocks = members.flatMap(({ clockAheadMs }) => (clockAheadMs === undefined ? [] : [clockAheadMs]));
  const skewMs = Math.max(...clocks) - Math.min(...clocks);
  if (clocks.length < 2 || skewMs <= MOST_SKEW_MS) return [];
  const because = `the clocks of ${name}'s members differ by ${seconds(skewMs)}`;
  return [
    {
      because,
      spoils: true,
      finding: {
        reason: 'clock-skew',
        severity: 'critical',
        target: name,
        summary: `${sentence(because, store)}: keys expire too early or too late. Fix time synchronization (NTP, chrony); do not restart ${process}`,
        evidence: [
          {
            kind: 'table',
            columns: ['Member', 'Clock'],
            rows: members.map((member) => [nameOf(member), clockInWords(member.clockAheadMs)]),
          },
        ],
      },
    },
  ];
}

/**
 * v2 keys are kept apart from the v3 store: under NOSPACE and under CORRUPT they are still written, refreshed and expired.
 * https://github.com/etcd-io/etcd/blob/v3.4.23/etcdserver/apply.go: `applierV3Capped` and `applierV3Corrupt`, and no such applier of v2.
 */
const ALARMS: Readonly<Record<string, { readonly reason: string; readonly means: string }>> = {
  NOSPACE: {
    reason: 'no-space',
    means: 'its v3 API accepts no writes. v2 keys are stored separately and can still be written',
  },
  CORRUPT: {
    reason: 'corrupt',
    means:
      'the databases of its members differ, and its v3 API accepts no writes. v2 keys are stored separately and can still be written',
  },
};

function alarms(store: Store): readonly StoreTrouble[] {
  const kinds = [...new Set(store.alarms.map(({ kind }) => kind))].toSorted();
  return kinds.map((kind) => {
    const { reason, means } = ALARMS[kind] ?? {
      reason: 'unknown-alarm',
      means: 'Wrench does not know this alarm, nor whether keys can still be written',
    };
    const because = `${store.name} has raised the alarm ${kind}`;
    const ids = store.alarms.flatMap((alarm) => (alarm.kind === kind ? (alarm.memberId ?? []) : []));
    const by = named(ids.map((id) => store.members.find((member) => member.id === id) ?? { id, name: '' }));
    return {
      because,
      spoils: false,
      finding: {
        reason,
        severity: 'warning',
        target: store.name,
        summary: `${because}${by === '' ? '' : ` (${by})`}: ${means}. See /etcd health`,
        evidence: [membersTable(store)],
      },
    };
  });
}

/** Each state in its own words: what cannot be reached from here may be up. */
function unhealthy(store: Store): readonly StoreTrouble[] {
  const { members, name } = store;
  const silent = members.filter((member) => isSilent(member) && !isNeverStarted(member));
  const parts = [
    inWords(name, silent.filter(isDown), 'is not responding', 'are not responding'),
    inWords(
      name,
      silent.filter((member) => !isDown(member)),
      'cannot be reached from here',
      'cannot be reached from here',
    ),
    inWords(
      name,
      members.filter((member) => !member.error && !isWell(member, store)),
      'is not healthy',
      'are not healthy',
    ),
    inWords(
      name,
      members.filter(isNeverStarted),
      'was added but never started',
      'were added but never started',
    ),
  ].flat();
  if (parts.length === 0) return [];
  const because = wording.list(parts, parts.length);
  return [
    {
      because,
      spoils: false,
      finding: {
        reason: 'member-unhealthy',
        severity: 'warning',
        target: name,
        summary: `${because}${store.hasQuorum ? ', though the cluster has a quorum' : ''}. See /etcd health`,
        evidence: [membersTable(store)],
      },
    },
  ];
}

function isDown({ failureMode }: ports.StoreMember): boolean {
  return isKnownDown(failureMode);
}

function inWords(
  store: string,
  members: readonly ports.StoreMember[],
  one: string,
  many: string,
): readonly string[] {
  return members.length === 0 ? [] : [`${named(members)} of ${store} ${members.length === 1 ? one : many}`];
}

function clockInWords(aheadMs: number | undefined): string {
  if (aheadMs === undefined) return 'unknown';
  if (Math.abs(aheadMs) < 1_000) return 'in sync';
  return `${seconds(Math.abs(aheadMs))} ${aheadMs > 0 ? 'ahead' : 'behind'}`;
}

function seconds(ms: number): string {
  return `${Number((ms / 1_000).toFixed(1))} s`;
}

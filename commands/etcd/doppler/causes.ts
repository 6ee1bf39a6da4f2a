import { type Finding, wording } from '../../kit.ts';
import { agree, be, type Predicate } from '../../shared/grammar.ts';
import { clientCertificateProblem, expiredCertificatesProblem } from '../../shared/store-certificates.ts';
import { identityProblems } from '../../shared/store-identity.ts';
import {
  isHealthy,
  isKnownDown,
  isNeverStarted,
  isNotResponding,
  memberName,
  memberNames,
  membersTable,
  quorumProblem,
  type Store,
  type StoreProblem,
} from '../../shared/store-members.ts';
import type { StoreReads } from './collect.ts';
import { PROCESS } from './doppler.ts';

/**
 * Above 2 seconds, TTLs are unreliable: etcd assumes that the clocks of its members agree.
 * https://github.com/cloudfoundry/loggregator-release/issues/127
 */
const MAX_SKEW_MS = 2_000;

/** How long before its expiry Wrench's own certificate is reported here. `/etcd health` reports it earlier. */
const CLIENT_CERTIFICATE = { warningDays: 7, criticalDays: 0 };

/** Faults of the stores themselves. They are judged before any key. */
export interface StoreCause {
  readonly finding: Finding<never>;
  /** A short text that explains its consequences. */
  readonly because: string;
  /** Whether the keys are unreliable because of it. */
  readonly invalidatesKeys: boolean;
}

/** With these, the keys cannot be judged. */
const WITHOUT_KEYS: ReadonlySet<string> = new Set([
  'several-clusters',
  'several-leaders',
  'quorum-lost',
  'no-leader',
  'endpoints-down',
]);

export function findStoreCauses(stores: readonly StoreReads[], now: Date): readonly StoreCause[] {
  return stores.flatMap(({ name, members, later }) => {
    if (!members) return [];
    const store: Store = { ...members, name };
    const quorum = quorumProblem(store, now);
    const problems = [...identityProblems(store), ...(quorum ? [quorum] : [])].map((problem) =>
      WITHOUT_KEYS.has(problem.finding.reason) ? toInvalidatingCause(problem) : toCause(problem),
    );
    // If one certificate of three has expired, the keys can be read from the other two.
    const isDecisive = later === undefined && quorum === undefined;
    const own = clientCertificateProblem(store, CLIENT_CERTIFICATE, now);
    const served = expiredCertificatesProblem(store, now);
    const certificates = [
      ...(own ? [{ ...toCause(own), invalidatesKeys: isDecisive }] : []),
      ...(served ? [isDecisive ? toInvalidatingCause(served) : toCause(served)] : []),
    ];
    const ofMembers = quorum ? [] : unhealthy(store);
    return [...problems, ...certificates, ...clockSkew(store), ...alarms(store), ...ofMembers];
  });
}

function toCause({ finding, headline }: StoreProblem): StoreCause {
  return { finding, because: headline, invalidatesKeys: false };
}

/** A restart does not help while the store itself is broken. */
function toInvalidatingCause({ finding, headline }: StoreProblem): StoreCause {
  const summary = `${finding.summary}. Restarting ${PROCESS} won't help`;
  return { finding: { ...finding, summary }, because: headline, invalidatesKeys: true };
}

function clockSkew(store: Store): readonly StoreCause[] {
  const { members, name } = store;
  const clocks = members.flatMap(({ clockAheadMs }) => (clockAheadMs === undefined ? [] : [clockAheadMs]));
  const skewMs = Math.max(...clocks) - Math.min(...clocks);
  if (clocks.length < 2 || skewMs <= MAX_SKEW_MS) return [];
  const because = `the clocks of ${name}'s members differ by ${wording.elapsed(skewMs)}`;
  return [
    {
      because,
      invalidatesKeys: true,
      finding: {
        reason: 'clock-skew',
        severity: 'critical',
        target: name,
        summary: `${wording.capitalize(because)}: keys expire too early or too late. Fix time synchronization (NTP, chrony); don't restart ${PROCESS}`,
        evidence: [
          {
            kind: 'table',
            columns: ['Member', 'Clock'],
            rows: members.map((member) => [memberName(member), describeClock(member.clockAheadMs)]),
          },
        ],
      },
    },
  ];
}

/**
 * v2 keys are stored separately from v3 keys: under NOSPACE and CORRUPT they are still written, refreshed and expired.
 * https://github.com/etcd-io/etcd/blob/v3.4.23/etcdserver/apply.go: it has `applierV3Capped` and `applierV3Corrupt`, but no such applier
 * for v2.
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

function alarms(store: Store): readonly StoreCause[] {
  const kinds = [...new Set(store.alarms.map(({ kind }) => kind))].toSorted();
  return kinds.map((kind) => {
    const { reason, means } = ALARMS[kind] ?? {
      reason: 'unknown-alarm',
      means: 'Wrench does not know this alarm, so it is unknown whether keys can still be written',
    };
    const because = `${store.name} has raised the alarm ${kind}`;
    const ids = store.alarms.flatMap((alarm) => (alarm.kind === kind ? (alarm.memberId ?? []) : []));
    const by = memberNames(
      ids.map((id) => store.members.find((member) => member.id === id) ?? { id, name: '' }),
    );
    return {
      because,
      invalidatesKeys: false,
      finding: {
        reason,
        severity: 'warning',
        target: store.name,
        summary: `${because}${by === '' ? '' : ` (${by})`}: ${means}. See \`/etcd health\``,
        evidence: [membersTable(store)],
      },
    };
  });
}

/** Each state has its own text: a member that is unreachable from here may be up. */
function unhealthy(store: Store): readonly StoreCause[] {
  const { members, name } = store;
  const silent = members.filter((member) => isNotResponding(member) && !isNeverStarted(member));
  const isDown = ({ failureMode }: (typeof members)[number]) => isKnownDown(failureMode);
  const unreachable = be('unreachable from here');
  const states: readonly (readonly [typeof members, Predicate])[] = [
    [silent.filter(isDown), be('not responding')],
    [silent.filter((member) => !isDown(member)), unreachable],
    [members.filter((member) => !member.error && !isHealthy(member, store)), be('not healthy')],
    [
      members.filter(isNeverStarted),
      { one: 'was added but never started', many: 'were added but never started' },
    ],
  ];
  const parts = states.flatMap(([those, predicate]) =>
    those.length === 0 ? [] : [`${memberNames(those)} of ${name} ${agree(those.length, predicate)}`],
  );
  if (parts.length === 0) return [];
  const because = wording.list(parts, parts.length);
  return [
    {
      because,
      invalidatesKeys: false,
      finding: {
        reason: 'member-unhealthy',
        severity: 'warning',
        target: name,
        summary: `${because}${store.hasQuorum ? '; the cluster has a quorum' : ''}. See \`/etcd health\``,
        evidence: [membersTable(store)],
      },
    },
  ];
}

function describeClock(aheadMs: number | undefined): string {
  if (aheadMs === undefined) return 'unknown';
  if (Math.abs(aheadMs) < 1_000) return 'in sync';
  return `${wording.elapsed(Math.abs(aheadMs))} ${aheadMs > 0 ? 'ahead' : 'behind'}`;
}

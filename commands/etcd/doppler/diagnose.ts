import { type Diagnosis, type Finding, type ports, wording } from '../../kit.ts';
import type { RestartOffer } from '../../shared/define-restart.ts';
import { say } from '../../shared/grammar.ts';
import { compareSeverity } from '../../shared/severity.ts';
import { isOneCluster } from '../../shared/store-identity.ts';
import { findStoreCauses, type StoreCause } from './causes.ts';
import type { Facts, StoreReads } from './collect.ts';
import { blastRadius, type Cause, DEPENDENT_DOWN } from './dependents.ts';
import { isTooNew, ROOT } from './doppler.ts';
import { allMissing, compareFindings, instanceFinding, keyFindings, protocolMismatch } from './findings.ts';
import { hasSharedCause, isRegistered, judgeAll, type Judged, wasAllRead } from './judge.ts';
import { assign, dedupeInstances, findExpected, keysOf } from './registrations.ts';
import { describeNone, describeNothingToCheck, namesOf, overview, verdictOf } from './verdict.ts';

export interface DiagnoseArgs {
  /** Names such as `doppler_z1/0` that are expected, whether or not a source lists processes. */
  readonly expected?: readonly string[] | undefined;
  /** The protocols that metron_agent uses. If empty, protocols are not checked. */
  readonly protocols: readonly string[];
}

type RestartFinding = Finding<RestartOffer>;

/**
 * First judges the stores, because some of their faults make the keys meaningless. Then finds which dopplers should register, which keys
 * exist and which doppler each belongs to, and judges each doppler. Finally checks metron_agent on all VMs, which fails without a doppler.
 */
export function diagnose(
  seen: Facts,
  { expected: named = [], protocols }: DiagnoseArgs,
  now: Date,
): Diagnosis<RestartOffer> {
  const facts = {
    ...seen,
    stores: seen.stores.map(comparableReads),
    deployments: dedupeInstances(seen.deployments),
  };
  const causes = findStoreCauses(facts.stores, now);
  const keys = facts.stores.flatMap(keysOf);
  const instances = findExpected(facts, named, keys);
  const spoiling = causes.find(({ invalidatesKeys }) => invalidatesKeys);
  const isSettled = facts.deployments.some(isTooNew) || !spoiling;
  if (instances.expected.length === 0 && keys.length === 0 && isSettled) return notApplicable(facts, causes);

  const assigned = assign(keys, instances);
  const judged = judgeAll(facts.stores, instances.expected, assigned);
  const ofKeys = keyFindings(facts, judged, assigned);
  const { verdict, cause, findings } = spoiling
    ? withoutKeys(judged, spoiling)
    : hasSharedCause(judged, facts.stores)
      ? withSharedCause(facts, judged, causes, ofKeys)
      : oneByOne(facts, judged, causes, ofKeys, protocols);

  const radius = blastRadius(facts.deployments, cause);
  const all = [...causes.map(({ finding }) => finding), ...findings, ...radius.findings];
  return {
    examined: judged.length,
    verdict: radius.summary === undefined ? verdict : `${verdict}. ${radius.summary}`,
    findings: withOverview(all.toSorted(compareSeverity), judged),
    measures: [...registeredByGroup(judged), ...radius.measures],
  };
}

/**
 * Keys of different clusters are not compared. Keys are read with a quorum, so two successful reads prove one. If keys were read only once,
 * it is unknown whether they are refreshed.
 */
function comparableReads({ name, earlier, later, members }: StoreReads): StoreReads {
  if (members && !isOneCluster(members)) return { name, members };
  if (later)
    return { name, ...(earlier && { earlier }), later, ...(members && { members: withQuorum(members) }) };
  if (!earlier || members?.hasQuorum === false) return { name, ...(members && { members }) };
  return { name, later: earlier, ...(members && { members: withQuorum(members) }) };
}

function withQuorum(members: ports.StoreMembers): ports.StoreMembers {
  return { ...members, hasQuorum: true };
}

/** The report if there is neither an expected instance nor a key. It has a finding, because an empty report would look healthy. */
function notApplicable(facts: Facts, causes: readonly StoreCause[]): Diagnosis<RestartOffer> {
  const modern = facts.deployments.filter(isTooNew);
  const isCertain = modern.length > 0 || (wasAllRead(facts.stores) && facts.instances !== 'partly');
  const radius = blastRadius(facts.deployments, { kind: 'unseen' });
  const summary = describeNothingToCheck(modern);
  const note: Finding<never> = {
    reason: 'not-applicable',
    severity: 'info',
    target: ROOT.prefix,
    summary,
  };
  return {
    examined: 0,
    verdict: [isCertain ? summary : verdictOf([]), ...becauseOf(causes)].join('; '),
    findings: [...causes.map(({ finding }) => finding), ...radius.findings, ...(isCertain ? [note] : [])],
    measures: radius.measures,
  };
}

/** The conclusion about the dopplers themselves. */
interface Conclusion {
  readonly verdict: string;
  /** Why metron_agent fails. */
  readonly cause: Cause;
  /** The findings, without those about the stores. */
  readonly findings: readonly RestartFinding[];
}

/** Does not list the symptoms: restarting instances one by one would fix nothing. */
function withoutKeys(judged: readonly Judged[], { because, finding: { target } }: StoreCause): Conclusion {
  const rest = verdictOf(judged).replace(/^(Both|All|Couldn't) /, (start) => start.toLowerCase());
  const verdict = `${wording.capitalize(because, [target])}; ${rest}`;
  return { verdict, cause: { kind: 'known', because: `of the problem with ${target}` }, findings: [] };
}

function withSharedCause(
  { stores }: Facts,
  judged: readonly Judged[],
  causes: readonly StoreCause[],
  ofKeys: readonly RestartFinding[],
): Conclusion {
  return {
    verdict: [describeNone(judged), ...becauseOf(causes)].join('; '),
    cause: { kind: 'known', because: 'no doppler is registered' },
    findings: [allMissing(judged, stores), ...ofKeys],
  };
}

function oneByOne(
  facts: Facts,
  judged: readonly Judged[],
  causes: readonly StoreCause[],
  ofKeys: readonly RestartFinding[],
  protocols: readonly string[],
): Conclusion {
  const mismatch = protocolMismatch(judged, protocols);
  const each = judged.flatMap((one) => instanceFinding(one, facts.stores) ?? []);
  const notListening =
    mismatch?.severity === 'critical' ? `no doppler listens on [${protocols.join(' ')}]` : undefined;
  const besides = [...ofKeys, ...(mismatch ? [mismatch] : [])];
  // The verdict already has the critical ones.
  const others = besides.filter(({ severity }) => severity !== 'critical').length;
  const verdict = [
    verdictOf(judged),
    ...(notListening === undefined ? [] : [notListening]),
    ...becauseOf(causes),
    ...(others > 0 ? [`${wording.count(others, 'other problem')} with keys`] : []),
  ];
  return {
    verdict: verdict.join('; '),
    cause: causeOf(facts, judged, notListening),
    findings: [...each, ...besides].toSorted(compareFindings),
  };
}

function causeOf(facts: Facts, judged: readonly Judged[], notListening: string | undefined): Cause {
  const gone = judged.filter((each) => !isRegistered(each));
  const notRegistered = { one: 'is not registered', many: 'are not registered' };
  if (gone.length > 0) return { kind: 'known', because: say(namesOf(gone), notRegistered) };
  if (notListening !== undefined) return { kind: 'known', because: notListening };
  const flapping = judged.filter(({ status }) => status === 'flapping');
  const cameBack = { one: 'lost and regained its key', many: 'lost and regained their keys' };
  if (flapping.length > 0) return { kind: 'known', because: say(namesOf(flapping), cameBack) };
  const isWhole = judged.length > 0 && wasAllRead(facts.stores) && facts.instances !== 'partly';
  return { kind: isWhole ? 'another' : 'unseen' };
}

function becauseOf(causes: readonly StoreCause[]): readonly string[] {
  return causes.map(({ because }) => because);
}

/** Findings about etcd alone. */
const OF_MEMBERS: ReadonlySet<string> = new Set([
  'several-clusters',
  'several-leaders',
  'member-lists-differ',
  'endpoint-not-a-member',
  'quorum-lost',
  'no-leader',
  'endpoints-down',
  'client-certificate-expired',
  'client-certificate-expiring',
  'client-certificate-not-yet-valid',
  'certificate-expired',
  'no-space',
  'corrupt',
  'unknown-alarm',
  'member-unhealthy',
]);

/** Shows the table of all instances once, under the first finding to work on. */
function withOverview(
  findings: readonly RestartFinding[],
  judged: readonly Judged[],
): readonly RestartFinding[] {
  const at = findings.findIndex(({ reason }) => !OF_MEMBERS.has(reason));
  return findings.map((finding, index) =>
    index !== at ||
    judged.length === 0 ||
    finding.reason === 'all-missing' ||
    finding.reason === DEPENDENT_DOWN
      ? finding
      : { ...finding, evidence: [...(finding.evidence ?? []), overview(judged)] },
  );
}

function registeredByGroup(judged: readonly Judged[]): NonNullable<Diagnosis['measures']> {
  const isOfOne = new Set(judged.map(({ expected }) => expected.at?.deployment.name)).size <= 1;
  const labelOf = ({ expected: { group, at } }: Judged) =>
    isOfOne ? group : `${at?.deployment.name ?? ''} ${group}`.trim();
  return [...Map.groupBy(judged, labelOf)].map(([label, those]) => ({
    label,
    value: those.filter((one) => one.key !== undefined && isRegistered(one)).length,
    unit: 'registered',
  }));
}

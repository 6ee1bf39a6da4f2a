import { type Diagnosis, type Finding, type ports, wording } from '../../kit.ts';
import { compareSeverity } from '../../shared/severity.ts';
import { isOneCluster } from '../../shared/store-identity.ts';
import { capitalizeHeadline } from '../../shared/describe-store.ts';
import { type StoreCause, findStoreCauses } from './causes.ts';
import type { Facts, StoreReads } from './collect.ts';
import { blastRadius, type Cause } from './dependents.ts';
import { type ExpectedInstance, type ExpectedInstances, findExpected, tooNew } from './expected.ts';
import { findingOf } from './findings.ts';
import { keyFindings, protocolMismatch } from './key-findings.ts';
import { assign, type Assigned, type Key, keysOf } from './keys.ts';
import { inferExpected } from './infer-expected.ts';
import { notApplicable } from './not-applicable.ts';
import { compareFindings } from './compare-findings.ts';
import type { RestartOffer } from '../../shared/define-restart.ts';
import { dedupeInstances } from './dedupe-instances.ts';
import { DOPPLER, type Service } from './services.ts';
import { allMissing, describeNone, hasSharedCause } from './shared-cause.ts';
import { isRegistered, judge, type Judged } from './registration.ts';
import { overview, verdictOf } from './verdict.ts';

export interface DiagnoseArgs {
  /** Names such as `doppler_z1/0` that are expected, whether or not a source lists processes. */
  readonly expected?: readonly string[] | undefined;
  /** The protocols of the readers of the keys; if empty, protocols are not checked. */
  readonly protocols: readonly string[];
}

type RestartFinding = Finding<RestartOffer>;

export const diagnose = diagnoseFor(DOPPLER);

/** How a doppler registers, and so what can go wrong: https://github.com/cloudfoundry/loggregator-release/blob/d11b9f1/src/doppler/dopplerservice/announcer.go */
export function diagnoseFor(
  service: Service,
): (facts: Facts, wanted: DiagnoseArgs, now: Date) => Diagnosis<RestartOffer> {
  return (seen, { expected: named = [], protocols }, now) => {
    const facts = {
      ...seen,
      stores: seen.stores.map(comparableReads),
      deployments: dedupeInstances(seen.deployments),
    };
    const causes = findStoreCauses(service, facts.stores, now);
    const keys = facts.stores.flatMap((store) => keysOf(service, store));
    const instances = resolveExpected(service, facts, named, keys);
    const isSettled =
      tooNew(service, facts).length > 0 || !causes.some(({ invalidatesKeys }) => invalidatesKeys);
    if (instances.expected.length === 0 && keys.length === 0 && isSettled)
      return notApplicable(service, facts, causes);
    const assigned = assign(keys, instances);
    const judged = judgeAll(service, facts, instances, assigned);
    const ofService = diagnoseService({ service, facts, judged, assigned, protocols, causes });
    const radius = blastRadius(service, facts, ofService.cause);
    const findings = [...ofService.first, ...ofService.each, ...(radius.finding ? [radius.finding] : [])];
    return {
      examined: judged.length,
      verdict: [ofService.verdict, radius.summary].filter(Boolean).join('. '),
      findings: withOverview(service, findings.toSorted(compareSeverity), judged),
      measures: [...registeredByGroup(judged), ...radius.measures],
    };
  };
}

/**
 * Keys of different clusters are not compared. Keys are quorum reads, so two successful reads prove a quorum; for keys that
 * were read once it is unknown whether they are refreshed.
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

function resolveExpected(
  service: Service,
  facts: Facts,
  named: readonly string[],
  keys: readonly Key[],
): ExpectedInstances {
  const instances = findExpected(service, facts, named);
  if (facts.instances !== 'no-source' || named.length > 0) return instances;
  return { expected: inferExpected(service, facts.stores, keys), excused: [] };
}

/** Unless all stores were read, an instance without a key is not judged. */
function judgeAll(
  service: Service,
  { stores }: Facts,
  { expected }: ExpectedInstances,
  { byExpected, unowned }: Assigned,
) {
  const isWhole = wasAllRead(stores);
  const keys = [...byExpected.values()].flat();
  const isLed =
    service.expects === 'one' &&
    [...keys, ...unowned].some(({ isLive, corrupt }) => isLive && corrupt === undefined);
  return expected
    .map((one) => judge(service, one, byExpected.get(one) ?? [], isLed))
    .filter(({ key }) => isWhole || key !== undefined);
}

function wasAllRead(stores: readonly StoreReads[]): boolean {
  return stores.length > 0 && stores.every(({ later }) => later !== undefined);
}

interface ServiceDiagnosis {
  readonly verdict: string;
  /** Why dependents fail. */
  readonly cause: Cause;
  /** What must be fixed before all else; then each by itself. */
  readonly first: readonly RestartFinding[];
  readonly each: readonly RestartFinding[];
}

interface Situation {
  readonly service: Service;
  readonly facts: Facts;
  readonly judged: readonly Judged[];
  readonly assigned: Assigned;
  readonly protocols: readonly string[];
  readonly causes: readonly StoreCause[];
}

function diagnoseService(situation: Situation): ServiceDiagnosis {
  const { service, facts, judged, assigned, protocols, causes } = situation;
  const { name } = service;
  const first = causes.map(({ finding }) => finding);
  const spoiling = causes.find(({ invalidatesKeys }) => invalidatesKeys);
  if (spoiling) return diagnoseWithoutKeys(situation, first, spoiling);
  const ofKeys = keyFindings(service, facts, judged, assigned);
  if (hasSharedCause(service, judged, facts.stores)) {
    const cause: Cause = { kind: 'known', because: `no ${name} is registered` };
    const missing = allMissing(service, judged, facts.stores);
    const verdict = [describeNone(service, judged), ...causes.map(({ because }) => because)].join('; ');
    return { verdict, cause, first: [...first, missing], each: ofKeys };
  }
  const mismatch = protocolMismatch(service, judged, protocols);
  const each = judged.flatMap((one) => findingOf(service, one, facts.stores) ?? []);
  const all = [...each, ...ofKeys, ...(mismatch ? [mismatch] : [])].toSorted(compareFindings);
  const verdict = [
    judged.length === 0 ? `Couldn't check any ${name}` : verdictOf(service, judged),
    ...(mismatch?.severity === 'critical' ? [`no ${name} listens on [${protocols.join(' ')}]`] : []),
    ...causes.map(({ because }) => because),
    ...describeOthers([...ofKeys, ...(mismatch ? [mismatch] : [])]),
  ].join('; ');
  return { verdict, cause: causeOf(situation), first, each: all };
}

/** What is not in the verdict yet: what is critical is. */
function describeOthers(ofKeys: readonly RestartFinding[]): readonly string[] {
  const others = ofKeys.filter(({ severity }) => severity !== 'critical').length;
  return others > 0 ? [`${wording.count(others, 'other problem')} with keys`] : [];
}

/** The symptoms are not listed: restarting instances one by one would fix nothing. */
function diagnoseWithoutKeys(
  { service, judged }: Situation,
  first: readonly RestartFinding[],
  { because, finding: { target } }: StoreCause,
): ServiceDiagnosis {
  const rest =
    judged.length > 0
      ? verdictOf(service, judged).replace(/^(Both|All) /, (start) => start.toLowerCase())
      : `couldn't check any ${service.name}`;
  const verdict = `${capitalizeHeadline(because, { name: target })}; ${rest}`;
  const cause: Cause = { kind: 'known', because };
  return { verdict, cause, first, each: [] };
}

function causeOf({ service, facts, judged, protocols }: Situation): Cause {
  const namesOf = (those: readonly Judged[]) => wording.list(those.map(({ expected }) => expected.name));
  const gone = judged.filter((each) => !isRegistered(each));
  const are = gone.length === 1 ? 'is' : 'are';
  if (gone.length > 0) return { kind: 'known', because: `${namesOf(gone)} ${are} not registered` };
  if (protocolMismatch(service, judged, protocols)?.severity === 'critical')
    return { kind: 'known', because: `no ${service.name} listens on [${protocols.join(' ')}]` };
  const flapping = judged.filter(({ status }) => status === 'flapping');
  const come = flapping.length === 1 ? 'lost and regained its key' : 'lost and regained their keys';
  if (flapping.length > 0) return { kind: 'known', because: `${namesOf(flapping)} ${come}` };
  const isWhole = judged.length > 0 && wasAllRead(facts.stores) && facts.instances !== 'partly';
  return { kind: isWhole ? 'another' : 'unseen' };
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

/** The table of all instances is shown once, under the first finding to work on. */
function withOverview(
  { dependents }: Service,
  findings: readonly RestartFinding[],
  judged: readonly Judged[],
): readonly RestartFinding[] {
  const at = findings.findIndex(({ reason }) => !OF_MEMBERS.has(reason));
  return findings.map((finding, index) =>
    index !== at ||
    judged.length === 0 ||
    finding.reason === 'all-missing' ||
    finding.reason === dependents?.reason
      ? finding
      : { ...finding, evidence: [...(finding.evidence ?? []), overview(judged)] },
  );
}

function registeredByGroup(judged: readonly Judged[]): NonNullable<Diagnosis['measures']> {
  const isOfOne = new Set(judged.map(({ expected }) => expected.at?.deployment.name)).size <= 1;
  const labelOf = ({ group, at }: ExpectedInstance) =>
    isOfOne ? group : `${at?.deployment.name ?? ''} ${group}`.trim();
  const groups = Map.groupBy(judged, ({ expected }) => labelOf(expected));
  return [...groups].map(([label, those]) => ({
    label,
    value: those.filter((one) => one.key !== undefined && isRegistered(one)).length,
    unit: 'registered',
  }));
}

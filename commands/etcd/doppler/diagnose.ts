import { type Diagnosis, type Finding, type ports, wording } from '../../kit.ts';
import { isOneCluster } from '../../shared/store-identity.ts';
import { sentence } from '../../shared/describe-store.ts';
import { type StoreTrouble, troublesOf } from './causes.ts';
import type { Facts, StoreLook } from './collect.ts';
import { blastRadius, type Cause } from './dependents.ts';
import { type Expected, type Roster, rosterOf, tooNew } from './expected.ts';
import { findingOf } from './findings.ts';
import { keyFindings, protocolMismatch } from './key-findings.ts';
import { assign, type Assigned, type Key, keysOf } from './keys.ts';
import { rosterOfKeys } from './infer-expected.ts';
import { nobodyThere } from './not-applicable.ts';
import { bySeverity, inOrderOfWork } from './compare-findings.ts';
import type { RestartOffer } from './restart.ts';
import { seenOnce } from './dedupe-instances.ts';
import { DOPPLER, type Service } from './services.ts';
import { allMissing, noneInWords, sharesACause } from './shared-cause.ts';
import { isRegistered, judge, type Judged } from './registration.ts';
import { overview, verdictOf } from './verdict.ts';

export interface Wanted {
  /** Names such as `doppler_z1/0` that are expected, whether or not a source lists processes. */
  readonly expected?: readonly string[] | undefined;
  /** The protocols of the readers of the keys; if empty, protocols are not checked. */
  readonly protocols: readonly string[];
}

type Said = Finding<RestartOffer>;

export const diagnose = diagnoseFor(DOPPLER);

/** How a doppler registers, and so what can go wrong: https://github.com/cloudfoundry/loggregator-release/blob/d11b9f1/src/doppler/dopplerservice/announcer.go */
export function diagnoseFor(
  service: Service,
): (facts: Facts, wanted: Wanted, now: Date) => Diagnosis<RestartOffer> {
  return (seen, { expected: named = [], protocols }, now) => {
    const facts = {
      ...seen,
      stores: seen.stores.map(whatCounts),
      deployments: seenOnce(seen.deployments),
    };
    const troubles = troublesOf(service, facts.stores, now);
    const keys = facts.stores.flatMap((look) => keysOf(service, look));
    const roster = whoIsMeant(service, facts, named, keys);
    const isSettled = tooNew(service, facts).length > 0 || !troubles.some(({ spoils }) => spoils);
    if (roster.expected.length === 0 && keys.length === 0 && isSettled)
      return nobodyThere(service, facts, troubles);
    const assigned = assign(keys, roster);
    const judged = judgeAll(service, facts, roster, assigned);
    const own = ownFindings({ service, facts, judged, assigned, protocols, troubles });
    const radius = blastRadius(service, facts, own.cause);
    const findings = [...own.first, ...own.each, ...(radius.finding ? [radius.finding] : [])];
    return {
      examined: judged.length,
      verdict: [own.verdict, radius.said].filter(Boolean).join('. '),
      findings: withOverview(service, findings.toSorted(bySeverity), judged),
      measures: [...registeredByGroup(judged), ...radius.measures],
    };
  };
}

/**
 * Keys of different clusters are not compared. Keys are quorum reads, so two successful reads prove a quorum; for keys that
 * were read once it is unknown whether they are refreshed.
 */
function whatCounts({ name, earlier, later, members }: StoreLook): StoreLook {
  if (members && !isOneCluster(members)) return { name, members };
  if (later)
    return { name, ...(earlier && { earlier }), later, ...(members && { members: agreed(members) }) };
  if (!earlier || members?.hasQuorum === false) return { name, ...(members && { members }) };
  return { name, later: earlier, ...(members && { members: agreed(members) }) };
}

function agreed(members: ports.StoreMembers): ports.StoreMembers {
  return { ...members, hasQuorum: true };
}

function whoIsMeant(service: Service, facts: Facts, named: readonly string[], keys: readonly Key[]): Roster {
  const roster = rosterOf(service, facts, named);
  if (facts.instances !== 'no-source' || named.length > 0) return roster;
  return { expected: rosterOfKeys(service, facts.stores, keys), excused: [] };
}

/** Unless all stores were read, an instance without a key is not judged. */
function judgeAll(
  service: Service,
  { stores }: Facts,
  { expected }: Roster,
  { byExpected, strangers }: Assigned,
) {
  const isWhole = wasAllRead(stores);
  const keys = [...byExpected.values()].flat();
  const isLed =
    service.expects === 'one' &&
    [...keys, ...strangers].some(({ isLive, corrupt }) => isLive && corrupt === undefined);
  return expected
    .map((one) => judge(service, one, byExpected.get(one) ?? [], isLed))
    .filter(({ key }) => isWhole || key !== undefined);
}

function wasAllRead(stores: readonly StoreLook[]): boolean {
  return stores.length > 0 && stores.every(({ later }) => later !== undefined);
}

interface Own {
  readonly verdict: string;
  /** Why dependents fail. */
  readonly cause: Cause;
  /** What must be fixed before all else; then each by itself. */
  readonly first: readonly Said[];
  readonly each: readonly Said[];
}

interface Situation {
  readonly service: Service;
  readonly facts: Facts;
  readonly judged: readonly Judged[];
  readonly assigned: Assigned;
  readonly protocols: readonly string[];
  readonly troubles: readonly StoreTrouble[];
}

function ownFindings(situation: Situation): Own {
  const { service, facts, judged, assigned, protocols, troubles } = situation;
  const { name } = service;
  const first = troubles.map(({ finding }) => finding);
  const spoiling = troubles.find(({ spoils }) => spoils);
  if (spoiling) return spoiled(situation, first, spoiling);
  const ofKeys = keyFindings(service, facts, judged, assigned);
  if (sharesACause(service, judged, facts.stores)) {
    const cause: Cause = { kind: 'known', because: `no ${name} is registered` };
    const missing = allMissing(service, judged, facts.stores);
    const verdict = [noneInWords(service, judged), ...troubles.map(({ because }) => because)].join('; ');
    return { verdict, cause, first: [...first, missing], each: ofKeys };
  }
  const mismatch = protocolMismatch(service, judged, protocols);
  const each = judged.flatMap((one) => findingOf(service, one, facts.stores) ?? []);
  const all = [...each, ...ofKeys, ...(mismatch ? [mismatch] : [])].toSorted(inOrderOfWork);
  const verdict = [
    judged.length === 0 ? `Couldn't check any ${name}` : verdictOf(service, judged),
    ...(mismatch?.severity === 'critical' ? [`no ${name} listens on [${protocols.join(' ')}]`] : []),
    ...troubles.map(({ because }) => because),
    ...othersInWords([...ofKeys, ...(mismatch ? [mismatch] : [])]),
  ].join('; ');
  return { verdict, cause: causeOf(situation), first, each: all };
}

/** What is not in the verdict yet: what is critical is. */
function othersInWords(ofKeys: readonly Said[]): readonly string[] {
  const others = ofKeys.filter(({ severity }) => severity !== 'critical').length;
  return others > 0 ? [`${wording.count(others, 'other problem')} with keys`] : [];
}

/** The symptoms are not listed: restarting instances one by one would fix nothing. */
function spoiled(
  { service, judged }: Situation,
  first: readonly Said[],
  { because, finding: { target } }: StoreTrouble,
): Own {
  const rest =
    judged.length > 0
      ? verdictOf(service, judged).replace(/^(Both|All) /, (start) => start.toLowerCase())
      : `couldn't check any ${service.name}`;
  const verdict = `${sentence(because, { name: target })}; ${rest}`;
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
  const flapping = judged.filter(({ standing }) => standing === 'flapping');
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
  findings: readonly Said[],
  judged: readonly Judged[],
): readonly Said[] {
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
  const labelOf = ({ group, at }: Expected) =>
    isOfOne ? group : `${at?.deployment.name ?? ''} ${group}`.trim();
  const groups = Map.groupBy(judged, ({ expected }) => labelOf(expected));
  return [...groups].map(([label, those]) => ({
    label,
    value: those.filter((one) => one.key !== undefined && isRegistered(one)).length,
    unit: 'registered',
  }));
}

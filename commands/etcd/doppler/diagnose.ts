import { type Diagnosis, type Finding, wording } from '../../kit.ts';
import { capital, type StoreTrouble, troublesOf } from './causes.ts';
import type { Facts, StoreLook } from './collect.ts';
import { blastRadius, type Cause } from './dependents.ts';
import { type Expected, type Roster, rosterOf, tooNew } from './expected.ts';
import { findingOf } from './findings.ts';
import { keyFindings, protocolMismatch } from './key-findings.ts';
import { assign, type Assigned, type Key, keysOf } from './keys.ts';
import { rosterOfKeys } from './left-behind.ts';
import { nobodyThere } from './nobody-there.ts';
import { bySeverity, inOrderOfWork } from './order.ts';
import type { RestartOffer } from './restart.ts';
import { seenOnce } from './seen-once.ts';
import { DOPPLER, type Service } from './services.ts';
import { allMissing, noneInWords, sharesACause } from './shared-cause.ts';
import { isRegistered, judge, type Judged } from './standing.ts';
import { overview, verdictOf } from './words.ts';

export interface Wanted {
  /** Names such as `doppler_z1/0` that should be there whether or not anybody keeps processes. */
  readonly expected?: readonly string[] | undefined;
  /** What the readers of the keys speak; with none of them nothing is said about protocols. */
  readonly protocols: readonly string[];
}

type Said = Finding<RestartOffer>;

export const diagnose = diagnoseFor(DOPPLER);

/** Judges by the whole table of reference: cf-and-certificates.md section 1.4. */
export function diagnoseFor(service: Service): (facts: Facts, wanted: Wanted) => Diagnosis<RestartOffer> {
  return (seen, { expected: named = [], protocols }) => {
    const facts = {
      ...seen,
      stores: seen.stores.map(forgetWithoutQuorum),
      deployments: seenOnce(seen.deployments),
    };
    const troubles = troublesOf(service, facts.stores);
    const keys = facts.stores.flatMap((look) => keysOf(service, look));
    const roster = whoIsMeant(service, facts, named, keys);
    const isSettled = tooNew(service, facts).length > 0 || !troubles.some(isSpoiling);
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

/** What a member without a majority remembers is not what is so. */
function forgetWithoutQuorum(look: StoreLook): StoreLook {
  const { name, members } = look;
  return members?.hasQuorum === false ? { name, members } : look;
}

/** With such a trouble, what keys say is not to be acted on. */
function isSpoiling({ reason }: StoreTrouble): boolean {
  return reason !== 'member-unhealthy';
}

function whoIsMeant(service: Service, facts: Facts, named: readonly string[], keys: readonly Key[]): Roster {
  const roster = rosterOf(service, facts, named);
  if (facts.instances !== 'nobody-tells' || named.length > 0) return roster;
  return { expected: rosterOfKeys(service, facts.stores, keys), excused: [] };
}

/** Where not all stores could be read, of somebody without a key nothing can be said. */
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
  /** What must be mended before all else; then each by itself. */
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
  const spoiling = troubles.find(isSpoiling);
  if (spoiling) return spoiled(situation, first, spoiling);
  const ofKeys = keyFindings(service, facts, judged, assigned);
  if (sharesACause(service, judged, facts.stores)) {
    const cause: Cause = { kind: 'known', because: `no ${name} is registered` };
    const missing = allMissing(service, judged, facts.stores);
    return { verdict: noneInWords(service, judged), cause, first: [...first, missing], each: ofKeys };
  }
  const mismatch = protocolMismatch(service, judged, protocols);
  const each = judged.flatMap((one) => findingOf(service, one, facts.stores) ?? []);
  const all = [...each, ...ofKeys, ...(mismatch ? [mismatch] : [])].toSorted(inOrderOfWork);
  const verdict = [
    judged.length === 0 ? `No ${name} could be judged` : verdictOf(service, judged),
    ...(mismatch?.severity === 'critical' ? [`no ${name} listens on [${protocols.join(' ')}]`] : []),
    ...othersInWords([...ofKeys, ...(mismatch ? [mismatch] : [])]),
  ].join('; ');
  return { verdict, cause: causeOf(situation), first, each: all };
}

/** What the verdict did not tell yet: what is critical it has. */
function othersInWords(ofKeys: readonly Said[]): readonly string[] {
  const others = ofKeys.filter(({ severity }) => severity !== 'critical').length;
  return others > 0 ? [`${wording.count(others, 'other problem')} with keys`] : [];
}

/** Its symptoms are not listed: whoever restarted them one by one would mend nothing. */
function spoiled(
  { service, judged }: Situation,
  first: readonly Said[],
  { reason, because }: StoreTrouble,
): Own {
  // A store is called as its owner calls it, in lower case too.
  const verdict =
    reason === 'quorum-lost'
      ? `${because}: no ${service.name} can be judged`
      : [capital(because), ...(judged.length > 0 ? [verdictOf(service, judged)] : [])].join(': ');
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
  const come = flapping.length === 1 ? 'comes and goes' : 'come and go';
  if (flapping.length > 0) return { kind: 'known', because: `${namesOf(flapping)} ${come}` };
  const isWhole = judged.length > 0 && wasAllRead(facts.stores) && facts.instances !== 'partly';
  return { kind: isWhole ? 'another' : 'unseen' };
}

/** The table of all of them stands once, under what is worked first. */
function withOverview(
  { dependents }: Service,
  findings: readonly Said[],
  judged: readonly Judged[],
): readonly Said[] {
  const at = findings.findIndex(({ reason }) => reason !== 'member-unhealthy' && reason !== 'quorum-lost');
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

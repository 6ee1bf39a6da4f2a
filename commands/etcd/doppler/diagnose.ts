import { type Diagnosis, type Finding, wording } from '../../kit.ts';
import { troublesOf } from './causes.ts';
import type { Facts } from './collect.ts';
import { blastRadius } from './dependents.ts';
import { type Expected, type Roster, rosterOf, tooNew } from './expected.ts';
import { allMissing, corruptKey, findingOf, orphanKey, protocolMismatch } from './findings.ts';
import { assign, type Assigned, type Key, keysOf } from './keys.ts';
import { rosterOfKeys } from './left-behind.ts';
import type { RestartOffer } from './restart.ts';
import { DOPPLER, type Service } from './services.ts';
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
  return (facts, { expected: named = [], protocols }) => {
    const keys = facts.stores.flatMap((look) => keysOf(service, look));
    const roster = whoIsMeant(service, facts, named, keys);
    if (roster.expected.length === 0 && keys.length === 0) return nobodyThere(service, facts);
    const assigned = assign(keys, roster);
    const judged = judgeAll(service, facts, roster, assigned);
    const own = ownFindings(service, facts, judged, assigned, protocols);
    const radius = blastRadius(service, facts, own.because);
    const findings = [...own.first, ...own.each, ...(radius.finding ? [radius.finding] : []), ...own.last];
    return {
      examined: judged.length,
      verdict: [own.verdict, radius.said].filter(Boolean).join('. '),
      findings: withOverview(findings, judged),
      measures: [...registeredByGroup(judged), ...radius.measures],
    };
  };
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
  const isWhole = stores.length > 0 && stores.every(({ later }) => later !== undefined);
  const keys = [...byExpected.values()].flat();
  const isLed =
    service.expects === 'one' &&
    [...keys, ...strangers].some(({ isLive, corrupt }) => isLive && corrupt === undefined);
  return expected
    .map((one) => judge(service, one, byExpected.get(one) ?? [], isLed))
    .filter(({ key }) => isWhole || key !== undefined);
}

interface Own {
  readonly verdict: string;
  /** Why dependents fail, in a few words, where that is known. */
  readonly because: string | undefined;
  /** What must be mended before all else; then each by itself; and what can wait. */
  readonly first: readonly Said[];
  readonly each: readonly Said[];
  readonly last: readonly Said[];
}

function ownFindings(
  service: Service,
  facts: Facts,
  judged: readonly Judged[],
  assigned: Assigned,
  protocols: readonly string[],
): Own {
  const { name } = service;
  const troubles = troublesOf(service, facts.stores);
  const first = troubles.map(({ finding }) => finding);
  const spoiled = troubles.find(({ reason }) => reason !== 'member-unhealthy');
  // Symptoms of it are not listed: whoever restarted them one by one would mend nothing.
  if (spoiled) {
    const unjudged = spoiled.reason === 'quorum-lost' ? `: no ${name} can be judged` : '';
    const counted = unjudged === '' && judged.length > 0 ? `: ${verdictOf(service, judged)}` : unjudged;
    return {
      verdict: `${capital(spoiled.because)}${counted}`,
      because: spoiled.because,
      first,
      each: [],
      last: [],
    };
  }
  const last = keyFindings(service, facts, judged, assigned);
  if (sharesACause(service, judged)) {
    const because = `no ${name} is registered`;
    const verdict = `None of the ${wording.count(judged.length, name)} is registered`;
    return { verdict, because, first: [...first, allMissing(service, judged, facts.stores)], each: [], last };
  }
  const mismatch = protocolMismatch(service, judged, protocols);
  const each = judged.flatMap((one) => findingOf(service, one, facts.stores) ?? []).toSorted(inOrderOfWork);
  const said = judged.length === 0 ? `No ${name} could be judged` : verdictOf(service, judged);
  const others = wording.count(last.length + (mismatch ? 1 : 0), 'other problem');
  const verdict = last.length + (mismatch ? 1 : 0) > 0 ? `${said}; ${others} with keys` : said;
  return { verdict, because: causeOf(judged), first, each: [...each, ...(mismatch ? [mismatch] : [])], last };
}

/** Machines that all cannot be asked are another matter than dopplers that all cannot register. */
function sharesACause({ expects }: Service, judged: readonly Judged[]): boolean {
  const isGone = ({ standing }: Judged) =>
    ['stuck', 'starting', 'failing', 'unresponsive', 'unregistered'].includes(standing);
  const fewest = expects === 'one' ? 1 : 2;
  return (
    judged.length >= fewest &&
    judged.every(isGone) &&
    !judged.every(({ standing }) => standing === 'unresponsive')
  );
}

function causeOf(judged: readonly Judged[]): string | undefined {
  const gone = judged.filter((each) => !isRegistered(each)).map(({ expected }) => expected.name);
  if (gone.length === 0) return undefined;
  return `${wording.list(gone)} ${gone.length === 1 ? 'is' : 'are'} not registered`;
}

const RANK = { critical: 0, warning: 1, info: 2 } as const;
const ORDER = [
  'registration-stuck',
  'heartbeat-stopped',
  'process-failing',
  'instance-unresponsive',
  'process-starting',
  'registration-flapping',
];

function inOrderOfWork(a: Said, b: Said): number {
  const place = ({ reason }: Said) => (ORDER.includes(reason) ? ORDER.indexOf(reason) : ORDER.length);
  return (
    RANK[a.severity] - RANK[b.severity] ||
    place(a) - place(b) ||
    a.target.localeCompare(b.target, 'en', { numeric: true })
  );
}

function keyFindings(
  service: Service,
  { instances, deployments }: Facts,
  judged: readonly Judged[],
  { byExpected, strangers }: Assigned,
): readonly Said[] {
  const standingOf = new Map(judged.map((each) => [each.expected, each.standing]));
  const owned = [...byExpected].flatMap(([expected, keys]) =>
    keys
      .filter(({ corrupt }) => corrupt !== undefined)
      .map((key) => corruptKey(standingOf.get(expected) === 'corrupt' ? { key, expected } : { key })),
  );
  if (service.strangers === 'others') return owned;
  const corrupt = strangers.filter((key) => key.corrupt !== undefined).map((key) => corruptKey({ key }));
  // Without all instances in sight, nobody can say that a key belongs to none.
  const knowsAll = instances === 'all' && deployments.length > 0;
  const orphans = strangers.filter((key) => knowsAll && key.isLive && key.corrupt === undefined);
  return [...owned, ...corrupt, ...orphans.map((key) => orphanKey(service, key))].toSorted(inOrderOfWork);
}

/** The table of all of them stands once, under what is worked first. */
function withOverview(findings: readonly Said[], judged: readonly Judged[]): readonly Said[] {
  const at = findings.findIndex(({ reason }) => reason !== 'member-unhealthy' && reason !== 'quorum-lost');
  return findings.map((finding, index) =>
    index !== at ||
    judged.length === 0 ||
    finding.reason === 'all-missing' ||
    finding.reason.startsWith('metron')
      ? finding
      : { ...finding, evidence: [...(finding.evidence ?? []), overview(judged)] },
  );
}

function registeredByGroup(judged: readonly Judged[]): NonNullable<Diagnosis['measures']> {
  const labelOf = ({ group, at }: Expected) =>
    new Set(judged.map(({ expected }) => expected.at?.deployment.name)).size > 1
      ? `${at?.deployment.name ?? ''} ${group}`.trim()
      : group;
  const groups = Map.groupBy(judged, ({ expected }) => labelOf(expected));
  return [...groups].map(([label, those]) => ({
    label,
    value: those.filter(({ key, standing }) => key?.isLive && standing !== 'corrupt').length,
    unit: 'registered',
  }));
}

/** Neither one who should be there nor a key: said aloud, for silence would look like health. */
function nobodyThere(service: Service, facts: Facts): Diagnosis<RestartOffer> {
  const { name, ended, roots } = service;
  const troubles = troublesOf(service, facts.stores);
  const modern = tooNew(service, facts);
  const wasRead = facts.stores.some(({ later }) => later !== undefined);
  const isCertain = modern.length > 0 || (wasRead && facts.instances !== 'partly');
  const radius = blastRadius(service, facts, troubles[0]?.because);
  const findings: Said[] = [
    ...troubles.map(({ finding }) => finding),
    ...(radius.finding ? [radius.finding] : []),
  ];
  const verdict =
    modern.length > 0
      ? `The ${name}s of ${wording.list(modern.map((one) => one.name))} do not announce themselves in etcd (${ended?.since} and later): nothing to check`
      : `No ${name} is here, and none ever announced itself below ${roots.map(({ prefix }) => prefix).join(' or ')}: nothing to check${ended ? `. From ${ended.since} on they do not` : ''}`;
  if (!isCertain)
    return { examined: 0, verdict: `No ${name} could be judged`, findings, measures: radius.measures };
  const note: Said = {
    reason: 'not-applicable',
    severity: 'info',
    target: roots[0].prefix,
    summary: verdict,
  };
  return { examined: 0, verdict, findings: [...findings, note], measures: radius.measures };
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

import { type Evidence, type Finding, wording } from '../../kit.ts';
import { permissionToRestart, type RestartOffer } from '../../shared/define-restart.ts';
import { field, optionalField } from '../../shared/evidence.ts';
import { describeLocked } from '../../shared/instances.ts';
import { compareSeverity } from '../../shared/severity.ts';
import type { Facts, StoreReads } from './collect.ts';
import { DEPENDENT, PROCESS, ROOT, ROOTS } from './doppler.ts';
import { isWiped, type Judged } from './judge.ts';
import type { Assigned, ExpectedInstance, Key } from './registrations.ts';
import { describeNone, overview } from './verdict.ts';

type RestartFinding = Finding<RestartOffer>;

/** How many characters of an unreadable value are shown. */
const MAX_VALUE_LENGTH = 200;

const ORDER = [
  'registration-stuck',
  'heartbeat-stopped',
  'process-failing',
  'instance-unresponsive',
  'process-starting',
  'registration-flapping',
];

/** In the order of work. */
export function compareFindings(a: Finding, b: Finding): number {
  const place = ({ reason }: Finding) => (ORDER.includes(reason) ? ORDER.indexOf(reason) : ORDER.length);
  return (
    compareSeverity(a, b) || place(a) - place(b) || a.target.localeCompare(b.target, 'en', { numeric: true })
  );
}

/** The problem of one instance that should register, if any. A corrupt key is a finding about the key. */
export function instanceFinding(judged: Judged, stores: readonly StoreReads[]): RestartFinding | undefined {
  const text = describeStatus(judged);
  if (!text) return undefined;
  const { expected, key } = judged;
  const { offers, forbidden } = text.restartHelps ? restartOf(expected, stores) : {};
  return {
    reason: text.reason,
    severity: text.severity,
    target: expected.name,
    summary: offers ? (text.withOffer ?? text.summary) : text.summary,
    evidence: [
      ...keyEvidence(key),
      ...optionalField('Directory', key ? undefined : describeDirectory(stores, expected)),
      ...optionalField('Locked', expected.at && describeLocked(expected.at.deployment)),
      ...optionalField('No restart offered', forbidden),
    ],
    ...(offers && { offers }),
  };
}

interface FindingText {
  readonly reason: string;
  readonly severity: RestartFinding['severity'];
  readonly summary: string;
  /** The summary if a restart is offered. */
  readonly withOffer?: string;
  /** Whether a restart is known to help. */
  readonly restartHelps?: true;
}

function describeStatus({ expected, status, key, process }: Judged): FindingText | undefined {
  const { name } = expected;
  switch (status) {
    case 'registered':
    case 'corrupt':
      return undefined;
    case 'stuck':
      return {
        reason: 'registration-stuck',
        severity: 'critical',
        summary: `${name} is running but not registered: clients can't find it`,
        withOffer: `${name} is running but not registered: clients can't find it until ${PROCESS} is restarted`,
        restartHelps: true,
      };
    case 'heartbeat-stopped':
      return {
        reason: 'heartbeat-stopped',
        severity: 'critical',
        summary: `${name} no longer refreshes its key, which expires in ${key?.leaf.ttlSeconds ?? 0} s: ${['running', 'not known'].includes(process) ? `its ${PROCESS} hangs or can't write to etcd` : `its ${PROCESS} is not running (${process})`}`,
        restartHelps: true,
      };
    case 'failing':
      return {
        reason: 'process-failing',
        severity: 'critical',
        summary: `${name} is not registered because its ${PROCESS} is not running (${process})`,
        restartHelps: true,
      };
    case 'unresponsive':
      return {
        reason: 'instance-unresponsive',
        severity: 'critical',
        summary: `${name} is not registered and its VM is unavailable (${process}). Recover the VM first (\`bosh cck\` or the resurrector)`,
      };
    case 'starting':
      return {
        reason: 'process-starting',
        severity: 'warning',
        summary: `${name} is starting and not registered yet. Run the check again in a minute`,
      };
    case 'unregistered':
      return {
        reason: 'not-registered',
        severity: 'critical',
        summary: `${name} is not registered; no source reports whether its ${PROCESS} is running`,
      };
    case 'flapping':
      return {
        reason: 'registration-flapping',
        severity: 'warning',
        summary: `The key of ${name} expired and came back between two reads: etcd is slow or changing leaders. See \`/etcd health\`; restarting ${PROCESS} won't help`,
      };
    case 'legacy-only':
      return {
        reason: 'legacy-only',
        severity: 'info',
        summary: `${name} has only its legacy key ${key?.leaf.key}: older clients find it over UDP, newer ones don't. It may be an older doppler`,
      };
  }
}

/** The offer of a restart, or why there is none. */
function restartOf(
  { at, name }: ExpectedInstance,
  stores: readonly StoreReads[],
): { readonly offers?: readonly RestartOffer[]; readonly forbidden?: string } {
  if (!at) return { forbidden: `no source lists its ${PROCESS}` };
  const { source, name: deployment } = at.deployment;
  const { group, id } = at.instance;
  const permission = permissionToRestart(at.instance, PROCESS);
  if (!permission.allowed) return { forbidden: permission.because };
  if (stores.some(({ earlier, later }) => later !== undefined && earlier === undefined))
    return { forbidden: 'the keys were read only once; run the check again' };
  const params = { source, deployment, group, id, name, process: PROCESS };
  return { offers: [{ remediation: 'restart', params }] };
}

function keyEvidence(key: Key | undefined): readonly Evidence[] {
  if (!key) return [];
  const { leaf, before } = key;
  const change = (was: number | undefined, is: number) => (was === undefined ? `${is}` : `${was} -> ${is}`);
  return [
    field('Key', leaf.key),
    field('Written at index', change(before?.modifiedIndex, leaf.modifiedIndex)),
    field('Created at index', change(before?.createdIndex, leaf.createdIndex)),
  ];
}

/**
 * What the group's directory shows if there is no key. Directories do not expire, so an empty one shows that an instance registered before.
 */
function describeDirectory(stores: readonly StoreReads[], { group }: ExpectedInstance): string {
  const { prefix } = ROOT;
  const trees = stores.flatMap(({ later = [] }) => later.slice(0, 1));
  const directory = trees
    .flatMap(({ directories }) => directories)
    .find((path) => path.startsWith(`${prefix}/`) && path.endsWith(`/${group}`));
  if (directory === undefined)
    return `no ${group} under ${prefix}: nothing ever registered under that name, or the store was wiped`;
  const leaves = trees.flatMap((tree) => tree.leaves).filter(({ key }) => key.startsWith(`${directory}/`));
  if (leaves.some(({ ttlSeconds = 1 }) => ttlSeconds <= 0))
    return `${directory} has an expired key that etcd has not removed`;
  return leaves.length === 0
    ? `${directory} exists but is empty: an instance registered there before`
    : `${directory} has ${leaves.length === 1 ? 'a key of another instance' : `${leaves.length} keys of other instances`}`;
}

const SHARED_CAUSES = [
  '/var/vcap/sys/log/doppler/doppler.stderr.log: “sync cluster failed” means that it could not reach etcd',
  'etcd itself: `/etcd health`',
  'the client certificates of the dopplers for etcd: `/certs expiring --match etcd`',
  'DNS (consul): cf-etcd.service.cf.internal must resolve on the doppler VMs',
];

/** All dopplers at once: restarting one after the other would fix nothing. */
export function allMissing(judged: readonly Judged[], stores: readonly StoreReads[]): Finding<never> {
  const states = Map.groupBy(judged, ({ process }) => process);
  const how = [...states].map(([state, those]) => `${those.length} ${state}`).join(', ');
  const roots = ROOTS.map(({ prefix }) => prefix).join(' and ');
  const wiped = `${roots} do not exist: the store was wiped, or nothing ever registered (since CF v251, dopplers don't)`;
  return {
    reason: 'all-missing',
    severity: 'critical',
    target: ROOT.prefix,
    summary: `${describeNone(judged)} (${how}). Look for a shared cause before restarting any`,
    evidence: [
      ...optionalField('Never registered', isWiped(stores) ? wiped : undefined),
      overview(judged),
      { kind: 'table', columns: ['What to check'], rows: SHARED_CAUSES.map((one) => [one]) },
    ],
  };
}

/** All problems of keys, with or without an owner. */
export function keyFindings(
  { instances, deployments }: Facts,
  judged: readonly Judged[],
  { byExpected, unowned }: Assigned,
): readonly Finding<never>[] {
  const statusOf = new Map(judged.map((each) => [each.expected, each.status]));
  const owned = [...byExpected].flatMap(([expected, keys]) =>
    keys
      .filter(({ corrupt }) => corrupt !== undefined)
      .map((key) => corruptKey(key, statusOf.get(expected) === 'corrupt' ? expected : undefined)),
  );
  const corrupt = unowned.filter((key) => key.corrupt !== undefined).map((key) => corruptKey(key));
  // A key is an orphan only if all instances are known.
  const knowsAll = instances === 'all' && deployments.length > 0;
  const orphans = unowned.filter((key) => knowsAll && key.isLive && key.corrupt === undefined);
  return [...owned, ...corrupt, ...orphans.map(orphanKey)].toSorted(compareFindings);
}

/** A key with an unreadable or wrong value. Whether to delete it is left to people. */
function corruptKey({ leaf, corrupt = '' }: Key, expected?: ExpectedInstance): Finding<never> {
  return {
    reason: 'key-corrupt',
    severity: expected ? 'critical' : 'warning',
    target: leaf.key,
    summary: `The key ${expected ? `of ${expected.name}` : leaf.key} is invalid: ${corrupt}`,
    evidence: [
      field('Value', cut(leaf.value)),
      ...optionalField('TTL', leaf.ttlSeconds === undefined ? undefined : `${leaf.ttlSeconds} s`),
      field('Written at index', String(leaf.modifiedIndex)),
    ],
  };
}

function orphanKey({ leaf, before }: Key): Finding<never> {
  const isFresh = before !== undefined && before.modifiedIndex !== leaf.modifiedIndex;
  return {
    reason: 'key-orphan',
    severity: 'warning',
    target: leaf.key,
    summary: `${leaf.key} belongs to no known doppler${isFresh ? ', but is still being refreshed' : ''}`,
    evidence: [field('Value', cut(leaf.value)), field('TTL', `${leaf.ttlSeconds} s`)],
  };
}

/** Dopplers that are registered, but unusable for clients with another protocol. A restart does not help. */
export function protocolMismatch(
  judged: readonly Judged[],
  protocols: readonly string[],
): Finding<never> | undefined {
  const live = judged.flatMap((each) => (each.key?.announced && each.status !== 'corrupt' ? [each] : []));
  const spokenBy = ({ key }: Judged) => key?.announced?.protocols ?? [];
  const mute = live.filter((each) => !spokenBy(each).some((one) => protocols.includes(one)));
  if (protocols.length === 0 || mute.length === 0) return undefined;
  const isAll = mute.length === live.length;
  const does = mute.length === 1 ? 'does' : 'do';
  const who = isAll
    ? 'No doppler listens'
    : `${mute.length} of ${wording.count(live.length, 'doppler')} ${does} not listen`;
  return {
    reason: 'protocol-mismatch',
    severity: isAll ? 'critical' : 'warning',
    target: ROOT.prefix,
    summary: `${who} on [${protocols.join(' ')}], which ${DEPENDENT} uses. Fix the configuration; a restart won't help`,
    evidence: [
      {
        kind: 'table',
        columns: ['Instance', 'Listens on'],
        rows: mute.map((each) => [each.expected.name, spokenBy(each).join(' ')]),
      },
    ],
  };
}

function cut(value: string): string {
  return value.length > MAX_VALUE_LENGTH ? `${value.slice(0, MAX_VALUE_LENGTH).toWellFormed()}…` : value;
}

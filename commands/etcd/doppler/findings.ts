import { type Finding, wording } from '../../kit.ts';
import type { StoreLook } from './collect.ts';
import type { Key } from './keys.ts';
import type { RestartOffer } from './restart.ts';
import type { Service } from './services.ts';
import { directoryInWords, type Judged } from './standing.ts';
import { overview } from './words.ts';

type Said = Finding<RestartOffer>;
type Evidence = NonNullable<Said['evidence']>[number];

/** The longest piece of a value that nobody can read which is shown. */
const MOST_OF_A_VALUE = 200;

/** What is wrong with one who should announce itself, if anything is. */
export function findingOf(service: Service, judged: Judged, looks: readonly StoreLook[]): Said | undefined {
  const said = saidOf(service, judged);
  if (!said) return undefined;
  const offers = said.mends ? offersOf(service, judged) : [];
  const { expected } = judged;
  return {
    reason: said.reason,
    severity: said.severity,
    target: expected.name,
    summary: said.summary,
    evidence: [
      ...keyEvidence(judged),
      ...field('Directory', judged.key ? undefined : directoryInWords(service, looks, expected)),
      ...field('Locked', expected.at?.deployment.lock && lockInWords(expected.at.deployment.lock)),
      ...field('No restart offered', said.mends ? forbidden(judged) : undefined),
    ],
    ...(offers.length > 0 && { offers }),
  };
}

interface Saying {
  readonly reason: string;
  readonly severity: Said['severity'];
  readonly summary: string;
  /** A restart is known to help. */
  readonly mends?: true;
}

function saidOf(
  { process, name: kind }: Service,
  { expected, standing, key, process: state }: Judged,
): Saying | undefined {
  const { name } = expected;
  switch (standing) {
    case 'registered':
    case 'standby':
    case 'corrupt':
      return undefined;
    case 'stuck':
      return {
        reason: 'registration-stuck',
        severity: 'critical',
        summary: `${name} is running but not registered: nobody can find it until its ${process} is restarted`,
        mends: true,
      };
    case 'heartbeat-stopped':
      return {
        reason: 'heartbeat-stopped',
        severity: 'critical',
        summary: `${name} no longer refreshes its key, which goes away in ${key?.leaf.ttlSeconds ?? 0} s: its ${process} hangs, or cannot write to etcd`,
        mends: true,
      };
    case 'failing':
      return {
        reason: 'process-failing',
        severity: 'critical',
        summary: `${name} is not registered because its ${process} does not run: ${state}`,
        mends: true,
      };
    case 'unresponsive':
      return {
        reason: 'instance-unresponsive',
        severity: 'critical',
        summary: `${name} is not registered and its VM cannot be asked (${state}): bring the VM back first (bosh cck, resurrection)`,
      };
    case 'starting':
      return {
        reason: 'process-starting',
        severity: 'warning',
        summary: `${name} is starting and not registered yet: look again in a minute`,
      };
    case 'unregistered':
      return {
        reason: 'not-registered',
        severity: 'critical',
        summary: `${name} is not registered; whether its ${process} runs, no source here can tell`,
      };
    case 'flapping':
      return {
        reason: 'registration-flapping',
        severity: 'warning',
        summary: `The key of ${name} expired and came back while we looked: etcd answers too late or changes leaders, see /etcd health; a restart of ${process} does not mend that`,
      };
    case 'legacy-only':
      return {
        reason: 'legacy-only',
        severity: 'info',
        summary: `${name} has only its legacy key ${key?.leaf.key}: readers of that kind find it over UDP, newer ones do not (an older ${kind}?)`,
      };
  }
}

function offersOf({ process }: Service, { expected: { at, name } }: Judged): readonly RestartOffer[] {
  const state = at?.instance.state;
  if (!at?.instance.restart.allowed || (state !== 'running' && state !== 'failing')) return [];
  const { source, name: deployment } = at.deployment;
  const { group, id } = at.instance;
  return [{ remediation: 'restart', params: { source, deployment, group, id, name, process } }];
}

function forbidden({ expected: { at } }: Judged): string | undefined {
  const terms = at?.instance.restart;
  return terms && !terms.allowed ? terms.because : undefined;
}

function lockInWords({
  taskId,
  description,
}: {
  readonly taskId: string;
  readonly description?: string;
}): string {
  return `its deployment is held by task ${taskId}${description === undefined ? '' : ` (${description})`}`;
}

function keyEvidence({ key }: Judged): readonly Evidence[] {
  if (!key) return [];
  const { leaf, before } = key;
  const written = before ? `${before.modifiedIndex} -> ${leaf.modifiedIndex}` : `${leaf.modifiedIndex}`;
  const created = before ? `${before.createdIndex} -> ${leaf.createdIndex}` : `${leaf.createdIndex}`;
  return [
    ...field('Key', leaf.key),
    ...field('Written at index', written),
    ...field('Created at index', created),
  ];
}

function field(label: string, value: string | undefined): readonly Evidence[] {
  return value === undefined ? [] : [{ kind: 'field', label, value }];
}

/** All of them at once: what they share is broken, and restarting each in turn would mend nothing. */
export function allMissing(service: Service, judged: readonly Judged[], looks: readonly StoreLook[]): Said {
  const { name, sharedCauses, roots } = service;
  const states = Map.groupBy(judged, ({ process }) => process);
  const how = [...states].map(([state, those]) => `${those.length} ${state}`).join(', ');
  const isWiped = looks.every(({ later = [] }) => later.every(({ exists }) => !exists));
  return {
    reason: 'all-missing',
    severity: 'critical',
    target: roots[0].prefix,
    summary: `None of the ${wording.count(judged.length, name)} is registered (${how}): look for what they share before restarting any`,
    evidence: [
      ...field(
        'Nothing ever there',
        isWiped
          ? `${roots.map(({ prefix }) => prefix).join(' and ')} do not exist: the store was wiped, or nothing ever registered${service.ended ? ` (from ${service.ended.since} on nothing does)` : ''}`
          : undefined,
      ),
      { kind: 'log', lines: ['Where to look:', ...sharedCauses.map((cause) => `- ${cause}`)] },
      overview(judged),
    ],
  };
}

/** One that is there and tells nothing, or something wrong. Deleting it is for people to decide. */
export function corruptKey({
  key,
  expected,
}: {
  readonly key: Key;
  readonly expected?: Judged['expected'];
}): Said {
  const { leaf, corrupt = '' } = key;
  return {
    reason: 'key-corrupt',
    severity: expected ? 'critical' : 'warning',
    target: leaf.key,
    summary: `The key ${expected ? `of ${expected.name}` : leaf.key} is of no use: ${corrupt}`,
    evidence: [
      ...field('Value', cut(leaf.value)),
      ...field('TTL', leaf.ttlSeconds === undefined ? 'none' : `${leaf.ttlSeconds} s`),
      ...field('Written at index', String(leaf.modifiedIndex)),
    ],
  };
}

export function orphanKey({ name }: Service, { leaf, before }: Key): Said {
  const isFresh = before !== undefined && before.modifiedIndex !== leaf.modifiedIndex;
  return {
    reason: 'key-orphan',
    severity: 'warning',
    target: leaf.key,
    summary: `${leaf.key} belongs to no ${name} of any deployment here${isFresh ? ', and somebody still refreshes it' : ''}`,
    evidence: [...field('Value', cut(leaf.value)), ...field('TTL', `${leaf.ttlSeconds} s`)],
  };
}

/** Registered, and yet of no use for readers that speak another protocol. A restart changes nothing about it. */
export function protocolMismatch(
  { name, roots, dependents }: Service,
  judged: readonly Judged[],
  protocols: readonly string[],
): Said | undefined {
  const live = judged.flatMap((each) => (each.key?.says && each.standing !== 'corrupt' ? [each] : []));
  const speaks = ({ key }: Judged) => key?.says?.protocols.some((one) => protocols.includes(one)) ?? false;
  const mute = live.filter((each) => !speaks(each));
  if (protocols.length === 0 || mute.length === 0) return undefined;
  const all = mute.length === live.length;
  return {
    reason: 'protocol-mismatch',
    severity: all ? 'critical' : 'warning',
    target: roots[0].prefix,
    summary: `${all ? 'No' : `${mute.length} of ${live.length}`} ${name}${all || mute.length === 1 ? '' : 's'} listen${mute.length === 1 || all ? 's' : ''} on [${protocols.join(' ')}]${dependents ? `, which is what ${dependents.process} speaks` : ''}: a matter of configuration, not of a restart`,
    evidence: [
      {
        kind: 'table',
        columns: ['Instance', 'Listens on'],
        rows: mute.map(({ expected, key }) => [expected.name, key?.says?.protocols.join(' ') ?? '']),
      },
    ],
  };
}

function cut(value: string): string {
  return value.length > MOST_OF_A_VALUE ? `${value.slice(0, MOST_OF_A_VALUE).toWellFormed()}…` : value;
}

import type { Evidence, Finding } from '../../kit.ts';
import { optionalField } from '../../shared/evidence.ts';
import type { StoreReads } from './collect.ts';
import { describeLocked, permissionToRestart, type RestartOffer } from '../../shared/define-restart.ts';
import type { Service } from './services.ts';
import { describeDirectory, type Judged } from './registration.ts';

type RestartFinding = Finding<RestartOffer>;
/** What is wrong with one instance that should register, if anything is. */
export function findingOf(
  service: Service,
  judged: Judged,
  stores: readonly StoreReads[],
): RestartFinding | undefined {
  const text = describeStatus(service, judged);
  if (!text) return undefined;
  const forbidden = text.restartHelps ? forbiddenHere(service, judged, stores) : undefined;
  const offers = text.restartHelps && forbidden === undefined ? offersOf(service, judged) : [];
  const { expected } = judged;
  return {
    reason: text.reason,
    severity: text.severity,
    target: expected.name,
    summary: offers.length > 0 ? (text.withOffer ?? text.summary) : text.summary,
    evidence: [
      ...keyEvidence(judged),
      ...optionalField('Directory', judged.key ? undefined : describeDirectory(service, stores, expected)),
      ...optionalField('Locked', expected.at && describeLocked(expected.at.deployment)),
      ...optionalField('No restart offered', forbidden),
    ],
    ...(offers.length > 0 && { offers }),
  };
}

interface FindingText {
  readonly reason: string;
  readonly severity: RestartFinding['severity'];
  readonly summary: string;
  /** The summary where a restart is offered. */
  readonly withOffer?: string;
  /** A restart is known to help. */
  readonly restartHelps?: true;
}

function describeStatus(
  { process, name: kind }: Service,
  { expected, status, key, process: state }: Judged,
): FindingText | undefined {
  const { name } = expected;
  switch (status) {
    case 'registered':
    case 'standby':
    case 'corrupt':
      return undefined;
    case 'stuck':
      return {
        reason: 'registration-stuck',
        severity: 'critical',
        summary: `${name} is running but not registered: clients cannot find it`,
        withOffer: `${name} is running but not registered: clients cannot find it until its ${process} is restarted`,
        restartHelps: true,
      };
    case 'heartbeat-stopped':
      return {
        reason: 'heartbeat-stopped',
        severity: 'critical',
        summary: `${name} no longer refreshes its key, which expires in ${key?.leaf.ttlSeconds ?? 0} s: ${['running', 'not known'].includes(state) ? `its ${process} hangs or cannot write to etcd` : `its ${process} is not running (${state})`}`,
        restartHelps: true,
      };
    case 'failing':
      return {
        reason: 'process-failing',
        severity: 'critical',
        summary: `${name} is not registered because its ${process} is not running (${state})`,
        restartHelps: true,
      };
    case 'unresponsive':
      return {
        reason: 'instance-unresponsive',
        severity: 'critical',
        summary: `${name} is not registered and its VM is unavailable (${state}): recover the VM first (bosh cck or the resurrector)`,
      };
    case 'starting':
      return {
        reason: 'process-starting',
        severity: 'warning',
        summary: `${name} is starting and not registered yet: check again in a minute`,
      };
    case 'unregistered':
      return {
        reason: 'not-registered',
        severity: 'critical',
        summary: `${name} is not registered; no source reports whether its ${process} is running`,
      };
    case 'flapping':
      return {
        reason: 'registration-flapping',
        severity: 'warning',
        summary: `The key of ${name} expired and came back between two reads: etcd is slow or is changing leaders, see /etcd health; restarting ${process} does not help`,
      };
    case 'legacy-only':
      return {
        reason: 'legacy-only',
        severity: 'info',
        summary: `${name} has only its legacy key ${key?.leaf.key}: older clients find it over UDP, newer ones do not (an older ${kind}?)`,
      };
  }
}

function offersOf(service: Service, { expected: { at, name } }: Judged): readonly RestartOffer[] {
  if (!at) return [];
  const { source, name: deployment } = at.deployment;
  const { group, id } = at.instance;
  return [
    { remediation: 'restart', params: { source, deployment, group, id, name, process: service.process } },
  ];
}

/** Why no restart is offered that would help; undefined where one is. */
function forbiddenHere(
  service: Service,
  { expected: { at } }: Judged,
  stores: readonly StoreReads[],
): string | undefined {
  if (!at) return `no source lists its ${service.process}`;
  const permission = permissionToRestart(at.instance, service.process);
  if (!permission.allowed) return permission.because;
  const wasReadOnce = stores.some(({ earlier, later }) => later !== undefined && earlier === undefined);
  return wasReadOnce ? 'the keys were read only once: check again' : undefined;
}

function keyEvidence({ key }: Judged): readonly Evidence[] {
  if (!key) return [];
  const { leaf, before } = key;
  const written = before ? `${before.modifiedIndex} -> ${leaf.modifiedIndex}` : `${leaf.modifiedIndex}`;
  const created = before ? `${before.createdIndex} -> ${leaf.createdIndex}` : `${leaf.createdIndex}`;
  return [
    ...optionalField('Key', leaf.key),
    ...optionalField('Written at index', written),
    ...optionalField('Created at index', created),
  ];
}

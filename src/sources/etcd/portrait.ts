import type { StoreMember } from '../../ports/key-value.ts';
import { SourceError } from '../../ports/source-error.ts';
import type { TextAnswer } from '../../wire/http.ts';
import { startDeadline } from '../../wire/deadline.ts';
import { asObject, countIn, idIn, inItsWords, type Json, parseJson, textIn } from './answers.ts';
import { startClock } from './clock.ts';
import type { Cluster } from './cluster.ts';
import type { Contact } from './contact.ts';
import { callV3, readVersion, type Version } from './gateway.ts';
import { type Metrics, readMetrics, told } from './metrics.ts';
import { readServedCertificate } from './handshake.ts';

/** One client port, and what the member behind it says of itself. */
export interface Portrait {
  readonly contact: Contact;
  /** Decimal, as v3 has it: also of a member of etcd 2. */
  readonly id?: string;
  readonly facts: Partial<Omit<StoreMember, 'id' | 'name' | 'clientUrls'>>;
  /** Its own words about itself, alarms among them. */
  readonly said: readonly string[];
}

/** Never throws but for our own bugs, and the reason of `signal`. */
export async function portray(cluster: Cluster, contact: Contact, signal: AbortSignal): Promise<Portrait> {
  const deadline = startDeadline(signal, cluster.config.timeoutMs);
  const serving = readServedCertificate(contact, deadline.signal);
  try {
    const portrait = await ask(cluster, contact, signal);
    const certificate = await serving;
    return { ...portrait, facts: { ...portrait.facts, ...(certificate && { certificate }) } };
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    const certificate = await serving;
    return { contact, facts: { error, ...(certificate && { certificate }) }, said: [] };
  } finally {
    deadline.stop();
  }
}

async function ask(cluster: Cluster, contact: Contact, signal: AbortSignal): Promise<Portrait> {
  const { name } = cluster;
  const clock = startClock();
  const get = (path: string) => clock.watch(() => contact.ask({ path, signal }));
  const version = readVersion(name, contact.host, await get('/version'));
  const [health, self, metrics] = await Promise.all([
    get('/health'),
    describeItself(cluster, contact, version, signal),
    get('/metrics').then(metricsIn, orNone),
  ]);
  const healthy = readHealth(health.status, health.text);
  const facts = told({
    version: version.text,
    ...metrics,
    ...self.facts,
    ...leadership(self.facts, metrics, healthy.healthy),
    ...healthy,
    unhealthyBecause: healthy.healthy ? undefined : (healthy.unhealthyBecause ?? self.said[0]),
    clockAheadMs: clock.aheadMs(),
  });
  return { contact, ...(self.id !== undefined && { id: self.id }), facts, said: self.said };
}

function metricsIn({ status, text }: TextAnswer): Metrics {
  return status === 200 ? readMetrics(text) : {};
}

/** Some have their metrics on another port only; they add to what is known and are not needed. */
function orNone(error: unknown): Metrics {
  if (error instanceof SourceError) return {};
  throw error;
}

/** `health` is a text, or in the oldest a truth value; without a majority it comes with 503. */
function readHealth(status: number, text: string): Pick<StoreMember, 'healthy' | 'unhealthyBecause'> {
  const body = asObject(parseJson(text));
  if (!('health' in body)) return status >= 500 ? { healthy: false } : {};
  const healthy = status === 200 && String(body['health']) === 'true';
  const reason = textIn(body, 'reason');
  return { healthy, ...(!healthy && reason !== undefined && { unhealthyBecause: inItsWords(reason) }) };
}

type Self = Pick<Portrait, 'id' | 'facts' | 'said'>;

async function describeItself(
  cluster: Cluster,
  contact: Contact,
  version: Version,
  signal: AbortSignal,
): Promise<Self> {
  if (version.prefix !== undefined) {
    try {
      return fromStatus(await callV3(cluster, contact, version, { path: 'maintenance/status', signal }));
    } catch (error) {
      // The gateway may be switched off.
      if (!(error instanceof SourceError) || error.kind !== 'missing') throw error;
    }
  }
  const { status, text } = await contact.ask({ path: '/v2/stats/self', signal });
  const self = asObject(parseJson(text));
  const id = status === 200 ? fromHex(textIn(self, 'id')) : undefined;
  return {
    ...(id !== undefined && { id }),
    facts: { isLeader: textIn(self, 'state') === 'StateLeader' },
    said: [],
  };
}

function fromStatus(status: Json): Self {
  const id = idIn(asObject(status['header']), 'member_id');
  const leader = idIn(status, 'leader');
  const errors = Array.isArray(status['errors']) ? status['errors'] : [];
  const facts = told({
    hasLeader: leader !== undefined,
    isLeader: leader !== undefined && leader === id,
    isLearner: status['isLearner'] === true ? true : undefined,
    dbSizeBytes: countIn(status, 'dbSize'),
    dbInUseBytes: countIn(status, 'dbSizeInUse'),
    // Since 3.6.
    quotaBytes: countIn(status, 'dbSizeQuota'),
    raftIndex: countIn(status, 'raftIndex'),
    raftAppliedIndex: countIn(status, 'raftAppliedIndex'),
  });
  return {
    ...(id !== undefined && { id }),
    facts,
    said: errors.filter((error) => typeof error === 'string').map(inItsWords),
  };
}

/**
 * `/v2/stats/self` says leader also of the last one that is left, so it counts only of a healthy member (reference:
 * cf-and-certificates.md section 1.1, "Quorum loss").
 */
function leadership(
  { isLeader, hasLeader }: Self['facts'],
  metrics: Pick<StoreMember, 'isLeader' | 'hasLeader'>,
  healthy: boolean | undefined,
): Pick<Self['facts'], 'isLeader' | 'hasLeader'> {
  if (hasLeader !== undefined) return {};
  const knows = metrics.hasLeader ?? healthy;
  const leads = metrics.isLeader ?? (healthy === true && isLeader === true);
  return { ...(knows !== undefined && { hasLeader: knows }), isLeader: leads && knows !== false };
}

/** v2 writes ids in hexadecimal, v3 in decimal. */
export function fromHex(id: string | undefined): string | undefined {
  return id !== undefined && /^[0-9a-f]{1,16}$/i.test(id) ? BigInt(`0x${id}`).toString() : undefined;
}

import { SourceError } from '../../ports/source-error.ts';
import { asObject, countIn, explainV2, explainV3, grpc, LostQuorum, parseJson, textIn } from './answers.ts';
import type { Cluster } from './cluster.ts';
import type { Contact } from './contact.ts';
import { firstAnswer } from './first-answer.ts';
import { askVersion, sendV3, type Version } from './gateway.ts';
import { isAbsent, readKeys } from './read-tree.ts';

export interface Quorum {
  readonly holds: boolean;
  readonly because?: string;
  /** Of the v3 store, in decimal. */
  readonly revision?: string;
}

/**
 * Whether a majority answers, by a read that it must agree on: members' own words (`/v2/stats/self`) are no proof.
 * @throws {SourceError} where it may not be asked.
 */
export async function askQuorum(cluster: Cluster, signal: AbortSignal): Promise<Quorum> {
  const { name, contacts } = cluster;
  try {
    return await firstAnswer(name, contacts.configured, signal, async (contact, signal) => {
      const version = await askVersion(cluster, contact, signal);
      const byRange = version.prefix && (await askByRange(cluster, contact, version, signal));
      return byRange ?? askByKey(cluster, contact, signal);
    });
  } catch (error) {
    if (!(error instanceof SourceError) || error.kind !== 'unreachable') throw error;
    return { holds: false, because: error.message };
  }
}

/** One that is hardly there: what matters is that somebody answered. */
const NO_KEY = 'AA==';

async function askByRange(
  cluster: Cluster,
  contact: Contact,
  { prefix }: Version,
  signal: AbortSignal,
): Promise<Quorum | undefined> {
  const answer = await sendV3(cluster, contact, prefix, { path: 'kv/range', body: { key: NO_KEY }, signal });
  const body = asObject(parseJson(answer.text));
  if (answer.status === 200) {
    const revision = textIn(asObject(body['header']), 'revision');
    return { holds: true, ...(revision !== undefined && /^\d{1,19}$/.test(revision) && { revision }) };
  }
  const failure = explainV3(cluster.name, contact.host, answer);
  if (failure.kind === 'missing') return undefined;
  // Who may read is looked up after the majority has answered: https://github.com/etcd-io/etcd/blob/v3.4.23/etcdserver/v3_server.go
  const denied = countIn(body, 'code') === grpc.denied && !(failure instanceof LostQuorum);
  if (denied) return { holds: true };
  throw failure;
}

async function askByKey(cluster: Cluster, contact: Contact, signal: AbortSignal): Promise<Quorum> {
  const answer = await readKeys(cluster, contact, '_wrench?quorum=true', signal);
  if (answer.status === 200 || isAbsent(answer)) return { holds: true };
  throw explainV2(cluster.name, contact.host, answer);
}

import type { SourceError } from '../../ports/source-error.ts';
import { asObject, textIn } from '../../wire/json-object.ts';
import { parseJson } from '../../text/parse-json.ts';
import { countIn, explainV2, explainV3, grpc, LostQuorum } from './responses.ts';
import type { EtcdCluster } from './cluster.ts';
import type { EndpointClient } from './endpoint-client.ts';
import { sendV3, type EtcdVersion } from './gateway.ts';
import { hexId, hexIdV2 } from './ids.ts';
import { isAbsent, readKeys } from './read-tree.ts';

/** The result of a quorum read. */
export interface QuorumRead {
  /** The revision of the v3 store, in decimal. */
  readonly revision?: string;
  readonly clusterId?: string;
  readonly memberId?: string;
}

/**
 * A read that needs a majority: what members report about themselves (`/v2/stats/self`) proves nothing.
 * @throws {LostQuorum} if there is no majority.
 * @throws {SourceError} if that can't be checked.
 */
export async function readWithQuorum(
  cluster: EtcdCluster,
  client: EndpointClient,
  version: EtcdVersion,
  signal: AbortSignal,
): Promise<QuorumRead> {
  const byRange = version.prefix && (await readByRange(cluster, client, version, signal));
  return byRange ?? readByKey(cluster, client, signal);
}

/** Reads almost nothing: it only has to succeed. */
const NO_KEY = 'AA==';

async function readByRange(
  cluster: EtcdCluster,
  client: EndpointClient,
  { prefix }: EtcdVersion,
  signal: AbortSignal,
): Promise<QuorumRead | undefined> {
  const answer = await sendV3(cluster, client, prefix, { path: 'kv/range', body: { key: NO_KEY }, signal });
  const body = asObject(parseJson(answer.text));
  if (answer.status === 200 && 'header' in body) {
    const header = asObject(body['header']);
    const revision = textIn(header, 'revision');
    const clusterId = hexId(header['cluster_id']);
    const memberId = hexId(header['member_id']);
    return {
      ...(revision !== undefined && /^\d{1,19}$/.test(revision) && { revision }),
      ...(clusterId !== undefined && { clusterId }),
      ...(memberId !== undefined && { memberId }),
    };
  }
  const failure = explainV3(cluster.name, client.host, answer);
  if (failure.kind === 'missing') return undefined;
  // Permissions are checked after the majority has responded: https://github.com/etcd-io/etcd/blob/v3.4.23/etcdserver/v3_server.go
  if (countIn(body, 'code') === grpc.denied && !(failure instanceof LostQuorum)) return {};
  throw failure;
}

async function readByKey(
  cluster: EtcdCluster,
  client: EndpointClient,
  signal: AbortSignal,
): Promise<QuorumRead> {
  const answer = await readKeys(cluster, client, '_wrench?quorum=true', signal);
  if (answer.status !== 200 && !isAbsent(answer)) throw explainV2(cluster.name, client.host, answer);
  const clusterId = hexIdV2(answer.headers['x-etcd-cluster-id']);
  return clusterId === undefined ? {} : { clusterId };
}

/** What the quorum reads of all members prove together; `hasQuorum` is absent if none could be tried. */
export interface Agreement {
  readonly hasQuorum?: boolean;
  readonly because?: string;
  readonly revision?: string;
}

/**
 * One successful read proves a majority. Otherwise, a failed read at a member that responds to other queries proves that there is none. A
 * member that is slow for every response (`isSlow`) proves nothing.
 */
export function agreeOnQuorum(
  asked: readonly {
    readonly quorum?: QuorumRead;
    readonly failure?: SourceError;
    readonly isSlow?: boolean;
  }[],
): Agreement {
  const read = asked.filter(({ quorum }) => quorum !== undefined);
  if (read.length > 0) {
    const revisions = read.flatMap(({ quorum }) => quorum?.revision ?? []);
    const [revision] = revisions.toSorted((a, b) => (BigInt(a) < BigInt(b) ? 1 : -1));
    return { hasQuorum: true, ...(revision !== undefined && { revision }) };
  }
  const failures = asked.flatMap(({ failure }) => failure ?? []);
  const lost = failures.find((failure): failure is LostQuorum => failure instanceof LostQuorum);
  const late = asked.find(({ failure, isSlow }) => failure?.code === 'TIMEOUT' && isSlow !== true)?.failure;
  if (lost) return { hasQuorum: false, because: lost.reason };
  if (late) return { hasQuorum: false, because: late.message };
  const [first] = failures;
  return first ? { because: first.message } : {};
}

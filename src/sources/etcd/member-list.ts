import type { StoreMember } from '../../ports/key-value.ts';
import { SourceError } from '../../ports/source-error.ts';
import { printable } from '../../wire/x509.ts';
import { asObject, type JsonObject, listIn, textIn } from '../../wire/json-object.ts';
import { parseJson } from '../../text/parse-json.ts';
import { explainV2 } from './responses.ts';
import type { EtcdCluster } from './cluster.ts';
import type { EndpointClient } from './endpoint-client.ts';
import { callV3, type EtcdVersion } from './gateway.ts';
import { hexId, hexIdV2 } from './ids.ts';

/** The members of the cluster, as listed by one of them. */
export interface ListedMember extends Pick<StoreMember, 'id' | 'name' | 'clientUrls' | 'isLearner'> {
  readonly peerUrls: readonly string[];
}

export interface MemberList {
  readonly members: readonly ListedMember[];
  /** The ids of the cluster and of the member that responded, if the response has them. */
  readonly clusterId?: string;
  readonly memberId?: string;
}

/** Reads the list of members from one of them, which also responds without a majority. @throws {SourceError} */
export async function fetchMemberList(
  cluster: EtcdCluster,
  client: EndpointClient,
  version: EtcdVersion,
  signal: AbortSignal,
): Promise<MemberList> {
  const list =
    (await fetchByV3(cluster, client, version, signal)) ?? (await fetchByV2(cluster, client, signal));
  if (list.members.length > 0) return list;
  throw new SourceError(cluster.name, 'malformed', `${client.host} lists no members`);
}

async function fetchByV3(
  cluster: EtcdCluster,
  client: EndpointClient,
  version: EtcdVersion,
  signal: AbortSignal,
): Promise<MemberList | undefined> {
  if (version.prefix === undefined) return undefined;
  try {
    const answer = await callV3(cluster, client, version, { path: 'cluster/member/list', signal });
    const header = asObject(answer['header']);
    return withIds(
      listIn(answer, 'members').flatMap((member) => toListedMember(member, hexId(member['ID']))),
      hexId(header['cluster_id']),
      hexId(header['member_id']),
    );
  } catch (error) {
    if (error instanceof SourceError && error.kind === 'missing') return undefined;
    throw error;
  }
}

async function fetchByV2(
  { name, authorization }: EtcdCluster,
  client: EndpointClient,
  signal: AbortSignal,
): Promise<MemberList> {
  const answer = await client.request({ path: '/v2/members', headers: authorization.forV2, signal });
  if (answer.status !== 200) throw explainV2(name, client.host, answer);
  const members = listIn(asObject(parseJson(answer.text)), 'members');
  return withIds(
    members.flatMap((member) => toListedMember(member, hexIdV2(member['id']))),
    hexIdV2(answer.headers['x-etcd-cluster-id']),
    undefined,
  );
}

function withIds(
  members: readonly ListedMember[],
  clusterId: string | undefined,
  memberId: string | undefined,
): MemberList {
  return {
    members,
    ...(clusterId !== undefined && { clusterId }),
    ...(memberId !== undefined && { memberId }),
  };
}

function toListedMember(member: JsonObject, id: string | undefined): ListedMember[] {
  if (id === undefined) return [];
  return [
    {
      id,
      name: printable(textIn(member, 'name') ?? ''),
      clientUrls: urlsIn(member['clientURLs']),
      peerUrls: urlsIn(member['peerURLs']),
      ...(member['isLearner'] === true && { isLearner: true }),
    },
  ];
}

function urlsIn(urls: unknown): readonly string[] {
  const isText = (url: unknown): url is string => typeof url === 'string';
  return Array.isArray(urls) ? urls.filter(isText).map(printable) : [];
}

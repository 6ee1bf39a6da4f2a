import type { StoreMember } from '../../ports/key-value.ts';
import { SourceError } from '../../ports/source-error.ts';
import { printable } from '../../wire/x509.ts';
import { asObject, explainV2, type Json, listIn, parseJson, textIn } from './responses.ts';
import type { Cluster } from './cluster.ts';
import type { Contact } from './endpoint-client.ts';
import { callV3, type Version } from './gateway.ts';
import { hexId, hexIdV2 } from './ids.ts';

/** Who belongs to the cluster, as one of its members lists it. */
export interface Listed extends Pick<StoreMember, 'id' | 'name' | 'clientUrls' | 'isLearner'> {
  readonly peerUrls: readonly string[];
}

export interface MemberList {
  readonly members: readonly Listed[];
  /** Of the cluster and the member that answered, where the answer says it. */
  readonly clusterId?: string;
  readonly memberId?: string;
}

/** One member's memory of who belongs to the cluster; it also answers without a majority. @throws {SourceError} */
export async function askMemberList(
  cluster: Cluster,
  contact: Contact,
  version: Version,
  signal: AbortSignal,
): Promise<MemberList> {
  const list = (await askV3(cluster, contact, version, signal)) ?? (await askV2(cluster, contact, signal));
  if (list.members.length > 0) return list;
  throw new SourceError(cluster.name, 'malformed', `${contact.host} lists no members`);
}

async function askV3(
  cluster: Cluster,
  contact: Contact,
  version: Version,
  signal: AbortSignal,
): Promise<MemberList | undefined> {
  if (version.prefix === undefined) return undefined;
  try {
    const answer = await callV3(cluster, contact, version, { path: 'cluster/member/list', signal });
    const header = asObject(answer['header']);
    return withIds(
      listIn(answer, 'members').flatMap((member) => toListed(member, hexId(member['ID']))),
      hexId(header['cluster_id']),
      hexId(header['member_id']),
    );
  } catch (error) {
    if (error instanceof SourceError && error.kind === 'missing') return undefined;
    throw error;
  }
}

async function askV2(
  { name, authorization }: Cluster,
  contact: Contact,
  signal: AbortSignal,
): Promise<MemberList> {
  const answer = await contact.ask({ path: '/v2/members', headers: authorization.forV2, signal });
  if (answer.status !== 200) throw explainV2(name, contact.host, answer);
  const members = listIn(asObject(parseJson(answer.text)), 'members');
  return withIds(
    members.flatMap((member) => toListed(member, hexIdV2(member['id']))),
    hexIdV2(answer.headers['x-etcd-cluster-id']),
    undefined,
  );
}

function withIds(
  members: readonly Listed[],
  clusterId: string | undefined,
  memberId: string | undefined,
): MemberList {
  return {
    members,
    ...(clusterId !== undefined && { clusterId }),
    ...(memberId !== undefined && { memberId }),
  };
}

function toListed(member: Json, id: string | undefined): Listed[] {
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

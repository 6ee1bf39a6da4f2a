import type { StoreMember, StoreMembers } from '../../ports/key-value.ts';
import { SourceError } from '../../ports/source-error.ts';
import { printable } from '../../wire/x509.ts';
import { allAlarms, askAlarms } from './alarms.ts';
import { asObject, explainV2, idIn, type Json, listIn, parseJson, textIn } from './answers.ts';
import type { Cluster } from './cluster.ts';
import type { Contact } from './contact.ts';
import { firstAnswer } from './first-answer.ts';
import { askVersion, callV3 } from './gateway.ts';
import { fromHex, type Portrait, portray } from './portrait.ts';
import { askQuorum } from './quorum.ts';

/** Who belongs to the cluster, as one of its members tells. */
interface Listed extends Pick<StoreMember, 'name' | 'clientUrls' | 'isLearner'> {
  readonly id: string;
  /** The same, as v3 writes it: what portraits are known by. */
  readonly decimalId: string;
}

/** Asks every member about itself. @throws {SourceError} as {@link KeyValueStore.members} says. */
export async function readMembers(cluster: Cluster, signal: AbortSignal): Promise<StoreMembers> {
  const { configured } = cluster.contacts;
  const [listed, portraits, quorum, alarms] = await Promise.all([
    listMembers(cluster, signal),
    Promise.all(configured.map((contact) => portray(cluster, contact, signal))),
    askQuorum(cluster, signal),
    askAlarms(cluster, signal),
  ]);
  const found = await Promise.all(
    listed.map(async (member) => {
      const portrait = findPortrait(member, listed, portraits);
      return { member, ...(portrait ?? (await portrayAtItsAddress(cluster, member, signal))) };
    }),
  );
  const said = found.flatMap((portrait) => portrait.said);
  const quotas = found.flatMap(({ facts }) => facts.quotaBytes ?? []);
  return {
    members: found.map(({ member: { id, name, clientUrls, isLearner }, facts }) => ({
      id,
      name,
      clientUrls,
      ...(isLearner === true && { isLearner }),
      ...facts,
    })),
    alarms: allAlarms(alarms, said, quorum.holds),
    hasQuorum: quorum.holds,
    ...(quorum.because !== undefined && { quorumError: quorum.because }),
    ...(quotas.length > 0 && { quotaBytes: Math.min(...quotas) }),
    ...(quorum.revision !== undefined && { revision: quorum.revision }),
  };
}

/** Finds the client port of one member, for a deed that is meant for it alone. @throws {SourceError} */
export async function findMember(cluster: Cluster, id: string, signal: AbortSignal): Promise<Contact> {
  const { configured } = cluster.contacts;
  const portraits = await Promise.all(configured.map((contact) => portray(cluster, contact, signal)));
  const known = portraits.find((portrait) => portrait.id === id);
  if (known) return known.contact;
  const member = (await listMembers(cluster, signal)).find(({ decimalId }) => decimalId === id);
  if (!member) throw new SourceError(cluster.name, 'refused', `there is no member ${printable(id)}`);
  const { facts, contact, id: answering } = await portrayAtItsAddress(cluster, member, signal);
  if (contact && answering === id) return contact;
  throw (
    facts.error ?? new SourceError(cluster.name, 'unreachable', `${member.name} was not found at its address`)
  );
}

/** Without a majority, too: then one member's memory is better than nothing, since it is only asked whom to ask. */
async function listMembers(cluster: Cluster, signal: AbortSignal): Promise<readonly Listed[]> {
  const { name, contacts } = cluster;
  return firstAnswer(name, contacts.configured, signal, async (contact, signal) => {
    const version = await askVersion(cluster, contact, signal);
    const byV3 = version.prefix && callV3(cluster, contact, version, { path: 'cluster/member/list', signal });
    const answer = await byV3?.catch((error: unknown) => {
      if (!(error instanceof SourceError) || error.kind !== 'missing') throw error;
      return undefined;
    });
    const members = answer
      ? listIn(answer, 'members').flatMap((member) => toListed(member, idIn(member, 'ID')))
      : await listByV2(cluster, contact, signal);
    if (members.length > 0) return members;
    throw new SourceError(name, 'malformed', `${contact.host} names no members`);
  });
}

async function listByV2(
  { name, authorization }: Cluster,
  contact: Contact,
  signal: AbortSignal,
): Promise<Listed[]> {
  const answer = await contact.ask({ path: '/v2/members', headers: authorization.forV2, signal });
  if (answer.status !== 200) throw explainV2(name, contact.host, answer);
  return listIn(asObject(parseJson(answer.text)), 'members').flatMap((member) => {
    const id = textIn(member, 'id');
    return toListed(member, fromHex(id), id);
  });
}

function toListed(member: Json, decimalId: string | undefined, id = decimalId): Listed[] {
  if (decimalId === undefined || id === undefined) return [];
  const urls = member['clientURLs'];
  const isText = (url: unknown): url is string => typeof url === 'string';
  return [
    {
      id,
      decimalId,
      name: printable(textIn(member, 'name') ?? ''),
      clientUrls: Array.isArray(urls) ? urls.filter(isText).map(printable) : [],
      ...(member['isLearner'] === true && { isLearner: true }),
    },
  ];
}

/**
 * By the id that answered. A member that did not answer tells none: it is known by its address, or by the name that is asked for
 * there, or because nobody else is left.
 */
function findPortrait(
  member: Listed,
  listed: readonly Listed[],
  portraits: readonly Portrait[],
): Portrait | undefined {
  const answered = portraits.find(({ id }) => id === member.decimalId);
  if (answered) return answered;
  const nameless = portraits.filter(({ id }) => id === undefined);
  const addresses = member.clientUrls.flatMap((url) => (URL.canParse(url) ? new URL(url).host : []));
  const addressed = nameless.find(({ contact: { host, servername, url } }) =>
    [host, `${servername}:${new URL(url).port}`].some((address) => addresses.includes(address)),
  );
  if (addressed) return addressed;
  const missing = listed.filter(({ decimalId }) => !portraits.some(({ id }) => id === decimalId));
  return missing.length === 1 && nameless.length === 1 ? nameless[0] : undefined;
}

/** For a member whose port is not configured. */
async function portrayAtItsAddress(
  cluster: Cluster,
  { decimalId, name, clientUrls }: Listed,
  signal: AbortSignal,
): Promise<Pick<Portrait, 'facts' | 'said' | 'id'> & { readonly contact?: Contact }> {
  const fail = (message: string) => ({
    facts: { error: new SourceError(cluster.name, 'unreachable', message) },
    said: [],
  });
  // A login that is configured for TLS is sent nowhere in the clear, whatever a member tells.
  const secure = cluster.contacts.configured.some(({ url }) => url.startsWith('https:'));
  const protocol = secure ? /^https:/ : /^https?:/;
  const url = clientUrls.find((url) => URL.canParse(url) && protocol.test(url));
  if (url === undefined)
    return fail(
      name === ''
        ? 'it was added to the cluster and has never started'
        : `it tells no ${secure ? 'https:// ' : ''}address for clients`,
    );
  const portrait = await portray(cluster, cluster.contacts.at({ url: new URL(url).origin }), signal);
  if (portrait.id === undefined || portrait.id === decimalId) return portrait;
  return fail(`another member answers at its address ${new URL(url).host}`);
}

import { randomUUID, X509Certificate } from 'node:crypto';
import {
  type CallAnswer,
  callsAt,
  type CallRequest,
  fieldOf,
  findCall,
  type KnownCall,
  objectsIn,
  asText,
} from './known-calls.ts';

type Item = Readonly<Record<string, unknown>>;

const NOT_FOUND: CallAnswer = {
  status: 404,
  body: {
    error:
      'The request could not be completed because the credential does not exist or you do not have sufficient authorization.',
  },
};

/**
 * A CredHub that answers as a case file says. What isn't in the file is derived from what is: the inventory from the contents, single versions from lists of
 * versions. Anything else doesn't exist.
 */
export function answerCredhub(
  calls: readonly KnownCall[],
  uaaUrl: string,
): (request: CallRequest) => CallAnswer {
  const items = itemsIn(calls);
  const inventory = inventoryOf(calls, items);
  return (request) => {
    const known = findCall(calls, request);
    if (known) return known;
    const { method, path, query } = request;
    if (path === '/info')
      return ok({ 'auth-server': { url: uaaUrl }, app: { name: 'CredHub', version: '2.12.96' } });
    if (path === '/health') return ok({ status: 'UP' });
    if (path === '/version') return ok({ version: '2.12.96' });
    if (method !== 'GET') return NOT_FOUND;
    if (path === '/api/v1/certificates') return ok({ certificates: named(inventory, query.get('name')) });
    if (path === '/api/v1/data') return answerData(calls, items, query);
    const [, version] = /^\/api\/v1\/data\/([^/]+)$/.exec(path) ?? [];
    if (version !== undefined) return answerVersion(calls, items, inventory, version);
    const [, credential] = /^\/api\/v1\/certificates\/([^/]+)\/versions$/.exec(path) ?? [];
    const found = inventory.find(({ id }) => id === credential);
    return found ? ok(found['versions']) : NOT_FOUND;
  };
}

function ok(body: unknown): CallAnswer {
  return { status: 200, body };
}

function isNamed(item: Item, name: string): boolean {
  return asText(item['name']).toLowerCase() === name.toLowerCase();
}

function named(all: readonly Item[], name: string | null): readonly Item[] {
  return name === null ? all : all.filter((item) => isNamed(item, name));
}

/** All contents in the file, newest first, each version once. */
function itemsIn(calls: readonly KnownCall[]): readonly Item[] {
  const lists = callsAt(calls, /^\/api\/v1\/data$/).flatMap(({ body }) => objectsIn(fieldOf(body, 'data')));
  const single = callsAt(calls, /^\/api\/v1\/data\/[^/]+$/).flatMap(({ body }) => objectsIn([body]));
  const byId = new Map([...lists, ...single].map((item) => [item['id'] ?? randomUUID(), item]));
  return [...byId.values()].toSorted((one, other) => createdAt(other) - createdAt(one));
}

function createdAt(item: Item): number {
  return Date.parse(asText(item['version_created_at'])) || 0;
}

function answerData(calls: readonly KnownCall[], items: readonly Item[], query: URLSearchParams): CallAnswer {
  const name = query.get('name');
  if (name === null) return ok({ credentials: listed(items, query) });
  const refused = refusalOf(calls, name);
  if (refused) return refused;
  const own = named(items, name);
  const active = own.find((item) => item['transitional'] !== true);
  const transitional = own.find((item) => item['transitional'] === true);
  const most = Number(query.get('versions') ?? 1);
  const data =
    query.get('current') === 'true'
      ? own.filter((item) => item === active || item === transitional)
      : own.slice(0, most);
  return data.length > 0 ? ok({ data }) : NOT_FOUND;
}

/** The answer in the file to any other question for the contents of this credential, if that failed. */
function refusalOf(calls: readonly KnownCall[], name: string): CallAnswer | undefined {
  return calls.find(
    ({ path, query, status }) =>
      path === '/api/v1/data' && status !== 200 && query.get('name')?.toLowerCase() === name.toLowerCase(),
  );
}

function answerVersion(
  calls: readonly KnownCall[],
  items: readonly Item[],
  inventory: readonly Item[],
  version: string,
): CallAnswer {
  const found = items.find(({ id }) => id === version);
  if (found) return ok(found);
  const owner = inventory.find(({ versions }) => objectsIn(versions).some(({ id }) => id === version));
  return (owner && refusalOf(calls, asText(owner['name']))) ?? NOT_FOUND;
}

function listed(items: readonly Item[], query: URLSearchParams): readonly object[] {
  const path = (query.get('path') ?? '').toLowerCase();
  const like = (query.get('name-like') ?? '').toLowerCase();
  const names = new Map(items.map((item) => [asText(item['name']).toLowerCase(), item]));
  return [...names]
    .filter(([name]) => name.startsWith(path) && name.includes(like))
    .map(([, { name, version_created_at: created }]) => ({ name, version_created_at: created }));
}

/** The inventory in the file, also if it was requested in parts, otherwise that of all contents in the file. */
function inventoryOf(calls: readonly KnownCall[], items: readonly Item[]): readonly Item[] {
  const lists = callsAt(calls, /^\/api\/v1\/certificates$/);
  const listed = lists.flatMap(({ body }) => objectsIn(fieldOf(body, 'certificates')));
  if (lists.some(({ query }) => query.size === 0)) return listed;
  const rest = items.filter(
    (item) => item['type'] === 'certificate' && !listed.some((one) => isNamed(one, asText(item['name']))),
  );
  const credentials = [...Map.groupBy(rest, ({ name }) => asText(name).toLowerCase()).values()];
  const signers = credentials.map((versions) => signerOf(versions, rest));
  const made = credentials.map((versions, at) => ({
    id: randomUUID(),
    name: versions[0]!['name'],
    signed_by: signers[at],
    signs: credentials
      .filter((_, other) => other !== at && signers[other] === versions[0]!['name'])
      .map((signed) => signed[0]!['name']),
    versions: versions.map(
      ({ id, expiry_date, transitional, certificate_authority, self_signed, generated }) => ({
        id,
        expiry_date,
        transitional,
        certificate_authority,
        self_signed,
        generated,
      }),
    ),
  }));
  return [...listed, ...made];
}

/** The name of the credential whose key signed the newest version; empty if it isn't in the file. */
function signerOf(versions: readonly Item[], all: readonly Item[]): string {
  const leaf = certificateOf(versions[0]);
  const signer = all.find((item) => {
    const authority = certificateOf(item);
    return leaf && authority && leaf.checkIssued(authority) && leaf.verify(authority.publicKey);
  });
  return asText(signer?.['name']);
}

function certificateOf(item: Item | undefined): X509Certificate | undefined {
  try {
    return new X509Certificate(asText(fieldOf(item, 'value', 'certificate')));
  } catch {
    return undefined;
  }
}

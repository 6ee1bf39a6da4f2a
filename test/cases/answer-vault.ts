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
import { parseJson } from '../../src/text/parse-json.ts';

/** The first segment below a mount that only a PKI has. */
const PKI_PATHS = /^(issuers?|roles|certs?|ca|ca_chain|issue|sign|keys?|config|tidy|crl)$/;
const KV_PATHS = /^(data|metadata|subkeys)$/;

export interface CaseMount {
  /** Without a slash at the end: `secret`. */
  readonly path: string;
  readonly type: 'kv-1' | 'kv-2' | 'pki';
}

/** A mount of several segments shows only by what is below it. */
const BELOW_MOUNT = /^\/v1\/(?<mount>.+?)\/(?<word>data|metadata|subkeys|issuers?|roles)(?:\/|$)/;
const FIRST_SEGMENT = /^\/v1\/(?<mount>[^/]+)\/(?<word>[^/]+)/;

/** The mounts that the paths of the calls are in. */
export function mountsIn(calls: readonly KnownCall[]): readonly CaseMount[] {
  const below = calls.flatMap(({ path }) => {
    const { mount = '', word = '' } = (BELOW_MOUNT.exec(path) ?? FIRST_SEGMENT.exec(path))?.groups ?? {};
    return mount === '' || /^(sys|auth)(\/|$)/.test(mount) ? [] : [{ mount, word }];
  });
  return [...Map.groupBy(below, ({ mount }) => mount)].map(([path, all]) => {
    if (all.some(({ word }) => KV_PATHS.test(word))) return { path, type: 'kv-2' };
    return { path, type: all.some(({ word }) => PKI_PATHS.test(word)) ? 'pki' : 'kv-1' };
  });
}

/**
 * A Vault that answers as a case file says, to any token and with all permissions. Its mounts, the names in folders, and the lists of issuers and roles are
 * derived from what is in the file.
 */
export function answerVault(calls: readonly KnownCall[]): (request: CallRequest) => CallAnswer {
  const mounts = mountsIn(calls);
  return (sent) => {
    const request = asList(sent);
    const known = findCall(calls, request);
    if (known) return withEnvelope(known);
    const path = request.path.replace(/^\/v1\//, '');
    if (path.startsWith('sys/') || path.startsWith('auth/')) return answerSystem(request, path, mounts);
    const mount = mounts.find((one) => path.startsWith(`${one.path}/`));
    if (!mount) return errors(404, `no handler for route "${path}". route entry not found.`);
    return mount.type === 'pki' ? answerPki(calls, request, mount.path) : answerSecret(calls, request, mount);
  };
}

/** `GET ?list=true` is the same as LIST. */
function asList(request: CallRequest): CallRequest {
  if (request.method !== 'GET' || request.query.get('list') !== 'true') return withoutSlash(request);
  const query = new URLSearchParams(request.query);
  query.delete('list');
  return withoutSlash({ ...request, method: 'LIST', query });
}

function withoutSlash(request: CallRequest): CallRequest {
  return { ...request, path: request.path.replace(/\/+$/, '') };
}

function withEnvelope({ status, body }: KnownCall): CallAnswer {
  return { status, body };
}

function ok(data: unknown): CallAnswer {
  return { status: 200, body: { request_id: '', lease_id: '', renewable: false, lease_duration: 0, data } };
}

function errors(status: number, ...messages: readonly string[]): CallAnswer {
  return { status, body: { errors: messages } };
}

function answerSystem({ method, body }: CallRequest, path: string, mounts: readonly CaseMount[]): CallAnswer {
  const health = { initialized: true, sealed: false, standby: false, version: '1.18.5' };
  if (path === 'sys/health' || path === 'sys/seal-status')
    return { status: 200, body: { ...health, server_time_utc: Math.floor(Date.now() / 1000) } };
  if (path === 'auth/token/lookup-self')
    return ok({ ttl: 0, expire_time: null, renewable: false, policies: ['root'], num_uses: 0 });
  if (path === 'sys/capabilities-self') {
    const paths = objectOrEmpty(parseJson(body))['paths'];
    const all = Array.isArray(paths) ? paths.map(String) : [];
    return ok({ capabilities: ['root'], ...Object.fromEntries(all.map((one) => [one, ['root']])) });
  }
  const [, rest] = /^sys\/internal\/ui\/mounts(?:\/(.*))?$/.exec(path) ?? [];
  if (method !== 'GET' || !path.startsWith('sys/internal/ui/mounts')) return errors(404);
  if (rest === undefined)
    return ok({
      auth: {},
      secret: Object.fromEntries(mounts.map((one) => [`${one.path}/`, described(one)])),
    });
  const found = mounts.find((one) => `${rest}/`.startsWith(`${one.path}/`));
  return found
    ? ok(described(found))
    : errors(
        403,
        `preflight capability check returned 403, please ensure client's policies grant access to path "${rest}/"`,
      );
}

function objectOrEmpty(value: unknown): Readonly<Record<string, unknown>> {
  return objectsIn([value])[0] ?? {};
}

function described({ path, type }: CaseMount): object {
  const options = type === 'kv-2' ? { version: '2' } : type === 'kv-1' ? { version: '1' } : null;
  return { path: `${path}/`, type: type === 'pki' ? 'pki' : 'kv', options, accessor: '', config: {} };
}

function answerSecret(
  calls: readonly KnownCall[],
  { method, path, query }: CallRequest,
  { path: mount, type }: CaseMount,
): CallAnswer {
  const prefix = type === 'kv-2' ? `/v1/${mount}/data/` : `/v1/${mount}/`;
  const own = calls.filter((one) => one.method === 'GET' && one.path.startsWith(prefix));
  const [word = '', ...rest] = type === 'kv-2' ? path.slice(`/v1/${mount}/`.length).split('/') : [];
  const name = rest.join('/');
  if (method === 'LIST') {
    const folder = type === 'kv-2' ? name : path.slice(prefix.length);
    return listFolder(
      own.map((one) => one.path.slice(prefix.length)),
      folder,
    );
  }
  if (type !== 'kv-2' || method !== 'GET') return errors(404);
  const versions = own.filter((one) => one.path === prefix + name);
  if (word === 'data') return readVersion(versions, query.get('version')) ?? errors(404);
  if (word === 'metadata' && versions.length > 0) return ok(historyOf(versions));
  return errors(404);
}

function listFolder(names: readonly string[], folder: string): CallAnswer {
  const prefix = folder === '' ? '' : `${folder}/`;
  const below = names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
  const keys = [...new Set(below.map((name) => name.replace(/\/.*/s, '/')))].toSorted();
  return keys.length > 0 ? ok({ keys }) : errors(404);
}

function metadataOf({ body }: KnownCall): Readonly<Record<string, unknown>> {
  return objectOrEmpty(fieldOf(body, 'data', 'metadata'));
}

function readVersion(versions: readonly KnownCall[], asked: string | null): KnownCall | undefined {
  if (asked === null || asked === '0')
    return versions.toSorted((one, other) => numberOf(other) - numberOf(one))[0];
  return versions.find((one) => String(metadataOf(one)['version']) === asked);
}

function numberOf(version: KnownCall): number {
  return Number(metadataOf(version)['version'] ?? 0);
}

function historyOf(versions: readonly KnownCall[]): object {
  const known = versions.filter((one) => numberOf(one) > 0);
  const described = known.map((one) => {
    const { created_time, deletion_time = '', destroyed = false } = metadataOf(one);
    return [numberOf(one), { created_time, deletion_time, destroyed }];
  });
  return {
    current_version: Math.max(0, ...known.map(numberOf)),
    oldest_version: 0,
    max_versions: 0,
    cas_required: false,
    versions: Object.fromEntries(described),
  };
}

function answerPki(calls: readonly KnownCall[], { method, path }: CallRequest, mount: string): CallAnswer {
  const at = path.slice(`/v1/${mount}/`.length);
  const issuers = issuersIn(calls, mount);
  if (method === 'LIST' && at === 'issuers') {
    if (issuers.length === 0) return errors(404);
    return ok({
      keys: issuers.map(({ id }) => id),
      key_info: Object.fromEntries(
        issuers.map(({ id, name, isDefault }) => [id, { issuer_name: name, is_default: isDefault }]),
      ),
    });
  }
  if (method === 'LIST') return listFolder(namesBelow(calls, mount, at), '');
  if (method !== 'GET') return errors(404);
  const [, reference] = /^issuer\/([^/]+)(?:\/json)?$/.exec(at) ?? [];
  const found = issuers.find(
    ({ id, name, isDefault }) =>
      reference === id || reference === name || (isDefault && reference === 'default'),
  );
  if (found?.answer) return found.answer;
  const authority = issuers.find(({ isDefault }) => isDefault)?.answer?.body;
  if (at === 'cert/ca' && authority)
    return ok({ certificate: fieldOf(authority, 'data', 'certificate'), revocation_time: 0 });
  return errors(404);
}

/** `roles` of `GET /v1/pki/roles/edge`. */
function namesBelow(calls: readonly KnownCall[], mount: string, folder: string): readonly string[] {
  const prefix = `/v1/${mount}/${folder}/`;
  return calls
    .filter(({ method, path }) => method === 'GET' && path.startsWith(prefix))
    .map(({ path }) => path.slice(prefix.length));
}

interface CaseIssuer {
  readonly id: string;
  readonly name: string;
  readonly isDefault: boolean;
  readonly answer?: KnownCall;
}

/** In the list of the file, or those that the file has answers for. */
function issuersIn(calls: readonly KnownCall[], mount: string): readonly CaseIssuer[] {
  const answers = callsAt(calls, /^\/v1\/(?<mount>.+)\/issuer\/(?<of>[^/]+)(?:\/json)?$/).filter(
    ({ groups }) => groups['mount'] === mount,
  );
  const listed = calls.find(({ path, status }) => path === `/v1/${mount}/issuers` && status === 200);
  const info = objectOrEmpty(fieldOf(listed?.body, 'data', 'key_info'));
  const keys = fieldOf(listed?.body, 'data', 'keys');
  const ids = Array.isArray(keys)
    ? keys.map(String)
    : [
        ...new Set(
          answers.map(({ body, groups }) => asText(fieldOf(body, 'data', 'issuer_id')) || groups['of']!),
        ),
      ];
  return ids.map((id) => {
    const own = answers.filter(
      ({ body, groups }) => groups['of'] === id || fieldOf(body, 'data', 'issuer_id') === id,
    );
    const name =
      asText(fieldOf(info[id], 'issuer_name')) || asText(fieldOf(own[0]?.body, 'data', 'issuer_name'));
    const byName = answers.find(({ groups }) => name !== '' && groups['of'] === name);
    const isDefault =
      fieldOf(info[id], 'is_default') === true ||
      own.some(({ groups }) => groups['of'] === 'default') ||
      ids.length === 1;
    const answer =
      own[0] ?? byName ?? (isDefault ? answers.find(({ groups }) => groups['of'] === 'default') : undefined);
    return { id, name, isDefault, ...(answer && { answer }) };
  });
}

import {
  type VaultResponse,
  EMPTY,
  envelope,
  errors,
  type Mount,
  type VaultRequest,
  type Secret,
  type Version,
} from './state.ts';

export interface KvRequest extends Omit<VaultRequest, 'path'> {
  readonly mount: Mount;
  /** Below the mount, with v2's `data/` and `metadata/`. */
  readonly path: string;
  readonly now: number;
  readonly subkeys: boolean;
}

const isList = ({ method, query }: KvRequest): boolean =>
  method === 'LIST' || (method === 'GET' && query.get('list') === 'true');

export function answerKv(question: KvRequest): VaultResponse {
  return question.mount.options?.version === '2' ? answerV2(question) : answerV1(question);
}

function answerV1(question: KvRequest): VaultResponse {
  const { method, path, mount, body, now } = question;
  if (isList(question)) return list(mount, path);
  if (method === 'DELETE') {
    mount.secrets.delete(path);
    return EMPTY;
  }
  if (method === 'POST' || method === 'PUT') {
    mount.secrets.set(path, [{ data: body, createdAt: now, destroyed: false }]);
    return EMPTY;
  }
  const version = mount.secrets.get(path)?.at(-1);
  // `lease_duration` of v1 is a default without meaning.
  return version
    ? {
        status: 200,
        body: { ...(envelope({ data: version.data }).body as object), lease_duration: 2_764_800 },
      }
    : errors(404);
}

function answerV2(question: KvRequest): VaultResponse {
  const { method, mount, path } = question;
  const [verb, ...rest] = path.split('/');
  const name = rest.join('/');
  if (verb === 'metadata' && isList(question)) return list(mount, name);
  if (verb === 'metadata' && method === 'GET') return history(mount, name);
  if (verb === 'metadata' && method === 'DELETE') {
    mount.secrets.delete(name);
    return EMPTY;
  }
  if (verb === 'subkeys' && method === 'GET' && question.subkeys)
    return read(question, name, 'subkeys', (data) => data && namesOnly(data));
  if (verb === 'data' && method === 'GET') return read(question, name, 'data', (data) => data);
  if (verb === 'data' && method === 'DELETE') return softDelete(question, name);
  if (verb === 'data') return write(question, name);
  if (verb === 'destroy') return destroy(question, name);
  // A v1 path on a v2 mount: only a warning, no `errors`.
  const body = envelope({}).body as object;
  const warning =
    'Invalid path for a versioned K/V secrets engine. See the API docs for the appropriate API endpoints to use.';
  return { status: 404, body: { ...body, warnings: [warning] } };
}

/** An empty folder and a missing one are the same 404 with an empty list of errors. */
function list(mount: Mount, path: string): VaultResponse {
  const folder = path === '' || path.endsWith('/') ? path : `${path}/`;
  const below = [...mount.secrets.keys()]
    .filter((key) => key.startsWith(folder))
    .map((key) => key.slice(folder.length));
  const keys = [...new Set(below.map((key) => key.replace(/\/.*/s, '/')))].toSorted();
  return keys.length > 0 ? envelope({ data: { keys } }) : errors(404);
}

function read(
  { mount, query, now }: KvRequest,
  name: string,
  field: string,
  pick: (data: Secret | null) => unknown,
): VaultResponse {
  const versions = mount.secrets.get(name) ?? [];
  const number = Number(query.get('version') ?? 0) || versions.length;
  const version = versions[number - 1];
  if (!version) return errors(404);
  const gone = version.destroyed || (version.deletedAt !== undefined && version.deletedAt <= now);
  const data = { [field]: pick(gone ? null : version.data), metadata: metadataOf(version, number) };
  return envelope({ data }, gone ? 404 : 200);
}

function metadataOf(version: Version, number: number): object {
  return {
    created_time: new Date(version.createdAt).toISOString(),
    custom_metadata: null,
    deletion_time: version.deletedAt === undefined ? '' : new Date(version.deletedAt).toISOString(),
    destroyed: version.destroyed,
    version: number,
  };
}

function namesOnly(data: object): object {
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [
      key,
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? namesOnly(value as object)
        : null,
    ]),
  );
}

function history(mount: Mount, name: string): VaultResponse {
  const versions = mount.secrets.get(name);
  if (!versions) return errors(404);
  const numbered = versions.map((version, index) => [index + 1, metadataOf(version, index + 1)]);
  const data = {
    current_version: versions.length,
    versions: Object.fromEntries(numbered),
    cas_required: false,
    max_versions: 0,
  };
  return envelope({ data });
}

function write({ mount, body, now, method }: KvRequest, name: string): VaultResponse {
  const versions = mount.secrets.get(name) ?? [];
  const { cas } = (body['options'] ?? {}) as { cas?: number };
  if (cas !== undefined && cas !== versions.length)
    return errors(400, 'check-and-set parameter did not match the current version');
  const old = method === 'PATCH' ? versions.at(-1)?.data : {};
  const version: Version = {
    data: { ...old, ...(body['data'] as Secret) },
    createdAt: now,
    destroyed: false,
  };
  mount.secrets.set(name, [...versions, version]);
  return envelope({ data: metadataOf(version, versions.length + 1) });
}

function softDelete({ mount, now }: KvRequest, name: string): VaultResponse {
  const version = mount.secrets.get(name)?.at(-1);
  if (version) version.deletedAt ??= now;
  return EMPTY;
}

function destroy({ mount, body }: KvRequest, name: string): VaultResponse {
  for (const number of (body['versions'] ?? []) as number[]) {
    const version = mount.secrets.get(name)?.[number - 1];
    if (version) Object.assign(version, { destroyed: true, data: null });
  }
  return EMPTY;
}

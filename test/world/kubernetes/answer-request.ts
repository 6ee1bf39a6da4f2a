import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { type Access, ANONYMOUS, type Attempt } from './access.ts';
import type { Collection } from './collection.ts';
import { askByProxy, type FindKubelet } from './kubelets.ts';
import { type ListFault, listPage } from './list.ts';
import { trackChange } from './managed-fields.ts';
import { patched } from './patch.ts';
import { answerLog, type PreviousLogs } from './pod-logs.ts';
import {
  type ApiObject,
  apiVersionOf,
  type ObjectPath,
  parseObjectPath,
  type Plural,
  type Resource,
  RESOURCES,
} from './resources.ts';
import {
  type ApiAnswer,
  badRequest,
  conflict,
  failure,
  forbidden,
  forbiddenPath,
  NO_SUCH_PATH,
  notFound,
} from './status.ts';

/** The state of an API server. */
export interface ClusterState {
  readonly version: string;
  readonly collections: Readonly<Record<Plural, Collection>>;
  readonly kubelets: FindKubelet;
  readonly access: Access;
  readonly previousLogs: PreviousLogs;
  /** Counts changes. */
  resourceVersion: number;
  /** Called after each change. */
  readonly changed: (plural: Plural, object: ApiObject) => void;
  /** Whether a resource exists in this cluster. */
  readonly isServed: (resource: Resource) => boolean;
  /** Whether a pod that is deleted with a grace period stays until its kubelet has stopped it. */
  readonly stopsGracefully: boolean;
  /** Counts compactions of etcd, each of which invalidates all `continue` tokens. */
  age: number;
}

export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly contentType: string;
  readonly body: string;
  readonly user: string;
}

/** An API server's response to an authenticated user. */
export function answerRequest(state: ClusterState, request: ApiRequest, fault?: ListFault): ApiAnswer {
  const { path, user, method } = request;
  if (method === 'POST' && /^\/apis\/authorization\.k8s\.io\/v1\/selfsubjectaccessreviews$/.test(path))
    return reviewAccess(request.body, (attempt) => state.access.isAllowed(user, attempt));
  if (method === 'GET' && user !== ANONYMOUS && /^\/apis\/[^/]+\/[^/]+$/.test(path))
    return discover(state, path);
  const named = parseObjectPath(path);
  const verb = verbOf(request, named);
  if (!named) {
    if (!state.access.isAllowed(user, { verb, path })) return forbiddenPath(user, verb, path);
    return answerPath(state, path);
  }
  if (!state.access.isAllowed(user, attemptOf(verb, named))) return forbidden(user, verb, named);
  return answerObject(state, request, named, fault);
}

/** The ClusterRole system:discovery is bound to everyone who is authenticated. */
function discover({ isServed }: ClusterState, path: string): ApiAnswer {
  const groupVersion = path.slice('/apis/'.length);
  const all: readonly Resource[] = RESOURCES;
  const resources = all
    .filter((one) => one.group !== '' && apiVersionOf(one) === groupVersion && isServed(one))
    .map(({ plural, kind, namespaced }) => ({ name: plural, kind, namespaced }));
  return resources.length > 0
    ? { status: 200, body: { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources } }
    : NO_SUCH_PATH;
}

export function verbOf(
  { method, query }: Pick<ApiRequest, 'method' | 'query'>,
  named: ObjectPath | undefined,
): string {
  if (method === 'GET' && named && named.name === undefined) return query.get('watch') ? 'watch' : 'list';
  if (method === 'DELETE' && named && named.name === undefined) return 'deletecollection';
  return (
    { GET: 'get', POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' }[method] ??
    method.toLowerCase()
  );
}

export function attemptOf(verb: string, { resource, namespace, name, subresource }: ObjectPath): Attempt {
  return {
    verb,
    group: resource.group,
    resource: resource.plural,
    ...(subresource !== undefined && { subresource }),
    ...(namespace !== undefined && { namespace }),
    ...(name !== undefined && { name }),
  };
}

interface ReviewSpec {
  readonly resourceAttributes?: {
    readonly namespace?: string;
    readonly verb?: string;
    readonly group?: string;
    readonly resource?: string;
    readonly subresource?: string;
    readonly name?: string;
  };
  readonly nonResourceAttributes?: { readonly path?: string; readonly verb?: string };
}

/** A SelfSubjectAccessReview, decided by the rules. An empty string is the same as an absent field. */
export function reviewAccess(text: string, isAllowed: (attempt: Attempt) => boolean): ApiAnswer {
  const { spec = {} } = JSON.parse(text) as { readonly spec?: ReviewSpec };
  const { resourceAttributes: wanted, nonResourceAttributes: url } = spec;
  if (!wanted === !url)
    return failure(
      422,
      'Invalid',
      'SelfSubjectAccessReview.authorization.k8s.io "" is invalid: spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified',
    );
  const allowed = wanted
    ? isAllowed({
        verb: wanted.verb ?? '',
        group: wanted.group ?? '',
        resource: wanted.resource ?? '',
        ...(wanted.subresource && { subresource: wanted.subresource }),
        ...(wanted.namespace && { namespace: wanted.namespace }),
        ...(wanted.name && { name: wanted.name }),
      })
    : isAllowed({ verb: url!.verb ?? '', path: url!.path ?? '' });
  const body = {
    kind: 'SelfSubjectAccessReview',
    apiVersion: 'authorization.k8s.io/v1',
    metadata: { creationTimestamp: null },
    spec,
    status: { allowed, ...(allowed && { reason: 'RBAC: allowed by ClusterRoleBinding "wrench"' }) },
  };
  return { status: 201, body };
}

function answerPath({ version }: ClusterState, path: string): ApiAnswer {
  if (/^\/(healthz|livez|readyz)$/.test(path)) return { status: 200, body: 'ok' };
  if (path !== '/version' && path !== '/version/') return NO_SUCH_PATH;
  const [, major = '', minor = ''] = /^v(\d+)\.(\d+)/.exec(version) ?? [];
  return {
    status: 200,
    body: {
      major,
      minor,
      gitVersion: version,
      goVersion: 'go1.24.6',
      compiler: 'gc',
      platform: 'linux/amd64',
    },
  };
}

function answerObject(
  state: ClusterState,
  request: ApiRequest,
  named: ObjectPath,
  fault: ListFault | undefined,
): ApiAnswer {
  const { method, query } = request;
  const { resource, namespace, name, subresource, rest } = named;
  if (!state.isServed(resource)) return NO_SUCH_PATH;
  const collection = state.collections[resource.plural];
  if (name === undefined) {
    if (method === 'GET') {
      const { resourceVersion, age } = state;
      return listPage(named, query, collection, { resourceVersion, age, ...(fault && { fault }) });
    }
    return method === 'POST' ? create(state, request, named) : NOT_ALLOWED;
  }
  const current = collection.find(namespace, name);
  if (!current) return notFound(named);
  if (subresource === 'proxy' && resource.plural === 'nodes')
    return askByProxy(state.kubelets, name, rest ?? '');
  if (subresource === 'log' && resource.plural === 'pods' && method === 'GET')
    return answerLog(named, current, query, state.previousLogs);
  if (subresource === 'status' && resource.plural === 'certificates' && method === 'PATCH')
    return patch(state, request, named, current);
  if (subresource !== undefined) return NO_SUCH_PATH;
  if (method === 'GET') return { status: 200, body: whole(named, current) };
  if (method === 'PATCH') return patch(state, request, named, current);
  if (method === 'DELETE') return remove(state, request, named, current);
  return NOT_ALLOWED;
}

const NOT_ALLOWED = failure(
  405,
  'MethodNotAllowed',
  'the server does not allow this method on the requested resource',
);

/** A single object has `kind` and `apiVersion`; an object in a list does not. */
function whole({ resource }: ObjectPath, object: ApiObject): ApiObject {
  return { kind: resource.kind, apiVersion: apiVersionOf(resource), ...object };
}

/** Whether it is a dry run; undefined if the value is invalid. */
function isDryRun(query: URLSearchParams, body?: { readonly dryRun?: unknown }): boolean | undefined {
  const values = [...query.getAll('dryRun'), ...(Array.isArray(body?.dryRun) ? body.dryRun : [])];
  return values.every((value) => value === 'All') ? values.length > 0 : undefined;
}

const BAD_DRY_RUN = failure(
  422,
  'Invalid',
  'PatchOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: supported values: "All"',
);

/** Stores a new version of an object. */
export function save(
  state: ClusterState,
  { resource }: Pick<ObjectPath, 'resource'>,
  object: ApiObject,
): ApiObject {
  state.resourceVersion++;
  const metadata = { ...object.metadata, resourceVersion: String(state.resourceVersion) };
  const saved = { ...object, metadata };
  state.collections[resource.plural].put(saved);
  state.changed(resource.plural, saved);
  return saved;
}

function patch(state: ClusterState, request: ApiRequest, named: ObjectPath, current: ApiObject): ApiAnswer {
  const dryRun = isDryRun(request.query);
  if (dryRun === undefined) return BAD_DRY_RUN;
  const result = patched(named, current, request.contentType, request.body);
  if ('answer' in result) return result.answer;
  const manager = request.query.get('fieldManager') ?? 'unknown';
  const changed =
    named.resource.group === 'apps'
      ? trackChange(named, current, result.object, { manager, now: new Date() })
      : partOf(named, current, result.object);
  const object = dryRun || isDeepStrictEqual(changed, current) ? changed : save(state, named, changed);
  return { status: 200, body: whole(named, object) };
}

/** Only the status can be changed through the subresource, and only everything else without it. */
function partOf({ resource, subresource }: ObjectPath, current: ApiObject, changed: ApiObject): ApiObject {
  if (resource.plural !== 'certificates') return changed;
  return subresource === 'status'
    ? { ...current, status: changed['status'] }
    : { ...changed, status: current['status'] };
}

function create(state: ClusterState, request: ApiRequest, named: ObjectPath): ApiAnswer {
  const dryRun = isDryRun(request.query);
  if (dryRun === undefined) return BAD_DRY_RUN;
  const { kind: _kind, apiVersion: _version, ...given } = JSON.parse(request.body) as ApiObject;
  const { namespace, resource } = named;
  const metadata = {
    ...given.metadata,
    ...(namespace !== undefined && { namespace }),
    uid: randomUUID(),
    creationTimestamp: new Date().toISOString(),
    ...(resource.group === 'apps' && { generation: 1 }),
  };
  const target: ObjectPath = { ...named, name: metadata.name };
  if (!metadata.name) return badRequest('name or generateName is required');
  if (state.collections[resource.plural].find(namespace, metadata.name))
    return failure(409, 'AlreadyExists', `${resource.plural} "${metadata.name}" already exists`, {
      details: { name: metadata.name, kind: resource.plural },
    });
  const object: ApiObject = { ...given, metadata };
  return { status: 201, body: whole(target, dryRun ? object : save(state, target, object)) };
}

interface DeleteOptions {
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly dryRun?: readonly string[];
  readonly gracePeriodSeconds?: number;
}

function remove(state: ClusterState, request: ApiRequest, named: ObjectPath, current: ApiObject): ApiAnswer {
  const options = (request.body === '' ? {} : JSON.parse(request.body)) as DeleteOptions;
  const dryRun = isDryRun(request.query, options);
  if (dryRun === undefined) return BAD_DRY_RUN;
  const { uid, resourceVersion } = options.preconditions ?? {};
  const { metadata } = current;
  if (uid !== undefined && uid !== metadata.uid)
    return conflict(
      named,
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${metadata.uid ?? ''}`,
    );
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion)
    return conflict(
      named,
      `Precondition failed: ResourceVersion in precondition: ${resourceVersion}, ResourceVersion in object meta: ${metadata.resourceVersion ?? ''}`,
    );
  const graceSeconds = Number(request.query.get('gracePeriodSeconds') ?? options.gracePeriodSeconds ?? 30);
  const isStopped = named.resource.plural === 'pods' && state.stopsGracefully && graceSeconds > 0;
  if (isStopped) {
    const deletionTimestamp = new Date(Date.now() + graceSeconds * 1_000).toISOString();
    const stopping = {
      ...current,
      metadata: {
        deletionTimestamp: `${deletionTimestamp.slice(0, 19)}Z`,
        deletionGracePeriodSeconds: graceSeconds,
        ...metadata,
      },
    };
    return { status: 200, body: whole(named, dryRun ? stopping : save(state, named, stopping)) };
  }
  if (!dryRun) {
    state.resourceVersion++;
    state.collections[named.resource.plural].remove(current);
    state.changed(named.resource.plural, current);
  }
  if (named.resource.plural === 'pods') return { status: 200, body: whole(named, current) };
  const details = { name: metadata.name, kind: named.resource.plural, uid: metadata.uid };
  return {
    status: 200,
    body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details },
  };
}

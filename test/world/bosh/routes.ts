import type { Caller } from './access.ts';
import { findVm, restartInstance } from './restart.ts';
import { type OutputType, type Task, taskAsJson, type TaskQueue, type TaskRequest } from './tasks.ts';
import { instanceLine, plainInstance, type VmBackend } from './vms.ts';

export interface DirectorResponse {
  readonly status: number;
  /** Text is sent unchanged, everything else as JSON. */
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface DirectorRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly contentType: string;
  readonly contentLength: string | undefined;
  readonly range: string | undefined;
  readonly contextId: string;
  readonly caller: Caller;
}

/** A restart that was started. */
export interface StartedRestart {
  readonly deployment: string;
  readonly group: string;
  readonly id: string;
  readonly call: 'POST' | 'PUT';
  readonly skipDrain: boolean;
  readonly contextId: string;
  readonly taskId: number;
  readonly user: string;
}

export interface Release {
  readonly name: string;
  readonly version: string;
}

/** One entry of `certificate_expiry`. */
export interface DeployedVersion {
  readonly name: string;
  /** Of the version in CredHub. */
  readonly id: string;
  readonly expiry_date: string;
}

export interface DirectorState {
  readonly uuid: string;
  readonly version: string;
  readonly deployments: ReadonlyMap<string, VmBackend>;
  readonly releases: ReadonlyMap<string, readonly Release[]>;
  readonly queue: TaskQueue;
  readonly restarts: StartedRestart[];
  readonly certificates: (deployment: string) => readonly DeployedVersion[];
  readonly ownCertificates:
    | readonly { readonly certificate_path: string; readonly expiry: string }[]
    | undefined;
  /** A task that reads waits for this between the first half of its result and the rest. */
  readonly betweenHalves: () => Promise<unknown>;
  /** The origin used in redirects. */
  readonly redirectOrigin: () => string;
}

/** The team that owns all deployments. */
const TEAM = 'bosh.teams.cf.admin';
const READ_TYPES: ReadonlySet<string> = new Set(['event', 'result']);
/** The task types shown without `verbose=2`; tasks that read are not among them. */
const LOUD_TYPES: ReadonlySet<string> = new Set(['update_instance', 'update_deployment']);

export async function answerDirector(
  state: DirectorState,
  question: DirectorRequest,
): Promise<DirectorResponse> {
  const { method, path } = question;
  const parts = path.split('/').slice(1).map(decodeURIComponent);
  if (method === 'GET' && path === '/deployments')
    return reading(question, () => listDeployments(state, question));
  // A team admin can do nearly everything with its deployments, but cannot see the director's locks.
  if (method === 'GET' && path === '/locks')
    return requireScope(question, ['bosh.admin', 'bosh.read'], () => ok(state.queue.locks()));
  if (method === 'GET' && path === '/tasks') return reading(question, () => listTasks(state, question));
  if (method === 'GET' && parts[0] === 'tasks') return answerTask(state, question, parts);
  if (method === 'GET' && path === '/director/certificate_expiry' && knowsCertificates(state.version))
    return reading(question, () => answerOwnCertificates(state));
  if (parts[0] === 'deployments' && parts[1] !== undefined)
    return answerDeployment(state, question, parts[1], parts.slice(2));
  return noEndpoint(path);
}

function listDeployments(
  { deployments, releases, queue }: DirectorState,
  { query }: DirectorRequest,
): DirectorResponse {
  const more = (name: string): object =>
    query.get('exclude_releases') === 'true' ? {} : { releases: releases.get(name) ?? [] };
  const locked = new Set(queue.locks().map((lock) => (lock as { resource: string[] }).resource[0]));
  return ok(
    [...deployments.keys()].map((name) => ({
      name,
      teams: [],
      locked: locked.has(name),
      ...more(name),
    })),
  );
}

function listTasks({ queue, version }: DirectorState, { query }: DirectorRequest): DirectorResponse {
  const states = query.get('state')?.split(',');
  const contextId = major(version) >= 262 ? query.get('context_id') : null;
  const tasks = queue.all.filter(
    (task) =>
      (!states || states.includes(task.state)) &&
      (query.get('verbose') === '2' || (LOUD_TYPES.has(task.type) && loud(task, version))) &&
      (contextId === null || task.contextId === contextId) &&
      (query.get('deployment') ?? task.deployment) === task.deployment,
  );
  const newest = tasks.toReversed().slice(0, Number(query.get('limit') ?? Infinity));
  return ok(newest.map(taskAsJson));
}

/** For years, restarts of one instance were not among the default task types. */
function loud({ type }: Task, version: string): boolean {
  return type !== 'update_instance' || major(version) >= 272;
}

function answerTask(
  state: DirectorState,
  question: DirectorRequest,
  [, id, output]: string[],
): DirectorResponse {
  const task = state.queue.all.find((task) => String(task.id) === id);
  if (!task) return failure(404, 10_000, `Task ${id} not found`);
  if (output === undefined) return reading(question, () => ok(taskAsJson(task)));
  const type = question.query.get('type') ?? 'debug';
  const allowed = READ_TYPES.has(type) ? reading : acting;
  return allowed(question, () => slice(task.output[type as OutputType] ?? '', question.range));
}

function slice(text: string, range: string | undefined): DirectorResponse {
  const bytes = Buffer.from(text);
  const from = /^bytes=(\d+)-$/.exec(range ?? '')?.[1];
  if (from === undefined) return bytes.length === 0 ? { status: 204, body: '' } : { status: 200, body: text };
  const headers = { 'content-range': `bytes */${bytes.length}` };
  if (Number(from) >= bytes.length) return { status: 416, body: 'Byte range unsatisfiable', headers };
  const contentRange = `bytes ${from}-${bytes.length - 1}/${bytes.length}`;
  return { status: 206, body: bytes.subarray(Number(from)), headers: { 'content-range': contentRange } };
}

async function answerDeployment(
  state: DirectorState,
  question: DirectorRequest,
  deployment: string,
  rest: readonly string[],
): Promise<DirectorResponse> {
  const { method, query, path } = question;
  const call = `${method} ${rest.length}/${rest[0] ?? ''}`;
  const [, group = '', id = '', , action] = rest;
  const restart = { state, question, deployment, group, id };
  if (call === 'GET 1/instances')
    return reading(question, () =>
      withDeployment(state, deployment, async (backend) =>
        query.get('format') === 'full'
          ? readInstances(state, question, deployment, backend)
          : ok((await backend.vms()).map(plainInstance)),
      ),
    );
  if (call === 'GET 1/certificate_expiry' && knowsCertificates(state.version))
    return reading(question, () =>
      withDeployment(state, deployment, async () =>
        ok(state.certificates(deployment).map((one) => ({ ...one, days_left: daysUntil(one.expiry_date) }))),
      ),
    );
  if (call === 'POST 5/instance_groups' && action === 'restart' && restartsOne(state.version))
    return acting(question, () => answerRestart(restart));
  // A route that consumes YAML matches nothing else.
  if (call === 'PUT 3/jobs' && question.contentType.split(';')[0] === 'text/yaml')
    return acting(question, () => answerRestart(restart));
  return noEndpoint(path);
}

/** Since 268.4: https://github.com/cloudfoundry/bosh/releases/tag/v268.4.0 */
function knowsCertificates(version: string): boolean {
  const [first = 0, second = 0] = version.split('.').map(Number.parseFloat);
  return first > 268 || (first === 268 && second >= 4);
}

function answerOwnCertificates({ ownCertificates }: DirectorState): DirectorResponse {
  if (!ownCertificates)
    return {
      status: 500,
      body: { error: 'Certificate expiry information not available. See Director logs for more details.' },
    };
  return ok(ownCertificates.map((one) => ({ ...one, days_left: daysUntil(one.expiry) })));
}

function daysUntil(date: string): number {
  return Math.floor((new Date(date).getTime() - Date.now()) / 86_400_000);
}

function readInstances(
  state: DirectorState,
  question: DirectorRequest,
  deployment: string,
  backend: VmBackend,
): Promise<DirectorResponse> {
  const task = enqueue(state, question, {
    type: 'vms',
    description: 'retrieve vm-stats',
    deployment,
    work: async (task) => {
      const text = (await backend.vms()).map((vm) => `${instanceLine(vm)}\n`).join('\n');
      // Written as agents respond: a reader that is early gets half a line.
      task.output.result = text.slice(0, text.length / 2);
      await state.betweenHalves();
      task.output.result = text;
      return null;
    },
  });
  return Promise.resolve(redirect(state, task));
}

async function answerRestart(request: {
  readonly state: DirectorState;
  readonly question: DirectorRequest;
  readonly deployment: string;
  readonly group: string;
  readonly id: string;
}): Promise<DirectorResponse> {
  const { state, question, deployment, group, id } = request;
  const call = question.method === 'POST' ? 'POST' : 'PUT';
  if (!/^(\d+|[0-9a-f]{8}-[0-9a-f-]{27})$/.test(id))
    return failure(400, 70_002, `Invalid instance index or id '${id}'`);
  if (call === 'PUT' && (question.query.get('state') !== 'restart' || question.contentLength !== '0'))
    return failure(400, 40_001, "Deployment manifest must have a 'name' key");
  return withDeployment(state, deployment, async (backend) => {
    if (!(await findVm(backend, group, id)))
      return failure(404, 70_001, `'${deployment}/${group}/${id}' doesn't exist`);
    const task = enqueue(state, question, {
      type: call === 'POST' ? 'update_instance' : 'update_deployment',
      description: call === 'POST' ? 'restart instance' : 'create deployment',
      deployment,
      work: (task) => restartInstance(task, { queue: state.queue, backend, group, id }),
    });
    const skipDrain = question.query.get('skip_drain') === 'true';
    const { contextId, id: taskId, user } = task;
    state.restarts.push({ deployment, group, id, call, skipDrain, contextId, taskId, user });
    return redirect(state, task);
  });
}

function enqueue(
  { queue, version }: DirectorState,
  { caller, contextId }: DirectorRequest,
  request: Omit<TaskRequest, 'user' | 'contextId'>,
): Task {
  // The old way of restarting stores no context id.
  const kept = request.type === 'update_deployment' && !restartsOne(version) ? '' : contextId;
  return queue.enqueue({ ...request, user: caller.user, contextId: kept });
}

function withDeployment(
  { deployments }: DirectorState,
  name: string,
  work: (backend: VmBackend) => Promise<DirectorResponse>,
): Promise<DirectorResponse> {
  const backend = deployments.get(name);
  return backend
    ? work(backend)
    : Promise.resolve(failure(404, 70_000, `Deployment '${name}' doesn't exist`));
}

function reading<T extends DirectorResponse | Promise<DirectorResponse>>(
  question: DirectorRequest,
  answer: () => T,
): T | DirectorResponse {
  return requireScope(question, ['bosh.admin', 'bosh.read', TEAM], answer);
}

function acting<T extends DirectorResponse | Promise<DirectorResponse>>(
  question: DirectorRequest,
  answer: () => T,
): T | DirectorResponse {
  return requireScope(question, ['bosh.admin', TEAM], answer);
}

/** A missing scope is a 401 with a code, an invalid token a 401 with a text: https://github.com/cloudfoundry/bosh/blob/main/src/bosh-director/lib/bosh/director/permission_authorizer.rb (600000). */
function requireScope<T extends DirectorResponse | Promise<DirectorResponse>>(
  { caller }: DirectorRequest,
  scopes: readonly string[],
  answer: () => T,
): T | DirectorResponse {
  if (caller.scopes.some((scope) => scopes.includes(scope))) return answer();
  return failure(401, 600_000, `Require one of the scopes: ${scopes.join(', ')}`);
}

/** `POST .../actions/restart` was added in 270.4.0. */
function restartsOne(version: string): boolean {
  const [first = 0, second = 0] = version.split('.').map(Number.parseFloat);
  return first > 270 || (first === 270 && second >= 4);
}

function major(version: string): number {
  return Number.parseInt(version, 10);
}

function redirect({ redirectOrigin }: DirectorState, { id }: Task): DirectorResponse {
  return { status: 302, body: '', headers: { location: `${redirectOrigin()}/tasks/${id}` } };
}

function noEndpoint(path: string): DirectorResponse {
  return { status: 404, body: `Endpoint '${path}' not found.` };
}

function failure(status: number, code: number, description: string): DirectorResponse {
  return { status, body: { code, description } };
}

function ok(body: unknown): DirectorResponse {
  return { status: 200, body };
}

import { parseJson } from '../../src/text/parse-json.ts';
import {
  type CallAnswer,
  callsAt,
  type CallRequest,
  findCall,
  type KnownCall,
  objectsIn,
  asText,
} from './known-calls.ts';

type Item = Readonly<Record<string, unknown>>;

/** Tasks in the file, and tasks that this server makes up for requests that start one. */
const FIRST_OWN_TASK = 9_000_000;
const RUNNING: ReadonlySet<unknown> = new Set(['queued', 'processing', 'cancelling']);

/**
 * A BOSH director that answers as a case file says. Its deployments, instances, locks and tasks are derived from what is in the file: the output of a task
 * with instances is the output of each request for the instances of its deployment.
 */
export function answerDirector(
  calls: readonly KnownCall[],
  uaaUrl: string,
): (request: CallRequest) => CallAnswer {
  const tasks = tasksIn(calls);
  const deployments = deploymentsIn(calls, tasks);
  const instances = instancesIn(calls, deployments, tasks);
  return (request) => {
    const known = findCall(calls, request) ?? findCall(calls, request, ['verbose', 'limit']);
    if (known && request.path !== '/tasks') return withoutEmptyBody(known);
    const { path, method, query } = request;
    if (method !== 'GET') return notFound(path);
    if (path === '/info') return ok(info(uaaUrl));
    if (path === '/deployments')
      return findCall(calls, request, [...query.keys()]) ?? ok(deployments.map((name) => ({ name })));
    if (path === '/locks') return ok(locksOf(tasks));
    if (path === '/tasks') return refusedTasks(calls) ?? ok(selectTasks(tasks, query));
    const [, deployment] = /^\/deployments\/([^/]+)\/instances$/.exec(path) ?? [];
    if (deployment !== undefined && deployments.includes(deployment))
      return answerInstances(
        instances[deployments.indexOf(deployment)]!,
        deployments.indexOf(deployment),
        query,
      );
    return answerTask(request, tasks, instances);
  };
}

function ok(body: unknown): CallAnswer {
  return { status: 200, body };
}

function notFound(path: string): CallAnswer {
  return { status: 404, body: { code: 70_000, description: `Endpoint '${path}' not found` } };
}

function withoutEmptyBody(answer: KnownCall): CallAnswer {
  const { status, body } = answer;
  return body === '' ? { status: 204, body: undefined } : { status, body };
}

function info(uaaUrl: string): object {
  return {
    name: 'bosh',
    uuid: '8d3ba4c2-6a06-4a7a-9d0c-3d2f6a5a8b11',
    version: '283.1.6 (00000000)',
    cpi: 'openstack_cpi',
    user_authentication: { type: 'uaa', options: { url: uaaUrl, urls: [uaaUrl] } },
    features: { config_server: { status: true, extras: { urls: [] } } },
  };
}

/** All tasks in the file, newest first. */
function tasksIn(calls: readonly KnownCall[]): readonly Item[] {
  const listed = callsAt(calls, /^\/tasks$/).flatMap(({ body }) => objectsIn(body));
  const single = callsAt(calls, /^\/tasks\/\d+$/).flatMap(({ body }) => objectsIn([body]));
  const byId = new Map([...listed, ...single].map((task) => [task['id'], task]));
  return [...byId.values()].toSorted((one, other) => Number(other['id']) - Number(one['id']));
}

/** The answer to requests for tasks, if the file has only failed ones. */
function refusedTasks(calls: readonly KnownCall[]): CallAnswer | undefined {
  const lists = calls.filter(({ path }) => path === '/tasks');
  return lists.some(({ status }) => status === 200) ? undefined : lists[0];
}

function selectTasks(tasks: readonly Item[], query: URLSearchParams): readonly Item[] {
  const states = query.get('state')?.split(',');
  const deployment = query.get('deployment');
  const contextId = query.get('context_id');
  return tasks
    .filter(
      (task) =>
        (!states || states.includes(asText(task['state']))) &&
        (deployment === null || task['deployment'] === deployment) &&
        (contextId === null || task['context_id'] === contextId),
    )
    .slice(0, Number(query.get('limit') ?? Infinity));
}

/** In the list, or named by a call or a task. */
function deploymentsIn(calls: readonly KnownCall[], tasks: readonly Item[]): readonly string[] {
  const listed = callsAt(calls, /^\/deployments$/).flatMap(({ body }) =>
    objectsIn(body).map(({ name }) => asText(name)),
  );
  if (listed.length > 0) return listed;
  const inPaths = calls.flatMap(({ path }) => /^\/deployments\/([^/]+)/.exec(path)?.[1] ?? []);
  const ofTasks = tasks.map(({ deployment }) => asText(deployment)).filter((name) => name !== '');
  return [...new Set([...inPaths, ...ofTasks])];
}

/** The lines about the instances of each deployment. */
function instancesIn(
  calls: readonly KnownCall[],
  deployments: readonly string[],
  tasks: readonly Item[],
): readonly string[] {
  const outputs = callsAt(calls, /^\/tasks\/(?<id>\d+)\/output$/)
    .filter(({ query, body }) => query.get('type') === 'result' && asText(body).includes('job_name'))
    .map(({ groups, body }) => {
      const task = tasks.find(({ id }) => String(id) === groups['id']);
      const jobs = linesOf(asText(body)).map(({ job_name: job }) => asText(job));
      const owner = deployments.find((name) => name === task?.['deployment'] || jobs.includes(name));
      return { owner: owner ?? deployments[0], text: asText(body) };
    });
  return deployments.map((name) => outputs.find(({ owner }) => owner === name)?.text ?? '');
}

function linesOf(text: string): readonly Item[] {
  return text.split('\n').flatMap((line) => objectsIn([parseJson(line)]));
}

function answerInstances(lines: string, at: number, query: URLSearchParams): CallAnswer {
  if (query.get('format') === 'full')
    return { status: 302, body: '', headers: { location: `/tasks/${FIRST_OWN_TASK + at}` } };
  const listed = linesOf(lines).map(({ agent_id, id, index, job_name: job, vm_cid, ips }) => ({
    agent_id,
    cid: vm_cid,
    job,
    index,
    id,
    ips,
    expects_vm: true,
  }));
  return ok(listed);
}

function answerTask(
  { path, query }: CallRequest,
  tasks: readonly Item[],
  instances: readonly string[],
): CallAnswer {
  const [, written, output] = /^\/tasks\/(\d+)(\/output)?$/.exec(path) ?? [];
  const task = tasks.find(({ id }) => String(id) === written);
  const own = instances[Number(written) - FIRST_OWN_TASK];
  if (output !== undefined) {
    if (own !== undefined && own !== '' && query.get('type') === 'result') return ok(own);
    return task || own !== undefined ? { status: 204, body: undefined } : notFound(path);
  }
  if (task) return ok(task);
  if (own === undefined) return notFound(path);
  return ok({ id: Number(written), state: 'done', description: 'retrieve vm-stats', result: '' });
}

/** A running task holds the lock of its deployment. */
function locksOf(tasks: readonly Item[]): readonly object[] {
  return tasks
    .filter(({ state, deployment }) => RUNNING.has(state) && asText(deployment) !== '')
    .map(({ id, deployment }) => ({
      type: 'deployment',
      resource: [deployment],
      timeout: `${Math.floor(Date.now() / 1000) + 240}.99`,
      task_id: String(id),
    }));
}

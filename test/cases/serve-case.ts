import { type ApiRequest, attemptOf, reviewAccess, verbOf } from '../world/kubernetes/answer-request.ts';
import { startCluster, type TestCluster } from '../world/kubernetes/api-server.ts';
import type { Attempt } from '../world/kubernetes/access.ts';
import { collectionOf } from '../world/kubernetes/collection.ts';
import type { Kubelet } from '../world/kubernetes/kubelets.ts';
import { listPage, positionOf } from '../world/kubernetes/list.ts';
import {
  type ApiObject,
  apiVersionOf,
  type ObjectPath,
  parseObjectPath,
} from '../world/kubernetes/resources.ts';
import { type ApiAnswer, NO_SUCH_PATH } from '../world/kubernetes/status.ts';
import type { CaseAnswer, CaseFile } from './case-file.ts';

/** The names of the clusters in a case file. */
export function clustersOf({ answers }: CaseFile): readonly string[] {
  const names = answers.flatMap(({ from }) => /^cluster:(.+)$/.exec(from)?.[1] ?? []);
  return [...new Set(names)];
}

/**
 * An API server with the responses of one cluster in a case file. Lists that are not in the file are empty,
 * except those of operators without any answer in it; anything else that is not in it gets 404. Paging and selectors apply to lists in the file; the list of a
 * namespace is taken from the list of the cluster. Everything is allowed except requests with 403 in the
 * file.
 */
export async function serveCase(
  file: CaseFile,
  name: string,
  { kubeletsListen = false }: { readonly kubeletsListen?: boolean } = {},
): Promise<TestCluster> {
  const answers = file.answers.filter(({ from }) => from === `cluster:${name}`).map(toKnownAnswer);
  const nodes = answers
    .filter(({ path, status }) => path === '/api/v1/nodes' && status === 200)
    .flatMap(({ body }) => itemsOf(body) ?? [])
    .filter((node) => typeof node.metadata?.name === 'string');
  const queue = makeQueue(answers);
  const cluster: TestCluster = await startCluster({
    nodes,
    kubelets: Object.fromEntries(
      nodes.map(({ metadata }) => [metadata.name, kubeletOf(metadata.name, answers)]),
    ),
    kubeletsListen,
    answer: (request) => {
      const answer = answerOf(request, answers, queue);
      return answer && kubeletsListen && request.path === '/api/v1/nodes'
        ? withAddresses(answer, cluster)
        : answer;
    },
  });
  return cluster;
}

interface KnownAnswer extends ApiAnswer {
  /** Index in the file. */
  readonly index: number;
  readonly method: string;
  /** Decoded, without the query. */
  readonly path: string;
  /** Without `limit`, which is applied and not compared. */
  readonly query: ReadonlyMap<string, string>;
  /** Whether it is a page of a list, not the whole list. */
  readonly isPage: boolean;
}

function toKnownAnswer({ request, status, body }: CaseAnswer, index: number): KnownAnswer {
  const [method = '', url = ''] = request.split(' ');
  const { path, query } = splitUrl(url);
  const isPage = query.has('limit') || query.has('continue') || continueOf(body) !== undefined;
  query.delete('limit');
  return { index, method, path, query, isPage, status, body };
}

function splitUrl(url: string): { readonly path: string; readonly query: Map<string, string> } {
  const { pathname, searchParams } = new URL(url, 'https://kubernetes');
  return { path: decodeURIComponent(pathname), query: new Map(searchParams) };
}

function continueOf(body: unknown): string | undefined {
  const token = (body as { metadata?: { continue?: unknown } } | null | undefined)?.metadata?.continue;
  return typeof token === 'string' && token !== '' ? token : undefined;
}

/** The next response to a request; the last one repeats. */
type Queue = (request: Asked) => KnownAnswer | undefined;
type Asked = Pick<ApiRequest, 'method' | 'path' | 'query'>;

function makeQueue(answers: readonly KnownAnswer[]): Queue {
  const served = new Map<string, number>();
  return ({ method, path, query }) => {
    const decoded = decodeURIComponent(path);
    const matching = answers.filter(
      (one) => one.method === method && one.path === decoded && isAskedFor(one, query),
    );
    const most = Math.max(...matching.map((one) => one.query.size));
    const equal = matching.filter((one) => one.query.size === most);
    const key = `${method} ${decoded} ${query.get('continue') ?? ''} ${equal[0]?.index ?? ''}`;
    const count = served.get(key) ?? 0;
    served.set(key, count + 1);
    return equal[Math.min(count, equal.length - 1)];
  };
}

function isAskedFor({ query, isPage }: KnownAnswer, asked: URLSearchParams): boolean {
  if (isPage && !query.has('continue') && asked.has('continue')) return false;
  return [...query].every(([key, value]) => asked.get(key) === value);
}

/** Undefined for requests that the test server handles itself: a single object, a change. */
function answerOf(request: ApiRequest, answers: readonly KnownAnswer[], queue: Queue): ApiAnswer | undefined {
  if (request.method === 'POST' && request.path.endsWith('/selfsubjectaccessreviews'))
    return reviewAccess(request.body, (attempt) => !isDenied(attempt, answers));
  const named = parseObjectPath(request.path);
  const isList = named && named.name === undefined && request.method === 'GET';
  if (isList) return answerList(request, named, answers, queue);
  const answer = queue(request);
  if (answer) return answer;
  const listed = request.method === 'GET' && named?.subresource === undefined && findListed(named, answers);
  if (listed) return { status: 200, body: listed };
  return named && named.subresource === undefined ? undefined : NO_SUCH_PATH;
}

function answerList(
  request: ApiRequest,
  asked: ObjectPath,
  answers: readonly KnownAnswer[],
  queue: Queue,
): ApiAnswer {
  const own = decodeURIComponent(request.path);
  const whole = wholeListPath(asked);
  const isNamed = (path: string) => answers.some((one) => one.path === path);
  if (!isInstalled(asked, answers)) return NO_SUCH_PATH;
  if (!isNamed(own) && !isNamed(whole)) return joinNamespaces(request.query, asked, answers);
  const path = isNamed(own) ? own : whole;
  const position = positionOf(request.query);
  const answer = position ? answers.find(({ index }) => index === position.age) : queue({ ...request, path });
  return answer ? select(answer, request.query, asked) : NO_SUCH_PATH;
}

function wholeListPath({ resource }: ObjectPath): string {
  return `/${resource.group === '' ? 'api' : 'apis'}/${apiVersionOf(resource)}/${resource.plural}`;
}

/** An object that is in a list of the file. */
function findListed(named: ObjectPath | undefined, answers: readonly KnownAnswer[]): ApiObject | undefined {
  if (!named) return undefined;
  const { resource, namespace, name } = named;
  return answers
    .filter(({ path, status }) => status === 200 && parseObjectPath(path)?.resource === resource)
    .flatMap(({ body }) => itemsOf(body) ?? [])
    .find(({ metadata }) => metadata.name === name && metadata.namespace === namespace);
}

/** Custom resources of an operator that the file has no answers for are not installed, and nothing is served in two versions. */
function isInstalled({ resource }: ObjectPath, answers: readonly KnownAnswer[]): boolean {
  const { group, plural } = resource;
  const answered = answers.flatMap(({ path }) => parseObjectPath(path)?.resource ?? []);
  const same = answered.filter((one) => one.plural === plural);
  if (same.length > 0 && !same.includes(resource)) return false;
  return (
    !group.includes('.') ||
    group.endsWith('.k8s.io') ||
    answers.some(({ path }) => path.startsWith(`/apis/${group}/`))
  );
}

/**
 * The lists of all namespaces in the file, merged, if the file has no list of the cluster. Empty if it has
 * none.
 */
function joinNamespaces(
  query: URLSearchParams,
  asked: ObjectPath,
  answers: readonly KnownAnswer[],
): ApiAnswer {
  const parts = answers.filter(({ method, path }) => {
    const part = parseObjectPath(path);
    return method === 'GET' && part?.resource === asked.resource && part.name === undefined;
  });
  const isWhole = ({ status, isPage, body }: KnownAnswer) => status === 200 && !isPage && itemsOf(body);
  return (
    parts.find((part) => !isWhole(part)) ??
    page(
      parts.flatMap(({ body }) => itemsOf(body) ?? []),
      query,
      asked,
      { index: 0 },
    )
  );
}

/**
 * Applies the selectors of a request to a response. A response that is not a list is returned unchanged.
 */
function select(answer: KnownAnswer, query: URLSearchParams, named: ObjectPath): ApiAnswer {
  const items = itemsOf(answer.body);
  if (answer.status !== 200 || !items) return inNamespace(answer, named);
  const selected = page(items, query, named, answer);
  if (selected.status !== 200) return selected;
  const body = answer.body as { readonly metadata?: object };
  const made = selected.body as { readonly metadata: object; readonly items: readonly ApiObject[] };
  const metadata = answer.isPage ? body.metadata : { ...body.metadata, ...made.metadata };
  return { ...answer, body: { ...body, metadata, items: made.items } };
}

/** The 403 for a list of the cluster, in the wording for a namespace. */
function inNamespace(answer: KnownAnswer, { namespace }: ObjectPath): ApiAnswer {
  const { message } = (answer.body ?? {}) as { readonly message?: unknown };
  if (answer.status !== 403 || namespace === undefined || typeof message !== 'string') return answer;
  const reworded = message.replace(/at the cluster scope$/, `in the namespace "${namespace}"`);
  return { ...answer, body: { ...(answer.body as object), message: reworded } };
}

/** A page in the file is served whole, with its own token. */
function page(
  items: readonly ApiObject[],
  query: URLSearchParams,
  named: ObjectPath,
  { index, isPage = false }: { readonly index: number; readonly isPage?: boolean },
): ApiAnswer {
  const asked = new URLSearchParams(query);
  if (isPage) for (const key of ['limit', 'continue']) asked.delete(key);
  return listPage(named, asked, collectionOf(items), { resourceVersion: 9_184_402, age: index });
}

function itemsOf(body: unknown): readonly ApiObject[] | undefined {
  const { items } = (body ?? {}) as { readonly items?: unknown };
  const isList = Array.isArray(items) && items.every((item) => typeof item === 'object' && item !== null);
  return isList ? (items as readonly ApiObject[]) : undefined;
}

function isDenied(attempt: Attempt, answers: readonly KnownAnswer[]): boolean {
  return answers
    .filter(({ status }) => status === 403)
    .some(({ method, path }) => {
      const named = parseObjectPath(path);
      const verb = verbOf({ method, query: new URLSearchParams() }, named);
      const denied = named ? attemptOf(verb, named) : { verb, path };
      if ('path' in attempt || 'path' in denied)
        return 'path' in attempt && 'path' in denied && attempt.path === denied.path;
      return (
        attempt.verb === denied.verb &&
        attempt.group === denied.group &&
        attempt.resource === denied.resource &&
        attempt.subresource === denied.subresource
      );
    });
}

/** A node's kubelet responds directly with what the file has for it through the API server. */
function kubeletOf(node: string, answers: readonly KnownAnswer[]): Kubelet {
  const prefix = `/api/v1/nodes/${node}/proxy`;
  const own = answers.filter(({ method, path }) => method === 'GET' && path.startsWith(`${prefix}/`));
  return { answers: Object.fromEntries(own.map((answer) => [answer.path.slice(prefix.length), answer])) };
}

/** Nodes with the ports of their kubelets. */
function withAddresses(answer: ApiAnswer, cluster: TestCluster): ApiAnswer {
  const items = itemsOf(answer.body);
  if (!items) return answer;
  const found = items.map((item) => cluster.find('nodes', item.metadata?.name) ?? item);
  return { ...answer, body: { ...(answer.body as object), items: found } };
}

import {
  type EngineRequest,
  type EngineResponse,
  failure,
  serveEngineApi,
} from '../world/docker/http-server.ts';
import type { EngineServer, VersionRange } from '../world/docker/http-server.ts';
import {
  type ContainerRow,
  findContainer,
  type ImageRow,
  isTrue,
  selectContainers,
  selectImages,
} from '../world/docker/select.ts';
import { usageAnswer } from '../world/docker/usage.ts';
import type { CaseAnswer, CaseFile } from './case-file.ts';

/** The names of the container engines in a case file. */
export function enginesOf({ answers }: CaseFile): readonly string[] {
  const names = answers.flatMap(({ from }) => /^engine:(.+)$/.exec(from)?.[1] ?? []);
  return [...new Set(names)];
}

/**
 * An engine with the responses of one engine in a case file, unchanged. Only `all`, `filters`, `limit` and
 * `size` of lists are applied. Without a response in the file the list of images is empty and disk usage is
 * zero; anything else that is not in it gets 404.
 */
export async function serveEngineCase(file: CaseFile, name: string): Promise<EngineServer> {
  const answers = file.answers.filter(({ from }) => from === `engine:${name}`).map(toKnownAnswer);
  const rows = answers.flatMap(({ path, body }) => (path === '/containers/json' ? (rowsOf(body) ?? []) : []));
  const next = makeQueue(answers.map((one) => ({ ...one, path: withShortId(one.path, rows) })));
  const version = answers.find(({ path, status }) => path === '/version' && status === 200)?.body;
  return serveEngineApi({
    answer: (request) => {
      const resolved = { ...request, path: withShortId(request.path, rows) };
      const answer = next(resolved);
      return answer ? select(answer, request, rows) : answerUnnamed(request);
    },
    ...versionsOf(version),
    product: JSON.stringify(version ?? '').includes('Podman Engine') ? 'podman' : 'docker',
  });
}

interface KnownAnswer extends EngineResponse {
  readonly method: string;
  /** Decoded, without the API version. */
  readonly path: string;
  /** Without the parameters that are applied, not compared. */
  readonly query: ReadonlyMap<string, string>;
}

const APPLIED = ['all', 'filters', 'limit', 'size'];
/** Digits of an id in the paths of a case file. */
const ID_DIGITS = 12;

function toKnownAnswer({ request, status, body }: CaseAnswer): KnownAnswer {
  const [method = '', url = ''] = request.split(' ');
  const { pathname, searchParams } = new URL(url, 'http://engine');
  const query = new Map([...searchParams].filter(([key]) => !APPLIED.includes(key)));
  const path = decodeURIComponent(pathname).replace(/^\/v\d+\.\d+(?=\/)/, '');
  return { method, path, query, status, body };
}

/**
 * The next response to a request; the last one repeats. The response with the most matching parameters
 * wins.
 */
function makeQueue(answers: readonly KnownAnswer[]): (request: EngineRequest) => KnownAnswer | undefined {
  const served = new Map<KnownAnswer, number>();
  return ({ method, path, query }) => {
    const matching = answers.filter(
      (one) => one.method === method && one.path === path && isAskedFor(one, query),
    );
    const most = Math.max(...matching.map((one) => one.query.size));
    const equal = matching.filter((one) => one.query.size === most);
    const [first] = equal;
    if (!first) return undefined;
    const count = served.get(first) ?? 0;
    served.set(first, count + 1);
    return equal[Math.min(count, equal.length - 1)];
  };
}

/** A parameter that is off may be absent; `1` is `true`. */
function isAskedFor({ query }: KnownAnswer, asked: URLSearchParams): boolean {
  return [...query].every(([key, value]) =>
    /^(0|1|true|false)$/.test(value)
      ? isTrue(asked.get(key)) === isTrue(value)
      : asked.getAll(key).includes(value),
  );
}

/** `/containers/<id or name>/json`, with the id cut to the digits used in the case file. */
function withShortId(path: string, rows: readonly ContainerRow[]): string {
  const [, kind, name = '', rest = ''] = /^\/(containers|images)\/([^/]+)(\/json)?$/.exec(path) ?? [];
  if (kind === 'containers' && name !== 'json') {
    const found = findContainer(rows, name);
    const id = typeof found === 'object' ? found.Id : name;
    return `/containers/${id.slice(0, ID_DIGITS)}${rest}`;
  }
  const [, digits] = /^(?:sha256:)?([0-9a-f]{12,})$/.exec(name) ?? [];
  return kind === 'images' && digits !== undefined ? `/images/${digits.slice(0, ID_DIGITS)}${rest}` : path;
}

function select(
  answer: KnownAnswer,
  { path, query }: EngineRequest,
  rows: readonly ContainerRow[],
): EngineResponse {
  const { method, status, body } = answer;
  if (method !== 'GET' || status !== 200) return answer;
  if (path === '/containers/json') {
    const list = rowsOf(body);
    return list ? selectContainers(list, query) : answer;
  }
  if (path === '/images/json')
    return Array.isArray(body) ? selectImages(body as readonly ImageRow[], query) : answer;
  const row = rows.find(({ Id }) => Id === (body as { readonly Id?: unknown } | null)?.Id);
  if (!row || !path.startsWith('/containers/') || !isTrue(query.get('size'))) return answer;
  const { SizeRw = 0, SizeRootFs = 0 } = row;
  return { ...answer, body: { SizeRw, SizeRootFs, ...(body as object) } };
}

const NOTHING = { LayersSize: 0, Images: [], Containers: [], Volumes: [], BuildCache: [] };
/** The response format before 1.52. */
const OLD_VERSION = '1.51';

function answerUnnamed({ method, path, query, apiVersion = OLD_VERSION }: EngineRequest): EngineResponse {
  if (method === 'GET' && path === '/images/json') return { status: 200, body: [] };
  if (method === 'GET' && path === '/system/df') return usageAnswer(NOTHING, apiVersion, query);
  return failure(404, path.startsWith('/containers/') ? 'No such container' : 'page not found');
}

/** Undefined for a body that is not a list of containers. */
function rowsOf(body: unknown): readonly ContainerRow[] | undefined {
  const isList = Array.isArray(body) && body.every((one) => typeof one === 'object' && one !== null);
  return isList ? (body as readonly ContainerRow[]) : undefined;
}

function versionsOf(body: unknown): { readonly versions?: VersionRange } {
  const { ApiVersion: max, MinAPIVersion: min } = (body ?? {}) as Record<string, unknown>;
  return typeof max === 'string' && typeof min === 'string' ? { versions: { min, max } } : {};
}

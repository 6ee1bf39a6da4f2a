import { type EngineResponse, failure } from './http-server.ts';

/** A container as `GET /containers/json?all=1&size=1` lists it. */
export interface ContainerRow {
  readonly Id: string;
  /** Absent only in a response that a test made that way. */
  readonly Names?: readonly string[];
  readonly State: string;
  readonly ImageID?: string;
  readonly Labels?: Readonly<Record<string, string>> | null;
  readonly SizeRw?: number;
  readonly SizeRootFs?: number;
}

/** An image as `GET /images/json` lists it. */
export interface ImageRow {
  readonly Id: string;
  readonly RepoTags?: readonly string[] | null;
  readonly Labels?: Readonly<Record<string, string>> | null;
}

const STATES = ['created', 'running', 'paused', 'restarting', 'removing', 'exited', 'dead'];
/** Without `all`, only these are listed. */
const ACTIVE_STATES = ['running', 'paused', 'restarting'];

/** Applies `all`, `filters`, `limit` and `size` to a list of all containers, as the engine does. */
export function selectContainers(rows: readonly ContainerRow[], query: URLSearchParams): EngineResponse {
  const filters = parseFilters(query, ['id', 'name', 'label', 'status']);
  if (!filters) return failure(400, 'invalid filter');
  const wrong = filters.get('status')?.find((status) => !STATES.includes(status));
  if (wrong !== undefined) return failure(400, `invalid filter 'status=${wrong}'`);
  const limit = Number(query.get('limit') ?? 0);
  const isAll = isTrue(query.get('all')) || filters.has('status') || limit > 0;
  const selected = rows.filter(
    (row) =>
      (isAll || ACTIVE_STATES.includes(row.State)) &&
      isOneOf(filters.get('status'), [row.State]) &&
      isOneOf(filters.get('id'), [row.Id], matches) &&
      isOneOf(
        filters.get('name'),
        (row.Names ?? []).flatMap((name) => [name, name.slice(1)]),
        matches,
      ) &&
      hasLabels(row.Labels, filters.get('label')),
  );
  const sized = isTrue(query.get('size')) ? selected : selected.map(withoutSizes);
  return { status: 200, body: limit > 0 ? sized.slice(0, limit) : sized };
}

/**
 * Applies `filters` to a list of images. Intermediate images are not distinguished: `all` has no effect.
 */
export function selectImages(rows: readonly ImageRow[], query: URLSearchParams): EngineResponse {
  const filters = parseFilters(query, ['dangling', 'label', 'reference']);
  if (!filters) return failure(400, 'invalid filter');
  const dangling = filters.get('dangling')?.map(isTrue);
  const body = rows.filter(
    (row) =>
      (dangling === undefined || dangling.includes(isDangling(row))) &&
      isOneOf(filters.get('reference'), row.RepoTags ?? [], (pattern, tag) =>
        [tag, tag.slice(0, tag.lastIndexOf(':'))].includes(pattern),
      ) &&
      hasLabels(row.Labels, filters.get('label')),
  );
  return { status: 200, body };
}

/** The container with this full id, name or unambiguous id prefix. */
export function findContainer<Row extends ContainerRow>(
  rows: readonly Row[],
  name: string,
): Row | 'ambiguous' | undefined {
  const exact = rows.find(
    ({ Id, Names = [] }) => Id === name || Names.includes(`/${name}`) || Names.includes(name),
  );
  if (exact) return exact;
  const found = rows.filter(({ Id }) => Id.startsWith(name));
  return found.length > 1 ? 'ambiguous' : found[0];
}

/** Engines list an image without a tag with an empty list, or with `<none>:<none>`. */
export function isDangling({ RepoTags }: ImageRow): boolean {
  return (RepoTags ?? []).every((tag) => tag === '<none>:<none>');
}

/** As the engine parses a boolean of a query. */
export function isTrue(value: string | null): boolean {
  return value !== null && !['', '0', 'no', 'false', 'none'].includes(value.trim().toLowerCase());
}

/**
 * `{"status":["exited"]}`, or the old form `{"status":{"exited":true}}`. Undefined if it is neither, or has
 * an unknown key.
 */
function parseFilters(
  query: URLSearchParams,
  known: readonly string[],
): ReadonlyMap<string, readonly string[]> | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(query.get('filters') || '{}');
  } catch {
    return undefined;
  }
  if (typeof parsed !== 'object' || parsed === null) return undefined;
  const filters = Object.entries(parsed).map(
    ([key, values]) => [key, Array.isArray(values) ? values.map(String) : Object.keys(values)] as const,
  );
  return filters.every(([key]) => known.includes(key)) ? new Map(filters) : undefined;
}

/** No filter matches everything; several values are alternatives. */
function isOneOf(
  wanted: readonly string[] | undefined,
  actual: readonly string[],
  isMatch: (wanted: string, actual: string) => boolean = (one, other) => one === other,
): boolean {
  return wanted === undefined || wanted.some((one) => actual.some((other) => isMatch(one, other)));
}

/** The engine treats ids and names as regular expressions. */
function matches(pattern: string, value: string): boolean {
  return new RegExp(pattern).test(value);
}

/** `key` or `key=value`; all of them. */
function hasLabels(
  labels: Readonly<Record<string, string>> | null | undefined,
  wanted: readonly string[] = [],
): boolean {
  return wanted.every((one) => {
    const [key = '', ...value] = one.split('=');
    const actual = labels?.[key];
    return actual !== undefined && (value.length === 0 || actual === value.join('='));
  });
}

function withoutSizes(row: ContainerRow): object {
  const { SizeRw: _, SizeRootFs: __, ...rest } = row;
  return rest;
}

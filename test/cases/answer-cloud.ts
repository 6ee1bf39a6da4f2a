import type {
  AnswerHook,
  CloudObject,
  CloudRequest,
  CloudResponse,
  CloudService,
} from '../world/openstack/protocol.ts';
import type { SpokenAnswer } from './case-file.ts';
import { textOf } from './host-formats.ts';

/** Parameters that say how a list is sent, not what is in it. */
const NOT_COMPARED = [
  'fields',
  'limit',
  'marker',
  'page_reverse',
  'sort_key',
  'sort_dir',
  'all_tenants',
  'deleted',
];
/** The attribute of an object that a parameter is about, if it has another name. */
const ATTRIBUTES: Readonly<Record<string, string>> = { host: 'OS-EXT-SRV-ATTR:host' };

interface KnownResponse {
  readonly service: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly status: number;
  readonly body: unknown;
  readonly text?: string;
}

/**
 * Answers requests to Nova, Neutron and Glance from a case file: responses to the same path whose parameters don't contradict, as one list of what was asked. What the
 * file doesn't answer is 404.
 */
export function answerCloud(answers: readonly SpokenAnswer[]): AnswerHook {
  const known = answers.flatMap((one) => toKnown(one) ?? []);
  return (service, request) => {
    if (request.path === '/') return undefined;
    const matching = known.filter(
      (one) => one.service === service && one.path === request.path && agree(one.query, request.query),
    );
    const failed = matching.find(({ status }) => status >= 400);
    if (service === 'keystone') return failed && respond(failed);
    if (failed && matching.length === 1) return respond(failed);
    const found = matching.filter(({ status }) => status < 400);
    if (found.length > 0)
      return {
        status: 200,
        json: withDetails(
          known,
          mergeLists(
            found.map(({ body }) => body),
            request,
          ),
        ),
      };
    return answerOtherwise(known, service, request) ?? NOT_IN_FILE;
  };
}

/** It doesn't say that the object is missing, as a service would: an instance that the file doesn't mention may exist. */
const NOT_IN_FILE: CloudResponse = {
  status: 404,
  json: { error: { code: 404, message: 'This request is not in the case file.' } },
};

function toKnown(answer: SpokenAnswer): KnownResponse | undefined {
  const [, url] = /^(?:GET|POST) (\/\S*|https?:\/\/\S+)/.exec(answer.ask) ?? [];
  if (url === undefined) return undefined;
  const { pathname, searchParams: query } = new URL(url, 'http://cloud');
  const [service = ''] = answer.of.split(/[ -]/);
  const path = decodeURIComponent(pathname).replace(/^\/(compute|networking|network|identity)(?=\/)/, '');
  return {
    service,
    path:
      { nova: path.replace(/^\/v2(\.\d+)?(?=\/)/, ''), neutron: path.replace(/^(?!\/v2\.0)/, '/v2.0') }[
        service
      ] ?? (service === 'glance' ? path.replace(/^\/image(?=\/)/, '').replace(/^(?!\/v\d)/, '/v2') : path),
    query,
    status: answer.status ?? 200,
    body: answer.status === 404 ? notFound(service, path, answer.json) : answer.json,
    ...(answer.json === undefined && (answer.text ?? '') !== '' && { text: textOf(answer) }),
  };
}

/** As the service says that an object is missing, if the file has only the status. */
function notFound(service: string, path: string, body: unknown): unknown {
  const [, id] = /\/(?:servers|images)\/([^/?]+)$/.exec(path) ?? [];
  if (id === undefined || id === 'detail') return body;
  if (service === 'nova' && !Object.hasOwn(Object(body), 'itemNotFound'))
    return { itemNotFound: { code: 404, message: `Instance ${id} could not be found.` } };
  if (service === 'glance' && body === undefined) return { message: `No image found with ID ${id}` };
  return body;
}

function respond({ status, body, text }: KnownResponse): CloudResponse {
  return { status, ...(text === undefined ? { json: body } : { text }) };
}

/** Of a parameter that both have, one value must be in both. */
function agree(known: URLSearchParams, asked: URLSearchParams): boolean {
  return [...new Set(known.keys())]
    .filter((key) => !NOT_COMPARED.includes(key) && asked.has(key))
    .every((key) => {
      const values = valuesOf(asked, key);
      return valuesOf(known, key).some((value) => values.includes(value));
    });
}

function valuesOf(query: URLSearchParams, key: string): readonly string[] {
  return query.getAll(key).map((value) => value.toLowerCase());
}

/** One page with all, without the links to others. */
function mergeLists(bodies: readonly unknown[], { query }: CloudRequest): unknown {
  const [first] = bodies;
  const [[name, list] = []] = Object.entries((first ?? {}) as CloudObject).filter(([, value]) =>
    Array.isArray(value),
  );
  if (name === undefined || !Array.isArray(list)) return first;
  const items = bodies.flatMap((body) => ((body as CloudObject)[name] ?? []) as readonly CloudObject[]);
  const byId = new Map<unknown, CloudObject>();
  // One response may say more about an object than another.
  for (const [at, item] of items.entries()) byId.set(item['id'] ?? at, { ...byId.get(item['id']), ...item });
  return { [name]: query.has('marker') ? [] : [...byId.values()].filter((item) => isAskedFor(item, query)) };
}

/** A list of instances may have left out what the file says about single ones. */
function withDetails(known: readonly KnownResponse[], body: unknown): unknown {
  const { servers } = (body ?? {}) as { readonly servers?: readonly CloudObject[] };
  if (!Array.isArray(servers)) return body;
  const single = new Map(
    known
      .filter(({ path, status }) => status < 400 && /^\/servers\/(?!detail$)[^/]+$/.test(path))
      .map(({ path, body: one }) => [
        path.slice('/servers/'.length),
        (one as { readonly server?: CloudObject } | undefined)?.server,
      ]),
  );
  return { servers: servers.map((one: CloudObject) => ({ ...single.get(String(one['id'])), ...one })) };
}

/** An attribute that the file left out decides nothing. */
function isAskedFor(item: CloudObject, query: URLSearchParams): boolean {
  return [...new Set(query.keys())]
    .filter((key) => !NOT_COMPARED.includes(key))
    .every((key) => {
      const value = item[ATTRIBUTES[key] ?? key] ?? item[key];
      return typeof value !== 'string' || valuesOf(query, key).includes(value.toLowerCase());
    });
}

/** The same in another response: an instance in a list, the DHCP agents of a network among all agents. */
function answerOtherwise(
  known: readonly KnownResponse[],
  service: CloudService,
  request: CloudRequest,
): CloudResponse | undefined {
  const listsIn = (pattern: RegExp, name: string): readonly CloudObject[] =>
    known
      .filter((one) => one.service === service && one.status < 400 && pattern.test(one.path))
      .flatMap(({ body }) => ((body as CloudObject | undefined)?.[name] ?? []) as readonly CloudObject[]);
  const [, id] = /^\/servers\/([^/]+)$/.exec(request.path) ?? [];
  if (service === 'nova' && id !== undefined && id !== 'detail') {
    const server = listsIn(/^\/servers\/detail$/, 'servers').find((one) => one['id'] === id);
    if (server) return { status: 200, json: { server } };
    // A Nova that the file says nothing about has no instances.
    const isWhole =
      known.every((one) => one.service !== 'nova') ||
      known.some(
        ({ path, query }) =>
          path === '/servers/detail' && [...query.keys()].every((key) => NOT_COMPARED.includes(key)),
      );
    return isWhole ? { status: 404, json: notFound('nova', request.path, undefined) } : undefined;
  }
  if (service !== 'neutron' || request.path !== '/v2.0/agents') return undefined;
  const agents = listsIn(/^\/v2\.0\/networks\/[^/]+\/dhcp-agents$/, 'agents').map((one) => ({
    agent_type: 'DHCP agent',
    binary: 'neutron-dhcp-agent',
    ...one,
  }));
  return agents.length === 0 ? undefined : { status: 200, json: mergeLists([{ agents }], request) };
}

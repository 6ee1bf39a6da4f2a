import type { ServiceContext } from './service-context.ts';
import { pageOf } from './page.ts';
import type { CloudObject, CloudRequest, CloudResponse } from './protocol.ts';

/** https://docs.openstack.org/api-ref/network/v2/ */
export function answerNeutron(request: CloudRequest, context: ServiceContext): CloudResponse {
  const { method, path, query } = request;
  if (path === '/')
    return { status: 200, json: { versions: [{ id: 'v2.0', status: 'CURRENT', links: [] }] } };
  if (method !== 'GET') return fault(403, 'PolicyNotAuthorized', 'it is disallowed by policy');
  const [, name] = /^\/v2\.0\/(networks|ports|agents)$/.exec(path) ?? [];
  if (name === undefined) return fault(404, 'HTTPNotFound', 'The resource could not be found.');
  const items = visible(name as ListName, context).filter((one) => matches(one, query));
  const page = pageOf(items, query, { ...context, path, name });
  if (!page) return fault(400, 'BadRequest', 'Invalid input for operation: marker not found.');
  return { ...page, json: withFields(page.json as CloudObject, name, query.getAll('fields')) };
}

type ListName = 'networks' | 'ports' | 'agents';

const ADMIN_FIELDS = /^(provider:|binding:)/;

/** Neutron hides what a policy denies, instead of refusing a list: to a reader, there are no agents. */
function visible(name: ListName, context: ServiceContext): readonly CloudObject[] {
  const items = context[name] ?? [];
  const { token } = context;
  if (!token || token.roles.includes('admin')) return items;
  if (name === 'agents') return [];
  return items
    .filter((one) => one['project_id'] === token.project || one['shared'] === true)
    .map((one) => Object.fromEntries(Object.entries(one).filter(([field]) => !ADMIN_FIELDS.test(field))));
}

const NO_FILTERS: ReadonlySet<string> = new Set(['fields', 'limit', 'marker', 'sort_key', 'sort_dir']);

function matches(item: CloudObject, query: URLSearchParams): boolean {
  return [...new Set(query.keys())]
    .filter((key) => !NO_FILTERS.has(key))
    .every((key) => query.getAll(key).includes(String(item[key])));
}

function withFields(body: CloudObject, name: string, fields: readonly string[]): CloudObject {
  if (fields.length === 0) return body;
  const items = body[name] as readonly CloudObject[];
  return {
    ...body,
    [name]: items.map((one) =>
      Object.fromEntries(Object.entries(one).filter(([field]) => fields.includes(field))),
    ),
  };
}

function fault(status: number, type: string, message: string): CloudResponse {
  return { status, json: { NeutronError: { type, message, detail: '' } } };
}

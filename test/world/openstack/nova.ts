import { answerServices } from './nova-services.ts';
import { pageOf } from './page.ts';
import type { CloudObject, CloudRequest, CloudResponse } from './protocol.ts';
import type { ServiceContext } from './service-context.ts';

/** Fields that only an administrator sees. */
const ADMIN_FIELDS = /^OS-EXT-SRV-ATTR:/;

/** https://docs.openstack.org/api-ref/compute/ */
export function answerNova(request: CloudRequest, context: ServiceContext): CloudResponse {
  const { microversion: newest = '2.93' } = context;
  const { method, path, headers } = request;
  if (path === '/') return { status: 200, json: { version: versionOf(newest) } };
  const asked = /^compute (.+)$/.exec(headers['openstack-api-version'] ?? '')?.[1];
  if (asked !== undefined && newest !== '' && minorOf(asked) > minorOf(newest))
    return fault(
      'computeFault',
      406,
      `Version ${asked} is not supported by the API. Minimum is 2.1 and maximum is ${newest}.`,
    );
  const ofServices = answerServices(request, context, minorOf(asked ?? '2.1'));
  if (ofServices) return ofServices;
  if (method !== 'GET') return fault('badMethod', 405, 'The method is not allowed for this resource.');
  if (path === '/servers/detail') return listServers(request, context);
  const [, id] = /^\/servers\/([^/]+)$/.exec(path) ?? [];
  if (id === undefined) return fault('itemNotFound', 404, 'The resource could not be found.');
  const server = visibleServers(context).find((one) => one['id'] === id);
  return server
    ? { status: 200, json: { server } }
    : fault('itemNotFound', 404, `Instance ${id} could not be found.`);
}

function listServers({ query }: CloudRequest, context: ServiceContext): CloudResponse {
  const isAdmin = context.token?.roles.includes('admin') ?? false;
  if (query.get('all_tenants') === '1' && !isAdmin)
    return fault(
      'forbidden',
      403,
      "Policy doesn't allow os_compute_api:servers:detail:get_all_tenants to be performed.",
    );
  // Nova ignores filters that only an administrator may use.
  const host = isAdmin ? query.get('host') : null;
  const matching = visibleServers(context).filter(
    (one) => host === null || one['OS-EXT-SRV-ATTR:host'] === host,
  );
  const page = pageOf(matching, query, { ...context, path: '/servers/detail', name: 'servers' });
  return page ?? fault('badRequest', 400, `marker [${query.get('marker')}] not found`);
}

function visibleServers({ servers = [], token }: ServiceContext): readonly CloudObject[] {
  if (!token || token.roles.includes('admin')) return servers;
  return servers
    .filter((one) => one['tenant_id'] === token.project)
    .map((one) => Object.fromEntries(Object.entries(one).filter(([name]) => !ADMIN_FIELDS.test(name))));
}

function versionOf(version: string): CloudObject {
  return {
    id: version === '' ? 'v2.0' : 'v2.1',
    status: 'CURRENT',
    version,
    min_version: version === '' ? '' : '2.1',
    updated: '2013-07-23T11:33:21Z',
  };
}

function minorOf(version: string): number {
  return Number(version.split('.')[1]);
}

function fault(name: string, code: number, message: string): CloudResponse {
  return { status: code, json: { [name]: { code, message } } };
}

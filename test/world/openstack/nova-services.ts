import type { ServiceContext } from './service-context.ts';
import type { CloudObject, CloudRequest, CloudResponse } from './protocol.ts';

/** The fields that exist since a minor version: https://docs.openstack.org/nova/latest/reference/api-microversion-history.html */
const FORCED_DOWN_SINCE = 11;
const OWN_PATH_SINCE = 53;
const DOWN_CELLS_SINCE = 69;

/**
 * https://docs.openstack.org/api-ref/compute/#compute-services-os-services
 * @returns undefined if the request is about something else
 */
export function answerServices(
  { method, path, query, body }: CloudRequest,
  { services = [], token }: ServiceContext,
  minor: number,
): CloudResponse | undefined {
  const [, of] = /^\/os-services(?:\/([^/]+))?$/.exec(path) ?? ['', path];
  if (!path.startsWith('/os-services')) return undefined;
  const isList = method === 'GET' && of === undefined;
  if (!(token?.roles.includes('admin') ?? false))
    return fault(
      'forbidden',
      403,
      `Policy doesn't allow os_compute_api:os-services:${isList ? 'list' : 'update'} to be performed.`,
    );
  if (isList) {
    const matching = services.filter((one) =>
      ['binary', 'host'].every((key) => !query.has(key) || query.get(key) === one[key]),
    );
    return { status: 200, json: { services: matching.flatMap((one) => shown(one, minor)) } };
  }
  if (method !== 'PUT' || of === undefined) return undefined;
  const asked = body as CloudObject;
  const found = services.find((one) =>
    minor >= OWN_PATH_SINCE
      ? one['id'] === of
      : one['binary'] === asked['binary'] && one['host'] === asked['host'],
  );
  if (!found) return fault('itemNotFound', 404, 'Service not found.');
  if (minor >= OWN_PATH_SINCE && found['binary'] !== 'nova-compute')
    return fault('badRequest', 400, `Updating a ${String(found['binary'])} service is not supported.`);
  const isDisabling = minor >= OWN_PATH_SINCE ? asked['status'] === 'disabled' : of.startsWith('disable');
  Object.assign(found, {
    status: isDisabling ? 'disabled' : 'enabled',
    disabled_reason: isDisabling ? (asked['disabled_reason'] ?? null) : null,
  });
  return { status: 200, json: { service: found } };
}

/** A service in a cell that is down has the status UNKNOWN, or is left out by older versions. */
function shown(service: CloudObject, minor: number): readonly CloudObject[] {
  const { forced_down: isForcedDown, ...rest } = service;
  if (service['status'] === 'UNKNOWN') return minor >= DOWN_CELLS_SINCE ? [rest] : [];
  return [minor >= FORCED_DOWN_SINCE ? { ...rest, forced_down: isForcedDown ?? false } : rest];
}

function fault(name: string, code: number, message: string): CloudResponse {
  return { status: code, json: { [name]: { code, message } } };
}

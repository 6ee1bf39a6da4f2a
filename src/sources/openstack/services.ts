import type { CloudService } from '../../ports/cloud.ts';
import type { ReadOptions } from '../../ports/read-options.ts';
import { SourceError } from '../../ports/source-error.ts';
import { type JsonObject, textIn } from '../../wire/json-object.ts';
import { printable } from '../../wire/x509.ts';
import { parseUtc } from './parse-utc.ts';
import type { ServiceApi } from './service-api.ts';
import { itemsOf, objectOf } from './service-json.ts';

/**
 * The services of Nova. Of a service in a cell that is down, only the binary and the host are known:
 * https://docs.openstack.org/api-guide/compute/down_cells.html
 * @throws {SourceError}
 */
export async function readServices(
  nova: ServiceApi,
  { signal }: ReadOptions,
): Promise<readonly CloudService[]> {
  const body = objectOf(nova.source, 'Nova', await nova.get({ path: '/os-services', signal }));
  return itemsOf(nova.source, 'Nova', body, 'services').map((one) => toService(nova.source, one));
}

function toService(source: string, service: JsonObject): CloudService {
  const binary = textIn(service, 'binary');
  const host = textIn(service, 'host');
  if (binary === undefined || host === undefined)
    throw new SourceError(source, 'malformed', 'Nova: a service has no binary or no host');
  const id = idOf(service);
  const zone = textIn(service, 'zone');
  const status = textIn(service, 'status');
  const state = textIn(service, 'state');
  const updatedAt = parseUtc(textIn(service, 'updated_at'));
  const disabledReason = textIn(service, 'disabled_reason');
  return {
    ...(id !== undefined && { id }),
    binary: printable(binary),
    host: printable(host),
    ...(zone !== undefined && { zone: printable(zone) }),
    ...((status === 'enabled' || status === 'disabled') && { isEnabled: status === 'enabled' }),
    ...((state === 'up' || state === 'down') && { isUp: state === 'up' }),
    ...(updatedAt && { updatedAt }),
    ...(disabledReason !== undefined && { disabledReason: printable(disabledReason) }),
    isForcedDown: service['forced_down'] === true,
  };
}

/** A UUID since 2.53, a number before. */
function idOf({ id }: JsonObject): string | undefined {
  if (typeof id === 'number') return String(id);
  return typeof id === 'string' && /^[\w-]{1,64}$/.test(id) ? id : undefined;
}

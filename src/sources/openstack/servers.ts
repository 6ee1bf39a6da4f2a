import type { CloudServer } from '../../ports/cloud.ts';
import type { ReadOptions } from '../../ports/read-options.ts';
import { SourceError } from '../../ports/source-error.ts';
import { asObject, type JsonObject, numberIn, textIn } from '../../wire/json-object.ts';
import { printable } from '../../wire/x509.ts';
import { incomplete, listItems } from './list-items.ts';
import { parseUtc } from './parse-utc.ts';
import { limitedView, type CloudView } from './view.ts';
import type { ServiceApi } from './service-api.ts';
import { objectOf } from './service-json.ts';

/** https://docs.openstack.org/api-ref/compute/#list-servers */
const POWER: Readonly<Record<number, string>> = {
  1: 'running',
  3: 'paused',
  4: 'shut-down',
  6: 'crashed',
  7: 'suspended',
};

/**
 * The instances on one hypervisor.
 * @throws {SourceError} if not all can be read.
 */
export async function* listServersOf(
  nova: ServiceApi,
  view: CloudView,
  { host, ...options }: ReadOptions & { readonly host: string },
): AsyncGenerator<readonly CloudServer[]> {
  const query = new URLSearchParams({ all_tenants: '1', host });
  let read = 0;
  for await (const page of listItems({
    ...options,
    api: nova,
    path: '/servers/detail',
    query,
    items: 'servers',
    itemsAre: 'instances',
  })) {
    // Nova ignores a filter that its policy denies, and then lists the instances of all hosts. An administrator's filter counts.
    const onHost = page
      .map((one) => ({
        ...(view.isOfAdmin && !(HOST in one) && isKnown(one) && { host }),
        ...toServer(nova.source, one),
      }))
      .filter((one) => one.host === host);
    read += onHost.length;
    if (onHost.length > 0) yield onHost;
    const problem = problemOf(nova.source, view, page);
    if (problem) throw incomplete(problem, 'instances', read);
  }
}

/** Instances of which not even the host is known. */
function problemOf(source: string, view: CloudView, page: readonly JsonObject[]): SourceError | undefined {
  const without = page.filter((one) => textIn(one, HOST) === undefined);
  // https://docs.openstack.org/nova/latest/reference/api-microversion-history.html#maximum-in-stein (2.69)
  if (!without.every(isKnown))
    return new SourceError(
      source,
      'unreachable',
      'a cell of Nova is down, so the hosts of some instances are unknown',
    );
  // An instance that was never scheduled has the field, with null.
  if (!view.isOfAdmin && without.some((one) => !(HOST in one)))
    return new SourceError(
      source,
      'refused',
      'permission denied by Nova: needs the policy `os_compute_api:os-extended-server-attributes`, by default the role `admin`, to know the host of an instance',
    );
  return undefined;
}

/** @throws {SourceError} also if the credential might not see an instance that exists. */
export async function readServer(
  nova: ServiceApi,
  view: CloudView,
  { id, signal }: ReadOptions & { readonly id: string },
): Promise<CloudServer | undefined> {
  // The device of a port is not always an instance.
  if (!/^[\w-]{1,64}$/.test(id)) return undefined;
  const answer = await nova.get({ path: `/servers/${id}`, accept: [404], signal });
  if (answer.status === 404) {
    // Otherwise a proxy, or a wrong address.
    if (!('itemNotFound' in objectOf(nova.source, 'Nova', answer)))
      throw new SourceError(
        nova.source,
        'malformed',
        'Nova returned 404, and does not say that the instance is missing',
      );
    const limit = limitedView(nova.source, view, `the instance ${printable(id)} may belong to another one`);
    if (limit) throw limit;
    return undefined;
  }
  const server = asObject(objectOf(nova.source, 'Nova', answer)['server']);
  return toServer(nova.source, server);
}

const HOST = 'OS-EXT-SRV-ATTR:host';

/** Of an instance in a cell that is down, Nova knows little more than its id. */
function isKnown(server: JsonObject): boolean {
  return server['status'] !== 'UNKNOWN';
}

function toServer(source: string, server: JsonObject): CloudServer {
  const id = textIn(server, 'id');
  if (id === undefined) throw new SourceError(source, 'malformed', 'Nova: an instance has no id');
  const user = textIn(server, 'user_id');
  const project = textIn(server, 'tenant_id');
  const createdAt = parseUtc(textIn(server, 'created'));
  const host = textIn(server, HOST);
  const status = textIn(server, 'status');
  // An empty text if it boots from a volume.
  const image = textIn(asObject(server['image']), 'id');
  const instanceName = textIn(server, 'OS-EXT-SRV-ATTR:instance_name');
  const power = POWER[numberIn(server, 'OS-EXT-STS:power_state') ?? -1];
  return {
    id: printable(id),
    name: printable(textIn(server, 'name') ?? id),
    ...(user !== undefined && { user: printable(user) }),
    ...(project !== undefined && { project: printable(project) }),
    ...(createdAt && { createdAt }),
    ...(host !== undefined && { host: printable(host) }),
    ...(power !== undefined && { power }),
    ...(status !== undefined && isKnown(server) && { status: printable(status) }),
    ...(image !== undefined && { image: printable(image) }),
    ...(instanceName !== undefined && { instanceName: printable(instanceName) }),
  };
}

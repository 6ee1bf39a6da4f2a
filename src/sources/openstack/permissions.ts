import type { Cloud, CloudWriter } from '../../ports/cloud.ts';
import type { SourcePermission } from '../../ports/source.ts';
import { SourceError } from '../../ports/source-error.ts';
import { printable } from '../../wire/x509.ts';
import type { CloudServices } from './cloud-services.ts';
import { SERVICE_NAMES } from './catalogue.ts';
import type { KeystoneToken } from './login.ts';
import type { NovaApi } from './nova-api.ts';
import type { ServiceApi } from './service-api.ts';
import { itemsOf, objectOf } from './service-json.ts';
import type { CloudSession } from './session.ts';
import { readServices } from './services.ts';
import type { CloudView } from './view.ts';

type ReadMethod = Exclude<keyof Cloud, 'name' | 'serviceChanges'>;

interface PermissionInput {
  readonly token: KeystoneToken;
  readonly view: CloudView;
  readonly services: CloudServices;
  /** `allow.disable` uses this credential. */
  readonly mayChangeServices: boolean;
  readonly signal: AbortSignal;
}

const HINT =
  'Use an application credential with the role `admin`, limited by access rules: docs/sources.md#openstack';
const NO_ID = '00000000-0000-0000-0000-000000000000';
const PROVIDER_TYPE = 'provider:network_type';

/**
 * Which requests of the port the credential may send, found by sending each with `limit=1`, and whether it may do more than that. Services leave out
 * what a role may not see, so the view of all projects is a permission of its own.
 * @throws {SourceError} if a service doesn't respond.
 */
export async function readCloudPermissions(input: PermissionInput): Promise<readonly SourcePermission[]> {
  const { token, view, services, mayChangeServices, signal } = input;
  const { nova, neutron, glance } = services;
  const first = (api: ServiceApi, path: string, query: Record<string, string>) =>
    firstOf(api, path, new URLSearchParams({ ...query, limit: '1' }), signal);
  const [network, port, agent, server, single, computes, image] = await Promise.all([
    first(neutron, '/networks', {}),
    first(neutron, '/ports', {}),
    first(neutron, '/agents', { agent_type: 'DHCP agent' }),
    first(nova, '/servers/detail', { all_tenants: '1' }),
    mayRead(() => nova.get({ path: `/servers/${NO_ID}`, accept: [404], signal })),
    mayRead(() => readServices(nova, { signal })),
    mayReadImages(glance, signal),
  ]);
  const of = (method: ReadMethod, permission: string, allowed: boolean): SourcePermission => ({
    method,
    permission,
    allowed,
    ...(!allowed && { hint: HINT }),
  });
  const all = (methods: readonly ReadMethod[]): readonly SourcePermission[] =>
    methods.map((method) => of(method, 'see all projects', view.isOfAllProjects));
  return [
    of('networks', 'list networks', network.isAllowed),
    of('ports', 'list ports', port.isAllowed),
    of('dhcpAgents', 'list network agents', agent.isAllowed),
    of('servers', 'list the instances of all projects', server.isAllowed),
    of('server', 'read an instance', single),
    of('services', 'list the services of Nova', computes),
    // A cloud may have no Glance.
    ...(image === undefined ? [] : [of('image', 'read an image', image)]),
    // Without any network or instance, it isn't known.
    ...(network.item
      ? [of('networks', 'read the provider attributes of networks', PROVIDER_TYPE in network.item)]
      : []),
    ...(server.item
      ? [
          of(
            'servers',
            'read the hosts of instances',
            view.isOfAdmin || 'OS-EXT-SRV-ATTR:host' in server.item,
          ),
        ]
      : []),
    ...all(['networks', 'ports', 'dhcpAgents', 'server', ...(image === undefined ? [] : ['image' as const])]),
    ...excessOf(token, mayChangeServices),
  ];
}

/** What the credential may do beyond reading, as far as Keystone reports it. */
function excessOf(
  { accessRules, roles }: KeystoneToken,
  mayChangeServices: boolean,
  credential?: string,
): readonly SourcePermission[] {
  if (!isAdmin(roles)) return [];
  const hint = 'Limit the application credential by access rules: docs/sources.md#openstack';
  const of = credential === undefined ? {} : { credential };
  if (!accessRules) return [{ permission: 'change everything in the cloud', allowed: true, ...of, hint }];
  return accessRules
    .filter(
      (rule) => !/^(GET|HEAD)$/i.test(String(rule['method'])) && !(mayChangeServices && isOfServices(rule)),
    )
    .slice(0, 10)
    .map(({ method, path }) => ({
      permission: printable(`send ${String(method)} ${String(path)}`),
      allowed: true,
      ...of,
      hint,
    }));
}

interface ChangeInput {
  readonly session: CloudSession;
  readonly nova: NovaApi;
  /** It is not the credential for reading. */
  readonly isOwn: boolean;
  readonly signal: AbortSignal;
}

/**
 * Whether the credential of `allow.disable` may read and change services, as far as it can be known without a change.
 * @throws {SourceError} if a service doesn't respond.
 */
export async function readChangePermissions(input: ChangeInput): Promise<readonly SourcePermission[]> {
  const { session, nova, isOwn, signal } = input;
  const token = await session.token(signal);
  const credential = isOwn ? { credential: 'allow.disable' } : {};
  const { roles, accessRules } = token;
  const maySend = isAdmin(roles) && (accessRules?.some(isOfServices) ?? true);
  const mayList = await mayRead(() => readServices(nova, { signal }));
  const methods: readonly (keyof CloudWriter)[] = ['disableService', 'enableService'];
  return [
    ...methods.flatMap((method): readonly SourcePermission[] =>
      [
        { permission: 'list the services of Nova', allowed: mayList },
        { permission: 'change the services of Nova', allowed: maySend },
      ].map((one) => ({ method, ...one, ...credential, ...(!one.allowed && { hint: HINT }) })),
    ),
    ...(isOwn ? excessOf(token, true, 'allow.disable') : []),
  ];
}

function isAdmin(roles: readonly string[]): boolean {
  return roles.some((role) => role.toLowerCase() === 'admin');
}

/** An access rule for changing compute services. */
function isOfServices({ method, path }: Readonly<Record<string, unknown>>): boolean {
  return /^PUT$/i.test(String(method)) && /^\/v2[^/]*(\/[^/]+)?\/os-services\/[^/]+$/.test(String(path));
}

async function mayReadImages(glance: ServiceApi, signal: AbortSignal): Promise<boolean | undefined> {
  try {
    return await mayRead(() => glance.get({ path: `/images/${NO_ID}`, accept: [404], signal }));
  } catch (error) {
    if (error instanceof SourceError && error.kind === 'missing') return undefined;
    throw error;
  }
}

async function firstOf(
  api: ServiceApi,
  path: string,
  query: URLSearchParams,
  signal: AbortSignal,
): Promise<{ readonly isAllowed: boolean; readonly item?: Readonly<Record<string, unknown>> | undefined }> {
  let item: Readonly<Record<string, unknown>> | undefined;
  const isAllowed = await mayRead(async () => {
    const body = objectOf(api.source, SERVICE_NAMES[api.service], await api.get({ path, query, signal }));
    const name = /^\/(\w+)/.exec(path)?.[1] ?? '';
    item = itemsOf(api.source, SERVICE_NAMES[api.service], body, name)[0];
  });
  return { isAllowed, item };
}

/** @throws {SourceError} unless the request is answered or refused. */
async function mayRead(read: () => Promise<unknown>): Promise<boolean> {
  try {
    await read();
    return true;
  } catch (error) {
    if (error instanceof SourceError && error.kind === 'refused') return false;
    throw error;
  }
}

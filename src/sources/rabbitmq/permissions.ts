import type { Broker } from '../../ports/brokers.ts';
import type { SourcePermission } from '../../ports/source.ts';
import { SourceError } from '../../ports/source-error.ts';
import { printable } from '../../wire/x509.ts';
import type { RabbitmqConfig } from './config.ts';
import type { ManagementApi } from './management-api.ts';
import { type BrokerUser, findHiddenVhosts, readUser } from './view.ts';

type ReadMethod = Extract<keyof Broker, 'overview' | 'nodes' | 'alarms' | 'memory' | 'queues'>;

/** Of an answer of the whole cluster. `alarms` needs only a login. */
const NEEDS_MONITORING: readonly ReadMethod[] = ['overview', 'nodes', 'memory', 'queues'];
const MAX_VHOSTS = 10;

/**
 * Which tags and permissions the users have, and which are missing or too many.
 * @throws {SourceError} if no node responds.
 */
export async function readBrokerPermissions(
  { user: { username }, allow }: RabbitmqConfig,
  api: ManagementApi,
  signal: AbortSignal,
): Promise<readonly SourcePermission[]> {
  const { endpoint, user } = await readUserFromAny(api, signal);
  const isMonitor = user?.isMonitor ?? true;
  const tagged = NEEDS_MONITORING.map((method): SourcePermission => ({
    method,
    permission: 'the tag monitoring',
    allowed: isMonitor,
    ...(!isMonitor && { hint: `Run \`rabbitmqctl set_user_tags ${printable(username)} monitoring\`` }),
  }));
  const hidden = isMonitor ? await findHiddenVhosts(api, { endpoint, signal, vhosts: new Set() }) : [];
  const closed = hidden.slice(0, MAX_VHOSTS).map((vhost): SourcePermission => ({
    method: 'queues',
    permission: `any permission in the virtual host ${printable(vhost)}`,
    allowed: false,
    hint: `Run \`rabbitmqctl set_permissions -p VHOST ${printable(username)} '^$' '^$' '^$'\`: docs/sources.md#rabbitmq`,
  }));
  return [
    ...tagged,
    ...closed,
    ...excessOf(user),
    ...(allow.purge ? await purgerPermissions(api, { endpoint, signal }, allow.purge.username) : []),
  ];
}

function excessOf(user: BrokerUser | undefined): readonly SourcePermission[] {
  return (user?.tags ?? [])
    .filter((tag) => tag === 'administrator' || tag === 'policymaker')
    .map((tag) => ({
      permission: tag === 'administrator' ? 'change users, virtual hosts and policies' : 'change policies',
      allowed: true,
      hint: `Replace the tag ${tag} by monitoring`,
    }));
}

/** Whether it may read a queue, which purging needs, is only found out by purging it. */
async function purgerPermissions(
  api: ManagementApi,
  query: { readonly endpoint: string; readonly signal: AbortSignal },
  username: string | undefined,
): Promise<readonly SourcePermission[]> {
  if (username === undefined) return [];
  const permission = {
    method: 'purge',
    permission: 'log in to the management API',
    credential: 'allow.purge',
  };
  try {
    await readUser(api, query, api.getJsonAsPurger);
    return [{ ...permission, allowed: true }];
  } catch (error) {
    if (!(error instanceof SourceError) || error.kind !== 'refused') throw error;
    return [
      { ...permission, allowed: false, hint: 'Correct `allow.purge`, or give its user the tag management' },
    ];
  }
}

async function readUserFromAny(
  api: ManagementApi,
  signal: AbortSignal,
): Promise<{ readonly endpoint: string; readonly user: BrokerUser | undefined }> {
  let failure: unknown;
  for (const endpoint of api.endpoints) {
    try {
      return { endpoint, user: await readUser(api, { endpoint, signal }) };
    } catch (error) {
      if (!(error instanceof SourceError)) throw error;
      failure ??= error;
    }
  }
  throw failure;
}

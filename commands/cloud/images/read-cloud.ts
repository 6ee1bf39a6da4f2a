import { type ports, SourceError, wording } from '../../kit.ts';
import { limitTasks } from '../../shared/limit-tasks.ts';
import { serversOn } from '../../shared/servers-on.ts';
import { settle } from '../../shared/settle.ts';
import { unlessMissing } from '../../shared/unless-missing.ts';
import type { HostFacts, ImagesContext, KnownInstance } from './facts.ts';

const MAX_INSTANCES = 100;
const MAX_IMAGES = 20;
const AT_ONCE = 20;

export interface Listed {
  readonly instances: readonly KnownInstance[];
  readonly hosts: readonly string[];
}

/** The instances that clouds list on the hosts: who owns them, which boot from a volume, and whether the hosts have all of their disks. */
export async function listInstances(context: ImagesContext, hosts: readonly HostFacts[]): Promise<Listed> {
  const perCloud = await Promise.all(
    (context.read.cloud ?? []).map(async (cloud) => {
      const unlisted: { readonly host: string; readonly error: SourceError }[] = [];
      const limited = limitTasks(AT_ONCE);
      const list = async (host: HostFacts) => {
        const servers = await context.attempt(`${cloud.name}: instances on ${host.name}`, undefined, () =>
          inTime(context, cloud, (signal) => serversOn(cloud, host.host, signal)).catch((error: unknown) => {
            if (context.signal.aborted || !(error instanceof SourceError) || error.kind !== 'missing')
              throw error;
            unlisted.push({ host: host.name, error });
            return undefined;
          }),
        );
        return { host: host.name, servers };
      };
      const answers = await Promise.all(hosts.map((host) => limited(() => list(host))));
      const [first] = unlisted;
      if (first)
        context.note(
          `${cloud.name} lists no instances of ${wording.list(unlisted.map(({ host }) => host).toSorted())}, so only instances with a disk are examined there: ${first.error.message}`,
        );
      return answers;
    }),
  );
  const answers = perCloud.flat();
  const servers = answers.flatMap((one) => one.servers ?? []);
  return {
    instances: [...new Map(servers.map((server) => [server.id, { id: server.id, server }])).values()],
    hosts: hosts
      .map(({ name }) => name)
      .filter((name) => {
        const own = answers.filter(({ host }) => host === name);
        return own.length > 0 && own.every((one) => one.servers !== undefined);
      }),
  };
}

/** Instances one by one. Of one that couldn't be asked for everywhere, nothing is known. */
export async function readInstances(
  context: ImagesContext,
  ids: readonly string[],
): Promise<readonly KnownInstance[]> {
  const clouds = context.read.cloud ?? [];
  if (clouds.length === 0) return [];
  if (ids.length > MAX_INSTANCES)
    context.gap(
      `${ids.length - MAX_INSTANCES} more instances`,
      new SourceError(
        clouds[0]?.name ?? '',
        'unreachable',
        `Wrench reads at most ${MAX_INSTANCES} one by one`,
      ),
    );
  const readOne = async (id: string): Promise<KnownInstance | undefined> => {
    const answers: readonly (ports.CloudServer | 'unread' | undefined)[] = await Promise.all(
      clouds.map((cloud) =>
        context.attempt<ports.CloudServer | 'unread' | undefined>(
          `${cloud.name}: instance ${id}`,
          'unread',
          () => inTime(context, cloud, (signal) => cloud.server({ id, signal })),
        ),
      ),
    );
    const [server] = answers.filter((one) => typeof one === 'object');
    if (server) return { id, server };
    return answers.includes('unread') ? undefined : { id };
  };
  const limited = limitTasks(AT_ONCE);
  const known = await Promise.all(ids.slice(0, MAX_INSTANCES).map((id) => limited(() => readOne(id))));
  return known.filter((one) => one !== undefined);
}

export async function readServices(
  context: ImagesContext,
): Promise<readonly ports.CloudService[] | undefined> {
  const answers = await Promise.all(
    (context.read.cloud ?? []).map((cloud) => {
      const what = `${cloud.name}: services of Nova`;
      return context.attempt(what, undefined, () =>
        unlessMissing(context, what, undefined, () =>
          inTime(context, cloud, (signal) => cloud.services({ signal })),
        ),
      );
    }),
  );
  // With one of them missing, a host that isn't listed may be in that one.
  return answers.length === 0 || answers.includes(undefined)
    ? undefined
    : answers.flatMap((one) => one ?? []);
}

/** Only says what may help, so a failure is only noted. */
export async function readImages(
  context: ImagesContext,
  ids: readonly string[],
): Promise<ReadonlyMap<string, ports.CloudImage | 'deleted'>> {
  const clouds = context.read.cloud ?? [];
  const entries = await Promise.all(
    ids
      .slice(0, MAX_IMAGES)
      .map(async (id): Promise<readonly (readonly [string, ports.CloudImage | 'deleted'])[]> => {
        const answers = await Promise.all(
          clouds.map(async (cloud) => {
            const { value, error } = await settle(context, cloud.name, (signal) =>
              cloud.image({ id, signal }),
            );
            if (!error) return value ?? 'deleted';
            context.note(`${cloud.name}: image ${id}: ${error.message}`);
            return undefined;
          }),
        );
        const found = answers.find((one) => one !== undefined && one !== 'deleted');
        if (found) return [[id, found]];
        return answers.length > 0 && answers.every((one) => one === 'deleted') ? [[id, 'deleted']] : [];
      }),
  );
  return new Map(entries.flat());
}

/** A cloud that hangs must not hold up the report. */
async function inTime<T>(
  context: ImagesContext,
  cloud: ports.Cloud,
  ask: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { value, error } = await settle(context, cloud.name, ask);
  if (error) throw error;
  return value;
}

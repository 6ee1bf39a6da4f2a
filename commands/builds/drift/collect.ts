import { nearest, type ports, SourceError, wording } from '../../kit.ts';
import { chooseSources, splitNames } from '../../shared/sources.ts';
import { askReplicas } from './ask-replicas.ts';
import { diagnose } from './diagnose.ts';
import { expectedOf, reportExpectation } from './expected.ts';
import type { Context, Facts, ServiceFacts } from './facts.ts';
import { findContainers, findSwarmTasks } from './find-containers.ts';
import { findPods } from './find-pods.ts';
import { NamespaceReader } from './namespace-reader.ts';
import { distinctPlaces, type FoundService, type Target, withNodes } from './targets.ts';

export interface CollectArgs {
  readonly service?: string | undefined;
  readonly expect?: string | undefined;
  readonly source?: string | undefined;
}

/** Finds the replicas of each service, asks each one directly, and reads what creates them. */
export async function collect(context: Context, args: CollectArgs): Promise<Facts> {
  const sources = chooseSources(context, 'builds', args.source);
  const chosen = chooseServices(context, sources, args.service);
  const reader = new NamespaceReader(context);
  const read = await Promise.all(
    chosen.map(async ({ source, service }) => {
      const found = await findReplicas(context, reader, service);
      if (!found) return [];
      const expected = expectedOf(service, found, args.expect);
      if (expected?.because !== undefined)
        context.gap(
          `${service.name}: expected build`,
          new SourceError(source.name, 'missing', expected.because),
        );
      const replicas = await askReplicas(context, source, service, distinctPlaces(found.targets));
      const facts: ServiceFacts = {
        name: service.name,
        source: source.name,
        replicas,
        ...(expected?.value && { expected: expected.value }),
        ...(found.kubernetes && { kubernetes: found.kubernetes }),
        ...(found.swarm && { swarm: found.swarm }),
      };
      reportExpectation(context, facts);
      return [await withNodes(context, reader, facts)];
    }),
  );
  const services = read.flat();
  return { services: await Promise.all(services.map((one) => withPermissions(context, one))) };
}

interface ChosenService {
  readonly source: ports.Builds;
  readonly service: ports.BuildService;
}

/** How many names a gap lists. */
const MOST_LISTED = 5;

/** A service is named in full, or without its namespace if that is clear: `shop/api`, `api`. */
function chooseServices(
  { gap }: Context,
  sources: readonly ports.Builds[],
  requested: string | undefined,
): readonly ChosenService[] {
  const all = sources.flatMap((source) => source.services.map((service) => ({ source, service })));
  for (const { name } of sources.filter(({ services }) => services.length === 0))
    gap(name, new SourceError(name, 'missing', 'it has no services'));
  if (requested === undefined) return all;
  const known = [...new Set(all.map(({ service }) => service.name))].toSorted();
  const chosen = new Set<ChosenService>();
  for (const name of splitNames(requested)) {
    const exact = all.filter(({ service }) => service.name === name);
    const short = all.filter(({ service }) => service.name.endsWith(`/${name}`));
    for (const one of exact.length > 0 ? exact : short) chosen.add(one);
    if (exact.length === 0 && short.length === 0) {
      const meant = nearest(name, known);
      const hint =
        meant === undefined
          ? `available: ${wording.list(known, MOST_LISTED) || 'none'}`
          : `did you mean ${meant}?`;
      gap(name, new SourceError(name, 'missing', `no service has this name; ${hint}`));
    }
  }
  return [...chosen];
}

async function findReplicas(
  context: Context,
  reader: NamespaceReader,
  { name, replicas, container }: ports.BuildService,
): Promise<FoundService | undefined> {
  if (replicas.kind === 'kubernetes') return findPods(context, reader, name, replicas, container);
  if (replicas.kind === 'containers') return findContainers(context, name, replicas);
  if (replicas.kind === 'swarm') return findSwarmTasks(context, name, replicas);
  return { targets: replicas.addresses.map(targetAt) };
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };

function targetAt(address: string): Target {
  const { hostname, port, protocol, host } = new URL(address);
  return {
    name: host,
    state: 'serving',
    isExternal: true,
    ask: {
      host: hostname.replace(/^\[(.*)\]$/, '$1'),
      port: port === '' ? (DEFAULT_PORTS[protocol] ?? 80) : Number(port),
    },
  };
}

/** Permissions are read only if there is something to fix. */
async function withPermissions(context: Context, service: ServiceFacts): Promise<ServiceFacts> {
  const { kubernetes } = service;
  const { findings } = diagnose({ services: [service] }, {}, context.now);
  const isFixable = findings.some(
    ({ severity, reason }) => severity !== 'info' || reason === 'rollout-on-delete',
  );
  if (!kubernetes || !isFixable) return service;
  const { namespace } = kubernetes;
  const cluster = context.read.clusters?.find((one) => one.name === kubernetes.cluster);
  if (!cluster) return service;
  const query = { namespace, signal: context.signal };
  const ask = <T>(what: string, read: () => Promise<T>) =>
    context.attempt(`${cluster.name}: ${what} in ${namespace}`, undefined, read);
  const [restart, pin, remove] = await Promise.all([
    ask('permission to restart workloads', () => cluster.restartPermission(query)),
    ask('permission to change images', () => cluster.pinPermission(query)),
    ask('permission to delete pods', () => cluster.removePermission(query)),
  ]);
  return {
    ...service,
    kubernetes: {
      ...kubernetes,
      ...(restart && { restart }),
      ...(pin && { pin }),
      ...(remove && { remove }),
    },
  };
}

import { setTimeout } from 'node:timers/promises';
import { type ports, SourceError, wording } from '../../kit.ts';
import { type EngineOfSource, enginesOf, nodeFinder, withoutDomain } from '../../shared/match-engine.ts';
import { selectByName } from '../../shared/select-by-name.ts';
import { chooseSources, splitNames } from '../../shared/sources.ts';
import type { Context, EngineFacts, Facts, Leftover, SortedContainers } from './facts.ts';
import { askKubelet, type ClusterNodes, readNodes } from './nodes.ts';
import { readPipelines } from './pipelines.ts';
import type { Includable } from '../../shared/container-owners.ts';
import { byBytesThenName, CLOCK_TOLERANCE_MS, sortContainers, type Undecided } from './sort-containers.ts';
import { judgeUsage } from './usage.ts';

export interface CollectArgs {
  readonly node?: string | undefined;
  readonly source?: string | undefined;
  readonly olderMs: number;
  readonly include: readonly Includable[];
}

/** Names that a gap or a note lists. */
const MAX_NAMED = 5;
/** For a check without a deadline. */
const MAX_WAIT_MS = 300_000;

/** Reads all engines at the same time, then what may have started their containers. A request that fails is a gap, and affects nothing else. */
export async function collect(context: Context, args: CollectArgs): Promise<Facts> {
  const machines = enginesOf(chooseSources(context, 'engines', args.source));
  const clusters = readNodes(context);
  const chosen = args.node === undefined ? machines : await choose(context, machines, args.node, clusters);
  const engines = await Promise.all(chosen.map((machine) => readEngine(context, machine, args, clusters)));
  const read = engines.flatMap((one) => one ?? []);
  const pipelines = await readPipelines(context, read);
  return { engines: read, ...(pipelines && { pipelines }) };
}

/** The machines with these names: of engines, or of nodes on which they run. */
async function choose(
  context: Context,
  machines: readonly EngineOfSource[],
  requested: string,
  clusters: Promise<ClusterNodes>,
): Promise<readonly EngineOfSource[]> {
  const names = splitNames(requested);
  const byName = machines.map((machine) => ({ machine, names: namesOf(machine) }));
  const isCalled = ({ names: known }: { readonly names: readonly string[] }, name: string) =>
    known.includes(name);
  const strange = names.filter((name) => !byName.some((one) => isCalled(one, name)));
  const known = strange.length === 0 ? byName : await withNodeNames(context, machines, clusters);
  for (const name of names.filter((one) => !known.some((machine) => isCalled(machine, one))))
    selectByName(
      machines,
      { flag: '--node', requested: name, nameOf: ({ engine }) => engine.name },
      context.gap,
    );
  return known.filter((one) => names.some((name) => isCalled(one, name))).map(({ machine }) => machine);
}

function namesOf({ engine, target }: EngineOfSource): readonly string[] {
  const { name, node = name } = engine;
  return [name, target, node, withoutDomain(node)];
}

/** With the names of the nodes on which they run. Called only if a name does not match an engine. */
async function withNodeNames(
  context: Context,
  machines: readonly EngineOfSource[],
  clusters: Promise<ClusterNodes>,
): Promise<readonly { readonly machine: EngineOfSource; readonly names: readonly string[] }[]> {
  const { nodes } = await clusters;
  const find = nodeFinder(nodes);
  return Promise.all(
    machines.map(async (machine) => {
      const { source, engine, target } = machine;
      const host =
        engine.node ??
        (await context.attempt(`${target}: host name`, undefined, async () => {
          const { hostname } = await source.info({ engine: engine.name, signal: context.signal });
          return hostname;
        }));
      const found = host === undefined ? [] : find(host);
      const nodeNames = found.flatMap(({ node: { name, cluster } }) => [
        name,
        withoutDomain(name),
        `${cluster.name}:${name}`,
      ]);
      return { machine, names: [...namesOf(machine), ...(host === undefined ? [] : [host]), ...nodeNames] };
    }),
  );
}

async function readEngine(
  context: Context,
  machine: EngineOfSource,
  args: CollectArgs,
  clusters: Promise<ClusterNodes>,
): Promise<EngineFacts | undefined> {
  const { attempt, signal } = context;
  const { source, engine, target } = machine;
  const info = await describe(context, machine);
  if (info === 'unreachable') return undefined;
  if (info) reportClock(context, machine, info);
  const node = findNode(context, machine, info?.hostname, clusters);
  const reading = readContainers(context, machine, args, info);
  await withinHalfTheTime(context, reading);
  // The engine computes it again for each request, and may never finish.
  const usage = await attempt(`${target}: images, volumes and build cache`, undefined, () =>
    source.usage({ engine: engine.name, signal }),
  );
  const containers = await reading;
  if (usage) reportUnknownUse(context, machine, usage, containers, args);
  const found = await node;
  const asked = found && (await askKubelet(context, found));
  return {
    target,
    source: source.name,
    engine: engine.name,
    ...(info && { product: info.product, version: info.version }),
    ...(info?.rootFolder !== undefined && { rootFolder: info.rootFolder }),
    removal: source.removal,
    ...(asked && { node: asked }),
    containers,
    ...(usage && { usage }),
  };
}

/**
 * The engine's description of itself. An engine that does not respond gets one request, not four. One that refuses only this request, as a
 * socket proxy may, is still read.
 */
async function describe(
  context: Context,
  { source, engine, target }: EngineOfSource,
): Promise<ports.EngineInfo | undefined | 'unreachable'> {
  const { gap, signal } = context;
  const query = { engine: engine.name, signal };
  const late = new SourceError(
    source.name,
    'unreachable',
    `${engine.name} did not describe itself in half of the time`,
  );
  try {
    const asking = source.info(query);
    const answered = asking.then(
      () => true,
      () => true,
    );
    if ((await withinHalfTheTime(context, answered)) === undefined) throw late;
    return await asking;
  } catch (error) {
    const reason: unknown = signal.aborted ? signal.reason : error;
    if (!(reason instanceof SourceError)) throw reason;
    // A code means that there was no response.
    const isRead = reason.code === undefined && (await listsContainers(source, query));
    gap(isRead ? `${target}: description` : target, reason);
    return isRead ? undefined : 'unreachable';
  }
}

async function listsContainers(source: ports.ContainerEngines, query: ports.EngineQuery): Promise<boolean> {
  try {
    for await (const _ of source.containers(query)) break;
    return true;
  } catch (error) {
    if (error instanceof SourceError) return false;
    throw error;
  }
}

/** If the clock of an engine is behind, its containers seem older. If it is ahead, they only seem younger, which is harmless. */
function reportClock(
  { note }: Context,
  { target }: EngineOfSource,
  { clockBehindMs = 0 }: ports.EngineInfo,
): void {
  if (clockBehindMs > CLOCK_TOLERANCE_MS)
    note(
      `${target}: its clock is ${wording.period(clockBehindMs)} behind, so ages are overestimated by that much`,
    );
}

/** Waits for at most half of the remaining time, so that the other requests can still be made. */
async function withinHalfTheTime<T>({ leftMs, signal }: Context, work: Promise<T>): Promise<T | undefined> {
  const done = new AbortController();
  const either = AbortSignal.any([signal, done.signal]);
  const waitMs = Math.min(leftMs() / 2, MAX_WAIT_MS);
  const late = setTimeout(waitMs, undefined, { signal: either }).catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    done.abort();
  }
}

async function readContainers(
  context: Context,
  { source, engine, target }: EngineOfSource,
  { olderMs, include }: CollectArgs,
  info: ports.EngineInfo | undefined,
): Promise<SortedContainers> {
  const { attempt, signal, now, saw, gap } = context;
  const sorting = sortContainers({ now, olderMs, include });
  const isListed = await attempt(`${target}: containers`, false, async () => {
    let listed = 0;
    for await (const batch of source.containers({ engine: engine.name, signal }))
      for (const container of batch) {
        listed += 1;
        sorting.add(container);
      }
    if (listed > 0 || !info?.stopped) return true;
    throw new SourceError(
      source.name,
      'malformed',
      `${engine.name} counts ${wording.count(info.stopped, 'stopped container')}, but lists none`,
    );
  });
  const { undecided, ...sorted } = sorting.result(isListed);
  for (const one of undecided) gap(...gapOf(target, source.name, one));
  if (sorted.isComplete) saw(source.name);
  const ids = [...sorted.leftovers, ...sorted.sharingVolumes].map(({ id }) => id);
  if (ids.length === 0) return sorted;
  const sizes = await attempt(
    `${target}: ${ids.length === 1 ? 'size of 1 container' : `sizes of ${ids.length} containers`}`,
    undefined,
    () => source.containerSizes({ engine: engine.name, ids, signal }),
  );
  const measured = (one: Leftover): Leftover => {
    const bytes = sizes?.get(one.id);
    return bytes === undefined ? one : { ...one, bytes };
  };
  return {
    ...sorted,
    leftovers: sorted.leftovers.map(measured).toSorted(byBytesThenName),
    sharingVolumes: sorted.sharingVolumes.map(measured).toSorted(byBytesThenName),
  };
}

function gapOf(target: string, source: string, { because, count, names }: Undecided) {
  const who = wording.list(names, MAX_NAMED, count);
  const what = `${target}: ${count === 1 ? `container ${who}` : `${count} containers (${who})`}`;
  return [what, new SourceError(source, 'malformed', because, { places: count })] as const;
}

function reportUnknownUse(
  { gap, note, now }: Context,
  { source, target }: EngineOfSource,
  usage: ports.EngineUsage,
  containers: SortedContainers,
  { olderMs }: CollectArgs,
): void {
  const { unknownImages, undatedImages, unknownVolumes } = judgeUsage(usage, { now, olderMs, containers });
  const report = (
    placeNames: readonly string[],
    noun: string,
    message = 'the engine does not report whether a container uses them',
  ) => {
    if (placeNames.length === 0) return;
    gap(
      `${target}: ${wording.count(placeNames.length, noun)}`,
      new SourceError(source.name, 'malformed', message, { places: placeNames.length, placeNames }),
    );
  };
  const idsOf = (images: readonly ports.EngineImage[]) => images.map(({ id }) => id);
  report(idsOf(unknownImages), 'image');
  report(idsOf(undatedImages), 'dangling image', 'the engine does not say when they were created');
  report(
    unknownVolumes.map(({ name }) => name),
    'volume',
  );
  const unmeasured = usage.volumes.filter(({ bytes }) => bytes === undefined);
  if (unmeasured.length > 0)
    note(
      `${target}: the engine does not report the size of ${wording.count(unmeasured.length, 'volume')} (${wording.list(unmeasured.map(({ name }) => name).toSorted())})`,
    );
  if (usage.imageBytes === undefined && usage.images.length > 0)
    note(
      `${target}: the engine does not report the total size of its images; shared layers may be counted twice`,
    );
}

async function findNode(
  { note }: Context,
  { engine, target }: EngineOfSource,
  hostname: string | undefined,
  clusters: Promise<ClusterNodes>,
) {
  const { nodes } = await clusters;
  const find = nodeFinder(nodes);
  const found = [engine.node, hostname].map((name) => (name === undefined ? [] : find(name)));
  const matches = found.find(({ length }) => length > 0) ?? [];
  const [match] = matches;
  if (matches.length > 1) {
    const names = matches.map(({ node }) => `${node.cluster.name}:${node.name}`).toSorted();
    note(`${target} matches several nodes, so none is shown: ${wording.list(names)}`);
    return undefined;
  }
  return match;
}

import { type ports, type ReadContext, SourceError } from '../../kit.ts';
import { isCounted } from '../../shared/instances.ts';
import { selectByName } from '../../shared/select-by-name.ts';
import { chooseSources } from '../../shared/sources.ts';

export interface Facts {
  readonly deployments: readonly WatchedDeployment[];
}

/** A deployment, and the supervisor that reports it. */
export interface WatchedDeployment extends Pick<
  ports.Deployment,
  'source' | 'name' | 'instances' | 'lock' | 'version'
> {
  readonly supervisor: ports.ProcessSupervisor['supervisor'];
}

export interface CollectArgs {
  readonly deployment?: string | undefined;
  readonly group?: string | undefined;
  readonly source?: string | undefined;
}

type Context = ReadContext<'processes'>;
type ListedDeployment = ports.Deployment & Pick<WatchedDeployment, 'supervisor'>;

/** Reads all sources at the same time. A source that fails is a gap, and does not affect the others. */
export async function collect(context: Context, { deployment, group, source }: CollectArgs): Promise<Facts> {
  const listed = await Promise.all(
    chooseSources(context, 'processes', source).map((supervisor) => listDeployments(context, supervisor)),
  );
  const select = <T>(
    all: readonly T[],
    flag: string,
    requested: string | undefined,
    nameOf: (one: T) => string,
  ) =>
    requested === undefined || all.length === 0
      ? all
      : selectByName(all, { flag, requested, nameOf, matches: matchesPattern }, context.gap);
  const chosen = select(listed.flat(), '--deployment', deployment, ({ name }) => name);
  const all = chosen.flatMap(({ instances }) => instances);
  const wanted = new Set(select(all, '--group', group, (instance) => instance.group));
  const deployments = chosen.map(({ gaps = [], ...one }): WatchedDeployment => {
    for (const { what, error } of gaps) context.gap(`${one.source}:${what}`, error);
    const instances = one.instances.filter((instance) => wanted.has(instance));
    context.saw(one.source, instances.length);
    reportUnlisted(context, { ...one, instances });
    return { ...one, instances };
  });
  return { deployments };
}

/**
 * Instances of one group have the same processes. A running instance that lists none may have lost them, or its agent does not report them.
 */
function reportUnlisted({ gap }: Context, { source, name, instances }: WatchedDeployment): void {
  const running = instances.filter((one) => isCounted(one) && one.state === 'running');
  const listing = new Set(running.filter(({ processes }) => processes.length > 0).map(({ group }) => group));
  for (const { group, name: instance, processes } of running)
    if (processes.length === 0 && listing.has(group)) {
      const because = `it lists no process, but other instances of ${group} do`;
      gap(`${source}:${name}/${instance}`, new SourceError(source, 'missing', because));
    }
}

function listDeployments(
  { attempt, signal }: Context,
  { name, supervisor, deployments: read }: ports.ProcessSupervisor,
): Promise<readonly ListedDeployment[]> {
  return attempt(name, [], async () => {
    const deployments = await read({ signal });
    return deployments.map((deployment) => ({ ...deployment, supervisor }));
  });
}

/** The parts between the `*` must appear in order, the first at the beginning and the last at the end. */
function matchesPattern(pattern: string, name: string): boolean {
  const pieces = pattern.split('*');
  const last = pieces.pop() ?? '';
  if (pieces.length === 0) return name === last;
  const first = pieces.shift() ?? '';
  if (!name.startsWith(first)) return false;
  let at = first.length;
  for (const piece of pieces) {
    const start = name.indexOf(piece, at);
    if (start < 0) return false;
    at = start + piece.length;
  }
  return name.length - last.length >= at && name.endsWith(last);
}

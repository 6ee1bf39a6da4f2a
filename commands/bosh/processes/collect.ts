import { nearest, type ports, type ReadContext, SourceError, wording } from '../../kit.ts';
import { chooseSources, splitNames } from '../../shared/sources.ts';

export interface Facts {
  readonly deployments: readonly WatchedDeployment[];
}

/** A deployment and who watches over it. */
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

/** Queries every source at once. A source that fails is a gap and does not affect the others. */
export async function collect(context: Context, { deployment, group, source }: CollectArgs): Promise<Facts> {
  const listed = await Promise.all(
    chooseSources(context, 'processes', source).map((supervisor) => listDeployments(context, supervisor)),
  );
  const chosen = selectByName(context, '--deployment', deployment, listed.flat(), ({ name }) => name);
  const all = chosen.flatMap(({ instances }) => instances);
  const wanted = new Set(selectByName(context, '--group', group, all, (instance) => instance.group));
  const deployments = chosen.map(({ gaps = [], ...one }): WatchedDeployment => {
    for (const { what, error } of gaps) context.gap(`${one.source}:${what}`, error);
    const instances = one.instances.filter((instance) => wanted.has(instance));
    context.saw(one.source, instances.length);
    return { ...one, instances };
  });
  return { deployments };
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

/** Those with one of the names that were asked for. A name that nothing has is a gap, and never "all is well". */
function selectByName<T>(
  { gap }: Context,
  flag: string,
  requested: string | undefined,
  all: readonly T[],
  getName: (one: T) => string,
): readonly T[] {
  if (requested === undefined || all.length === 0) return all;
  const known = [...new Set(all.map(getName))].toSorted();
  const patterns = splitNames(requested);
  for (const pattern of patterns.filter((one) => !known.some((name) => matchesPattern(one, name)))) {
    const meant = nearest(pattern, known);
    const hint = meant === undefined ? `available: ${wording.list(known, 10)}` : `did you mean ${meant}?`;
    gap(`${flag} ${pattern}`, new SourceError(pattern, 'missing', `not found; ${hint}`));
  }
  return all.filter((one) => patterns.some((pattern) => matchesPattern(pattern, getName(one))));
}

/** The pieces between the `*` stand in their order, the first at the beginning and the last at the end. */
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

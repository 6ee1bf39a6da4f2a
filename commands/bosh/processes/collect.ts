import { nearest, type ports, type ReadContext, SourceError, wording } from '../../kit.ts';
import { chooseSources, namesIn } from '../../shared/sources.ts';

export interface Facts {
  readonly deployments: readonly Watched[];
}

/** A deployment and who watches over it. */
export interface Watched extends Pick<
  ports.Deployment,
  'source' | 'name' | 'instances' | 'lock' | 'version'
> {
  readonly kind: ports.ProcessSupervisor['kind'];
}

export interface Asked {
  readonly deployment?: string | undefined;
  readonly group?: string | undefined;
  readonly source?: string | undefined;
}

type Context = ReadContext<'processes'>;
type Told = ports.Deployment & Pick<Watched, 'kind'>;

/** Queries every source at once. A source that fails is a gap and does not affect the others. */
export async function collect(context: Context, { deployment, group, source }: Asked): Promise<Facts> {
  const told = await Promise.all(
    chooseSources(context.read.processes.supervisors, source, 'processes', context.gap).map((supervisor) =>
      ask(context, supervisor),
    ),
  );
  const chosen = pick(context, '--deployment', deployment, told.flat(), ({ name }) => name);
  const all = chosen.flatMap(({ instances }) => instances);
  const wanted = new Set(pick(context, '--group', group, all, (instance) => instance.group));
  const deployments = chosen.map(({ gaps = [], ...one }): Watched => {
    for (const { what, error } of gaps) context.gap(`${one.source}:${what}`, error);
    const instances = one.instances.filter((instance) => wanted.has(instance));
    context.saw(one.source, instances.length);
    return { ...one, instances };
  });
  return { deployments };
}

function ask({ attempt, signal }: Context, supervisor: ports.ProcessSupervisor): Promise<readonly Told[]> {
  return attempt(supervisor.name, [], async () => {
    const deployments = await supervisor.deployments({ signal });
    return deployments.map((deployment) => ({ ...deployment, kind: supervisor.kind }));
  });
}

/** Those with one of the names that were asked for. A name that nothing has is a gap, and never "all is well". */
function pick<T>(
  { gap }: Context,
  flag: string,
  asked: string | undefined,
  all: readonly T[],
  nameOf: (one: T) => string,
): readonly T[] {
  if (asked === undefined || all.length === 0) return all;
  const known = [...new Set(all.map(nameOf))].toSorted();
  const patterns = namesIn(asked);
  for (const pattern of patterns.filter((one) => !known.some((name) => fits(one, name)))) {
    const meant = nearest(pattern, known);
    const hint = meant === undefined ? `available: ${wording.list(known, 10)}` : `did you mean ${meant}?`;
    gap(`${flag} ${pattern}`, new SourceError(pattern, 'missing', `not found; ${hint}`));
  }
  return all.filter((one) => patterns.some((pattern) => fits(pattern, nameOf(one))));
}

/** The pieces between the `*` stand in their order, the first at the beginning and the last at the end. */
function fits(pattern: string, name: string): boolean {
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

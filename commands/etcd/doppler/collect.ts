import { setTimeout } from 'node:timers/promises';
import { nearest, type ports, type ReadContext, SourceError, wording } from '../../kit.ts';
import { DOPPLER, type Service } from './services.ts';

export interface Facts {
  readonly stores: readonly StoreLook[];
  readonly deployments: readonly ports.Deployment[];
  /** Whether `deployments` is everything there is: `partly` where one could not be read, `nobody-tells` where no source keeps processes. */
  readonly instances: 'all' | 'partly' | 'nobody-tells';
}

/** What one store showed, looked at twice. */
export interface StoreLook {
  readonly name: string;
  /** One tree for each of the service's roots, in their order; absent where they could not be read. */
  readonly earlier?: readonly ports.KeyTree[];
  readonly later?: readonly ports.KeyTree[];
  readonly members?: ports.StoreMembers;
}

export interface Asked {
  readonly deployment?: string | undefined;
  readonly source?: string | undefined;
}

type Context = ReadContext<'keyValue', 'processes'>;

/** Longer than the five seconds in which a doppler writes its key anew, so that one which still does has done so in between. */
const BETWEEN_LOOKS_MS = 6_000;

/** For asking the members, of the time that is left at most half. */
const MEMBERS_WITHIN_MS = 20_000;

export const collect = collectFor(DOPPLER);

/** Reads a service's keys twice, the members in between and the instances meanwhile. */
export function collectFor(
  service: Service,
  betweenLooksMs = BETWEEN_LOOKS_MS,
): (context: Context, asked: Asked) => Promise<Facts> {
  return async (context, { deployment, source }) => {
    const chosen = choose(context, source);
    const [looks, { deployments, instances }] = await Promise.all([
      Promise.all(chosen.map((store) => lookAt(store, service, context, betweenLooksMs))),
      instancesOf(context, deployment),
    ]);
    const stores = looks.filter((look) => !('unfit' in look));
    // A store of another kind is nothing to speak of, unless there is no other.
    if (stores.length === 0)
      for (const look of looks) if ('unfit' in look) context.gap(look.name, look.unfit);
    return { stores, deployments, instances };
  };
}

function choose({ read, gap }: Context, source: string | undefined): readonly ports.KeyValueStore[] {
  const { stores } = read.keyValue;
  if (source === undefined) return stores;
  const asked = namesIn(source);
  const known = stores.map(({ name }) => name);
  for (const name of asked.filter((one) => !known.includes(one)))
    gap(
      `--source ${name}`,
      new SourceError(
        name,
        'missing',
        `no source of that name keeps keys here; there is: ${known.join(', ')}`,
      ),
    );
  return stores.filter(({ name }) => asked.includes(name));
}

/** A store that does not speak of directories at all. */
interface Unfit {
  readonly name: string;
  readonly unfit: SourceError;
}

async function lookAt(
  store: ports.KeyValueStore,
  { roots }: Service,
  { signal, leftMs, attempt, saw }: Context,
  betweenLooksMs: number,
): Promise<StoreLook | Unfit> {
  const { name } = store;
  const readAll = () => Promise.all(roots.map(({ prefix }) => store.tree(prefix, { signal })));
  const what = `${name}: ${roots.map(({ prefix }) => prefix).join(', ')}`;
  const earlier = await attempt(what, undefined, () => readAll().catch(unfitOr));
  if (earlier instanceof SourceError) return { name, unfit: earlier };
  const members = await attempt(`${name}: members`, undefined, () =>
    store.members({ signal, withinMs: Math.min(MEMBERS_WITHIN_MS, leftMs() / 2) }),
  );
  const known = { name, ...(members && { members }) };
  if (!earlier) return known;
  saw(
    name,
    earlier.reduce((sum, { leaves }) => sum + leaves.length, 0),
  );
  // Cut short by the deadline there is one look, and whether anybody keeps its key is not known.
  const later = await attempt(`${what}, a second time`, undefined, async () => {
    await setTimeout(betweenLooksMs, undefined, { signal });
    return readAll();
  });
  return { ...known, earlier, ...(later && { later }) };
}

function unfitOr(error: unknown): SourceError {
  if (error instanceof SourceError && error.kind === 'missing') return error;
  throw error;
}

async function instancesOf(
  { read, signal, attempt, gap, saw }: Context,
  wanted: string | undefined,
): Promise<Pick<Facts, 'deployments' | 'instances'>> {
  if (!read.processes) return { deployments: [], instances: 'nobody-tells' };
  const answers = await Promise.all(
    read.processes.keepers.map((keeper) =>
      attempt(keeper.name, undefined, () => keeper.deployments({ signal })),
    ),
  );
  const all = answers.flatMap((answer) => answer ?? []);
  const deployments = wanted === undefined ? all : only(all, wanted, gap);
  for (const { source, instances, gaps = [] } of deployments) {
    saw(source, instances.length);
    for (const { what, error } of gaps) gap(`${source}: ${what}`, error);
  }
  const isWhole = answers.every(Boolean) && all.every(({ gaps = [] }) => gaps.length === 0);
  return { deployments, instances: isWhole && deployments === all ? 'all' : 'partly' };
}

function only(
  all: readonly ports.Deployment[],
  wanted: string,
  gap: Context['gap'],
): readonly ports.Deployment[] {
  const asked = namesIn(wanted);
  const known = all.map(({ name }) => name);
  for (const name of asked.filter((one) => !known.includes(one))) {
    const meant = nearest(name, known);
    const listed = known.length === 0 ? 'there is none' : `there is: ${wording.list(known, 10)}`;
    const hint = meant === undefined ? listed : `did you mean ${meant}?`;
    const missing = new SourceError(name, 'missing', `no deployment of that name was seen; ${hint}`);
    gap(`--deployment ${name}`, missing);
  }
  return all.filter(({ name }) => asked.includes(name));
}

function namesIn(list: string): readonly string[] {
  return list
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean);
}

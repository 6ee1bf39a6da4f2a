import { nearest, type ReadContext, SourceError, wording } from '../../kit.ts';
import { matcherFor } from './match.ts';
import { groupByFingerprint, type GroupedCertificates } from './group-by-fingerprint.ts';

export type Facts = GroupedCertificates;

/** Places between two turns of the event loop: thousands must not block the worker's other work. */
const YIELD_EVERY = 300;

type Context = ReadContext<'certificates'>;

/** Examines all sources at the same time. What was examined before a deadline counts. */
export async function collect(
  context: Context,
  { source, match }: { readonly source?: string | undefined; readonly match?: string | undefined },
): Promise<Facts> {
  const grouper = groupByFingerprint(context.now);
  const matcher = match === undefined ? undefined : matcherFor(match);
  let examined = 0;
  const { attempt, gap, saw, signal } = context;

  const scan = async (store: Context['read']['certificates'][number]) => {
    const onEmpty = () => {
      saw(store.name);
      if (!matcher) grouper.addEmpty();
    };
    for await (const result of store.scan({ signal, onEmpty })) {
      if (result.kind === 'unseen') {
        if (matcher) matcher.noteUnread(store, result);
        else gap(result.place, result.error);
        continue;
      }
      saw(store.name);
      if (!matcher || matcher.matches(result)) grouper.add(result);
      examined += 1;
      if (examined % YIELD_EVERY === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  };
  await Promise.all(
    chooseStores(context, source).map((store) => attempt(store.name, undefined, () => scan(store))),
  );
  const unread = matcher?.unread() ?? [];
  const meant = matcher?.matched() === 0 ? unread.filter(({ isMatch }) => isMatch) : [];
  // Where nothing was found, the verdict begins with the first gap: why a place that matches could not be read.
  for (const { place, error } of meant) gap(place, error);
  for (const one of unread.filter((one) => !meant.includes(one)))
    gap(one.place, one.error, { unrelated: one.isUnrelated });
  // What is unfinished may match.
  if (matcher?.matched() === 0 && meant.length === 0 && examined > 0 && !signal.aborted)
    gap(`--match ${match}`, new SourceError('match', 'missing', nothingMatches(examined)));
  return grouper.close();
}

function chooseStores({ read, gap }: Context, source: string | undefined) {
  const { certificates: stores } = read;
  if (source === undefined) return stores;
  const requested = source
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean);
  const known = stores.map(({ name }) => name);
  for (const name of requested.filter((one) => !known.includes(one)))
    gap(`--source ${name}`, new SourceError(name, 'missing', describeUnknownSource(name, known)));
  return stores.filter(({ name }) => requested.includes(name));
}

function nothingMatches(examined: number): string {
  return `no place, name or subject matches in ${wording.count(examined, 'place')}`;
}

function describeUnknownSource(name: string, known: readonly string[]): string {
  const meant = nearest(name, known);
  return meant === undefined
    ? `no source named ${name} has certificates; sources: ${known.join(', ')}`
    : `no source named ${name}; did you mean ${meant}?`;
}

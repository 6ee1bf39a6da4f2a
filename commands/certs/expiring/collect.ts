import { type ports, type ReadContext, SourceError, wording } from '../../kit.ts';
import { openTally, type Tally } from './tally.ts';

export type Facts = Tally;

/** Counting by the thousand must not hold up what else the worker does. */
const BREATHE_EVERY = 300;

/** Looks at every place of every source at once. What the deadline cuts short counts as far as it came. */
export async function collect(
  context: ReadContext<'certificates'>,
  { source, match }: { readonly source?: string | undefined; readonly match?: string | undefined },
): Promise<Facts> {
  const tally = openTally();
  const matches = match === undefined ? () => true : matcher(match);
  let looked = 0;
  let matched = 0;
  const { attempt, gap, saw, signal } = context;

  const scan = async (store: (typeof context.read.certificates.stores)[number]) => {
    for await (const sighting of store.scan({ signal, onEmpty: () => saw(store.name) })) {
      if (sighting.kind === 'unseen') {
        gap(sighting.place, sighting.error);
        continue;
      }
      saw(store.name);
      if (matches(sighting)) {
        tally.add(sighting);
        matched += 1;
      }
      looked += 1;
      if (looked % BREATHE_EVERY === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  };
  await Promise.all(
    chosen(context, source).map((store) => attempt(store.name, undefined, () => scan(store))),
  );
  if (match !== undefined && matched === 0 && looked > 0)
    gap(`--match ${match}`, new SourceError('match', 'missing', nothingMatches(looked)));
  return tally.close();
}

function chosen({ read, gap }: ReadContext<'certificates'>, source: string | undefined) {
  const { stores } = read.certificates;
  if (source === undefined) return stores;
  const asked = source
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean);
  const known = stores.map(({ name }) => name);
  for (const name of asked.filter((one) => !known.includes(one)))
    gap(
      `--source ${name}`,
      new SourceError(
        name,
        'missing',
        `no source of that name keeps certificates here; there is: ${known.join(', ')}`,
      ),
    );
  return stores.filter(({ name }) => asked.includes(name));
}

function nothingMatches(looked: number): string {
  return `nothing that was seen (${wording.count(looked, 'place')}) has it in its place, name or subject`;
}

/** Finds the pieces between the `*` in their order, anywhere in the place, a name or the subject. */
function matcher(pattern: string): (seen: ports.Seen) => boolean {
  const pieces = pattern.toLowerCase().split('*').filter(Boolean);
  const found = (text: string) => {
    const within = text.toLowerCase();
    let at = 0;
    return pieces.every((piece) => {
      const start = within.indexOf(piece, at);
      at = start + piece.length;
      return start >= 0;
    });
  };
  return ({ place, chain }) =>
    found(place) ||
    chain.some(({ name, subject, alternativeNames }) => [name, subject, ...alternativeNames].some(found));
}

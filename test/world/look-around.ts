import type { Seen, Sighting } from '../../src/ports/certificates.ts';
import type { Source } from '../../src/ports/source.ts';

/** What a scan told, in the order of places: lanes race. */
export interface View {
  readonly seen: readonly {
    readonly place: string;
    readonly names: readonly string[];
    readonly keyMatches?: boolean;
  }[];
  /** `place: kind: message` */
  readonly gaps: readonly string[];
  readonly empty: readonly string[];
  readonly sightings: readonly Sighting[];
}

/** Scans a source once, to its end. */
export async function lookAround(
  source: Source,
  signal: AbortSignal = new AbortController().signal,
): Promise<View> {
  const sightings: Sighting[] = [];
  const empty: string[] = [];
  const { certificates } = source;
  if (!certificates) throw new Error(`${source.name} keeps no certificates`);
  for await (const sighting of certificates.scan({ signal, onEmpty: (because) => empty.push(because) }))
    sightings.push(sighting);
  return { ...view(sightings), empty: empty.toSorted(), sightings };
}

function view(sightings: readonly Sighting[]): Pick<View, 'seen' | 'gaps'> {
  const inOrder = sightings.toSorted((one, other) => (one.place < other.place ? -1 : 1));
  return {
    seen: inOrder
      .filter((sighting): sighting is Seen => sighting.kind === 'seen')
      .map(({ place, chain, keyMatches }) => ({
        place,
        names: chain.map(({ name }) => name),
        ...(keyMatches !== undefined && { keyMatches }),
      })),
    gaps: inOrder.flatMap((sighting) =>
      sighting.kind === 'unseen'
        ? [`${sighting.place}: ${sighting.error.kind}: ${sighting.error.message}`]
        : [],
    ),
  };
}

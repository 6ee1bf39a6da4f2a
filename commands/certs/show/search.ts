import type { ports } from '../../kit.ts';

/** How a place matches what was asked for: by which certificate, and by what. */
export interface Match {
  readonly certificate: ports.Certificate;
  /** `place`: the place was named; `certificate`: its fingerprint or serial was; `part`: something in a place or name was. */
  readonly by: 'place' | 'certificate' | 'part';
}

export interface Search {
  readonly match: (seen: ports.Seen) => Match | undefined;
  /** Whether a place is the one that was asked for. */
  readonly isPlace: (place: string) => boolean;
  /** Whether what was asked for is a part of a place's name. */
  readonly isPartOf: (place: string) => boolean;
}

/** In hexadecimal digits. Shorter ones are too often words: `cafe`, `beef`. */
const SHORTEST_FINGERPRINT = 6;

export function searchFor(what: string): Search {
  const asked = what.toLowerCase();
  const hex = hexOf(asked);
  const pieces = asked.split('*').filter(Boolean);
  const isPlace = (place: string) => isNamed(place.toLowerCase(), asked);
  return {
    isPlace,
    isPartOf: (place) => has(place, pieces),
    match: ({ place, chain }) => {
      const [leaf] = chain;
      if (isPlace(place)) return { certificate: leaf, by: 'place' };
      const named =
        hex &&
        chain.find(
          ({ fingerprint, serial }) => fingerprint.startsWith(hex) || serial === hex.replace(/^0+/, ''),
        );
      if (named) return { certificate: named, by: 'certificate' };
      if (has(place, pieces)) return { certificate: leaf, by: 'part' };
      const inPart = chain.find((one) =>
        [one.name, one.subject, ...one.alternativeNames].some((text) => has(text, pieces)),
      );
      return inPart && { certificate: inPart, by: 'part' };
    },
  };
}

/** Whether a place is named as it is shown; a site also without its source, address, protocol or server name. */
function isNamed(place: string, asked: string): boolean {
  const label = bare(place).replace(/ \([^)]*\)$/, '');
  const site = siteIn(asked);
  return (
    asked === place ||
    asked === bare(place) ||
    asked === label ||
    asked === place.slice(0, place.indexOf(':') + 1) + label ||
    (site !== undefined && (label.endsWith(`@${site}`) || label.endsWith(`//${site}`)))
  );
}

/** A place without the name of its source. */
export function bare(place: string): string {
  return place.slice(place.indexOf(':') + 1);
}

/** `host:port`, also with the name of a source or a scheme before it. */
export function siteIn(what: string): string | undefined {
  return /^(?:[\w.-]+:)?((?:\w+:\/\/)?(?:\w[\w.-]*|\[[0-9a-f:]+\]):\d{1,5})$/i.exec(what)?.[1];
}

/** Fingerprints and serials are written with colons, dashes or spaces, and in capitals, by one tool or another. */
function hexOf(asked: string): string | undefined {
  const digits = asked.replaceAll(/[:\s-]/g, '');
  return digits.length >= SHORTEST_FINGERPRINT && /^[0-9a-f]+$/.test(digits) ? digits : undefined;
}

function has(text: string, pieces: readonly string[]): boolean {
  const within = text.toLowerCase();
  let at = 0;
  return pieces.every((piece) => {
    const start = within.indexOf(piece, at);
    at = start + piece.length;
    return start >= 0;
  });
}

import type { ports } from '../../kit.ts';

/** What a sighting has to do with what was asked for: the certificate meant, and whether it was named outright or only in part. */
export interface Match {
  readonly certificate: ports.Certificate;
  readonly exact: boolean;
}

export type Search = (seen: ports.Seen) => Match | undefined;

/** Shorter ones are too often words: `cafe`, `beef`. */
const SHORTEST_FINGERPRINT = 6;

export function searchFor(what: string): Search {
  const asked = what.toLowerCase();
  const hex = hexOf(asked);
  const pieces = asked.split('*').filter(Boolean);
  return ({ place, chain }) => {
    const [leaf] = chain;
    if (asked === place.toLowerCase() || asked === bare(place).toLowerCase())
      return { certificate: leaf, exact: true };
    const named =
      hex &&
      chain.find(
        ({ fingerprint, serial }) => fingerprint.startsWith(hex) || serial === hex.replace(/^0+/, ''),
      );
    if (named) return { certificate: named, exact: true };
    if (has(place, pieces)) return { certificate: leaf, exact: false };
    const inPart = chain.find((one) =>
      [one.name, one.subject, ...one.alternativeNames].some((text) => has(text, pieces)),
    );
    return inPart && { certificate: inPart, exact: false };
  };
}

/** A place without the name of its source. */
export function bare(place: string): string {
  return place.slice(place.indexOf(':') + 1);
}

/** `host:port`, also with the name of a source or a scheme before it. */
export function siteIn(what: string): string | undefined {
  return /^(?:[\w.-]+:)?((?:\w+:\/\/)?(?:[\w.-]+|\[[0-9a-f:]+\]):\d{1,5})$/i.exec(what)?.[1];
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

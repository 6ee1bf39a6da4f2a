import type { Shown } from './collect.ts';
import { withoutSource, siteOf } from './search.ts';

/** As servers and their documentation call them. */
const KEY_TYPES: Readonly<Record<string, string>> = { rsa: 'RSA', 'rsa-pss': 'RSA-PSS', ec: 'ECDSA' };

/** What may tell certificates of one name apart, the shortest first; a fingerprint always does. */
const TRAITS: readonly ((one: Shown) => string)[] = [
  ({ seen: { place } }) => place.slice(siteOf(place).length + 1),
  ({ certificate: { key } }) => `(${KEY_TYPES[key.type] ?? key.type})`,
  ({ seen: { place } }) => `(${withoutSource(place)})`,
];

/** What to call each certificate: its name, and where several have that, what tells them apart: `localhost (RSA)`. */
export function labelsOf(shown: readonly Shown[]): ReadonlyMap<Shown, string> {
  const groups = Map.groupBy(shown, ({ certificate }) => certificate.name);
  return new Map(
    [...groups].flatMap(([name, group]) => {
      const trait = traitOf(group);
      return group.map((one) => [one, group.length === 1 ? name : `${name} ${trait(one)}`] as const);
    }),
  );
}

function traitOf(group: readonly Shown[]): (one: Shown) => string {
  const isDistinct = (trait: (one: Shown) => string) => {
    const texts = new Set(group.map(trait));
    return texts.size === group.length && !texts.has('');
  };
  return (
    TRAITS.find(isDistinct) ?? (({ certificate }) => `(SHA-256 ${certificate.fingerprint.slice(0, 16)})`)
  );
}

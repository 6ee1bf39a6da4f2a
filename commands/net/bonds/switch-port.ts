/** A port of a switch, written in one way whatever wrote it: `Eth1/41` and `Ethernet1/41` are one port, `Gi1/0/1` and `Te1/0/1` are two. */
export interface PortName {
  /** As it was written. */
  readonly written: string;
  /** The same for all ways to write it: `eth 1/41`. */
  readonly key: string;
}

/** What each vendor calls its kinds of ports, the longest first. */
const KINDS: readonly (readonly [kind: string, names: string])[] = [
  ['channel', 'port-?channel|bridge-aggregation|bundle-ether|eth-?trunk|bagg|trk|lag|po|ae'],
  ['te', 'ten-?gig(?:abit)?\\w*?|xgigabit ?ethernet|10ge|xge|xe|te'],
  ['twe', 'twenty-?five-?gig\\w*?|25ge|twe'],
  ['fo', 'forty-?gig\\w*?|40ge|fge|fo'],
  ['hu', 'hundred-?gig\\w*?|100ge|hge|hu'],
  ['gi', 'gigabit ?ethernet|gig|ge|gi'],
  ['fa', 'fast ?ethernet|fa'],
  ['eth', 'ethernet|eth|et'],
  ['swp', 'swp'],
  // A bond of a Cumulus switch.
  ['bond', 'bond'],
  ['port', 'port'],
];

const NUMBERS = '[ -]?(\\d+(?:[/:]\\d+){0,4})(s\\d+)?(?:\\.\\d+)?(?![\\w/])';
const PORT = new RegExp(
  `(?<![\\w/-])(?:${KINDS.map(([, names], at) => `(?<k${at}>${names})`).join('|')})${NUMBERS}`,
  'gi',
);

export interface FoundPort extends PortName {
  /** Where it ends in the text. */
  readonly end: number;
}

/** The ports that a text mentions, in order. Units are left out: `ge-0/0/5.0` is `ge-0/0/5`. */
export function portsIn(text: string): readonly FoundPort[] {
  return [...text.matchAll(PORT)].map((match) => {
    const at = KINDS.findIndex((_, index) => match.groups?.[`k${index}`] !== undefined);
    return {
      written: match[0].replace(/\.\d+$/, ''),
      key: `${KINDS[at]?.[0] ?? 'port'} ${numbersOf(match)}`,
      end: match.index + match[0].length,
    };
  });
}

function numbersOf(match: RegExpMatchArray): string {
  return (match[KINDS.length + 1] ?? '') + (match[KINDS.length + 2] ?? '').toLowerCase();
}

/** A port in a list, or as a neighbor names it. One in an unknown notation is compared as it is written. */
export function portNamed(written: string): PortName {
  const [found, ...others] = portsIn(written);
  if (found && others.length === 0) return { written, key: found.key };
  const bare = /^\d+(?:[/:]\d+)*$/.test(written.trim());
  return { written, key: bare ? `port ${written.trim()}` : written.trim().toLowerCase() };
}

/** The first label of a name in lower case: a switch or host is often written with and without its domain. */
export function shortName(name: string): string {
  const lower = name.trim().toLowerCase();
  return /^[\d.]+$|:/.test(lower) ? lower : (lower.split('.')[0] ?? lower);
}

/** Identifies a port of a switch, however both are written. */
export function portKey(switchName: string, port: PortName): string {
  return `${shortName(switchName)} ${port.key}`;
}

/** The most hosts of one source. */
export const MAX_HOSTS = 10_000;

/** The names that patterns stand for, or what is wrong with them. */
export type ExpandedHosts = { readonly names: readonly string[] } | { readonly problem: string };

const PART = /\[([^[\]{}]*)\]|\{([^[\]{}]*)\}/;
const RANGE = /^(\d{1,9})[:-](\d{1,9})(?::(\d{1,4}))?$/;
const LETTERS = /^([a-z])[:-]([a-z])$|^([A-Z])[:-]([A-Z])$/;
/** Also an instance of BOSH, `diego-cell/1b`, whose address must be configured. */
const NAME =
  /^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?(?:\/[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)?|(?=.*:.*:)[\da-fA-F:.]+)$/;
const MAX_NAME = 253;

/**
 * Expands host patterns, in order: `cmp-[01:40]` and `cmp-[01-40]` count with the digits of the first number, `[01:40:2]` in steps, `[a:f]` through
 * letters, `[1,4,7-9]` and `{a,b}` are lists. Both ends are included.
 */
export function expandHostPatterns(patterns: readonly string[]): ExpandedHosts {
  const names = new Set<string>();
  for (const pattern of patterns) {
    const expanded = expand(pattern, MAX_HOSTS + 1);
    if ('problem' in expanded) return expanded;
    for (const name of expanded.names) {
      if (name.length > MAX_NAME || !NAME.test(name))
        return { problem: `${pattern} is no host name, address or pattern such as cmp-[01:40]` };
      if (names.has(name)) return { problem: `${name} is listed twice` };
      names.add(name);
      if (names.size > MAX_HOSTS)
        return { problem: `there are more than ${MAX_HOSTS.toLocaleString('en')} hosts` };
    }
  }
  return { names: [...names] };
}

/** At most `most` names: the limit is what stops `[0:9]` six times over. */
function expand(pattern: string, most: number): ExpandedHosts {
  let names = [''];
  let rest = pattern;
  for (let part = PART.exec(rest); part; part = PART.exec(rest)) {
    const [whole, range, list] = part;
    const choices = list === undefined ? choicesOf(range ?? '', most) : list.split(',');
    if (!choices)
      return { problem: `${whole} in ${pattern} is no range such as [01:40] and no list such as [1,4]` };
    const before = rest.slice(0, part.index);
    names = names.flatMap((name) => choices.map((choice) => `${name}${before}${choice}`)).slice(0, most);
    rest = rest.slice(part.index + whole.length);
  }
  return { names: names.map((name) => `${name}${rest}`) };
}

function choicesOf(range: string, most: number): readonly string[] | undefined {
  const choices: string[] = [];
  for (const item of range.split(',')) {
    const some = /^\d{1,9}$/.test(item) ? [item] : (numbersIn(item, most) ?? lettersIn(item));
    if (!some) return undefined;
    choices.push(...some);
  }
  return choices;
}

function numbersIn(item: string, most: number): readonly string[] | undefined {
  const [, from = '', to = '', step = '1'] = RANGE.exec(item) ?? [];
  if (from === '' || Number(to) < Number(from) || Number(step) === 0) return undefined;
  const numbers: string[] = [];
  for (let at = Number(from); at <= Number(to) && numbers.length < most; at += Number(step))
    numbers.push(String(at).padStart(from.length, '0'));
  return numbers;
}

function lettersIn(item: string): readonly string[] | undefined {
  const match = LETTERS.exec(item);
  if (!match) return undefined;
  const from = (match[1] ?? match[3] ?? '').codePointAt(0) ?? 0;
  const to = (match[2] ?? match[4] ?? '').codePointAt(0) ?? 0;
  if (to < from) return undefined;
  return Array.from({ length: to - from + 1 }, (_, at) => String.fromCodePoint(from + at));
}

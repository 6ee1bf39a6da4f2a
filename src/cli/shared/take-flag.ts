/** The names under which a flag of the terminal can be typed, the long one first: `['--output', '-o']`. */
type FlagNames = readonly [string, ...string[]];

/**
 * Takes each `--name VALUE` and `--name=VALUE` out of the words of a command line.
 * @returns what is wrong, as a sentence, if something is.
 */
export function takeFlag(
  words: readonly string[],
  names: FlagNames,
  value: string,
): { readonly words: readonly string[]; readonly values: readonly string[] } | string {
  const left: string[] = [];
  const values: string[] = [];
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    const name = names.find((one) => word === one || word.startsWith(`${one}=`));
    if (name === undefined) {
      left.push(word);
      continue;
    }
    const isJoined = word !== name;
    const given = isJoined ? word.slice(name.length + 1) : words[(at += 1)];
    if (given === undefined || given === '' || (!isJoined && given.startsWith('-')))
      return `\`${name}\` needs ${value}.`;
    values.push(given);
  }
  return { words: left, values };
}

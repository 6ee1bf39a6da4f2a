import type { ContainerReference, Pattern } from './container-commands.ts';
import { commandSwitches, readOptions } from './run-options.ts';
import type { ShellWord, WordPiece } from './shell-values.ts';
import { literalText, loneUnknown, patternOf, withoutStart } from './shell-values.ts';

const LIST = commandSwitches('aqlsh', 'all quiet latest size no-trunc help noheading sync external');
const PRUNE = commandSwitches('fah', 'force all volumes build external help');

/** The containers that an operand stands for. Of `cp` it is `container:path`. */
export function containersOfWord(word: ShellWord, isCopy = false): ContainerReference[] {
  const parts = isCopy ? beforeColon(word.parts) : word.parts;
  if (parts.length === 0) return [];
  const unknown = loneUnknown({ ...word, parts });
  const references: ContainerReference[] = [...(unknown?.containers ?? [])];
  if (unknown?.name) references.push({ by: 'variable', variable: unknown.name });
  if (!unknown || unknown.name || references.length === 0)
    references.push({ by: 'name', name: patternOf(parts) });
  for (const text of possibleTexts(parts)) references.push({ by: 'name', name: { parts: [{ text }] } });
  return references;
}

const MAX_TEXTS = 16;

/** What a loop gives to a word of which all values are known: `for name in db cache; do docker rm -f "it-$name"; done`. */
function possibleTexts(parts: readonly WordPiece[]): readonly string[] {
  if (parts.every((part) => 'text' in part)) return [];
  let texts = [''];
  for (const part of parts) {
    const values =
      'text' in part
        ? [part.text]
        : (part.choices ?? []).flatMap((choice) => {
            const text = choice === 'unknown' ? undefined : literalText({ parts: choice.words.flat() });
            return text === undefined ? [] : [text];
          });
    texts = texts.flatMap((before) => values.map((value) => before + value)).slice(0, MAX_TEXTS);
  }
  return texts;
}

function beforeColon(parts: readonly WordPiece[]): readonly WordPiece[] {
  const result: WordPiece[] = [];
  for (const part of parts) {
    if (!('text' in part)) {
      result.push(part);
      continue;
    }
    const colon = part.text.indexOf(':');
    if (colon < 0) result.push(part);
    else return colon === 0 ? result : [...result, { text: part.text.slice(0, colon), at: part.at }];
  }
  return result;
}

/** What `docker ps` or `docker container prune` selects. Nothing if it can't be known, such as with an age. */
export function filteredContainers(
  words: readonly ShellWord[],
  from: number,
  always?: 'stopped',
): readonly ContainerReference[] {
  const { options } = readOptions(words, from, always ? PRUNE : LIST);
  const isSet = (...names: string[]): boolean => options.some(({ name }) => names.includes(name));
  let only: 'stopped' | 'running' | undefined = always ?? (isSet('-a', '--all') ? undefined : 'running');
  if (isSet('-l', '--latest', '-n', '--last')) return [{ by: 'start', at: -1 }];
  const selecting: ((only?: 'stopped' | 'running') => ContainerReference)[] = [];
  for (const { name, value } of options) {
    if (!value || (name !== '-f' && name !== '--filter')) continue;
    const [key, pattern] = keyAndValue(value);
    if (key === 'status') {
      const status = literalText({ parts: withoutStart(value.parts, 7) });
      if (status === 'exited' || status === 'created' || status === 'dead') only = 'stopped';
      else if (status === 'running') only = 'running';
      else return [];
    } else if (key === 'name')
      selecting.push((of) => ({ by: 'name', name: pattern, isPart: true, ...(of && { only: of }) }));
    else if (key === 'label')
      selecting.push((of) => ({ by: 'label', label: pattern, ...(of && { only: of }) }));
    else if (key === 'ancestor')
      selecting.push((of) => ({ by: 'image', image: pattern, ...(of && { only: of }) }));
    else return [];
  }
  if (selecting.length > 1 && new Set(options.map(({ value }) => value && keyAndValue(value)[0])).size > 1)
    return [];
  if (selecting.length === 0) return [{ by: 'all', ...(only && { only }) }];
  return selecting.map((make) => make(only));
}

function keyAndValue({ parts }: ShellWord): [string, Pattern] {
  const [first] = parts;
  const equals = first && 'text' in first ? first.text.indexOf('=') : -1;
  if (!first || !('text' in first) || equals < 0) return ['', patternOf(parts)];
  const pattern = patternOf(withoutStart(parts, equals + 1));
  const key = first.text.slice(0, equals);
  const [head, ...tail] = pattern.parts;
  // Names are regular expressions: `name=^unit$`, `name=^/unit$`.
  if (key !== 'name' || !head || !('text' in head)) return [key, pattern];
  const start = head.text.replace(/^\^\/?/, '');
  const last = tail.length === 0 ? start.replace(/\$$/, '') : start;
  return [key, { parts: last === '' ? tail : [{ text: last }, ...tail] }];
}

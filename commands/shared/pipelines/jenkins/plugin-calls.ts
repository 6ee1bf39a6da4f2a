import { stepArguments } from './groovy-calls.ts';
import { afterToken, type EvaluatedFile, evaluateText, isSign, isWord } from './groovy-expression.ts';
import { type GroovyVariable, isHole, type PluginContainer } from './groovy-value.ts';

/**
 * `docker.image('…')`, `docker.build('…')` and what is called on it, or on a variable that has it: the call of `run`, if it is one.
 * `set` is the variable that gets the result.
 */
export function pluginCallAt(
  file: EvaluatedFile,
  index: number,
  set: GroovyVariable | undefined,
): Omit<PluginContainer, 'isMeantToStay'> | undefined {
  const { tokens, names } = file;
  const word = tokens[index];
  if (!isWord(word)) return undefined;
  let { image } = names.look(word.text).groovy;
  let at = index + 1;
  const method = tokens[index + 2];
  if (word.text === 'docker' && isWord(method) && /^(?:image|build)$/.test(method.text)) {
    const given = stepArguments(file, index + 2);
    const name = given?.positional[0];
    image = { name: name && evaluateText(file, name.from, name.to) };
    if (!isSign(tokens[index + 3], '(')) {
      if (set) set.image = image;
      return undefined;
    }
    at = afterToken(file, index + 3);
    if (set && !isSign(tokens[at], '.')) set.image = image;
  }
  if (!image || !isSign(tokens[at], '.') || !isWord(tokens[at + 1], 'run')) return undefined;
  const given =
    isSign(tokens[at + 2], '(') || tokens[at + 2]?.kind === 'string'
      ? stepArguments(file, at + 1)
      : undefined;
  if (!given) return undefined;
  const [first] = given.positional;
  const options = first && evaluateText(file, first.from, first.to);
  const removes = options?.some((part) => !isHole(part) && /(?:^|\s)--rm(?=\s|$)/.test(part.text));
  if (removes) return undefined;
  return { at: word.at, end: given.end, image, options };
}

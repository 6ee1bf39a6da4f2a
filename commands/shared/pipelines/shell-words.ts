import type { CommandExpansionPart, ParameterExpansionPart, ParsedScript, Word, WordPart } from 'unbash';
import type { ContainerReference } from './container-commands.ts';
import type { Variable } from './script.ts';
import type { Environment } from './shell-environment.ts';
import { assignVariable, lookUp } from './shell-environment.ts';
import type { Choice, ShellWord, UnknownText, Value, WordPiece } from './shell-values.ts';
import { splitPieces } from './shell-values.ts';
import type { SourceText, TextAt } from './source-text.ts';
import { joinText, unescapeShell } from './source-text.ts';
import { partsOfWord } from './word-parts.ts';

/** What the words of a command are expanded with. */
export interface Expansion {
  readonly source: SourceText;
  readonly environment: Environment;
  /** Of the pipeline file, for the names that people see. */
  readonly variables: ReadonlyMap<string, Variable>;
  /** What a command substitution is known to print. */
  readonly printed: (script: ParsedScript, source: SourceText) => Printed | undefined;
}

export interface Printed {
  readonly text?: string;
  readonly containers?: readonly ContainerReference[];
}

/** Characters that give a word more structure than its text. */
const STRUCTURE = /[\\'"$`*?[{<>()]/;
/** Output that differs each time, so that two equal texts aren't the same name. */
const CHANGING =
  /\b(date|mktemp|uuidgen|uuid|openssl|shuf|pwgen|random|urandom)\b|\$\{?(RANDOM|SRANDOM|SECONDS|EPOCHSECONDS|EPOCHREALTIME)\b/;
const NAME = /^[A-Za-z_]\w*$/;

/** The words that a word of the script becomes. */
export function expandWord(word: Word, expansion: Expansion): ShellWord[] {
  const { source } = expansion;
  const at = source.inScript(word.pos);
  const end = source.inScript(word.end - 1) + 1;
  if (!STRUCTURE.test(word.text)) return [{ parts: [{ text: word.text, at }], at, end, isQuoted: false }];
  const words: ShellWord[] = [];
  let parts: WordPiece[] = [];
  let isQuoted = false;
  let argument: ShellWord | undefined;
  const finish = (): void => {
    // An argument of a function is written where the function is called.
    const place = argument && parts.length === argument.parts.length ? argument : { at, end };
    if (parts.length > 0 || isQuoted) {
      words.push({
        parts,
        at: place.at,
        end: place.end,
        isQuoted,
        ...(argument && { isArgument: true as const }),
      });
    }
    [parts, isQuoted, argument] = [[], false, undefined];
  };
  const add = (pieces: readonly (WordPiece | null)[]): void => {
    for (const piece of pieces) {
      if (piece) parts.push(piece);
      else finish();
    }
  };
  const addValue = ({ words: all, isArray }: Value, isInQuotes: boolean, inList: boolean): void => {
    const some = isArray && !inList ? all.slice(0, 1) : all;
    some.forEach((one, index) => {
      if (index > 0) finish();
      add(isInQuotes ? one : splitPieces(one));
      if (isInQuotes && inList) isQuoted = true;
    });
  };
  const addPart = (part: WordPart, isInQuotes: boolean): void => {
    switch (part.type) {
      case 'Literal':
        add(unescapeShell(source, part.pos, part.end, isInQuotes ? '$`"\\' : undefined));
        break;
      case 'SingleQuoted':
        for (const piece of slice(source, part.pos + 1, part.end - 1, part.value)) {
          for (const one of dividedAtExpressions(piece, expansion)) {
            if ('text' in one) parts.push(one);
            else {
              const value = onlyValue(one.choices);
              if (value) addValue(value, true, false);
              else parts.push(one);
            }
          }
        }
        isQuoted = true;
        break;
      case 'AnsiCQuoted':
        add(
          part.end - part.pos - 3 === part.value.length
            ? slice(source, part.pos + 2, part.end - 1, part.value)
            : [{ text: part.value, at: -1 }],
        );
        isQuoted = true;
        break;
      case 'DoubleQuoted':
      case 'LocaleString': {
        for (const child of part.parts) addPart(child, true);
        // "$@" without arguments is no word at all.
        if (!(parts.length === 0 && part.parts.length === 1 && isList(part.parts[0]!))) isQuoted = true;
        break;
      }
      case 'SimpleExpansion':
      case 'ParameterExpansion': {
        const found = argumentsOf(part, expansion);
        if (!found) {
          const variable = readVariable(part, isInQuotes, expansion);
          const value = onlyValue(variable.choices);
          if (value) addValue(value, isInQuotes, variable.isWhole);
          else parts.push(variablePiece(part, isInQuotes, variable, expansion));
          break;
        }
        found.forEach((one, index) => {
          if (index > 0) finish();
          add(isInQuotes ? one.parts : splitPieces(one.parts));
          argument = one;
          if (isInQuotes) isQuoted = true;
        });
        break;
      }
      case 'CommandExpansion': {
        const piece = commandPiece(part, isInQuotes, expansion);
        add('text' in piece && !isInQuotes ? splitPieces([piece]) : [piece]);
        break;
      }
      case 'ArithmeticExpansion':
      case 'ProcessSubstitution':
        parts.push({ variable: part.text, shown: part.text, at: source.inScript(part.pos), words: 'one' });
        break;
      case 'Glob':
      case 'ExtendedGlob':
      case 'BraceExpansion':
        add(slice(source, part.pos, part.end, part.text));
        break;
    }
  };
  const all = partsOfWord(word);
  if (all) for (const part of all) addPart(part, false);
  else add(unescapeShell(source, word.pos, word.end));
  finish();
  return words;
}

/** The value that an assignment gives, which isn't split. */
export function assignedPieces(word: Word, expansion: Expansion): readonly WordPiece[] {
  const pieces: WordPiece[] = [];
  const add = (part: WordPart): void => {
    switch (part.type) {
      case 'DoubleQuoted':
      case 'LocaleString':
        part.parts.forEach(add);
        break;
      case 'Literal':
        pieces.push(...unescapeShell(expansion.source, part.pos, part.end));
        break;
      // As if they were quoted: the words of the value are split where the variable is used.
      case 'CommandExpansion':
        pieces.push(commandPiece(part, true, expansion));
        break;
      case 'SimpleExpansion':
      case 'ParameterExpansion':
        pieces.push(...assignedVariable(part, expansion));
        break;
      default:
        for (const one of expandPart(part, word, expansion)) pieces.push(...one.parts);
    }
  };
  if (!STRUCTURE.test(word.text))
    return word.text === '' ? [] : [{ text: word.text, at: expansion.source.inScript(word.pos) }];
  const parts = partsOfWord(word);
  if (parts) parts.forEach(add);
  else return unescapeShell(expansion.source, word.pos, word.end);
  return pieces;
}

function assignedVariable(part: VariablePart, expansion: Expansion): readonly WordPiece[] {
  const found = argumentsOf(part, expansion);
  if (found) return found[0]?.parts ?? [];
  const variable = readVariable(part, true, expansion);
  const value = onlyValue(variable.choices);
  return value ? (value.words[0] ?? []) : [variablePiece(part, true, variable, expansion)];
}

function expandPart(part: WordPart, word: Word, expansion: Expansion): ShellWord[] {
  const { pos, end, text } = word;
  const isQuoted = part.type === 'SingleQuoted' || part.type === 'AnsiCQuoted';
  const quoted = { type: 'DoubleQuoted', pos, end, text, parts: [part] } as WordPart;
  return expandWord(
    { type: 'Word', text: '"', value: '', pos, end, parts: [isQuoted ? part : quoted] },
    expansion,
  );
}

function slice(source: SourceText, from: number, to: number, text: string): TextAt[] {
  const at = source.inScript(from);
  const isWhole =
    to - from === text.length && (to === from || source.inScript(to - 1) - at === to - 1 - from);
  return [{ text, at: isWhole ? at : -1 }];
}

/** Template expressions are replaced between single quotes too. */
function dividedAtExpressions(piece: TextAt, { variables, environment }: Expansion): readonly WordPiece[] {
  if (!piece.text.includes('$') || variables.size === 0) return [piece];
  const pieces: WordPiece[] = [];
  let from = 0;
  const addText = (to: number): void => {
    if (to > from) pieces.push({ text: piece.text.slice(from, to), at: piece.at < 0 ? -1 : piece.at + from });
  };
  for (const { index, 0: whole, 1: braced, 2: plain } of piece.text.matchAll(/\$(?:\{(\w+)\}|(\w+))/g)) {
    const name = braced ?? plain!;
    const shown = variables.get(name)?.shown;
    if (shown === undefined) continue;
    addText(index);
    const choices = lookUp(environment, name);
    const at = piece.at < 0 ? -1 : piece.at + index;
    pieces.push({ variable: shown, shown, name, at, words: 'one', ...(choices && { choices }) });
    from = index + whole.length;
  }
  addText(piece.text.length);
  return pieces.length === 0 ? [piece] : pieces;
}

function isList(part: WordPart): boolean {
  if (part.type === 'SimpleExpansion') return part.text === '$@';
  return part.type === 'ParameterExpansion' && (part.parameter === '@' || part.index?.text === '@');
}

/** The arguments that `"$@"`, `$1` or `"${@:2}"` stand for, where they are known. */
function argumentsOf(
  part: WordPart,
  { environment: { positional } }: Expansion,
): readonly ShellWord[] | undefined {
  if (!positional) return undefined;
  const name =
    part.type === 'SimpleExpansion'
      ? part.text.slice(1)
      : part.type === 'ParameterExpansion' && !part.prefix
        ? part.parameter
        : '';
  const operation = part.type === 'ParameterExpansion' ? part.operation : undefined;
  if (name === '@' || name === '*') {
    if (!operation) return positional;
    const isSlice =
      operation.type === 'Slice' && !operation.length && /^\d+$/.test(operation.offset.text.trim());
    return isSlice ? positional.slice(Math.max(0, Number(operation.offset.text) - 1)) : undefined;
  }
  if (!/^[1-9]\d?$/.test(name)) return undefined;
  const argument = positional[Number(name) - 1];
  if (!operation) return argument ? [argument] : [];
  return argument && operation.type === 'Default' && operation.operator.includes('-')
    ? [argument]
    : undefined;
}

type VariablePart = Extract<WordPart, { type: 'SimpleExpansion' | 'ParameterExpansion' }>;

interface ReadVariable {
  readonly name: string;
  /** Whether it is all words of a list. */
  readonly isWhole: boolean;
  readonly choices: readonly Choice[] | undefined;
}

function readVariable(part: VariablePart, isInQuotes: boolean, expansion: Expansion): ReadVariable {
  const name = part.type === 'SimpleExpansion' ? part.text.slice(1) : part.parameter;
  const isWhole =
    isList(part) ||
    (!isInQuotes && (name === '*' || (part.type === 'ParameterExpansion' && part.index?.text === '*')));
  return { name, isWhole, choices: choicesOf(part, name, isWhole, expansion) };
}

/** The value, if there is only one. */
function onlyValue(choices: readonly Choice[] | undefined): Value | undefined {
  const [only] = choices ?? [];
  return choices?.length === 1 && only !== 'unknown' ? only : undefined;
}

function variablePiece(
  part: VariablePart,
  isInQuotes: boolean,
  { name, isWhole, choices }: ReadVariable,
  { source, environment, variables }: Expansion,
): UnknownText {
  const at = source.inScript(part.pos);
  const words = isWhole ? 'list' : isInQuotes ? 'one' : 'split';
  const isPlain = part.type === 'SimpleExpansion' || (!part.operation && !part.prefix && !part.index);
  const shown = variables.get(name)?.shown ?? (isInQuotes && isWhole ? `"${part.text}"` : part.text);
  const variable = isPlain ? (variables.get(name)?.shown ?? `$${name}`) : shown;
  const isName = NAME.test(name);
  const containers = containersOf(choices ?? (isName ? lookUp(environment, name) : undefined));
  return {
    variable: CHANGING.test(variable) || name === 'RANDOM' ? `${variable}@${at}` : variable,
    shown,
    at,
    words,
    ...(isName && { name }),
    ...(choices && { choices }),
    ...(containers && { containers }),
  };
}

/** What a variable prints of containers: `ids=$(docker ps -aq)`. */
function containersOf(choices: readonly Choice[] = []): ContainerReference[] | undefined {
  let containers: ContainerReference[] | undefined;
  for (const choice of choices) {
    if (choice === 'unknown') continue;
    for (const word of choice.words)
      for (const piece of word)
        if (!('text' in piece) && piece.containers) (containers ??= []).push(...piece.containers);
  }
  return containers;
}

function choicesOf(
  part: WordPart,
  name: string,
  isWhole: boolean,
  expansion: Expansion,
): readonly Choice[] | undefined {
  if (!NAME.test(name))
    return part.type === 'ParameterExpansion' ? defaulted(part, ['unknown'], expansion) : undefined;
  const found = lookUp(expansion.environment, name);
  if (part.type !== 'ParameterExpansion') return found && withoutOpaque(found);
  if (part.prefix || (part.index && !isWhole)) return undefined;
  return defaulted(part, found ?? ['unknown'], expansion);
}

/** A value that only a command knows is better known by the name of its variable. */
function withoutOpaque(choices: readonly Choice[]): readonly Choice[] | undefined {
  return choices.every(isOpaque) ? undefined : choices;
}

function isOpaque(choice: Choice): boolean {
  if (choice === 'unknown') return false;
  let count = 0;
  for (const word of choice.words) {
    for (const piece of word) {
      if ('text' in piece || piece.name) return false;
      count += 1;
    }
  }
  return count === 1;
}

function defaulted(
  part: ParameterExpansionPart,
  choices: readonly Choice[],
  expansion: Expansion,
): readonly Choice[] | undefined {
  const { operation } = part;
  if (!operation) return withoutOpaque(choices);
  if (operation.type !== 'Default') return undefined;
  const { operator } = operation;
  if (operator.includes('?')) return withoutOpaque(choices);
  const operand: Choice = { words: [assignedPieces(operation.operand, expansion)], isArray: false };
  const nothing: Choice = { words: [[]], isArray: false };
  const result = new Set<Choice>();
  for (const choice of choices) {
    const isEmpty =
      choice !== 'unknown' && choice.words.flat().every((piece) => 'text' in piece && piece.text === '');
    if (operator.includes('+')) {
      if (choice === 'unknown' || !isEmpty) result.add(operand);
      if (choice === 'unknown' || isEmpty) result.add(nothing);
    } else {
      if (choice === 'unknown' || !isEmpty) result.add(choice);
      if (choice === 'unknown' || (isEmpty && operator.includes(':'))) result.add(operand);
      if (isEmpty && !operator.includes(':')) result.add(choice);
    }
  }
  const all = [...result];
  if (operator.includes('=') && NAME.test(part.parameter))
    assignVariable(expansion.environment, part.parameter, all);
  return all;
}

function commandPiece(part: CommandExpansionPart, isInQuotes: boolean, expansion: Expansion): WordPiece {
  const { text, script } = part;
  const at = expansion.source.inScript(part.pos);
  const source = script && substitutionSource(expansion.source, script, part);
  const printed = script && source && expansion.printed(script, source);
  if (printed?.text !== undefined) return { text: printed.text, at: -1 };
  return {
    variable: CHANGING.test(text) ? `${text}@${at}` : text,
    shown: text,
    at,
    words: isInQuotes ? 'one' : 'split',
    ...(printed?.containers && { containers: printed.containers }),
  };
}

/** The text that the offsets of a substitution are in. Backticks with escapes have a text of their own. */
export function substitutionSource(
  source: SourceText,
  script: ParsedScript,
  part: { readonly pos: number; readonly end: number },
): SourceText {
  if (script.source === undefined) return source;
  const at = source.inScript(part.pos);
  const decoded = joinText(unescapeShell(source, part.pos + 1, part.end - 1, '$`\\'), at);
  return decoded.text === script.source ? decoded : { text: script.source, inScript: () => at };
}

import type { Command, CommandNode, ParsedScript, PipelineNode, Redirection } from 'unbash';
import type { ContainerReference } from './container-commands.ts';
import { engineNamed, engineOfVariable, listedContainers, programName } from './engine-commands.ts';
import type { Printout, Scope } from './shell-scope.ts';
import type { ShellWord, UnknownText } from './shell-values.ts';
import { literalText, loneUnknown, patternOf } from './shell-values.ts';
import type { Expansion, Printed } from './shell-words.ts';
import { expandWord } from './shell-words.ts';
import type { SourceText, TextAt } from './source-text.ts';
import { joinText, unescapeShell } from './source-text.ts';

export function expansionIn(scope: Scope): Expansion {
  return {
    source: scope.source,
    environment: scope.environment,
    variables: scope.reading.variables,
    printed: (script, source) => printedBy(script, { ...scope, source, depth: scope.depth + 1 }),
  };
}

const MAX_DEPTH = 120;

/** What `$(…)` is known to print. */
function printedBy(script: ParsedScript, scope: Scope): Printed | undefined {
  const [statement, ...more] = script.commands;
  if (!statement || more.length > 0 || scope.depth > MAX_DEPTH) return undefined;
  const first = statement.command.type === 'AndOr' ? statement.command.commands[0]! : statement.command;
  const at = scope.reading.startIn.get(script);
  if (at !== undefined && first.type === 'Command') return { containers: [{ by: 'start', at }] };
  if (
    first.type === 'Command' &&
    !(printsNothingKnown(first) && !NAMING.has(programName(first.name!.text)))
  ) {
    const words = commandWords(first, scope);
    const name = programName(literalText(words[0]) ?? '');
    const [argument, second] = [literalText(words[1]), literalText(words[2])];
    if (
      (name === 'command' && (argument === '-v' || argument === '-V')) ||
      (name === 'type' && argument === '-p')
    )
      return engineText(second);
    if (name === 'which') return engineText(argument);
    if (name === 'echo' && words.length === 2 && argument !== undefined) return { text: argument };
    if (name === 'cat' && words.length === 2)
      return { containers: [{ by: 'cid-file', file: patternOf(words[1]!.parts) }] };
    if (!first.name) {
      const input = first.prefix.find((one) => one.type === 'Redirect' && one.operator === '<');
      const [file] =
        input?.type === 'Redirect' && input.target ? expandWord(input.target, expansionIn(scope)) : [];
      if (file) return { containers: [{ by: 'cid-file', file: patternOf(file.parts) }] };
    }
  }
  const { containers } = printout(first, scope);
  return containers && { containers };
}

/** Commands that print the path of a program. */
const NAMING = new Set(['command', 'type', 'which']);

function engineText(text: string | undefined): Printed | undefined {
  return text !== undefined && engineNamed(programName(text)) ? { text } : undefined;
}

/** The words of a command, with those that its name becomes. */
export function commandWords({ name, suffix }: Command, scope: Scope): ShellWord[] {
  if (!name) return [];
  const expansion = expansionIn(scope);
  const words = expandWord(name, expansion);
  for (const one of suffix) {
    if (one.type === 'Word') for (const word of expandWord(one, expansion)) words.push(word);
    else if (one.type === 'Assignment') {
      // Other than for `export`, it is an argument: `env A=b docker …`.
      const at = scope.source.inScript(one.pos);
      words.push({
        parts: [{ text: one.text, at }],
        at,
        end: scope.source.inScript(one.end - 1) + 1,
        isQuoted: false,
      });
    }
  }
  return words;
}

/** The text of words, with what only the shell that reads it knows as written. */
export function scriptOf(words: readonly ShellWord[], fallback: number): SourceText {
  const parts: TextAt[] = [];
  words.forEach((word, index) => {
    if (index > 0) parts.push({ text: ' ', at: -1 });
    for (const part of word.parts) parts.push('text' in part ? part : { text: asWritten(part), at: part.at });
  });
  return joinText(parts, fallback);
}

/** In the script, a template expression has the form of a variable. */
function asWritten({ shown, name }: UnknownText): string {
  const isExpression = name !== undefined && !new RegExp(String.raw`^"?\$\{?${name}\b`).test(shown);
  return isExpression ? `\${${name}}` : shown.replace(/^"|"$/g, '');
}

/** What a command reads from a heredoc or a here-string, or from a file or process that is known. */
export function readFrom(redirects: readonly Redirection[], scope: Scope): SourceText | undefined {
  const input = redirects.findLast(({ type, operator }) => type !== 'Redirect' || operator === '<');
  return input && redirected(input, scope).script;
}

/** What a redirection gives to a command. */
export function redirected(redirect: Redirection, scope: Scope): Printout {
  const { source } = scope;
  if (redirect.type === 'HereDoc') {
    const { body, delimiter } = redirect;
    const at = source.inScript(body.pos);
    const escapes = delimiter?.quoted ? undefined : '$`\\';
    if (escapes === undefined) return { script: quotedSlice(source, body.pos, body.end, at) };
    return { script: joinText(unescapeShell(source, body.pos, body.end, escapes), at) };
  }
  if (!redirect.target) return {};
  if (redirect.type === 'HereString')
    return {
      script: scriptOf(expandWord(redirect.target, expansionIn(scope)), source.inScript(redirect.pos)),
    };
  const part = redirect.target.parts?.[0];
  if (part?.type !== 'ProcessSubstitution' || !part.script) return {};
  const last = part.script.commands.at(-1);
  return last && last.command.type !== 'AndOr' && scope.depth < MAX_DEPTH
    ? printout(last.command, { ...scope, depth: scope.depth + 1 })
    : {};
}

function quotedSlice(source: SourceText, from: number, to: number, at: number): SourceText {
  return {
    text: source.text.slice(from, to),
    inScript: (offset) => (from + offset >= source.text.length ? at : source.inScript(from + offset)),
  };
}

/** Programs that pass on the lines that they read, or parts of them. */
const PASSING = new Set([
  'cat',
  'tee',
  'awk',
  'sort',
  'uniq',
  'tr',
  'cut',
  'sed',
  'envsubst',
  'xargs',
  'column',
  'tac',
  'grep',
  'egrep',
  'fgrep',
  'rg',
  'gawk',
  'mawk',
]);

/** What a command writes to a pipe. */
export function printout(node: PipelineNode | CommandNode, scope: Scope): Printout {
  if (scope.depth > MAX_DEPTH) return {};
  switch (node.type) {
    case 'Command':
      return commandPrintout(node, scope);
    case 'Pipeline': {
      let input = scope.input;
      for (const command of node.commands) {
        const given = input;
        let result: Printout | undefined;
        input = () => (result ??= printout(command, { ...scope, input: given, depth: scope.depth + 1 }));
      }
      return input?.() ?? {};
    }
    case 'BraceGroup':
    case 'Subshell': {
      const parts: TextAt[] = [];
      for (const { command } of node.body.commands) {
        const { script } =
          command.type === 'AndOr' ? {} : printout(command, { ...scope, depth: scope.depth + 1 });
        if (!script) continue;
        parts.push(...textsOf(script), { text: '\n', at: -1 });
      }
      return parts.length > 0 ? { script: joinText(parts, scope.source.inScript(node.pos)) } : {};
    }
    default:
      return {};
  }
}

function textsOf(source: SourceText): TextAt[] {
  return source.text === '' ? [] : unescapeShell(source, 0, source.text.length, '');
}

/** A name without quotes and variables. Most commands have one that doesn't matter, and their words aren't read. */
const PLAIN = /^[\w./-]+$/;

function printsNothingKnown({ name }: Command): boolean {
  if (!name || !PLAIN.test(name.text)) return false;
  const program = programName(name.text);
  return !PRINTING.has(program) && !PASSING.has(program) && engineNamed(program) === undefined;
}

const PRINTING = new Set(['echo', 'printf', 'sudo']);

function commandPrintout(node: Command, scope: Scope): Printout {
  if (printsNothingKnown(node)) return {};
  const words = commandWords(node, scope);
  const [first] = words;
  if (!first) return {};
  const text = literalText(first);
  const unknown = text === undefined ? loneUnknown(first) : undefined;
  const name = programName(text ?? '');
  if (name === 'sudo') {
    const at = words.findIndex(
      (word, index) => index > 0 && engineNamed(literalText(word) ?? '') !== undefined,
    );
    const engine = at > 0 ? engineNamed(literalText(words[at]) ?? '') : undefined;
    return engine ? engineList(listedContainers(engine, words.slice(at)), scope) : {};
  }
  const engine = engineNamed(name) ?? (unknown && engineOfVariable(unknown));
  if (engine) return engineList(listedContainers(engine, words), scope);
  const fallback = scope.source.inScript(node.pos);
  if (name === 'echo')
    return { script: scriptOf(words.slice(/^-[neE]+$/.test(literalText(words[1]) ?? '') ? 2 : 1), fallback) };
  if (name === 'printf') return { script: printfScript(words.slice(1), fallback) };
  if (!PASSING.has(name)) return {};
  const script = readFrom(node.redirects, scope);
  const input = script ? { script } : (scope.input?.() ?? {});
  if (!input.containers || !name.endsWith('grep')) return input;
  return { ...input, containers: grepped(input.containers, words) };
}

function engineList(lists: readonly ContainerReference[] | undefined, scope: Scope): Printout {
  if (!lists) return {};
  const latest = scope.reading.latestStart;
  return {
    containers: lists.flatMap((one) =>
      one.by !== 'start' || one.at >= 0
        ? [one]
        : latest === undefined
          ? []
          : [{ by: 'start' as const, at: latest }],
    ),
  };
}

/** `docker ps -a | grep web` lists those whose name contains it. */
function grepped(
  containers: readonly ContainerReference[],
  words: readonly ShellWord[],
): readonly ContainerReference[] {
  const [pattern, ...more] = words.slice(1).filter((word) => !literalText(word)?.startsWith('-'));
  const inverts = words.some((word) => /^-[a-z]*v/.test(literalText(word) ?? ''));
  if (!pattern || more.length > 0 || inverts) return [];
  const text = literalText(pattern);
  return containers.flatMap((one): ContainerReference[] => {
    if (one.by !== 'all') return [];
    if (text !== undefined && /^(exited|created|dead)/i.test(text)) return [{ by: 'all', only: 'stopped' }];
    return [
      { by: 'name', name: patternOf(pattern.parts), isPart: true, ...(one.only && { only: one.only }) },
    ];
  });
}

/** One line for each argument, as with `%s\n`. */
function printfScript(words: readonly ShellWord[], fallback: number): SourceText {
  const [format, ...values] = words;
  if (!format) return joinText([], fallback);
  const text = literalText(format);
  const isOnlyValues = text !== undefined && /^(%[sb]|\\n|\\0|\s)*$/.test(text);
  const lines = isOnlyValues ? values : [format];
  return joinText(
    lines.flatMap((line) => [...textsOf(scriptOf([line], fallback)), { text: '\n', at: -1 }]),
    fallback,
  );
}

import { forEachChild, parse } from 'unbash';
import type {
  AndOr,
  Assignment,
  Case,
  Command,
  CommandNode,
  CompoundList,
  For,
  If,
  ParsedScript,
  Pipeline,
  PipelineNode,
  Redirection,
  Script,
  Statement,
  SyntaxNode,
} from 'unbash';
import { isExistenceTest } from './existence-test.ts';
import { isIrrelevant, runCommand } from './shell-commands.ts';
import type { Environment } from './shell-environment.ts';
import { assignVariable, environmentAbove, joinBranches, lookUp } from './shell-environment.ts';
import { expansionIn, printout, redirected } from './shell-output.ts';
import type { Printout, Scope } from './shell-scope.ts';
import { inBlock, mayFail } from './shell-scope.ts';
import type { Choice, ShellWord } from './shell-values.ts';
import { assignedPieces, expandWord, substitutionSource } from './shell-words.ts';
import type { SourceText } from './source-text.ts';

/** Deeper scripts are not read. Every level takes a part of the stack. */
const MAX_DEPTH = 120;
const TOO_DEEP = 'The script is nested too deeply';
/** What a longer pipe passes on is not followed. */
const MAX_PIPE = 30;

/** Reads a script that a shell gets as text. */
export function walkText(source: SourceText, scope: Scope): void {
  if (scope.depth > MAX_DEPTH) return addProblem(scope, source.inScript(0), TOO_DEEP);
  const script = parse(source.text);
  addErrors(script, source, scope);
  walkScript(script, { ...scope, source, depth: scope.depth + 4 });
}

function addErrors({ errors }: ParsedScript, source: SourceText, scope: Scope): void {
  for (const { message, pos } of (errors ?? []).slice(0, 20)) {
    const at = Math.min(pos, Math.max(0, source.text.length - 1));
    scope.reading.problems.push({ at: source.inScript(at), because: syntaxProblem(message) });
  }
}

const RESERVED =
  /^(?:[a-z]+ )?(?:\W{1,3}|newline|if|then|elif|else|fi|for|in|do|done|while|until|case|esac|select|coproc)$/;

/** Without text of the script, which may be long or secret. */
function syntaxProblem(message: string): string {
  const shown = message.replace(/'(.*)'/s, (quoted, token: string) =>
    RESERVED.test(token) ? quoted : 'a word',
  );
  return `The syntax of the script can't be read: ${shown.slice(0, 100)}`;
}

function addProblem(scope: Scope, at: number, because: string): void {
  scope.reading.effects += 1;
  scope.reading.problems.push({ at, because });
}

function walkScript({ commands }: Script, scope: Scope): boolean {
  return walkStatements(commands, scope);
}

/** Returns whether nothing behind these statements can be reached. */
export function walkList(list: CompoundList | CommandNode, scope: Scope): boolean {
  return list.type === 'CompoundList' ? walkStatements(list.commands, scope) : walkNode(list, scope);
}

function walkStatements(statements: readonly Statement[], scope: Scope): boolean {
  if (scope.depth > MAX_DEPTH) {
    addProblem(scope, scope.source.inScript(statements[0]?.pos ?? 0), TOO_DEEP);
    return false;
  }
  const inside = { ...scope, depth: scope.depth + 1 };
  for (const { command, background } of statements) {
    if (background) walkSubshell(inside, (sub) => walkNode(command, sub));
    else if (walkNode(command, inside)) return true;
  }
  return false;
}

/** What happens in a subshell changes nothing around it, and `exit` only ends itself. */
function walkSubshell(scope: Scope, walk: (sub: Scope) => boolean | void): void {
  const inside = inBlock(scope, 'shell');
  const sub: Scope = {
    ...inside,
    environment: environmentAbove(scope.environment),
    shell: { ...scope.shell, traps: new Map() },
  };
  walk(sub);
  runTraps(sub);
}

/** Reads the traps of a shell that exits. */
export function runTraps(scope: Scope): void {
  const { traps } = scope.shell;
  if (traps.size === 0) return;
  const exit = traps.get('EXIT');
  const others = [...traps.values()].filter(
    (trap) => trap !== exit && trap.source.text !== exit?.source.text,
  );
  traps.clear();
  for (const trap of exit ? [exit, ...others] : others) {
    const open =
      trap === exit ? trap.open : { ...trap.open, block: { ...trap.open.block, runs: 'sometimes' as const } };
    walkText(trap.source, { ...scope, open, isTrap: true, depth: scope.depth + 1 });
  }
}

function walkNode(node: PipelineNode | AndOr | CommandNode | CompoundList, scope: Scope): boolean {
  switch (node.type) {
    case 'Command':
      return walkCommand(node, scope);
    case 'Pipeline':
      return walkPipeline(node, scope);
    case 'AndOr':
      walkAndOr(node, scope);
      return false;
    case 'CompoundList':
      return walkStatements(node.commands, scope);
    case 'If':
      walkIf(node, scope);
      return false;
    case 'Case':
      walkCase(node, scope);
      return false;
    case 'For':
    case 'Select':
      walkFor(node, scope);
      return false;
    case 'ArithmeticFor':
      walkLoop(scope, 'always', (inside) => void walkStatements(node.body.commands, inside));
      return false;
    case 'While': {
      const readsInput = node.clause.commands.some(
        ({ command }) => command.type === 'Command' && ['read', 'IFS='].includes(command.name?.text ?? ''),
      );
      walkStatements(node.clause.commands, { ...inBlock(scope, 'loop'), isGuarded: true });
      walkLoop(
        scope,
        readsInput ? 'always' : 'sometimes',
        (inside) => void walkStatements(node.body.commands, inside),
      );
      return false;
    }
    case 'Subshell':
      walkSubshell(scope, (sub) => walkStatements(node.body.commands, sub));
      mayFail(scope);
      return false;
    case 'BraceGroup':
      return walkStatements(node.body.commands, scope);
    case 'Redirected': {
      for (const redirect of node.redirects) walkSubstitutions(redirect, scope);
      const input = redirectedInput(node.redirects, scope);
      return walkNode(node.command, input ? { ...scope, input } : scope);
    }
    case 'Function':
      scope.reading.functions.set(node.name.text, {
        node,
        source: scope.source,
        isRead: false,
        reads: 0,
        hasEffects: false,
        mayExit: false,
      });
      return false;
    case 'Coproc':
      walkSubshell(scope, (sub) => walkNode(node.body, sub));
      return false;
    case 'TestCommand':
    case 'ArithmeticCommand':
      walkSubstitutions(node, scope);
      mayFail(scope);
      return false;
  }
}

function redirectedInput(redirects: readonly Redirection[], scope: Scope): (() => Printout) | undefined {
  const input = redirects.findLast(({ type, operator }) => type !== 'Redirect' || operator === '<');
  return input && (() => redirected(input, scope));
}

function walkPipeline({ prefixes, commands }: Pipeline, scope: Scope): boolean {
  const isNegated = prefixes.some(({ type }) => type === 'Negation');
  const inside = isNegated ? { ...scope, isGuarded: true } : scope;
  if (commands.length === 1) return walkNode(commands[0]!, inside);
  const isLong = commands.length > MAX_PIPE;
  let input: (() => Printout) | undefined = scope.input;
  for (const command of commands) {
    const given = input;
    walkSubshell({ ...inside, isGuarded: true, input: given }, (sub) => walkNode(command, sub));
    let result: Printout | undefined;
    input = isLong ? undefined : () => (result ??= printout(command, { ...inside, input: given }));
  }
  mayFail(inside);
  return false;
}

function walkAndOr({ commands, operators }: AndOr, scope: Scope): void {
  commands.forEach((command, index) => {
    const isLast = index === commands.length - 1;
    const guarded = isLast ? scope : { ...scope, isGuarded: true };
    const operator = operators[index - 1];
    if (!operator) {
      walkNode(command, guarded);
      return;
    }
    const before = commands[index - 1]!;
    const isTest = operator === '&&' && isExistenceTest(before);
    const inside = inBlock(
      guarded,
      'branch',
      isTest ? 'always' : operator === '&&' ? 'on-success' : 'sometimes',
    );
    walkBranch(inside, (branch) => walkNode(command, branch));
  });
}

/** One branch that may run. */
function walkBranch(scope: Scope, walk: (branch: Scope) => unknown): void {
  const environment = environmentAbove(scope.environment);
  walk({ ...scope, environment });
  joinBranches(scope.environment, [environment], false);
}

function walkIf(node: If, scope: Scope): void {
  scope.reading.choices += 1;
  const choice = scope.reading.choices;
  const branches: Environment[] = [];
  const guarded = { ...scope, isGuarded: true };
  const walk = (list: CompoundList, runs: 'always' | 'sometimes'): void => {
    const environment = environmentAbove(scope.environment);
    branches.push(environment);
    walkStatements(list.commands, { ...inBlock(scope, 'branch', runs, choice), environment });
  };
  walkStatements(node.clause.commands, guarded);
  const [test, ...more] = node.clause.commands;
  walk(
    node.then,
    test && more.length === 0 && !node.else && isExistenceTest(test.command) ? 'always' : 'sometimes',
  );
  for (const branch of node.elif) {
    walkStatements(branch.clause.commands, guarded);
    walk(branch.then, 'sometimes');
  }
  if (node.else) walk(node.else, 'sometimes');
  joinBranches(scope.environment, branches, node.else !== undefined);
}

function walkCase(node: Case, scope: Scope): void {
  walkSubstitutions(node.word, scope);
  scope.reading.choices += 1;
  const choice = scope.reading.choices;
  const branches = node.items.map((item) => {
    const environment = environmentAbove(scope.environment);
    walkStatements(item.body.commands, { ...inBlock(scope, 'branch', 'sometimes', choice), environment });
    return environment;
  });
  const isOneSure = node.items.some(({ pattern }) => pattern.some(({ text }) => text === '*'));
  joinBranches(scope.environment, branches, isOneSure);
}

function walkFor(node: Pick<For, 'name' | 'wordlist' | 'body'>, scope: Scope): void {
  const words = (node.wordlist ?? []).flatMap((word) => {
    walkSubstitutions(word, scope);
    return expandWord(word, expansionIn(scope));
  });
  const choices = words.length === 0 ? (['unknown'] as const) : words.slice(0, 9).map(loopValue);
  walkLoop(scope, 'always', (inside) => {
    scope.reading.relevant += 1;
    assignVariable(inside.environment, node.name.text, choices);
    walkStatements(node.body.commands, inside);
  });
}

/** A pattern of file names may be anything. */
function loopValue({ parts, isQuoted }: ShellWord): Choice {
  const isPattern = !isQuoted && parts.some((part) => 'text' in part && /[*?[{]/.test(part.text));
  return isPattern ? 'unknown' : { words: [parts], isArray: false };
}

function walkLoop(scope: Scope, runs: 'always' | 'sometimes', walk: (inside: Scope) => void): void {
  walkBranch(inBlock(scope, 'loop', runs), (branch) => walk(branch));
}

function walkCommand(node: Command, scope: Scope): boolean {
  const { reading } = scope;
  const before = reading.latestStart;
  for (const part of node.prefix) walkCommandPart(part, scope);
  if (node.name) walkCommandPart(node.name, scope);
  for (const part of node.suffix) walkCommandPart(part, scope);
  for (const one of node.name ? node.suffix : node.prefix)
    if (one.type === 'Assignment') setVariable(one, scope);
  if (node.name) return runCommand(node, scope);
  // If a detached start fails, no container runs that would have to be removed.
  const hasStarted = reading.latestStart !== before && reading.isLatestDetached;
  if (!hasStarted && node.prefix.some((one) => one.type === 'Assignment' && /\$\(|`/.test(one.text)))
    mayFail(scope);
  return false;
}

function walkCommandPart(part: Command['prefix'][number] | Command['suffix'][number], scope: Scope): void {
  if ((part.type === 'Word' || part.type === 'Assignment') && !mayRun(part.text, scope)) return;
  const storedIn = part.type === 'Assignment' ? part.name : undefined;
  walkSubstitutions(part, scope.storedIn === storedIn ? scope : { ...scope, storedIn });
}

function setVariable({ name, value, append, index }: Assignment, scope: Scope): void {
  scope.reading.relevant += 1;
  const expansion = expansionIn(scope);
  if (index) {
    assignVariable(scope.environment, name, ['unknown']);
    return;
  }
  const given: Choice =
    value.type === 'ArrayValue'
      ? {
          isArray: true,
          words: value.elements.flatMap((element) =>
            expandWord(element, expansion).map(({ parts }) => parts),
          ),
        }
      : { isArray: false, words: [assignedPieces(value, expansion)] };
  appendOrAssign(name, given, append === true, scope);
}

function appendOrAssign(
  name: string,
  given: Exclude<Choice, 'unknown'>,
  isAppended: boolean,
  scope: Scope,
): void {
  const before = isAppended ? lookUp(scope.environment, name) : undefined;
  if (!isAppended) return assignVariable(scope.environment, name, [given]);
  const all = (before ?? ['unknown']).map((choice): Choice => {
    const words = choice === 'unknown' ? [[unknownBefore(name)]] : choice.words;
    if (given.isArray) return { isArray: true, words: [...words, ...given.words] };
    return {
      isArray: choice !== 'unknown' && choice.isArray,
      words: [[...(words[0] ?? []), ...(given.words[0] ?? [])], ...words.slice(1)],
    };
  });
  assignVariable(scope.environment, name, all);
}

function unknownBefore(name: string): {
  variable: string;
  shown: string;
  name: string;
  at: number;
  words: 'split';
} {
  return { variable: `$${name}`, shown: `$${name}`, name, at: -1, words: 'split' };
}

/** Whether a word or a text may contain commands of its own. */
const RUNS = /\$\(|`|[<>]\(|\$\{[ \n|]/;
/** A substitution of one command with plain words: `$(date +%T)`, `$(dirname "$0")`. */
const PLAIN_SUBSTITUTION = /\$\(([\w./-]+)(?: +(?:[\w./:=+%@,-]+|\$\w+|"[\w./:=+%@, $-]*"))*\)/g;

/** Whether a word may run commands that matter. */
function mayRun(text: string, scope: Scope): boolean {
  if (!RUNS.test(text)) return false;
  if (!text.includes('$(')) return true;
  let isPlain = true;
  const rest = text.replaceAll(PLAIN_SUBSTITUTION, (_, name: string) => {
    isPlain &&= isIrrelevant(name, scope);
    return '';
  });
  return !isPlain || RUNS.test(rest);
}

/** Reads the commands in `$(…)`, backticks and `<(…)`, wherever they are in a word. */
function walkSubstitutions(node: SyntaxNode, scope: Scope): void {
  if (node.type === 'Word' || node.type === 'Assignment') {
    if (!mayRun(node.text, scope)) return;
  } else if (node.type === 'HereDoc') {
    if (!RUNS.test(node.body.text)) return;
  } else if (node.type === 'CommandExpansion' || node.type === 'ProcessSubstitution') {
    if (node.script) walkSubstitution(node.script, node, scope);
    return;
  }
  if (scope.depth > MAX_DEPTH)
    return addProblem(scope, scope.source.inScript(node.pos), 'is nested too deeply');
  const inside = { ...scope, depth: scope.depth + 1 };
  forEachChild(node, (child) => walkSubstitutions(child, inside));
}

function walkSubstitution(
  script: ParsedScript,
  part: { readonly pos: number; readonly end: number },
  scope: Scope,
): void {
  const { reading } = scope;
  const source = substitutionSource(scope.source, script, part);
  addErrors(script, source, scope);
  const before = reading.latestStart;
  reading.latestStart = undefined;
  walkSubshell({ ...scope, source, input: undefined }, (sub) => walkScript(script, sub));
  if (reading.latestStart === undefined) reading.latestStart = before;
  else reading.startIn.set(script, reading.latestStart);
}

import type { Command } from 'unbash';
import type { ContainerReference } from './container-commands.ts';
import {
  engineNamed,
  engineOfVariable,
  isIrrelevantVerb,
  programName,
  readEngineCommand,
} from './engine-commands.ts';
import type { EngineCommand, StartFacts } from './engine-commands.ts';
import { assignVariable, environmentAbove, leaveFunction } from './shell-environment.ts';
import { commandWords, readFrom, scriptOf } from './shell-output.ts';
import type { OwnFunction, Scope } from './shell-scope.ts';
import { addMoment, inBlock, innermost, mayEnd, mayFail, momentIn, trapBlock } from './shell-scope.ts';
import {
  isShell,
  readShellArguments,
  readSshArguments,
  REMOTE_SHELLS,
  remoteShellOf,
} from './shell-programs.ts';
import type { ShellWord, UnknownText } from './shell-values.ts';
import { literalText, loneUnknown, valueWords } from './shell-values.ts';
import type { SourceText } from './source-text.ts';
import { isWrapper, unwrap } from './wrappers.ts';

const MAX_CALL_DEPTH = 8;
const MAX_CALLED_COMMANDS = 5000;
const MAX_READS = 100;
/** A function that only sets variables is read again for other arguments, a few times. */
const MAX_READS_FOR_VARIABLES = 2;
const MAX_WRAPPERS = 12;
const TOO_DEEP = 'The script is nested too deeply';

/** One simple command, and what it may be given. */
interface Given {
  readonly node: Command;
  readonly stdin: () => SourceText | undefined;
  readonly isCommandOnly?: true;
}

/** A name without quotes and variables. Most commands have one that doesn't matter, and their words aren't read. */
const PLAIN = /^[\w./:[-]+$/;

/** Whether a command has nothing to do with containers, whatever its arguments. */
export function isIrrelevant(path: string, { reading }: Scope): boolean {
  return PLAIN.test(path) && !reading.functions.has(path) && !isInteresting(programName(path));
}

function isInteresting(name: string): boolean {
  return (
    BUILTINS.has(name) ||
    engineNamed(name) !== undefined ||
    isShell(name) ||
    isWrapper(name) ||
    REMOTE_SHELLS.has(name)
  );
}

/** Returns whether nothing behind it can be reached. */
export function runCommand(node: Command, scope: Scope): boolean {
  if (scope.callees.length > 0) scope.reading.called += 1;
  const name = node.name!.text;
  if (isIrrelevant(name, scope)) {
    if (!SAFE.has(name)) mayFail(scope);
    return false;
  }
  const own = scope.reading.functions.get(name);
  const isInert = own && own.inertAmong === scope.reading.functions.size && !scope.callees.includes(own.node);
  if ((isInert || (!own && isIrrelevantEngineCommand(node))) && !setsVariable(node, scope)) {
    if (own?.mayExit) mayEnd(scope, 'shell');
    mayFail(scope);
    return false;
  }
  scope.reading.relevant += 1;
  const words = commandWords(node, scope);
  const given: Given = { node, stdin: () => readFrom(node.redirects, scope) ?? scope.input?.().script };
  return run(words, scope, given, 0);
}

function isIrrelevantEngineCommand({ name, suffix }: Command): boolean {
  if (engineNamed(programName(name!.text)) === undefined) return false;
  const [verb, next] = suffix;
  if (verb?.type !== 'Word') return false;
  return verb.text === 'compose' && next?.type === 'Word'
    ? isIrrelevantVerb(next.text)
    : isIrrelevantVerb(verb.text);
}

/** `docker tag app "${TAG:=dev}"` */
function setsVariable({ pos, end }: Command, { source }: Scope): boolean {
  return /\$\{\w+:?=/.test(source.text.slice(pos, end));
}

function run(words: readonly ShellWord[], scope: Scope, given: Given, level: number): boolean {
  const [first] = words;
  if (!first) return false;
  if (level > MAX_WRAPPERS) {
    scope.reading.problems.push({ at: first.at, because: TOO_DEEP });
    return false;
  }
  const text = literalText(first) ?? pathEnd(first);
  if (text === undefined) return runUnknown(words, scope, given, level);
  if (text === '' && words.length > 1) return run(words.slice(1), scope, given, level + 1);
  const own = given.isCommandOnly ? undefined : scope.reading.functions.get(text);
  if (own && !scope.callees.includes(own.node)) return call(own, words, scope);
  const name = programName(text);
  const engine = engineNamed(name);
  if (engine) {
    runEngine(readEngineCommand(engine, words), words, scope, given);
    return false;
  }
  return runNamed(name, words, scope, given, level);
}

/** `$HOME/bin/docker` */
function pathEnd({ parts }: ShellWord): string | undefined {
  const last = parts.at(-1);
  return parts.length > 1 && last && 'text' in last && last.text.includes('/') ? last.text : undefined;
}

/** The program is a variable: one that stands for an engine, or for a wrapper such as `$SUDO`. */
function runUnknown(words: readonly ShellWord[], scope: Scope, given: Given, level: number): boolean {
  const [first, ...rest] = words;
  const unknown = first && loneUnknown(first);
  if (!first || !unknown) return false;
  const known = (unknown.choices ?? []).filter((choice) => choice !== 'unknown');
  for (const choice of known) {
    const own = valueWords(choice, first);
    run([...own, ...rest], scope, given, level + 1);
  }
  if (known.length > 0) return false;
  const engine = engineOfVariable(unknown);
  if (engine) runEngine(readEngineCommand(engine, words), words, scope, given);
  else if (!PRINTS.test(unknown.shown) && rest.length > 0) run(rest, scope, given, level + 1);
  return false;
}

const PRINTS = /echo|print|log/i;

function call(own: OwnFunction, words: readonly ShellWord[], scope: Scope): boolean {
  const { reading } = scope;
  own.isRead = true;
  if (own.reads > 0 && !own.hasEffects && !usesArguments(own) && !words.some(mayNameEngine)) {
    if (own.mayExit) mayEnd(scope, 'shell');
    mayFail(scope);
    return false;
  }
  if (
    scope.callees.length >= MAX_CALL_DEPTH ||
    reading.called > MAX_CALLED_COMMANDS ||
    own.reads >= MAX_READS
  ) {
    reading.problems.push({
      at: words[0]!.at,
      because: `The function ${own.node.name.text.slice(0, 80)} is called too often`,
    });
    mayFail(scope);
    return false;
  }
  const environment = environmentAbove(scope.environment, true);
  environment.positional = words.slice(1).map((word) => ({ ...word, isArgument: true as const }));
  const inside: Scope = {
    ...inBlock(scope, 'function'),
    environment,
    source: own.source,
    call:
      (words[0]!.isArgument || words[1]?.isArgument) && scope.call
        ? scope.call
        : { at: words[0]!.at, end: words[0]!.end, commandEnd: words.at(-1)!.end },
    callees: [...scope.callees, own.node],
    depth: scope.depth + 2,
  };
  const shell = innermost(scope, 'shell');
  const { effects, relevant } = reading;
  const { ends } = shell;
  own.reads += 1;
  reading.readList(own.node.body, inside);
  const changes = leaveFunction(scope.environment, environment);
  own.hasEffects ||= reading.effects > effects || (changes > 0 && own.reads < MAX_READS_FOR_VARIABLES);
  if (changes === 0 && reading.relevant === relevant) own.inertAmong = reading.functions.size;
  own.mayExit ||= shell.ends > ends;
  return false;
}

/** Then another call may start a container although the first did not: `docker "$@"`. */
function usesArguments({ node, source }: OwnFunction): boolean {
  return /\$\{?[@*1-9]/.test(source.text.slice(node.body.pos, node.body.end));
}

/** Whether a function that runs its arguments may start a container with this one. */
function mayNameEngine({ parts }: ShellWord): boolean {
  return parts.some((part) =>
    'text' in part ? ENGINE_NAME.test(part.text) : part.words !== 'one' || part.choices !== undefined,
  );
}

const ENGINE_NAME = /docker|podman|nerdctl|finch|compose/i;

function runEngine(
  command: EngineCommand | undefined,
  words: readonly ShellWord[],
  scope: Scope,
  given: Given,
): void {
  if (command?.start) {
    addStart(command.start, words[0]!, scope, given);
    // One that fails to start has usually left nothing behind.
    if (!command.start.isDetached && command.start.verb !== 'create') mayFail(scope);
    return;
  }
  if (command?.action) {
    const { action } = command;
    scope.reading.effects += 1;
    const at = words[0]!.at;
    const containers = action.containers.flatMap((one): ContainerReference[] => {
      if (one.by !== 'start' || one.at >= 0) return [one];
      return scope.reading.latestStart === undefined ? [] : [{ by: 'start', at: scope.reading.latestStart }];
    });
    const runs = scope.isTrap ? 'trap' : 'in-order';
    const key = `${at} ${runs}`;
    const moment = momentIn(scope);
    const known = scope.reading.actions.get(key);
    if (known) {
      addMoment(known.moments, moment);
      const seen = new Set(known.containers.map((one) => JSON.stringify(one)));
      const added = containers.filter((one) => !seen.has(JSON.stringify(one)));
      if (added.length > 0 && known.containers.length < 50)
        scope.reading.actions.set(key, { ...known, containers: [...known.containers, ...added] });
    } else {
      const { remote } = scope.shell;
      scope.reading.actions.set(key, {
        at,
        ...action,
        containers,
        runs,
        ...(remote !== undefined && { remote }),
        moments: [moment],
      });
    }
  }
  mayFail(scope);
}

function addStart(facts: StartFacts, program: ShellWord, scope: Scope, { node }: Given): void {
  const { reading } = scope;
  reading.effects += 1;
  // `run` may be an argument of the function that says `docker "$@"`: then its call is the command.
  const call = facts.verbWord.isArgument && !program.isArgument ? scope.call : undefined;
  const { at, end } = call ?? program;
  const commandEnd =
    (program.isArgument ? scope.call : call)?.commandEnd ??
    scope.source.inScript(Math.max(node.pos, node.end - 1)) + 1;
  const moment = momentIn(scope);
  reading.latestStart = at;
  reading.isLatestDetached = facts.isDetached;
  const known = reading.starts.get(at);
  if (!known) {
    reading.starts.set(at, {
      ...facts,
      at,
      end,
      commandEnd: Math.max(end, commandEnd),
      moments: [moment],
      ...(scope.storedIn !== undefined && { storedIn: scope.storedIn }),
      ...(scope.shell.remote !== undefined && { remote: scope.shell.remote }),
    });
    return;
  }
  addMoment(known.moments, moment);
  const isWorse = RANK[facts.removes] > RANK[known.removes];
  if (isWorse) reading.starts.set(at, { ...known, ...facts, moments: known.moments });
}

/** One call that leaves a container behind is enough. */
const RANK = { yes: 0, unknown: 1, no: 2 };

const BUILTINS = new Set([
  'exit',
  'return',
  'break',
  'continue',
  'set',
  'shift',
  'local',
  'declare',
  'typeset',
  'read',
  'mapfile',
  'readarray',
  'trap',
  'eval',
  'find',
  'parallel',
  'ssh',
  'autossh',
  '.',
  'source',
]);

/** Commands that don't fail. */
const SAFE = new Set([
  'echo',
  'printf',
  ':',
  'true',
  'set',
  'export',
  'local',
  'readonly',
  'declare',
  'typeset',
  'trap',
  'unset',
  'shift',
  'shopt',
  'umask',
  'alias',
  'ulimit',
]);

function runNamed(
  name: string,
  words: readonly ShellWord[],
  scope: Scope,
  given: Given,
  level: number,
): boolean {
  switch (name) {
    case 'exit':
      mayEnd(scope, 'shell');
      return true;
    case 'return':
      mayEnd(scope, 'function');
      return true;
    case 'break':
    case 'continue':
      mayEnd(scope, 'loop');
      return true;
    case 'set':
      runSet(words, scope);
      return false;
    case 'shift':
      runShift(words, scope);
      return false;
    case 'local':
    case 'declare':
    case 'typeset':
      for (const word of words.slice(1)) declareLocal(word, scope);
      return false;
    case 'read':
    case 'mapfile':
    case 'readarray':
      runRead(words, scope);
      mayFail(scope);
      return false;
    case 'trap':
      runTrap(words, scope);
      return false;
    case 'eval':
      scope.reading.readText(scriptOf(words.slice(1), words[0]!.at), scope);
      return false;
    case 'find':
      runFind(words, scope, given, level);
      return false;
    case 'parallel':
      runParallel(words, scope);
      return false;
    case 'ssh':
    case 'autossh':
      runSsh(words, scope, given);
      return false;
    case '.':
    case 'source': {
      const stdin = literalText(words[1]) === '/dev/stdin' ? given.stdin() : undefined;
      if (stdin) scope.reading.readText(stdin, scope);
      mayFail(scope);
      return false;
    }
  }
  const shell = readShellArguments(name, words);
  if (shell) {
    const script = shell.script ?? (shell.readsInput ? given.stdin() : undefined);
    if (script) readInShell(script, scope, shell.exitsOnError, shell.positional);
    mayFail(scope);
    return false;
  }
  const remote = remoteShellOf(name, words);
  if (remote) {
    readRemote(remote.script, remote.host, scope);
    return false;
  }
  const inner = unwrap(name, words);
  if (!inner) {
    if (!SAFE.has(name)) mayFail(scope);
    return false;
  }
  if (inner.kind === 'texts') {
    for (const script of inner.scripts) readInShell(scriptOf([script], script.at), scope, false);
    mayFail(scope);
    return false;
  }
  return runInner(name, inner.words, scope, given, level);
}

/** Programs that run the shell of a user, which reads its input. */
const USER_SHELLS = new Set(['sudo', 'su', 'chroot', 'unshare', 'nsenter', 'runuser', 'newgrp']);

/** `retry` and the like are functions of other scripts, which `source` reads. */
const PASSES_FUNCTIONS = /^time$|retr|try|repeat|until|eventually/i;

function runInner(
  name: string,
  words: readonly ShellWord[],
  scope: Scope,
  given: Given,
  level: number,
): boolean {
  if (words.length === 0) {
    const stdin = USER_SHELLS.has(name) ? given.stdin() : undefined;
    if (stdin) readInShell(stdin, scope, false);
    return false;
  }
  // Only the shell itself knows its functions: `sudo build` runs a program.
  const inside: Given = PASSES_FUNCTIONS.test(name) ? given : { ...given, isCommandOnly: true };
  if (name === 'xargs') {
    run([...words, standardInput(words, scope.input?.().containers ?? [])], scope, inside, level + 1);
    return false;
  }
  const isEnd = run(words, scope, inside, level + 1);
  if (name !== 'exec') return isEnd;
  mayEnd(scope, 'shell');
  return true;
}

/** What `xargs` adds to a command. */
function standardInput(words: readonly ShellWord[], containers: readonly ContainerReference[]): ShellWord {
  const { at, end } = words[0]!;
  const unknown: UnknownText = {
    variable: 'standard input',
    shown: 'standard input',
    at,
    words: 'one',
    containers,
  };
  return { parts: [unknown], at, end, isQuoted: false };
}

function readInShell(
  script: SourceText,
  scope: Scope,
  exitsOnError: boolean,
  positional?: readonly ShellWord[],
): void {
  const environment = environmentAbove(scope.environment);
  environment.positional = positional;
  const remote = scope.shell.remote;
  scope.reading.readText(script, {
    ...inBlock(scope, 'shell'),
    environment,
    shell: { exitsOnError, traps: new Map(), ...(remote !== undefined && { remote }) },
    input: undefined,
    depth: scope.depth + 2,
  });
}

function readRemote(script: SourceText, host: string, scope: Scope): void {
  readInShell(script, { ...scope, shell: { ...scope.shell, remote: host } }, false);
  mayFail(scope);
}

function runSsh(words: readonly ShellWord[], scope: Scope, given: Given): void {
  const { host, command } = readSshArguments(words);
  if (host === undefined) return;
  const remote = { ...scope, shell: { ...scope.shell, remote: host } };
  const [program] = command;
  const shell =
    program && command.length > 0
      ? readShellArguments(programName(literalText(program) ?? ''), command)
      : undefined;
  const stdin = command.length === 0 || (shell?.readsInput && !shell.script) ? given.stdin() : undefined;
  if (stdin) readInShell(stdin, remote, shell?.exitsOnError ?? false);
  else if (command.length > 0) readInShell(scriptOf(command, command[0]!.at), remote, false);
  mayFail(scope);
}

function runSet(words: readonly ShellWord[], { shell, environment, reading }: Scope): void {
  reading.effects += 1;
  for (let at = 1; at < words.length; at += 1) {
    const text = literalText(words[at]);
    if (text === '--') {
      environment.positional = words.slice(at + 1);
      return;
    }
    if (text === undefined || !/^[-+]/.test(text)) {
      environment.positional = words.slice(at);
      return;
    }
    const isOn = text.startsWith('-');
    if (text.slice(1).includes('e')) shell.exitsOnError = isOn;
    if (!text.endsWith('o')) continue;
    at += 1;
    if (literalText(words[at]) === 'errexit') shell.exitsOnError = isOn;
  }
}

function runShift(words: readonly ShellWord[], scope: Scope): void {
  const { environment, open } = scope;
  const count = words.length < 2 ? 1 : Number(literalText(words[1]));
  const isSure = open.kind === 'function' || open.kind === 'shell';
  const { positional } = environment;
  const isKnown =
    isSure && positional && Number.isSafeInteger(count) && positional.slice(0, count).every(isOneWord);
  environment.positional = isKnown ? positional.slice(count) : undefined;
}

function isOneWord({ parts }: ShellWord): boolean {
  return parts.every((part) => 'text' in part || part.words === 'one');
}

function declareLocal(word: ShellWord, { environment }: Scope): void {
  const name = /^[A-Za-z_]\w*/.exec(literalText(word) ?? textBefore(word))?.[0];
  if (!name) return;
  for (let at: typeof environment | undefined = environment; at; at = at.below) {
    if (!at.local) continue;
    at.local.add(name);
    return;
  }
}

function textBefore({ parts }: ShellWord): string {
  const [first] = parts;
  return first && 'text' in first ? first.text : '';
}

function runRead(words: readonly ShellWord[], scope: Scope): void {
  const containers = scope.input?.().containers;
  for (const word of words.slice(1)) {
    const name = literalText(word);
    if (!name || !/^[A-Za-z_]\w*$/.test(name)) continue;
    const piece: UnknownText = {
      variable: `$${name}`,
      shown: `$${name}`,
      at: word.at,
      words: 'split',
      ...(containers && { containers }),
    };
    assignVariable(
      scope.environment,
      name,
      containers ? [{ words: [[piece]], isArray: false }] : ['unknown'],
    );
  }
}

function runTrap(words: readonly ShellWord[], scope: Scope): void {
  const rest = literalText(words[1]) === '--' ? words.slice(2) : words.slice(1);
  const [action, ...signals] = rest;
  if (!action || /^-[lpP]$/.test(literalText(action) ?? '')) return;
  const text = literalText(action);
  for (const signal of signals) {
    const name = signalName(literalText(signal) ?? '');
    scope.reading.effects += 1;
    if (text === '-' || text === '') scope.shell.traps.delete(name);
    else scope.shell.traps.set(name, { source: scriptOf([action], action.at), open: trapBlock(scope, true) });
  }
}

function signalName(text: string): string {
  const name = text.toUpperCase().replace(/^SIG/, '');
  return name === '0' ? 'EXIT' : name;
}

/** `find . -exec docker run {} \;` */
function runFind(words: readonly ShellWord[], scope: Scope, given: Given, level: number): void {
  for (let at = 1; at < words.length; at += 1) {
    if (!/^-(exec|ok)(dir)?$/.test(literalText(words[at]) ?? '')) continue;
    const end = words.findIndex((word, index) => index > at && [';', '+'].includes(literalText(word) ?? ''));
    const command = words.slice(at + 1, end < 0 ? undefined : end);
    run(command, { ...inBlock(scope, 'branch', 'sometimes') }, { ...given, isCommandOnly: true }, level + 1);
    at = end < 0 ? words.length : end;
  }
  mayFail(scope);
}

/** `parallel docker run {} ::: a b`: its words are a script. */
function runParallel(words: readonly ShellWord[], scope: Scope): void {
  const end = words.findIndex((word) => literalText(word)?.startsWith(':::'));
  const inner = unwrap('parallel', end < 0 ? words : words.slice(0, end));
  if (inner?.kind === 'command' && inner.words.length > 0)
    readInShell(scriptOf(inner.words, inner.words[0]!.at), scope, false);
  mayFail(scope);
}

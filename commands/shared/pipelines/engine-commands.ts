import type { ContainerReference, ContainerStart } from './container-commands.ts';
import type { Option, RunOptions } from './run-options.ts';
import { commandSwitches, globalSwitches, readBoolean, readOptions, readRunOptions } from './run-options.ts';
import type { ShellWord, UnknownText } from './shell-values.ts';
import { endInScript, literalText, patternOf } from './shell-values.ts';
import { containersOfWord, filteredContainers } from './container-references.ts';

type Engine = Pick<ContainerStart, 'program' | 'composeAs'>;

const ENGINES = new Map<string, Engine>([
  ['docker', { program: 'docker' }],
  ['podman', { program: 'podman' }],
  ['podman-remote', { program: 'podman' }],
  ['nerdctl', { program: 'nerdctl' }],
  ['nerdctl.lima', { program: 'nerdctl' }],
  ['finch', { program: 'nerdctl' }],
  ['docker-compose', { program: 'compose', composeAs: 'docker-compose' }],
  ['podman-compose', { program: 'compose' }],
]);

const ENGINE_VARIABLE =
  /^\W*(docker|podman|nerdctl|(container|oci)_?(engine|runtime|cli|cmd|tool))(_?(bin|binary|cli|cmd|command|exe|exec|path|engine))?\W*$/i;
const COMPOSE_VARIABLE = /^\W*(docker_?)?compose(_?(bin|binary|cli|cmd|command|exe|exec|path))?\W*$/i;

/** The name of a program, without its folder. */
export function programName(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return name.endsWith('.exe') ? name.slice(0, -4) : name;
}

export function engineNamed(name: string): Engine | undefined {
  return ENGINES.get(name);
}

/** The engine that a variable without a value stands for, by its name: `$DOCKER`, `${CONTAINER_ENGINE}`. */
export function engineOfVariable({ shown }: UnknownText): Engine | undefined {
  const name = shown
    .replace(/^"|"$/g, '')
    .replace(/\[[@*]\]/, '')
    .replace(/:?[-=?].*$/, '');
  if (COMPOSE_VARIABLE.test(name)) return { program: 'compose' };
  if (!ENGINE_VARIABLE.test(name)) return undefined;
  return { program: /podman/i.test(name) ? 'podman' : /nerdctl/i.test(name) ? 'nerdctl' : 'docker' };
}

/** What one command does with containers. `start` lacks what only the script around it says. */
export interface EngineCommand {
  readonly start?: StartFacts;
  readonly action?: {
    readonly verb: 'remove' | 'stop' | 'use';
    readonly word: string;
    readonly containers: readonly ContainerReference[];
    readonly isForced?: true;
  };
}

export type StartFacts = Pick<
  ContainerStart,
  | 'program'
  | 'composeAs'
  | 'verb'
  | 'removes'
  | 'deciding'
  | 'insertAt'
  | 'disabling'
  | 'isDetached'
  | 'restart'
  | 'name'
  | 'cidFile'
  | 'labels'
  | 'image'
  | 'service'
> & { readonly verbWord: ShellWord };

/** Options of commands that work on containers; `first`: only the first operand is a container. */
const ACTIONS: Record<
  string,
  { verb: 'remove' | 'stop' | 'use'; short: string; long: string; first?: true }
> = {
  rm: { verb: 'remove', short: 'fvlahi', long: 'force volumes link all ignore latest depend help' },
  stop: { verb: 'stop', short: 'alih', long: 'all latest ignore help' },
  kill: { verb: 'stop', short: 'alh', long: 'all latest help' },
  cp: { verb: 'use', short: 'aqLh', long: 'archive quiet follow-link overwrite help' },
  logs: { verb: 'use', short: 'ftlh', long: 'follow timestamps details latest names color help' },
  wait: { verb: 'use', short: 'lh', long: 'latest ignore help' },
  commit: { verb: 'use', short: 'pqsh', long: 'pause quiet squash include-volumes help', first: true },
  start: { verb: 'use', short: 'aiqh', long: 'attach interactive all latest sig-proxy help' },
  restart: { verb: 'use', short: 'alh', long: 'all latest running help' },
  export: { verb: 'use', short: 'h', long: 'help' },
  attach: { verb: 'use', short: 'lh', long: 'latest no-stdin sig-proxy help', first: true },
  exec: {
    verb: 'use',
    short: 'ditlTh',
    long: 'detach interactive tty latest privileged no-session help',
    first: true,
  },
  inspect: { verb: 'use', short: 'slh', long: 'size latest help' },
  diff: { verb: 'use', short: 'lh', long: 'latest help' },
  port: { verb: 'use', short: 'alh', long: 'all latest help', first: true },
  top: { verb: 'use', short: 'lh', long: 'latest help', first: true },
  rename: { verb: 'use', short: 'h', long: 'help', first: true },
};

const RELEVANT_VERBS = new Set([
  'run',
  'create',
  'compose',
  'container',
  'system',
  'prune',
  'ps',
  'ls',
  'list',
  'remove',
  ...Object.keys(ACTIONS),
]);

/** Whether commands with this word after the program neither start containers nor work on them: `build`, `pull`. */
export function isIrrelevantVerb(word: string): boolean {
  return /^[a-z]+$/.test(word) && !RELEVANT_VERBS.has(word);
}

/** The containers that a command prints. */
export function listedContainers(
  engine: Engine,
  words: readonly ShellWord[],
): readonly ContainerReference[] | undefined {
  const found = readVerb(engine, words);
  return found && found.program !== 'compose' && LISTS.has(found.verb)
    ? filteredContainers(words, found.next + 1)
    : undefined;
}

const LISTS = new Set(['ps', 'ls', 'list']);

/** `words[0]` is the program. Nothing for commands that neither start containers nor work on them. */
export function readEngineCommand(engine: Engine, words: readonly ShellWord[]): EngineCommand | undefined {
  const found = readVerb(engine, words);
  if (!found) return undefined;
  const { program, composeAs, verb, next } = found;
  if (verb === 'system' && program !== 'compose')
    return literalText(words[next + 1]) === 'prune' ? readPrune(words, next + 2) : undefined;
  if (verb === 'run' || (verb === 'create' && program !== 'compose')) {
    const start = readStart({ program, ...(composeAs && { composeAs }) }, words, next, verb);
    return start && { start };
  }
  if (program === 'compose') {
    return verb === 'rm' && composeAs === 'docker-compose'
      ? { action: { verb: 'remove', word: 'rm', containers: [{ by: 'compose' }] } }
      : undefined;
  }
  if (verb === 'prune' && literalText(words[next - 1]) === 'container') return readPrune(words, next + 1);
  return readAction(verb === 'remove' ? 'rm' : verb, words, next);
}

/** The word that says what to do, and its index. */
function readVerb(
  engine: Engine,
  words: readonly ShellWord[],
): (Engine & { readonly verb: string; readonly next: number }) | undefined {
  let { program, composeAs } = engine;
  let { options, next } = readOptions(words, 1, globalSwitches(program));
  if (isHelp(options)) return undefined;
  let verb = literalText(words[next]);
  if (verb === 'compose' && program !== 'compose') {
    if (program === 'docker') composeAs = 'plugin';
    program = 'compose';
    ({ options, next } = readOptions(words, next + 1, globalSwitches(program)));
    if (isHelp(options)) return undefined;
    verb = literalText(words[next]);
  } else if (verb === 'container' && program !== 'compose') {
    next += 1;
    verb = literalText(words[next]);
  }
  return verb === undefined ? undefined : { program, ...(composeAs && { composeAs }), verb, next };
}

function isHelp(options: readonly Option[]): boolean {
  return options.some(
    ({ name }) => name === '--help' || name === '-h' || name === '--version' || name === '-v',
  );
}

function readPrune(words: readonly ShellWord[], from: number): EngineCommand {
  const containers = filteredContainers(words, from, 'stopped');
  return { action: { verb: 'remove', word: 'prune', containers } };
}

function readAction(word: string, words: readonly ShellWord[], verbAt: number): EngineCommand | undefined {
  const action = Object.hasOwn(ACTIONS, word) ? ACTIONS[word]! : undefined;
  if (!action) return undefined;
  const { options, next } = readOptions(words, verbAt + 1, commandSwitches(action.short, action.long));
  if (options.some(({ name }) => name === '--help')) return undefined;
  const rest = words.slice(next);
  const operands = action.first
    ? rest.slice(0, 1)
    : word === 'cp'
      ? rest.filter((one) => !isFile(one))
      : rest.filter((one) => !isOption(one));
  const containers = operands.flatMap((operand) => containersOfWord(operand, word === 'cp'));
  const isSet = (name: string): boolean =>
    [...options, ...rest.filter(isOption).map((one) => ({ name: literalText(one) }))].some(
      (one) => one.name === name,
    );
  for (const { name, value } of options)
    if (name === '--cidfile' && value) containers.push({ by: 'cid-file', file: patternOf(value.parts) });
  if ((isSet('-a') || isSet('--all')) && word !== 'logs' && word !== 'cp' && word !== 'start')
    containers.push({ by: 'all' });
  const isForced =
    word === 'rm' &&
    (isSet('-f') || isSet('--force') || rest.some((one) => /^-[a-z]*f/.test(literalText(one) ?? '')));
  return { action: { verb: action.verb, word, containers, ...(isForced && { isForced }) } };
}

function isOption(word: ShellWord): boolean {
  return literalText(word)?.startsWith('-') ?? false;
}

/** Of `cp`: a path on this machine. */
function isFile(word: ShellWord): boolean {
  return (
    !word.parts.some((part) => 'text' in part && part.text.includes(':')) ||
    /^[./-]/.test(literalText(word) ?? '')
  );
}

function readStart(
  engine: Engine,
  words: readonly ShellWord[],
  verbAt: number,
  verb: 'run' | 'create',
): StartFacts | undefined {
  const combinations = readRunOptions(words, verbAt + 1, engine.program).filter(
    ({ options, subject, deciding }) =>
      (subject || deciding.length > 0) && !options.some(({ name }) => name === '--help'),
  );
  const verdicts = combinations
    .map((one) => ({ one, ...removal(one, engine.program) }))
    .filter(({ isInvalid }) => !isInvalid);
  const [first, ...others] = verdicts;
  if (!first) return undefined;
  const removes = others.every((one) => one.removes === first.removes) ? first.removes : 'unknown';
  const { options } = first.one;
  const verbWord = words[verbAt]!;
  const insertAt = endInScript(verbWord);
  const disabling = removes === 'no' ? first.disabling : undefined;
  const name = lastValue(options, '--name');
  const cidFile = lastValue(options, '--cidfile');
  const restartValue = lastValue(options, '--restart');
  const restart = restartValue ? (literalText(restartValue) ?? 'unknown') : 'no';
  const patternText = (word: ShellWord | undefined) => JSON.stringify(word && patternOf(word.parts));
  const isSame = others.every(({ one }) => patternText(one.subject) === patternText(first.one.subject));
  // Behind words that may be anything, only what looks like an image is one.
  const isSure = verdicts.every(
    ({ one: { deciding, subject } }) => deciding.length === 0 || /[/:]/.test(literalText(subject) ?? ''),
  );
  const subject = isSame && isSure ? first.one.subject : undefined;
  return {
    ...engine,
    verb,
    verbWord,
    removes,
    deciding:
      removes === 'unknown'
        ? decidingNames(
            verdicts.map(({ one }) => one),
            words.slice(verbAt + 1),
          )
        : [],
    ...(insertAt !== undefined && { insertAt }),
    ...(disabling && { disabling }),
    isDetached: options.reduce(
      (is, { name, value }) =>
        name === '-d' || name === '--detach'
          ? value
            ? readBoolean(literalText(value) ?? '') !== false
            : true
          : is,
      false,
    ),
    ...(restart !== 'no' && { restart }),
    ...(name && { name: patternOf(name.parts) }),
    ...(cidFile && { cidFile: patternOf(cidFile.parts) }),
    labels: options.flatMap(({ name, value }) =>
      value && (name === '--label' || name === '-l') ? [patternOf(value.parts)] : [],
    ),
    ...(subject &&
      (engine.program === 'compose'
        ? { service: patternOf(subject.parts) }
        : { image: patternOf(subject.parts) })),
  };
}

function decidingNames(combinations: readonly RunOptions[], words: readonly ShellWord[]): readonly string[] {
  const names = combinations.flatMap(({ deciding }) => deciding.map(({ shown }) => shown));
  const choosing = words.flatMap(({ parts }) =>
    parts.flatMap((part) => ('text' in part || !part.choices?.length ? [] : [part.shown])),
  );
  const values = combinations.flatMap(({ options }) =>
    options.flatMap(({ name, value }) =>
      name === '--rm' && value ? value.parts.flatMap((part) => ('text' in part ? [] : [part.shown])) : [],
    ),
  );
  return [...new Set([...names, ...values, ...(names.length + values.length === 0 ? choosing : [])])].slice(
    0,
    10,
  );
}

function removal(
  { options, deciding }: RunOptions,
  program: Engine['program'],
): {
  removes: ContainerStart['removes'];
  isInvalid?: true;
  disabling?: { at: number; end: number };
} {
  let removes: ContainerStart['removes'] = deciding.length > 0 ? 'unknown' : 'no';
  let disabling: { at: number; end: number } | undefined;
  for (const { name, value, word } of options) {
    if (name === '--rmi' && program === 'podman' && !value) removes = 'yes';
    if (name !== '--rm') continue;
    const text = value === undefined ? 'true' : literalText(value);
    const is = text === undefined ? undefined : readBoolean(text);
    if (text !== undefined && is === undefined) return { removes, isInvalid: true };
    removes = is === undefined ? 'unknown' : is ? 'yes' : 'no';
    const first = word.parts[0];
    const end = endInScript(word);
    disabling =
      is === false && first && 'text' in first && first.at >= 0 && end !== undefined
        ? { at: first.at, end }
        : undefined;
  }
  return { removes, ...(disabling && { disabling }) };
}

function lastValue(options: readonly Option[], wanted: string): ShellWord | undefined {
  return options.findLast(({ name }) => name === wanted)?.value;
}

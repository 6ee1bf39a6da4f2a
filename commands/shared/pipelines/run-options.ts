import type { ContainerStart } from './container-commands.ts';
import type { Choice, ShellWord, UnknownText } from './shell-values.ts';
import { leadingText, literalText, loneUnknown, valueWords, withoutStart } from './shell-values.ts';

type Program = ContainerStart['program'];

/** Options without a value; every other one has one. */
interface Switches {
  readonly long: ReadonlySet<string>;
  readonly short: string;
}

function switches(short: string, long: string): Switches {
  return { short, long: new Set(long.split(' ')) };
}

// `-h` is `--hostname` here.
const DOCKER = switches(
  'ditPq',
  'detach disable-content-trust help init interactive no-healthcheck oom-kill-disable privileged publish-all quiet read-only rm sig-proxy tty use-api-socket',
);
const RUN: Record<Program, Switches> = {
  docker: DOCKER,
  podman: switches(
    'ditPq',
    `${[...DOCKER.long].join(' ')} env-host http-proxy no-hosts no-hostname passwd read-only-tmpfs replace rmi rootfs tls-verify unsetenv-all`,
  ),
  nerdctl: switches('ditPq', `${[...DOCKER.long].join(' ')} rootfs insecure-registry`),
  compose: switches(
    'diTtPqh',
    'build detach dry-run help interactive no-TTY no-deps no-tty quiet quiet-build quiet-pull remove-orphans rm service-ports tty use-aliases',
  ),
};
const GLOBAL: Record<Program, Switches> = {
  docker: switches('Dvh', 'debug help tls tlsverify version'),
  podman: switches('rvh', 'help noout remote syslog trace transient-store version'),
  nerdctl: switches('vh', 'debug debug-full experimental help insecure-registry kube-hide-dupe version'),
  compose: switches(
    'vh',
    'all-resources compatibility dry-run help no-ansi skip-hostname-check tls tlsverify verbose version',
  ),
};

export function globalSwitches(program: Program): Switches {
  return GLOBAL[program];
}

/** Of other commands of the same programs. */
export function commandSwitches(short: string, long: string): Switches {
  return switches(short, long);
}

/** One option with its value, from the words of a command. */
export interface Option {
  /** `--env` or `-e`. */
  readonly name: string;
  readonly value?: ShellWord;
  /** Where it is written, without a value of its own word. */
  readonly word: ShellWord;
}

/** The options at the start of words, and the index of the first word behind them. */
export function readOptions(
  words: readonly ShellWord[],
  from: number,
  known: Switches,
): { options: Option[]; next: number } {
  const options: Option[] = [];
  const next = readOptionsInto(options, words, from, known);
  return { options, next };
}

function readOptionsInto(
  options: Option[],
  words: readonly ShellWord[],
  from: number,
  known: Switches,
): number {
  let next = from;
  while (next < words.length) {
    const word = words[next]!;
    const start = leadingText(word);
    if (start === '--' && word.parts.length === 1) return next + 1;
    if (!start.startsWith('-') || start === '-') break;
    next += 1;
    if (!start.startsWith('--')) {
      next = readCluster(word, start, words, next, known.short, options);
      continue;
    }
    const equals = start.indexOf('=');
    const name = equals < 0 ? start : start.slice(0, equals);
    if (equals >= 0)
      options.push({ name, word, value: { ...word, parts: withoutStart(word.parts, equals + 1) } });
    else if (known.long.has(name.slice(2))) options.push({ name, word });
    else {
      options.push({ name, word, ...(next < words.length && { value: words[next]! }) });
      next += 1;
    }
  }
  return Math.min(next, words.length);
}

/** `-itv /a:/b`, `-it`, `-v/a:/b`, `-d=false` */
function readCluster(
  word: ShellWord,
  start: string,
  words: readonly ShellWord[],
  next: number,
  short: string,
  options: Option[],
): number {
  for (let at = 1; at < start.length; at += 1) {
    const name = `-${start[at]}`;
    const rest = withoutStart(word.parts, at + 1);
    if (start[at + 1] === '=') {
      options.push({ name, word, value: { ...word, parts: withoutStart(word.parts, at + 2) } });
      return next;
    }
    if (short.includes(start[at]!)) {
      options.push({ name, word });
      continue;
    }
    if (rest.length > 0) {
      options.push({ name, word, value: { ...word, parts: rest } });
      return next;
    }
    options.push({ name, word, ...(next < words.length && { value: words[next]! }) });
    return next + 1;
  }
  return next;
}

/** Go's `strconv.ParseBool`, as the options of these programs are read. */
export function readBoolean(text: string): boolean | undefined {
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text)) return true;
  return ['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(text) ? false : undefined;
}

/** What the options of `run` or `create` say, for one combination of the values that variables may have. */
export interface RunOptions {
  readonly options: readonly Option[];
  /** The first word after the options: the image, or the service. */
  readonly subject?: ShellWord;
  /** Unknown words among the options, which may be or hide any. */
  readonly deciding: readonly UnknownText[];
}

const MAX_COMBINATIONS = 32;

/** Each combination of the values that variables among the options may have. */
export function readRunOptions(
  words: readonly ShellWord[],
  from: number,
  program: Program,
): readonly RunOptions[] {
  const results: RunOptions[] = [];
  const pending: State[] = [{ words, from, options: [], deciding: [] }];
  let combinations = 1;
  for (let state = pending.pop(); state; state = pending.pop()) {
    const { options, deciding } = state;
    for (let at = state.from; ;) {
      const next = readOptionsInto(options, state.words, at, RUN[program]);
      const isEnded = next > at && literalText(state.words[next - 1]) === '--';
      const unknown = isEnded ? undefined : decidingPart(state.words, next);
      const subject = state.words[next];
      if (!unknown || !subject) {
        results.push({ options, deciding, ...(subject && { subject }) });
        break;
      }
      const choices = unknown.choices ?? [];
      if (
        choices.some((choice) => choice !== 'unknown') &&
        combinations + choices.length <= MAX_COMBINATIONS
      ) {
        combinations += choices.length - 1;
        for (const choice of choices) {
          const by = chosenWords(choice, subject, unknown);
          pending.push({
            words: [...by, ...state.words.slice(next + 1)],
            from: 0,
            options: [...options],
            deciding: [...deciding],
          });
        }
        break;
      }
      deciding.push(unknown);
      at = next + 1;
    }
  }
  return results;
}

interface State {
  readonly words: readonly ShellWord[];
  readonly from: number;
  readonly options: Option[];
  readonly deciding: UnknownText[];
}

function chosenWords(choice: Choice, word: ShellWord, unknown: UnknownText): readonly ShellWord[] {
  if (choice !== 'unknown') return valueWords(choice, word);
  const { choices: _choices, ...rest } = unknown;
  return [{ ...word, parts: [rest] }];
}

const OPTION_NAMES =
  /^(.*(opts?|options?|args?|arguments|flags?|params?|switches)|extras?|mounts?|volumes?|rm|remove|interactive|tty|envs?|net|network)$/;
const IMAGE_NAMES = /^(.*(image|images|img)|tag|repo|repository|registry|container|service|builder|tool)$/;
const BETWEEN_NAMES = /[^A-Za-z]+|(?<=[a-z])(?=[A-Z])/;

/** The unknown part of a word that may be options, rather than the image. */
function decidingPart(words: readonly ShellWord[], index: number): UnknownText | undefined {
  const word = words[index];
  if (!word || leadingText(word) !== '') return undefined;
  const unknown = word.parts.find((part) => !('text' in part));
  if (!unknown || 'text' in unknown) return undefined;
  if (unknown.words !== 'one' && unknown.choices?.some((choice) => choice !== 'unknown')) return unknown;
  if (unknown.words === 'list') return unknown;
  const isLone = word.parts.every((part) => !('text' in part));
  if (!isLone) return undefined;
  const names = word.parts.flatMap((part) =>
    'text' in part ? [] : part.shown.split(BETWEEN_NAMES).map((one) => one.toLowerCase()),
  );
  const isImage = names.some((one) => IMAGE_NAMES.test(one));
  const isOption =
    names.some((one) => OPTION_NAMES.test(one)) && names.every((one) => !/image|img/.test(one));
  if (unknown.words === 'one' && loneUnknown(word)) return isOption ? unknown : undefined;
  if (isImage && !isOption) return undefined;
  return isOption || index < words.length - 1 ? unknown : undefined;
}

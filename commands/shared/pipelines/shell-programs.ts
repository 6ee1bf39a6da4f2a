import { commandSwitches, readOptions } from './run-options.ts';
import type { ShellWord } from './shell-values.ts';
import { leadingText, literalText, patternOf } from './shell-values.ts';
import { patternText } from './container-commands.ts';
import { scriptOf } from './shell-output.ts';
import type { SourceText } from './source-text.ts';

const SHELLS = new Set(['bash', 'sh', 'dash', 'zsh', 'ksh', 'ash', 'mksh', 'rbash', 'hush']);

export function isShell(name: string): boolean {
  return SHELLS.has(name);
}

interface ShellArguments {
  readonly script?: SourceText;
  /** Whether it reads its script from its input. */
  readonly readsInput: boolean;
  readonly exitsOnError: boolean;
  readonly positional?: readonly ShellWord[];
}

/** `bash -euxc '…' name a b`, `sh -s`, `bash file` */
export function readShellArguments(name: string, words: readonly ShellWord[]): ShellArguments | undefined {
  if (!SHELLS.has(name)) return undefined;
  let [isScript, readsInput, exitsOnError] = [false, false, false];
  let at = 1;
  for (; at < words.length; at += 1) {
    const text = literalText(words[at]);
    if (text === undefined || !/^[-+]./.test(text)) break;
    if (text === '--') {
      at += 1;
      break;
    }
    if (text.startsWith('--')) {
      if (text === '--rcfile' || text === '--init-file') at += 1;
      continue;
    }
    if (text.startsWith('-') && text.includes('c')) isScript = true;
    if (text.startsWith('-') && text.includes('s')) readsInput = true;
    if (text.startsWith('-') && text.includes('e')) exitsOnError = true;
    if (!/[oO]$/.test(text)) continue;
    at += 1;
    if (literalText(words[at]) === 'errexit') exitsOnError = text.startsWith('-');
  }
  const script = words[at];
  if (isScript) {
    return {
      readsInput: false,
      exitsOnError,
      ...(script && { script: scriptOf([script], script.at), positional: words.slice(at + 2) }),
    };
  }
  const file = literalText(script);
  return { readsInput: readsInput || !script || file === '-' || file === '/dev/stdin', exitsOnError };
}

const SSH = commandSwitches('46AaCfGgKkMNnqsTtVvXxYy', '');

export function readSshArguments(words: readonly ShellWord[]): {
  host?: string;
  command: readonly ShellWord[];
} {
  const first = readOptions(words, 1, SSH);
  const host = words[first.next];
  if (!host) return { command: [] };
  const second = readOptions(words, first.next + 1, SSH);
  return { host: patternText(patternOf(host.parts)), command: words.slice(second.next) };
}

export const REMOTE_SHELLS: ReadonlySet<string> = new Set([
  'docker-machine',
  'minikube',
  'colima',
  'vagrant',
  'gcloud',
]);

/** Programs that give a command to the shell of another machine. */
export function remoteShellOf(
  name: string,
  words: readonly ShellWord[],
): { script: SourceText; host: string } | undefined {
  const isSsh = (at: number): boolean => literalText(words[at]) === 'ssh';
  const host = (word: ShellWord | undefined): string => (word ? patternText(patternOf(word.parts)) : name);
  if ((name === 'docker-machine' || name === 'minikube' || name === 'colima') && isSsh(1)) {
    const from = name === 'docker-machine' ? 3 : literalText(words[2]) === '--' ? 3 : 2;
    const command = words.slice(from);
    return command.length > 0
      ? { script: scriptOf(command, command[0]!.at), host: name === 'docker-machine' ? host(words[2]) : name }
      : undefined;
  }
  const option =
    name === 'vagrant' && isSsh(1)
      ? /^(-c|--command)$/
      : name === 'gcloud' && words.some((_, at) => isSsh(at))
        ? /^--command$/
        : undefined;
  if (!option) return undefined;
  for (const [index, word] of words.entries()) {
    const text = leadingText(word);
    if (option.test(text) && words[index + 1])
      return { script: scriptOf([words[index + 1]!], words[index + 1]!.at), host: name };
    if (text.startsWith('--command=')) {
      const value = { ...word, parts: cut(word, '--command='.length) };
      return { script: scriptOf([value], word.at), host: name };
    }
  }
  return undefined;
}

function cut({ parts }: ShellWord, length: number): ShellWord['parts'] {
  const [first, ...rest] = parts;
  if (!first || !('text' in first)) return parts;
  return [{ text: first.text.slice(length), at: first.at < 0 ? -1 : first.at + length }, ...rest];
}

import type { HostQuery } from '../../ports/hosts.ts';
import { SourceError, type SourceErrorKind } from '../../ports/source-error.ts';
import { cleanText, stripEscapes } from '../../text/clean-text.ts';
import { HostArgumentError, type HostCommand } from '../../wire/host-command.ts';
import type { CommandOutput, RunOnHost } from '../../wire/ssh-hosts.ts';

/** One question to one host. Its commands are ways of asking it. */
export interface HostQuestion {
  readonly query: HostQuery;
  readonly run: RunOnHost;
  readonly fail: (kind: SourceErrorKind, reason: string) => SourceError;
}

/** What a command wrote, as text without colors and carriage returns. */
export interface TextAnswer {
  readonly text: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/** Errors don't name the host and the question: gaps and notes do. */
export function askHost(run: RunOnHost, source: string, query: HostQuery): HostQuestion {
  return { query, run, fail: (kind, reason) => new SourceError(source, kind, reason) };
}

/**
 * Runs a command that ends with one of the exit codes.
 * @param make creates the command, so that an invalid argument fails before anything is sent
 * @throws {SourceError} `missing` if the program isn't installed, `refused` if a permission is missing, `malformed` otherwise
 */
export async function runForText(
  asked: HostQuestion,
  make: () => HostCommand,
  exitCodes: readonly number[] = [0],
): Promise<TextAnswer> {
  const { isCut, ...answer } = await runForAnswer(asked, make, exitCodes);
  if (isCut) throw asked.fail('malformed', 'the output is too long');
  return answer;
}

/** The same, if the beginning of the output is useful too. */
export async function runForAnswer(
  asked: HostQuestion,
  make: () => HostCommand,
  exitCodes: readonly number[] = [0],
): Promise<TextAnswer & Pick<CommandOutput, 'isCut'>> {
  const { query, run } = asked;
  const command = makeCommand(asked, make);
  const output = await run(query.host, command, query);
  const { exitCode, isCut, stderr } = output;
  const text = toText(output.stdout);
  if (isCut) return { text, stderr, exitCode: 0, isCut };
  if (exitCode === undefined) throw asked.fail('malformed', 'the command was stopped by a signal');
  if (isNotFound(exitCode, stderr)) throw asked.fail('missing', `${programOf(command)} isn't installed`);
  if (isRefused(exitCode, stderr)) throw asked.fail('refused', firstLine(stderr));
  if (DUMP_INTERRUPTED.test(stderr)) throw asked.fail('malformed', 'the list changed while it was read');
  if (!exitCodes.includes(exitCode) && isPermissionDenied(stderr))
    throw asked.fail('refused', firstLine(stderr));
  if (!exitCodes.includes(exitCode))
    throw asked.fail('malformed', firstLine(stderr) || `exit code ${exitCode}`);
  return { text, stderr, exitCode, isCut };
}

function makeCommand(asked: HostQuestion, make: () => HostCommand): HostCommand {
  try {
    return make();
  } catch (error) {
    if (error instanceof HostArgumentError) throw asked.fail('refused', error.message);
    throw error;
  }
}

/** Ways of asking one question, the best first. One that a host doesn't know is not a failure if the next one answers. */
export async function firstAnswer<T>(ways: readonly (() => Promise<T>)[]): Promise<T> {
  const errors: SourceError[] = [];
  for (const way of ways) {
    try {
      return await way();
    } catch (error) {
      if (!(error instanceof SourceError) || isOfHost(error)) throw error;
      errors.push(error);
    }
  }
  throw mostTelling(errors);
}

/** Whether it is about the host and not about the question. */
export function isOfHost(error: SourceError): boolean {
  return error.kind === 'unreachable' || error.hostKey !== undefined;
}

const TELLING: readonly SourceErrorKind[] = ['refused', 'malformed', 'missing'];

/** Of several failures, the one that says most about what is wrong. */
export function mostTelling(errors: readonly SourceError[]): unknown {
  return errors.toSorted((a, b) => TELLING.indexOf(a.kind) - TELLING.indexOf(b.kind))[0];
}

/** An answer, or why there is none. Errors of the host itself are thrown. */
export async function attemptAnswer<T>(read: () => Promise<T>): Promise<T | SourceError> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof SourceError) || isOfHost(error)) throw error;
    return error;
  }
}

/** @throws {SourceError} */
export function unknownFormat(asked: HostQuestion): never {
  throw asked.fail('malformed', 'the output has an unknown format');
}

/** The lines that aren't empty. */
export function linesOf(text: string): readonly string[] {
  return text.split('\n').filter((line) => line.trim() !== '');
}

export function isPermissionDenied(stderr: string): boolean {
  return /permission denied|operation not permitted|access denied|must be root/i.test(stderr);
}

export function isNoSuchFile(stderr: string): boolean {
  return /no such file or directory/i.test(stderr);
}

/** `ip` exits with 0 although links may be missing: https://github.com/iproute2/iproute2/blob/main/lib/libnetlink.c */
const DUMP_INTERRUPTED = /dump was interrupted/i;

/** `env: 'lldpctl': No such file or directory` ends with 127. With sudo in between, it ends with 1. */
function isNotFound(exitCode: number, stderr: string): boolean {
  return exitCode === 127 || (exitCode !== 0 && /^sudo: .*command not found/m.test(stderr));
}

/** `ip` of `env LC_ALL=C PATH=/usr/sbin:/usr/bin ip -j -d link show`. */
function programOf({ line }: HostCommand): string {
  return /^env (?:\S+=\S+ )*(?:sudo -n )?(\S+)/.exec(line)?.[1] ?? 'the program';
}

/** https://www.sudo.ws/docs/man/sudo.man/ */
const SUDO_REFUSED =
  /^sudo: (?!unable to resolve host)|is not allowed to|not in the sudoers file|may not run sudo/m;

function isRefused(exitCode: number, stderr: string): boolean {
  if (exitCode === 126) return true;
  return exitCode !== 0 && SUDO_REFUSED.test(stderr);
}

function firstLine(stderr: string): string {
  const [line] = linesOf(stderr);
  return line === undefined ? '' : cleanText(line).slice(0, 200);
}

function toText(stdout: Buffer): string {
  return stripEscapes(stdout.toString('utf8')).replaceAll('\r', '');
}

import type { Client, ClientChannel } from 'ssh2';
import { SourceError } from '../ports/source-error.ts';
import type { HostCommand } from './host-command.ts';
import { printable } from './x509.ts';

/** What a command wrote and how it ended. */
export interface CommandOutput {
  /** Absent if a signal ended it, or if its output was cut off. */
  readonly exitCode?: number;
  /** As bytes: it may contain anything. */
  readonly stdout: Buffer;
  /** The beginning, as lines of printable text. */
  readonly stderr: string;
  /** Whether `stdout` reached the limit of the command and was cut off there. */
  readonly isCut: boolean;
}

/** Why a session gave no output, besides a {@link SourceError}. */
export class SessionFailure extends Error {
  /**
   * - `refused`: the server allows no further session in this connection.
   * - `lost`: the connection ended. `hasStarted` says whether the command had.
   * - `late`: the command took too long.
   */
  readonly is: 'refused' | 'lost' | 'late';
  readonly hasStarted: boolean;

  constructor(is: 'refused' | 'lost' | 'late', hasStarted: boolean) {
    super(`the session is ${is}`);
    this.is = is;
    this.hasStarted = hasStarted;
  }
}

interface SessionOptions {
  /** For the whole command, from its start to its end. */
  readonly timeoutMs: number;
  /** Closes the session and rejects with its reason. */
  readonly signal: AbortSignal;
  /** Called whenever something comes from the host. */
  readonly onProgress: () => void;
  /** For errors. */
  readonly source: string;
  readonly place: string;
}

const MAX_STDERR = 16_000;

/**
 * Runs one command in one session, without standard input.
 * @throws {SessionFailure}
 * @throws {SourceError} `refused` if the server starts no commands.
 */
export function runInSession(
  client: Client,
  { line, maxBytes }: HostCommand,
  { timeoutMs, signal, onProgress, source, place }: SessionOptions,
): Promise<CommandOutput> {
  return new Promise((resolve, reject) => {
    let channel: ClientChannel | undefined;
    let isDone = false;
    const done = (): boolean => {
      if (isDone) return false;
      isDone = true;
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      client.off('close', onLost);
      return true;
    };
    const fail = (error: Error): void => {
      if (!done()) return;
      stop(channel);
      reject(error);
    };
    const onAbort = (): void => fail(signal.reason as Error);
    const onLost = (): void => fail(new SessionFailure('lost', channel !== undefined));
    const timer = setTimeout(() => fail(new SessionFailure('late', channel !== undefined)), timeoutMs);
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    client.once('close', onLost);

    const read = (opened: ClientChannel): void => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      let stderr = '';
      let exitCode: number | undefined;
      let hasExited = false;
      const finish = (isCut: boolean): void => {
        if (!done()) return;
        resolve({
          ...(exitCode !== undefined && !isCut && { exitCode }),
          stdout: Buffer.concat(chunks).subarray(0, maxBytes),
          stderr: printableLines(stderr),
          isCut,
        });
      };
      opened.on('data', (chunk: Buffer) => {
        if (isDone) return;
        onProgress();
        chunks.push(chunk);
        bytes += chunk.length;
        if (bytes <= maxBytes) return;
        finish(true);
        stop(opened);
      });
      opened.stderr.on('data', (chunk: Buffer) => {
        onProgress();
        if (stderr.length < MAX_STDERR) stderr += chunk.toString('utf8').slice(0, MAX_STDERR - stderr.length);
      });
      opened.on('exit', (code: number | null) => {
        hasExited = true;
        exitCode = code ?? undefined;
      });
      opened.on('close', () => {
        onProgress();
        // Without a status, the connection ended before the command, and its output may be incomplete.
        if (hasExited) finish(false);
        else onLost();
      });
      opened.end();
    };
    try {
      client.exec(line, (error, opened) => {
        onProgress();
        if (!error) {
          channel = opened;
          opened.on('error', () => undefined);
          if (isDone) stop(opened);
          else read(opened);
        } else if ('reason' in error) fail(new SessionFailure('refused', false));
        else
          fail(
            new SourceError(
              source,
              'refused',
              `${place} refused to start a command over ssh: check ForceCommand and the login shell there`,
              { code: 'SSH' },
            ),
          );
      });
    } catch {
      onLost();
    }
    return undefined;
  });
}

/** Ends a command that is no longer needed. Its output, if it goes on, is dropped. */
function stop(channel: ClientChannel | undefined): void {
  if (!channel) return;
  channel.on('data', () => undefined);
  channel.resume();
  try {
    channel.signal('KILL');
    channel.close();
  } catch {
    // The connection has ended, and the command with it.
  }
}

function printableLines(text: string): string {
  return text
    .split(/[\r\n]+/)
    .map((line) => printable(line.trim()))
    .filter((line) => line !== '')
    .join('\n');
}

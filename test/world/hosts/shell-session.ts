import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { HostOutput } from './serve-hosts.ts';

/** A shell somewhere else, in a namespace or in another kernel, that runs one command line after the other. */
export interface ShellSession {
  readonly run: (line: string) => Promise<HostOutput>;
  /** The same, for a step that must succeed. */
  readonly must: (line: string) => Promise<void>;
  /** Kills everything that it started. */
  readonly close: () => Promise<void>;
}

const MARK = '@@wrench';

/**
 * Reads command lines, and answers each with its exit code, output and errors.
 *
 * @param folder that it may write to
 */
export function sessionScript(folder: string): string {
  return `
echo '${MARK} ready'
while IFS= read -r line; do
  sh -c "$line" >${folder}/out 2>${folder}/err </dev/null
  echo "${MARK} $?:$(base64 -w0 <${folder}/out):$(base64 -w0 <${folder}/err)"
done
`;
}

/** Of `unshare`, for a network namespace. An ordinary user is root in it, if the kernel allows that. */
export function namespaceOptions(): readonly string[] {
  return [...(process.getuid?.() === 0 ? [] : ['--map-root-user']), '--net'];
}

/** Starts a program whose shell runs `sessionScript`, and waits until it is ready. */
export async function openShell(program: string, words: readonly string[]): Promise<ShellSession> {
  // In its own process group, which has all that it starts.
  const shell = spawn(program, words, { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
  const log: string[] = [];
  let waiting: PromiseWithResolvers<string> | undefined;
  const next = async (): Promise<string> => {
    waiting = Promise.withResolvers();
    return waiting.promise;
  };
  const fail = (error: Error): void => waiting?.reject(error);
  shell.once('error', fail);
  const exited = once(shell, 'exit').catch(() => undefined);
  void exited.then(() => fail(new Error(`${program} ended: ${log.join('\n')}`)));
  shell.stdin.on('error', () => undefined);
  createInterface({ input: shell.stderr }).on('line', (line) => log.push(line));
  createInterface({ input: shell.stdout }).on('line', (line) => {
    const at = line.indexOf(MARK);
    if (at < 0) log.push(line);
    else waiting?.resolve(line.slice(at + MARK.length + 1).trim());
  });
  await next();

  const run = async (line: string): Promise<HostOutput> => {
    const answer = next();
    shell.stdin.write(`${line}\n`);
    const [code, stdout = '', stderr = ''] = (await answer).split(':');
    return {
      exitCode: Number(code),
      stdout: Buffer.from(stdout, 'base64'),
      stderr: Buffer.from(stderr, 'base64').toString(),
    };
  };
  return {
    run,
    must: async (line) => {
      const { exitCode, stderr } = await run(line);
      if (exitCode !== 0) throw new Error(`${line}: exit code ${exitCode}: ${stderr}`);
    },
    close: async () => {
      if (shell.exitCode === null && shell.signalCode === null) process.kill(-shell.pid!, 'SIGKILL');
      await exited;
    },
  };
}

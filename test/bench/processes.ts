import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../world/free-port.ts';

export type RoleName = 'bot' | 'worker' | 'all';

/** A role of Wrench in a separate process. */
export interface RunningRole {
  /** The address for Slack over HTTP. */
  readonly port: () => number;
  readonly readyAfterMs: number;
  /** The value of one line of `/metrics`, by its name and labels as written there; 0 if there is none. */
  readonly metric: (line: string) => Promise<number>;
  readonly stop: () => Promise<void>;
}

export interface StartOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly nodeArguments?: readonly string[];
}

const MAIN = join(import.meta.dirname, '../../src/main.ts');
const READY_WITHIN_MS = 30_000;
const POLL_MS = 5;
const STOP_WITHIN_MS = 15_000;

/**
 * Starts `src/main.ts` as in production, and waits until it is ready. @throws Error with its last output if
 * it exits instead.
 */
export async function startRole(
  role: RoleName,
  { cwd, env = {}, nodeArguments = [] }: StartOptions,
): Promise<RunningRole> {
  const healthPort = await freePort();
  const startedAt = performance.now();
  const child = spawn(process.execPath, [...nodeArguments, MAIN, role], {
    cwd,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'] ?? '', PORT: '0', HEALTH_PORT: String(healthPort), ...env },
  });
  let port = 0;
  createInterface({ input: child.stdout }).on('line', (line) => {
    const found = /"event":"bot-started","port":(\d+)/.exec(line)?.[1];
    if (found !== undefined) port = Number(found);
  });
  const health = (path: string) => fetch(`http://127.0.0.1:${healthPort}${path}`);
  try {
    await untilReady(child, health, startedAt);
  } catch (error) {
    await stopChild(child);
    throw error;
  }
  return {
    port: () => port,
    readyAfterMs: performance.now() - startedAt,
    metric: async (wanted) => {
      const text = await (await health('/metrics')).text();
      const line = text.split('\n').find((written) => written.startsWith(`${wanted} `));
      return Number(line?.slice(wanted.length) ?? 0);
    },
    stop: () => stopChild(child),
  };
}

async function untilReady(
  child: ChildProcess,
  health: (path: string) => Promise<Response>,
  startedAt: number,
): Promise<void> {
  while (performance.now() - startedAt < READY_WITHIN_MS) {
    if (child.exitCode !== null) throw new Error(`the role exited with ${child.exitCode}`);
    const answer = await health('/readyz').catch(() => undefined);
    await answer?.body?.cancel();
    if (answer?.ok) return;
    await sleep(POLL_MS);
  }
  throw new Error(`the role was not ready within ${READY_WITHIN_MS} ms`);
}

/** SIGTERM, then SIGKILL if it does not exit. */
export async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const hard = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
  await ended;
  clearTimeout(hard);
}

/** If another process takes the port meanwhile, the role reports it. */

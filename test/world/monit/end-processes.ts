import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileOf, MARK } from './scripts.ts';

/**
 * Stops only the processes that a monit's start scripts have started, once `endMonit` has made sure that no
 * more are started.
 */
export async function endProcesses(
  folder: string,
  names: readonly string[],
  endMonit: () => Promise<void>,
): Promise<void> {
  await writeFile(join(folder, 'closing'), '');
  await endMonit();
  const end = (): Promise<void[]> => Promise.all(names.map((name) => endOne(folder, name)));
  await end();
  // A start script that had passed its check when monit ended.
  await sleep(50);
  await end();
}

async function endOne(folder: string, name: string): Promise<void> {
  const pid = Number(await readFile(join(folder, `${fileOf(name)}.started`), 'utf8').catch(() => ''));
  if (!Number.isInteger(pid) || pid <= 1) return;
  for (let tries = 0; await runs(pid, folder); tries++) {
    if (tries === 0 || tries === 60) tell(pid, tries === 0 ? 'SIGTERM' : 'SIGKILL');
    await sleep(50);
  }
}

async function runs(pid: number, folder: string): Promise<boolean> {
  const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
  return environment.split('\0').includes(`${MARK}=${folder}`);
}

function tell(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has just exited by itself.
  }
}

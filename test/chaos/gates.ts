import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Where a test can stop a fix: before its line is written, or after. */
export type Gate = 'before' | 'after';

const gateFile = (folder: string, kind: 'hold' | 'die' | 'reached', gate: Gate) =>
  join(folder, `${kind}-${gate}`);

/** `hold` stops fixes at the gate while the file exists; `die` kills the worker there with SIGKILL. */
export function setGate(folder: string, kind: 'hold' | 'die', gate: Gate): string {
  const path = gateFile(folder, kind, gate);
  writeFileSync(path, '');
  return path;
}

export function hasReached(folder: string, gate: Gate): boolean {
  return existsSync(gateFile(folder, 'reached', gate));
}

export async function passGate(folder: string, gate: Gate): Promise<void> {
  const isWatched = (kind: 'hold' | 'die') => existsSync(gateFile(folder, kind, gate));
  if (!isWatched('die') && !isWatched('hold')) return;
  writeFileSync(gateFile(folder, 'reached', gate), '');
  if (isWatched('die')) process.kill(process.pid, 'SIGKILL');
  while (isWatched('hold')) await sleep(20);
}

import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { findRunningDemo, isRunning, type RunningDemo, runningDemoFile } from '../../src/cli/shared/demo.ts';

interface Announcement {
  readonly close: () => Promise<void>;
}

/**
 * Lets `wrench run … --env demo` find the demo of this process, until `close`. Of two demos the later one
 * is found, and the other one again once the later one has stopped.
 */
export function announceDemo(dataPath: string, configPath: string, redisUrl?: string): Announcement {
  const file = runningDemoFile(dataPath);
  const earlier = findRunningDemo(dataPath);
  const own: RunningDemo = {
    pid: process.pid,
    configPath: resolve(configPath),
    ...(redisUrl !== undefined && { redisUrl }),
  };
  write(file, own);
  return {
    close: async () => {
      if (findRunningDemo(dataPath)?.configPath !== own.configPath) return;
      if (earlier && isRunning(earlier)) write(file, earlier);
      else rmSync(file, { force: true });
    },
  };
}

/** Atomic: readers see the old content or the new, never a part of it. */
function write(file: string, demo: RunningDemo): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const written = `${file}.${process.pid}`;
  writeFileSync(written, JSON.stringify(demo), { mode: 0o600 });
  renameSync(written, file);
}

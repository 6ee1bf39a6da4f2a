import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { MissingSettings } from '../../app/missing-settings.ts';
import type { ProcessSettings } from '../../config/read-config.ts';

/** The environment that `npm run demo` starts. */
export const DEMO = 'demo';

/** A pid of 0 or below would address a group of processes. */
const runningDemoSchema = z.object({
  pid: z.int().positive(),
  configPath: z.string().min(1),
  redisUrl: z.string().min(1).exactOptional(),
});

/** What a running demo writes about itself. */
export type RunningDemo = z.infer<typeof runningDemoSchema>;

/** The file in the data folder that the running demo writes. */
export function runningDemoFile(dataPath: string): string {
  return join(resolve(dataPath), 'demo.json');
}

/** The running demo; undefined if there is none. A malformed file, or one left by a killed demo, counts as none. */
export function findRunningDemo(dataPath: string): RunningDemo | undefined {
  try {
    const demo = runningDemoSchema.parse(JSON.parse(readFileSync(runningDemoFile(dataPath), 'utf8')));
    return isRunning(demo) ? demo : undefined;
  } catch {
    return undefined;
  }
}

/** Checks the configuration too, which a demo deletes when it stops: its pid may belong to another process by now. */
export function isRunning({ pid, configPath }: RunningDemo): boolean {
  try {
    process.kill(pid, 0);
    return existsSync(configPath);
  } catch {
    return false;
  }
}

/**
 * The running demo.
 * @throws {MissingSettings} if no demo is running.
 */
export function runningDemo(dataPath: string): RunningDemo {
  const demo = findRunningDemo(dataPath);
  if (demo) return demo;
  throw new MissingSettings(
    `The demo isn't running. Run \`npm run demo\` in the Wrench repository first (${runningDemoFile(dataPath)} doesn't exist or is outdated).`,
  );
}

/**
 * The settings of the process, with the configuration and the Redis of the running demo.
 * @throws {MissingSettings} if no demo is running.
 */
export function demoSettings(settings: ProcessSettings): ProcessSettings {
  const { redisUrl: _, ...own } = settings;
  const { configPath, redisUrl } = runningDemo(own.dataPath);
  return { ...own, configPath, ...(redisUrl !== undefined && { redisUrl }) };
}

/** Whether the words select the demo: `--env demo`, `--env=demo` or `env=demo`. */
export function asksForDemo(words: readonly string[]): boolean {
  return new RegExp(`(^| )(--env[ =]|env=)${DEMO}( |$)`).test(words.join(' '));
}

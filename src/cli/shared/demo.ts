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

/** The running demo, if there is one: a malformed file, or one that a killed demo left behind, counts as none. */
export function findRunningDemo(dataPath: string): RunningDemo | undefined {
  try {
    const demo = runningDemoSchema.parse(JSON.parse(readFileSync(runningDemoFile(dataPath), 'utf8')));
    return isRunning(demo) ? demo : undefined;
  } catch {
    return undefined;
  }
}

/** Checks the configuration too, which a demo removes when it ends: its pid may belong to another process by now. */
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
 * @throws {MissingSettings} when no demo is running.
 */
export function runningDemo(dataPath: string): RunningDemo {
  const demo = findRunningDemo(dataPath);
  if (demo) return demo;
  throw new MissingSettings(
    `the demo is not running: run \`npm run demo\` first, in the Wrench repository (looked for ${runningDemoFile(dataPath)})`,
  );
}

/**
 * The settings of the process, with the configuration and the Redis of the running demo.
 * @throws {MissingSettings} when no demo is running.
 */
export function demoSettings(settings: ProcessSettings): ProcessSettings {
  const { redisUrl: _, ...own } = settings;
  const { configPath, redisUrl } = runningDemo(own.dataPath);
  return { ...own, configPath, ...(redisUrl !== undefined && { redisUrl }) };
}

/** Whether the words ask for the demo, however they write it. */
export function asksForDemo(words: readonly string[]): boolean {
  return new RegExp(`(^| )(--env[ =]|env=)${DEMO}( |$)`).test(words.join(' '));
}

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type DemoWorld, startDemoWorld } from './world.ts';

/** Where a running demo says where it is (tests have notes of their own), for `wrench run … --env demo` beside it. */
export const NOTE = process.env['WRENCH_DEMO_NOTE'] ?? join(import.meta.dirname, '../../.wrench/demo.json');

export interface Note {
  readonly pid: number;
  readonly configPath: string;
}

/** The world of the demo that is up, or one for this caller alone, without a Cloud Foundry: nobody could break it there. */
export async function joinDemo(): Promise<DemoWorld> {
  const note = readNote();
  return note ? { configPath: note.configPath, close: async () => undefined } : startDemoWorld({ vms: 0 });
}

function readNote(): Note | undefined {
  try {
    const note = JSON.parse(readFileSync(NOTE, 'utf8')) as Note;
    process.kill(note.pid, 0);
    return note;
  } catch {
    return undefined;
  }
}

import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { defineCheck } from '../../src/check/define-check.ts';
import { SourceError } from '../../src/ports/source-error.ts';
import { passStep } from './steps.ts';

/** Something that a test breaks and repairs, and when. */
export interface ScriptedChange {
  /** `item-3` */
  readonly item: string;
  /** `blind`: its state cannot be checked. */
  readonly state: 'broken' | 'healthy' | 'blind';
  /** Milliseconds since the epoch. */
  readonly atMs: number;
}

const fileIn = (folder: string) => join(folder, 'items.jsonl');

/** @returns what was written. */
export function changeItem(folder: string, item: string, state: ScriptedChange['state']): ScriptedChange {
  const change = { item, state, atMs: Date.now() };
  appendFileSync(fileIn(folder), `${JSON.stringify(change)}\n`);
  return change;
}

export function readItems(folder: string): readonly ScriptedChange[] {
  if (!existsSync(fileIn(folder))) return [];
  return readFileSync(fileIn(folder), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as ScriptedChange);
}

/** `/lab items`: one finding for each broken item, and a gap for each that cannot be checked. */
export function makeItemsCheck(folder: string) {
  return defineCheck({
    title: 'Items that a test breaks',
    why: 'Digests report what has changed.',
    uses: [],
    args: z.object({}),
    collect: async ({ saw, gap }) => {
      passStep(folder, 'collect', 'before');
      const items = [...new Map(readItems(folder).map((change) => [change.item, change.state]))];
      // An item that always exists and is healthy.
      saw('lab', 1 + items.length);
      for (const [item, state] of items)
        if (state === 'blind')
          gap(`item ${item}`, new SourceError(item, 'unreachable', 'it does not respond'));
      return items;
    },
    diagnose: (items) => {
      const broken = items.filter(([, state]) => state === 'broken').map(([item]) => item);
      return {
        examined: 1 + items.length,
        verdict: broken.length > 0 ? `${broken.length} items are broken` : 'All items are healthy',
        findings: broken.map((item) => ({
          reason: 'item-broken',
          severity: 'warning' as const,
          target: item,
          summary: `${item} is broken`,
        })),
      };
    },
  });
}

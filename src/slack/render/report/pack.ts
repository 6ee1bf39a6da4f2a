import type { Unit } from './finding.ts';
import { joinLinesWithin } from '../escape-untrusted.ts';
import type { Message } from '../message.ts';
import { MAX_BLOCKS, type Blocks, countBlockChars, MAX_BLOCK_CHARS, MAX_TEXT_BYTES } from '../blocks.ts';

/** Packs units into as few messages as possible, in order, at most `maxMessages`. @returns also how many units were placed. */
export function packUnits(
  units: readonly Unit[],
  maxMessages: number,
): { readonly messages: readonly Message[]; readonly placed: number } {
  const groups: Unit[][] = [];
  let blocks = 0;
  let usedChars = 0;
  let placed = 0;
  for (const unit of units) {
    const last = groups.at(-1);
    const added = unit.blocks.length + 1;
    const chars = countBlockChars(unit.blocks);
    const fits = last && blocks + added <= MAX_BLOCKS && usedChars + chars <= MAX_BLOCK_CHARS;
    if (fits) last.push(unit);
    else if (groups.length === maxMessages) break;
    else groups.push([unit]);
    blocks = fits ? blocks + added : added;
    usedChars = fits ? usedChars + chars : chars;
    placed++;
  }
  return { messages: groups.map(toMessage), placed };
}

function toMessage(units: readonly Unit[]): Message {
  const blocks: Blocks = units.flatMap((unit, at) =>
    at === 0 ? unit.blocks : [{ type: 'divider' as const }, ...unit.blocks],
  );
  return {
    text: joinLinesWithin(
      units.map(({ text }) => text),
      MAX_TEXT_BYTES,
    ),
    blocks,
  };
}

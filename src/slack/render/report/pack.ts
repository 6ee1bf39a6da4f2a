import type { Unit } from './finding.ts';
import { joinWithin } from '../inert.ts';
import type { Message } from '../message.ts';
import { BLOCKS_A_MESSAGE, type Blocks, costOf, ROOM, TEXT_ROOM } from '../pieces.ts';

/** Puts units into as few messages as hold them, in order, at most `maxMessages`; says how many units were placed. */
export function pack(
  units: readonly Unit[],
  maxMessages: number,
): { readonly messages: readonly Message[]; readonly placed: number } {
  const groups: Unit[][] = [];
  let blocks = 0;
  let spent = 0;
  let placed = 0;
  for (const unit of units) {
    const last = groups.at(-1);
    const added = unit.blocks.length + 1;
    const room = costOf(unit.blocks);
    const fits = last && !last.at(-1)?.hasTable && blocks + added <= BLOCKS_A_MESSAGE && spent + room <= ROOM;
    if (fits) last.push(unit);
    else if (groups.length === maxMessages) break;
    else groups.push([unit]);
    blocks = fits ? blocks + added : added;
    spent = fits ? spent + room : room;
    placed++;
  }
  return { messages: groups.map(toMessage), placed };
}

function toMessage(units: readonly Unit[]): Message {
  const blocks: Blocks = units.flatMap((unit, at) =>
    at === 0 ? unit.blocks : [{ type: 'divider' as const }, ...unit.blocks],
  );
  return {
    text: joinWithin(
      units.map(({ text }) => text),
      TEXT_ROOM,
    ),
    blocks,
  };
}

import { FINAL_STATES, REMEDIATION_STATES } from '../../src/store/remediation/record.ts';
import { STATE_LABELS } from '../../src/slack/render/remediation/words.ts';
import type { Block } from '../workspace/model.ts';
import type { RecordedCall } from '../workspace/web-api.ts';
import { readCard } from './buttons.ts';

/** One `chat.update` of a card that Slack made. */
export interface CardEdit {
  readonly id: string;
  /** The state's word, as the card shows it from then on. */
  readonly word: string;
  readonly channel: string;
  readonly ts: string;
  /** When the request arrived, in milliseconds of the epoch. */
  readonly atMs: number;
  /** Slack made the edit, but the bot did not get the reply. */
  readonly isLost: boolean;
}

/** In the order in which the workspace made them. */
export function cardEditsIn(requests: readonly RecordedCall[]): readonly CardEdit[] {
  return requests.flatMap(({ method, args, at, response, isLost = false }) => {
    if (method !== 'chat.update' || response['ok'] !== true || typeof args['blocks'] !== 'string') return [];
    const blocks = JSON.parse(args['blocks']) as readonly Block[];
    const card = readCard({ text: String(args['text']), blocks });
    if (!card) return [];
    return [{ ...card, channel: String(args['channel']), ts: String(args['ts']), atMs: at, isLost }];
  });
}

/** How far a remediation has come when its card shows this word. Ends are equal: a recheck replaces one by another. */
const STEP_OF_WORD = new Map(
  REMEDIATION_STATES.map((state, at) => [STATE_LABELS[state].word, FINAL_STATES.has(state) ? Infinity : at]),
);

/** Cards that showed an earlier state after a later one, even if only for a moment. */
export function cardsSetBack(edits: readonly CardEdit[]): readonly string[] {
  const ofCard = Map.groupBy(edits, ({ channel, ts }) => `${channel} ${ts}`);
  const stepOf = ({ word }: CardEdit) => STEP_OF_WORD.get(word) ?? 0;
  return [...ofCard.values()].flatMap((all) => {
    const [first] = all;
    const isSetBack = all.some((edit, at) => at > 0 && stepOf(edit) < stepOf(all[at - 1] ?? edit));
    return first && isSetBack ? [`${first.id}: ${editsInWords(all)}`] : [];
  });
}

/** `PLANNING, SKIPPED 350 ms later, PLANNING 12 ms later (reply lost)` */
export function editsInWords(edits: readonly CardEdit[]): string {
  return edits
    .map(({ word, atMs, isLost }, at) => {
      const before = edits[at - 1];
      return `${word}${before ? ` ${atMs - before.atMs} ms later` : ''}${isLost ? ' (reply lost)' : ''}`;
    })
    .join(', ');
}

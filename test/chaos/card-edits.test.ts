import { expect, test } from 'vitest';
import { anOffer } from '../world/remediation.ts';
import { renderCard } from '../../src/slack/render/remediation/card.ts';
import type { RemediationState } from '../../src/store/remediation/record.ts';
import type { RecordedCall } from '../workspace/web-api.ts';
import { type CardEdit, cardEditsIn, cardsSetBack } from './card-edits.ts';

const update = (state: RemediationState, more: Partial<RecordedCall> = {}): RecordedCall => {
  const { text, blocks } = renderCard(anOffer({ state }));
  return {
    method: 'chat.update',
    args: { channel: 'C1', ts: '1.0', text, blocks: JSON.stringify(blocks) },
    at: 1_000,
    caller: 'bot',
    status: 200,
    response: { ok: true },
    ...more,
  };
};
const edit = (word: string, more: Partial<CardEdit> = {}): CardEdit => ({
  id: 'm1',
  word,
  channel: 'C1',
  ts: '1.0',
  atMs: 1_000,
  isLost: false,
  ...more,
});

test('the edits of cards that Slack made are read from what it was asked', () => {
  const refused = update('planning', { status: 503, response: {} });
  const other = update('planning', { args: { channel: 'C1', ts: '2.0', text: 'What can be done:' } });

  expect(
    cardEditsIn([refused, update('planning', { isLost: true }), other, update('skipped', { at: 1_350 })]),
  ).toEqual([
    edit('PLANNING', { id: anOffer().id, isLost: true }),
    edit('SKIPPED', { id: anOffer().id, atMs: 1_350 }),
  ]);
});

test('a card that showed an earlier state after a later one is reported with all of its edits', () => {
  const edits = [
    edit('SKIPPED'),
    edit('PLANNING', { ts: '2.0' }),
    edit('PLANNING', { atMs: 1_350, isLost: true }),
  ];

  expect(cardsSetBack(edits)).toEqual(['m1: SKIPPED, PLANNING 350 ms later (reply lost)']);
});

test('a repeated edit, a state that was passed over, and another end after a recheck are no setback', () => {
  const words = ['PLANNING', 'PLANNING', 'APPROVED', 'VERIFYING', 'UNVERIFIED', 'FIXED'];

  expect(cardsSetBack(words.map((word) => edit(word)))).toEqual([]);
});

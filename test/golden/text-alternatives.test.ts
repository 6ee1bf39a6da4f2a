import { describe, expect, test } from 'vitest';
import { ambiguousParts, leftOutOfText } from './inspect-accessibility.ts';
import { GOLDEN_FILES, isHostile, readGolden } from './read-golden.ts';

const button = (label: string, more: object = {}) => ({ type: 'button' as const, text: { type: 'plain_text' as const, text: label }, ...more });
const header = (text: string) => ({ type: 'header' as const, text: { type: 'plain_text' as const, text, emoji: true } });
const section = (...elements: readonly object[]) => ({ type: 'rich_text' as const, elements: [{ type: 'rich_text_section' as const, elements }] });

describe('people with a screen reader get the same conclusion', () => {
  test.each(GOLDEN_FILES)('%s', (file) => {
    const messages = readGolden(file).flat();

    expect(messages.flatMap(ambiguousParts)).toEqual([]);
    expect(isHostile(file) ? [] : messages.flatMap(leftOutOfText)).toEqual([]);
  });
});

test('finds buttons that sound the same, and colors without a word', () => {
  const buttons = [button('Apply', { accessibility_label: 'Apply: Renew bbs' }), button('Apply'), button('Apply'), button('Reject')];
  const blocks = [
    { type: 'actions', elements: buttons },
    header(':red_circle: 3 problems'),
    section({ type: 'emoji', name: 'large_yellow_circle' }, { type: 'text', text: ' bbs expires' }),
  ] as never;

  expect(ambiguousParts({ text: ':red_circle: CRITICAL: 3 problems', blocks })).toEqual([
    'several buttons named "Apply"',
    ':red_circle: without a word: :red_circle: 3 problems',
    ':large_yellow_circle: without a word',
  ]);
});

test('finds what only the blocks say: a verdict, a finding, a fix, a chart, the command of a button', () => {
  const blocks = [
    header(':red_circle: CRITICAL · 3 of 41 certificates have expired'),
    section({ type: 'text', text: 'WARNING  bbs expires in 3 days' }),
    { type: 'section', text: { type: 'mrkdwn', text: '*Renew all 3*\nsafe' }, accessory: button('Apply') },
    { type: 'data_visualization', title: 'Certificates by time left' },
    { type: 'actions', elements: [button('Run again', { action_id: 'wrench:again', value: '/certs expiring --env prod' })] },
    { type: 'actions', elements: [button('Run', { action_id: 'wrench:ask-0', value: '/certs show --name bbs --env prod' })] },
  ] as never;

  expect(leftOutOfText({ text: 'Something is wrong', blocks })).toEqual([
    '3 of 41 certificates have expired',
    'bbs expires in 3 days',
    'Renew all 3',
    'Certificates by time left',
    '/certs expiring',
    '/certs show --name bbs --env prod',
  ]);
  const text =
    '3 of 41 certificates have expired\n• WARNING: *bbs* expires in 3 days\n• Renew all 3: safe\nCertificates by time left: 3, 38\n`/certs show --name bbs --env prod`\nprod, /certs expiring: 41 checked';
  expect(leftOutOfText({ text, blocks })).toEqual([]);
  expect(leftOutOfText({ text: 'Much is wrong\n… and 1,240 more', blocks })).toEqual([]);
});

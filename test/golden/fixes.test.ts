import { expect, test } from 'vitest';
import { fixed, interrupted, offered, planned } from './remediations.ts';
import { withFixes } from '../../src/slack/render/remediation/fixes.ts';
import type { Message } from '../../src/slack/render/message.ts';

const root: Message = {
  text: ':red_circle: CRITICAL: doppler_z2/0 is running but not registered\nprod, /etcd doppler: 3 checked',
  blocks: [
    { type: 'header', text: { type: 'plain_text', text: 'CRITICAL' } },
    { type: 'context', elements: [{ type: 'plain_text', text: 'prod' }] },
    { type: 'context', elements: [{ type: 'plain_text', text: '3 checked' }] },
  ],
};

test('the root says that fixes are available', () => {
  const { text, blocks } = withFixes(root, [offered, offered], 2);

  expect(text.split('\n').at(-2)).toBe(':wrench: 2 fixes available, see thread');
  expect(blocks.map(({ type }) => type)).toEqual(['header', 'rich_text', 'context', 'context']);
});

test('the channel message shows what was fixed, and the coverage stays the last line', () => {
  const { text } = withFixes(root, [fixed], 0);

  expect(text).toContain('FIXED · doppler_z2: 0 ');
  expect(text).not.toContain('available');
  expect(text.split('\n').at(-1)).toBe('prod, /etcd doppler: 3 checked');
});

test('the channel message shows an interrupted fix, but not one that waits for approval', () => {
  expect(withFixes(root, [interrupted], 0).text).toContain('INTERRUPTED · Restart doppler_z2/0');
  expect(withFixes(root, [planned], 0)).toEqual(root);
});

test('names the last five fixes and counts the rest', () => {
  const { text } = withFixes(
    root,
    Array.from({ length: 13 }, () => fixed),
    1,
  );

  expect(text.match(/FIXED/g)).toHaveLength(5);
  expect(text).toContain('8 more fixes, see thread');
});

test('a long text is cut for the outcome of fixes, and still counts everything that it leaves out', () => {
  const lines = Array.from({ length: 20 }, (_, at) => `• CRITICAL: finding ${at} ${'x'.repeat(150)}`);
  const text = [':red_circle: CRITICAL: much', ...lines, '… and 7 more', 'prod: 41 checked'].join('\n');
  const edited = withFixes({ ...root, text }, Array.from({ length: 5 }, () => fixed), 3).text;

  expect(Buffer.byteLength(edited)).toBeLessThanOrEqual(4_000);
  expect(edited.match(/FIXED/g)).toHaveLength(5);
  expect(edited.split('\n').at(-1)).toBe('prod: 41 checked');
  const shown = edited.match(/finding \d+/g)?.length ?? 0;
  expect(shown).toBeLessThan(20);
  expect(edited).toContain(`\n… and ${20 - shown + 7} more\n`);
});

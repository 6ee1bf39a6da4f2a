import { expect, test } from 'vitest';
import { readEffects } from '../../../test/workspace/read-effects.ts';
import { code, cutMrkdwn, fit, fitLines, inert, joinWithin, withoutEmoji } from './inert.ts';

const INVISIBLE = /\u200B/g;

test.each([
  '<!channel>',
  '<!here> <!everyone>',
  '<@U0EVIL>',
  '<!subteam^S0EVIL>',
  '<https://evil.example|https://good.example>',
  '<!date^1392734382^{date}^https://evil.example|today>',
  'https://evil.example/x',
  'www.evil.example',
  '&lt;!channel&gt;',
  '`<!channel>`',
  '```<!channel>```',
  '@channel @here',
])('%s notifies nobody and links nowhere', (text) => {
  for (const way of [inert(text), code(text)]) {
    expect(readEffects({ text: way, linksNames: way === inert(text) })).toEqual({ notifies: [], links: [] });
    expect(way).not.toMatch(/[<>]/);
  }
});

test.each([
  ['*bold*', '∗bold∗'],
  ['_it_', 'ˍitˍ'],
  ['doppler_z2/0', 'doppler_z2/0'],
  ['~gone~', '∼gone∼'],
  ['`code`', 'ˋcodeˋ'],
  ['a & b < c', 'a &amp; b &lt; c'],
])('%s keeps its look and loses its meaning', (text, shown) => {
  expect(inert(text)).toBe(shown);
});

test('an emoji of somebody else is not drawn: nobody forges a green tick', () => {
  expect(inert(':white_check_mark: fine')).not.toContain(':white_check_mark:');
  expect(withoutEmoji(':white_check_mark: fine')).not.toContain(':white_check_mark:');
  expect(withoutEmoji(':white_check_mark: fine').replace(INVISIBLE, '')).toBe(':white_check_mark: fine');
});

test('control characters, bidi overrides and escapes of terminals are gone', () => {
  expect(inert('a\u0000b\u202Ec\u001B[31md\u2066e\nf')).toBe('abcde f');
});

test('what shows nothing says so, for Slack refuses an empty text', () => {
  expect(inert('\u200B\u0007')).toBe('(empty)');
  expect(code('')).toBe('`(empty)`');
});

test('a code span is not left through a backtick', () => {
  expect(code('a`b')).toBe("`a'b`");
});

test('a cut text costs no more than it may, and breaks no character in two', () => {
  expect(fit('<<<<', 10)).toBe('<<…');
  expect(fit('😀😀😀', 4)).toBe('😀…');
  expect(fit('short', 5)).toBe('short');
});

test('of a long log the newest lines stay, in their order', () => {
  expect(fitLines(['1', '2', '3', '4'], 2, 100)).toEqual(['3', '4']);
  expect(fitLines(['\u001B[31m  indented\u001B[0m'], 2, 100)).toEqual(['  indented']);
});

test('lines that do not fit are counted', () => {
  expect(joinWithin(['one', 'two', 'three'], 100)).toBe('one\ntwo\nthree');
  expect(joinWithin(['one', 'two'.repeat(20), 'three'], 30)).toBe('one\n… and 2 more');
});

test('joining counts bytes, and cuts the first line rather than losing it', () => {
  const line = 'я'.repeat(20);
  expect(joinWithin([line, line], 81)).toBe(`${line}\n${line}`);
  expect(joinWithin([line, line], 80)).toBe(`${line}\n… and 1 more`);
  expect(joinWithin(['a'.repeat(100), 'b', 'c'], 40)).toMatch(/^a{10,}…\n… and 2 more$/);
  expect(joinWithin(['a'.repeat(100)], 40)).toBe(`${'a'.repeat(37)}…`);
});

test('mrkdwn is cut between what belongs together', () => {
  const text = 'ab <!date^1795183380^{date}|2026> &amp; 😀';

  expect(cutMrkdwn(text, 1_000)).toBe(text);
  for (let max = 3; max < Buffer.byteLength(text); max++) {
    const cut = cutMrkdwn(text, max);
    expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(max);
    expect(cut).toMatch(/^(?:ab)?(?: <!date\^1795183380\^\{date\}\|2026>)?(?: &amp;)?…$|^a?…$/);
  }
});

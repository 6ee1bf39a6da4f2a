import { expect, test } from 'vitest';
import { readEffects } from '../../../test/workspace/read-effects.ts';
import {
  code,
  truncateMrkdwn,
  truncate,
  lastLinesWithin,
  escapeUntrusted,
  joinLinesWithin,
  withoutEmoji,
} from './escape-untrusted.ts';

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
])('%s notifies no one and has no links', (text) => {
  for (const way of [escapeUntrusted(text), code(text)]) {
    expect(readEffects({ text: way, linksNames: way === escapeUntrusted(text) })).toEqual({
      notifies: [],
      links: [],
    });
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
])('%s looks the same but has no meaning', (text, shown) => {
  expect(escapeUntrusted(text)).toBe(shown);
});

test('an emoji in untrusted text is not drawn, so it cannot fake a green tick', () => {
  expect(escapeUntrusted(':white_check_mark: fine')).not.toContain(':white_check_mark:');
  expect(withoutEmoji(':white_check_mark: fine')).not.toContain(':white_check_mark:');
  expect(withoutEmoji(':white_check_mark: fine').replace(INVISIBLE, '')).toBe(':white_check_mark: fine');
});

test('removes control characters, bidi overrides and terminal escapes', () => {
  expect(escapeUntrusted('a\u0000b\u202Ec\u001B[31md\u2066e\nf')).toBe('abcde f');
});

test('invisible text is replaced, because Slack rejects an empty text', () => {
  expect(escapeUntrusted('\u200B\u0007')).toBe('(empty)');
  expect(code('')).toBe('`(empty)`');
});

test('a backtick does not end a code span', () => {
  expect(code('a`b')).toBe("`a'b`");
});

test('a truncated text encodes to at most the limit, and no character is split', () => {
  expect(truncate('<<<<', 10)).toBe('<<…');
  expect(truncate('😀😀😀', 4)).toBe('😀…');
  expect(truncate('short', 5)).toBe('short');
});

test('keeps the newest lines of a long log, in order', () => {
  expect(lastLinesWithin(['1', '2', '3', '4'], 2, 100)).toEqual(['3', '4']);
  expect(lastLinesWithin(['\u001B[31m  indented\u001B[0m'], 2, 100)).toEqual(['  indented']);
});

test('counts the lines that do not fit', () => {
  expect(joinLinesWithin(['one', 'two', 'three'], 100)).toBe('one\ntwo\nthree');
  expect(joinLinesWithin(['one', 'two'.repeat(20), 'three'], 30)).toBe('one\n… and 2 more');
});

test('joining counts bytes, and truncates the first line instead of dropping it', () => {
  const line = 'я'.repeat(20);
  expect(joinLinesWithin([line, line], 81)).toBe(`${line}\n${line}`);
  expect(joinLinesWithin([line, line], 80)).toBe(`${line}\n… and 1 more`);
  expect(joinLinesWithin(['a'.repeat(100), 'b', 'c'], 40)).toMatch(/^a{10,}…\n… and 2 more$/);
  expect(joinLinesWithin(['a'.repeat(100)], 40)).toBe(`${'a'.repeat(37)}…`);
});

test('never cuts inside a mention, an escaped character or a surrogate pair', () => {
  const text = 'ab <!date^1795183380^{date}|2026> &amp; 😀';

  expect(truncateMrkdwn(text, 1_000)).toBe(text);
  for (let max = 3; max < Buffer.byteLength(text); max++) {
    const cut = truncateMrkdwn(text, max);
    expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(max);
    expect(cut).toMatch(/^(?:ab)?(?: <!date\^1795183380\^\{date\}\|2026>)?(?: &amp;)?…$|^a?…$/);
  }
});

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { sentence, sentenceInMrkdwn, withoutBackticks } from './sentence.ts';

const coded = (words: string, names: readonly string[] = []) =>
  sentence(words, { names }).flatMap(({ text, style }) => (style?.code ? [text] : []));

test.each([
  ['denied: the token lacks `read` on secret/cf', ['read']],
  ['Recover the VM first (`bosh cck` or the resurrector)', ['bosh cck']],
  ['check `/certs expiring`, then `/etcd health`.', ['/certs expiring', '/etcd health']],
  ['`allow.renew` is not configured', ['allow.renew']],
  ['kept without `--include testcontainers`', ['--include testcontainers']],
  [
    'off until `remediations.destructive` names `etcd/health:free-space`',
    ['remediations.destructive', 'etcd/health:free-space'],
  ],
])('in "%s", the code has the style of code', (words, code) => {
  expect(coded(words)).toEqual(code);
  const shown = sentence(words);
  expect(shown.map(({ text }) => text).join('')).toBe(words.replaceAll('`', ''));
});

test('keeps the bold style beside and inside code', () => {
  expect(sentence('run `monit summary` on it', { isBold: true })).toEqual([
    { type: 'text', text: 'run ', style: { bold: true } },
    { type: 'text', text: 'monit summary', style: { bold: true, code: true } },
    { type: 'text', text: ' on it', style: { bold: true } },
  ]);
});

test.each([
  'the token lacks `read` on secret/a`b',
  'the token lacks `read` on a`read`b',
  'the token lacks `read` on `x',
  '`x: the token lacks `read` on it',
  '`bosh x: the token lacks `read` on it',
])('in "%s", a name opens and closes no code', (words) => {
  const shown = sentence(words);

  expect(coded(words)).toEqual(['read']);
  expect(shown.map(({ text, style }) => (style?.code ? `\`${text}\`` : text)).join('')).toBe(words);
});

test('a name with backticks turns the style off', () => {
  const words = '`bosh cck` is down. Run `monit summary`';

  expect(sentence(words, { names: ['`bosh cck`'] })).toEqual([{ type: 'text', text: words }]);
});

test('a cut in the middle of code leaves no code', () => {
  expect(coded(`${'x'.repeat(995)} \`bosh cck\``)).toEqual([]);
});

test('no character is lost or added but the backticks of code', () => {
  const piece = fc.constantFrom(
    '`',
    ' ',
    'read',
    '/certs expiring',
    'x',
    '(',
    ')',
    '.',
    'bosh cck',
    '<!channel>',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      const words = `a ${pieces.join('')} z`;
      const shown = sentence(words, { max: 10_000 });
      expect(shown.map(({ text, style }) => (style?.code ? `\`${text}\`` : text)).join('')).toBe(words);
      expect(shown.filter(({ text }) => text === '')).toEqual([]);
    }),
  );
});

test('a command with many flags is code too', () => {
  const command =
    'nova-manage db archive_deleted_rows --before 2026-08-30 --max_rows 1000 --until-complete --all-cells --sleep 1';
  expect(sentence(`As user nova: \`${command}\`. Exit code 1 means`)).toContainEqual({
    type: 'text',
    text: command,
    style: { code: true },
  });
});

test('in mrkdwn, commands are code and everything else is escaped', () => {
  expect(sentenceInMrkdwn('check `/etcd doppler` for *doppler* <!channel>, then `monit start x`.')).toBe(
    'check `/etcd doppler` for ∗doppler∗ &lt;!channel&gt;, then `monit start x`.',
  );
  expect(sentenceInMrkdwn('a `b` is down', { names: ['a `b`'] })).toBe('a ˋbˋ is down');
  expect(sentenceInMrkdwn('an odd ` backtick')).toBe('an odd ˋ backtick');
});

test('without style, commands have no backticks', () => {
  expect(withoutBackticks('run `bosh cck` (`/etcd health`)')).toBe('run bosh cck (/etcd health)');
});

import { array, assert, constantFrom, property } from 'fast-check';
import { expect, test } from 'vitest';
import { inertTitle, inertMarkdown } from './inert-markdown.ts';

const Z = '\u200B';

test.each([
  ['@ada and @shop/admins', `@${Z}ada and @${Z}shop/admins`],
  ['fixes #1, !2, GH-3', `fixes #${Z}1, !${Z}2, GH-${Z}3`],
  ['<b>x</b> <!-- x -->', `<${Z}b>x<${Z}/b> <${Z}!-- x -->`],
  ['/merge', `${Z}/merge`],
  ['a/b and 1 < 2', 'a/b and 1 < 2'],
  ['# Title', '# Title'],
])('%s', (text, inert) => {
  expect(inertMarkdown(text)).toBe(inert);
  expect(inertTitle(text)).toBe(inert);
});

test.each([
  ['a fence', '```\n@a\n```\n@b', `\`\`\`\n@a\n\`\`\`\n@${Z}b`],
  ['a longer fence', '````\n```\n@a\n````\n@b', `\`\`\`\`\n\`\`\`\n@a\n\`\`\`\`\n@${Z}b`],
  ['tildes', '~~~ sh\n```\n@a\n~~~\n@b', `~~~ sh\n\`\`\`\n@a\n~~~\n@${Z}b`],
  ['a fence that does not close', '```\n@a', '```\n@a'],
  ['backticks after a fence', '``` a`b\n@a', `\`\`\` a\`b\n@${Z}a`],
  ['a deeper line', '     ```\n@a', `     \`\`\`\n@${Z}a`],
])('keeps only fenced code as it is: %s', (_, text, inert) => {
  expect(inertMarkdown(text)).toBe(inert);
});

test('is not longer than a server accepts', () => {
  expect(inertMarkdown('x '.repeat(50_000))).toHaveLength(60_000);
  expect(inertTitle(`a\nb ${'x'.repeat(1000)}`)).toMatch(/^a b x{246}$/);
});

test('adds nothing but invisible characters', () => {
  const pieces = constantFrom('@a', '#1', '```', '\n', '/merge', '<b', ' ', '~~~', 'x');
  assert(
    property(array(pieces), (parts) => {
      const text = parts.join('');
      expect(inertMarkdown(text).replaceAll(Z, '')).toBe(text);
    }),
  );
});

import { expect, test } from 'vitest';
import { parseMrkdwn } from './mrkdwn.ts';
import { readEffects } from './read-effects.ts';

const inBlock = (text: object) => ({ text: '', blocks: [{ type: 'section', text }] });

test.each([
  ['<!channel> look', ['@channel']],
  ['<!here|here> <!everyone>', ['@here', '@everyone']],
  ['<@U0123ADA> and <@U0123GRACE|grace>', ['U0123ADA', 'U0123GRACE']],
  ['<!subteam^S0123PLATFORM|@leads>', ['S0123PLATFORM']],
  ['`<!channel>` even in code', ['@channel']],
  ['```\n<!here>\n```', ['@here']],
  ['*bold <!channel>*', ['@channel']],
])('%s would notify', (text, notifies) => {
  expect(readEffects({ text }).notifies).toEqual(notifies);
  expect(readEffects(inBlock({ type: 'mrkdwn', text })).notifies).toEqual(notifies);
  expect(readEffects({ text: '', attachments: [{ text }] }).notifies).toEqual(notifies);
  expect(readEffects(inBlock({ type: 'plain_text', text })).notifies).toEqual([]);
});

test.each(['&lt;!channel&gt;', '&amp;lt;!here&amp;gt;', '@channel', '< !channel>', 'a <@ b>'])(
  '%s is only text',
  (text) => {
    expect(readEffects({ text })).toEqual({ notifies: [], links: [] });
  },
);

test('names in plain text mention people only if the post requested it', () => {
  const users = [{ id: 'U0123ADA', name: 'ada', realName: 'Ada' }];

  expect(readEffects({ text: '@ada @channel' }, users).notifies).toEqual([]);
  expect(readEffects({ text: '@ada @channel', linksNames: true }, users).notifies).toEqual([
    'U0123ADA',
    '@channel',
  ]);
});

test.each([
  ['<https://evil.example|https://good.example>', ['https://evil.example']],
  ['see http://a.example/b?c=1&amp;d=2, then', ['http://a.example/b?c=1&d=2']],
  ['www.a.example', ['http://www.a.example']],
  ['<mailto:a@b.example|mail>', ['mailto:a@b.example']],
  ['<!date^1^{date}^https://evil.example|then>', ['https://evil.example']],
])('%s would link', (text, links) => {
  expect(readEffects({ text }).links).toEqual(links);
});

test('verbatim text contains no automatic links, and rich text only its link elements', () => {
  const text = 'https://a.example';
  const rich = (element: object) => ({
    text: '',
    blocks: [{ type: 'rich_text', elements: [{ type: 'rich_text_section', elements: [element] }] }],
  });

  expect(readEffects(inBlock({ type: 'mrkdwn', text, verbatim: true })).links).toEqual([]);
  expect(readEffects(rich({ type: 'text', text: `${text} <!channel>` }))).toEqual({
    notifies: [],
    links: [],
  });
  expect(readEffects(rich({ type: 'link', url: text })).links).toEqual([text]);
  expect(readEffects(rich({ type: 'broadcast', range: 'here' })).notifies).toEqual(['@here']);
});

test('parses markup as Slack does', () => {
  const [section, code, quote] = parseMrkdwn(
    '*a* b_c_d 3*4*5 `&lt;x&gt;` :wave:\n```\n *no*\n```\n&gt; said',
  );

  expect(section?.elements).toEqual([
    { type: 'text', text: 'a', style: { bold: true } },
    { type: 'text', text: ' b_c_d 3*4*5 ' },
    { type: 'text', text: '<x>', style: { code: true } },
    { type: 'text', text: ' ' },
    { type: 'emoji', name: 'wave' },
  ]);
  expect(code).toEqual({ type: 'rich_text_preformatted', elements: [{ type: 'text', text: ' *no*' }] });
  expect(quote).toEqual({ type: 'rich_text_quote', elements: [{ type: 'text', text: 'said' }] });
});

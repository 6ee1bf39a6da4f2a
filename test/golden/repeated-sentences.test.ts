import { expect, test } from 'vitest';
import { findRepetitions, readMessage } from './repeated-sentences.ts';

const header = (text: string) => ({ type: 'header', text: { type: 'plain_text', text } });
const section = (...elements: readonly unknown[]) => ({ type: 'rich_text_section', elements });
const text = (words: string) => ({ type: 'text', text: words });
const rich = (...elements: readonly unknown[]) => ({ type: 'rich_text', elements });
const bullets = (...items: readonly string[]) => ({
  type: 'rich_text_list',
  style: 'bullet',
  elements: items.map((item) => section(text(item))),
});
const log = (...lines: readonly string[]) => ({
  type: 'rich_text_preformatted',
  elements: [text(lines.join('\n'))],
});
const message = (...blocks: readonly unknown[]) => ({ text: 'not read if there are blocks', blocks });

/** What is read twice in a root and its replies. */
function repetitionsIn(...messages: readonly { readonly text: string; readonly blocks: readonly unknown[] }[]) {
  return findRepetitions(messages.map((one, at) => readMessage(at === 0 ? 'root' : `reply ${at}`, one)));
}

test.each([
  [
    'a bullet that repeats the headline',
    message(header(':red_circle: CRITICAL · 3 of 41 certificates have expired'), rich(bullets('3 of 41 Certificates have expired.'))),
    ['"3 of 41 certificates have expired" in root line 1, root line 2'],
  ],
  [
    'a headline that is a part of a sentence below it',
    message(header('doppler_z2/0 is not registered'), rich(section(text('Since 14:03, `doppler_z2/0` is not registered in etcd')))),
    ['"doppler_z2/0 is not registered" in root line 1, root line 2'],
  ],
  [
    'a field that repeats the sentence above it',
    message(
      rich(section(text('locket: certificate expires 2026-11-20 14:03 UTC'))),
      { type: 'section', fields: [{ type: 'mrkdwn', text: '*Expires*\n2026-11-20 14:03 UTC' }] },
    ),
    ['"Expires 2026-11-20 14:03 UTC" in root line 2, root line 1'],
  ],
  [
    'a severity below the same severity',
    message(header(':red_circle: CRITICAL · 1 node is down'), rich(section({ type: 'emoji', name: 'red_circle' }, text(' CRITICAL  build-1 does not respond')))),
    ['CRITICAL twice in a row in root line 2'],
  ],
  ['a severity after itself', message(header(':red_circle: CRITICAL · CRITICAL')), ['CRITICAL twice in a row in root line 1']],
  [
    'an empty cell',
    message({ type: 'table', rows: [[{ type: 'raw_text', text: 'Reason' }], [{ type: 'raw_text', text: '(empty)' }]] }),
    ['(empty) in root'],
  ],
])('finds %s', (_, root, expected) => {
  expect(repetitionsIn(root)).toEqual(expected);
});

test('finds a reply that repeats the root, and names each place once', () => {
  const said = rich(section(text('Restarts metron_agent on build-1; nothing else changes there')));
  expect(repetitionsIn(message(said), message(header('Something else')), message(said), message(said))).toEqual([
    '"Restarts metron_agent on build-1" in root line 1, reply 2 line 1, reply 3 line 1',
    '"nothing else changes there" in root line 1, reply 2 line 1, reply 3 line 1',
  ]);
});

test('reads mrkdwn as people do: without emoji, escapes and formatting', () => {
  const one = message({ type: 'section', text: { type: 'mrkdwn', text: ':wrench: *2 of 3 &lt;dopplers&gt;* are registered' } });
  const other = message({ type: 'context', elements: [{ type: 'mrkdwn', text: 'etcd  ·  2 of 3 <dopplers> are registered!' }] });

  expect(repetitionsIn(one, other)).toEqual(['"2 of 3 <dopplers> are registered" in root line 1, reply 1 line 1']);
});

test('a message without blocks is its text', () => {
  expect(repetitionsIn({ text: '3 of 3 dopplers registered', blocks: [] }, message(header('3 of 3 dopplers registered')))).toHaveLength(1);
});

test.each([
  ['different sentences', message(header('bbs expires in 12 days'), rich(bullets('uaa expires in 12 days', 'api expires in 12 days')))],
  ['short labels', message(rich(section(text('16 checked · 1.2 s')), section(text('16 checked · 1.2 s'))))],
  [
    'cells of a table',
    message(
      header('3 of 41 certificates have expired'),
      { type: 'table', rows: [[{ type: 'raw_text', text: '3 of 41 certificates have expired' }]] },
    ),
  ],
  [
    'buttons',
    message(header('Renew all 13 certificates now'), {
      type: 'actions',
      elements: [{ type: 'button', text: { type: 'plain_text', text: 'Renew all 13 certificates now' } }],
    }),
  ],
  ['lines that a log repeats', message(rich(log('panic: no dopplers are listening', 'panic: no dopplers are listening')))],
  ['the same detail of two findings', message(rich(bullets('bbs expired · issued by CN=diego-ca in 2024', 'uaa expired · issued by CN=diego-ca in 2024')))],
  [
    'a name to copy',
    message(rich(section({ ...text('issuer CN=diego-ca, until 2026-11-20'), style: { code: true } })), {
      type: 'section',
      text: { type: 'mrkdwn', text: '`issuer CN=diego-ca, until 2026-11-20` · applies immediately' },
    }),
  ],
  [
    'rows of a table that is shown as a list',
    message(rich(bullets('Uses most: volume data of objects-0 · How much: 96 GiB', 'Uses most: volume data of objects-0 · How much: 12 inodes'))),
  ],
  ['a command and its name', message(rich(section(text('/certs expiring in prod')), section(text('Next: /certs expiring in prod'))))],
  [
    'a severity for each of several findings',
    message(header('3 problems'), rich(section(text('CRITICAL  build-1 is down')), section(text('CRITICAL  build-2 is down')))),
  ],
])('does not count %s', (_, root) => {
  expect(repetitionsIn(root)).toEqual([]);
});

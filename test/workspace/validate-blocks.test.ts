import { expect, test } from 'vitest';
import { validateMessage, validateView } from './validate-blocks.ts';

const plain = (text: string) => ({ type: 'plain_text', text });
const mrkdwn = (text: string) => ({ type: 'mrkdwn', text });
const section = (text: string) => ({ type: 'section', text: mrkdwn(text) });
const button = (more: object = {}) => ({ type: 'button', text: plain('Go'), ...more });
const actions = (...elements: object[]) => ({ type: 'actions', elements });
const raw = (text: string) => ({ type: 'raw_text', text });
const table = (...rows: object[][]) => ({ type: 'table', rows });
const many = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i));
const confirm = (more: object = {}) => ({
  title: plain('Drain'),
  text: mrkdwn('41 pods'),
  confirm: plain('Drain'),
  deny: plain('Cancel'),
  ...more,
});
const rich = (...elements: object[]) => ({ type: 'rich_text', elements });
const line = (...elements: object[]) => ({ type: 'rich_text_section', elements });

const series = (name: string, labels: string[]) => ({
  name,
  data: labels.map((label) => ({ label, value: -1.5 })),
});
const chart = (more: object = {}) => ({
  type: 'data_visualization',
  title: 'Disk used',
  chart: { type: 'bar', series: [series('n', ['a', 'b'])], axis_config: { categories: ['b', 'a'] }, ...more },
});

const check = (...blocks: object[]) => validateMessage({ text: 'verdict', blocks });
const problemsOf = (...blocks: object[]) =>
  check(...blocks).map(({ message, pointer }) => `${pointer}: ${message}`);

test.each<[string, object[]]>([
  ['a header', [{ type: 'header', text: plain('a'.repeat(150)), level: 2 }]],
  ['a section at its limit', [section('a'.repeat(3_000))]],
  ['ten fields', [{ type: 'section', fields: many(10, () => mrkdwn('a')) }]],
  ['a field at its limit', [{ type: 'section', fields: [plain('a'.repeat(2_000))] }]],
  ['a section that stays open', [{ ...section('a'), expand: true, block_id: 'x' }]],
  [
    'an accessory',
    [{ ...section('a'), accessory: button({ action_id: 'a', style: 'danger', confirm: confirm() }) }],
  ],
  [
    'a divider and a context',
    [{ type: 'divider' }, { type: 'context', elements: many(10, () => mrkdwn('a')) }],
  ],
  ['an image with words', [{ type: 'image', image_url: 'https://example.com/a.png', alt_text: 'A graph' }]],
  [
    'the same action in two blocks',
    many(2, () => ({ ...section('a'), accessory: button({ action_id: 'renew' }) })),
  ],
  [
    'twenty-five buttons',
    [actions(...many(25, (i) => button({ action_id: `a${i}`, value: 'v'.repeat(2_000) })))],
  ],
  [
    'a select',
    [actions({ type: 'static_select', action_id: 's', options: [{ text: plain('a'), value: 'a' }] })],
  ],
  [
    'rich text of every kind',
    [
      rich(
        line(
          { type: 'text', text: 'a', style: { bold: true, code: true } },
          { type: 'emoji', name: 'warning' },
        ),
        { type: 'rich_text_list', style: 'bullet', elements: [line({ type: 'user', user_id: 'U1' })] },
        { type: 'rich_text_preformatted', elements: [{ type: 'text', text: '$ df' }] },
        { type: 'rich_text_quote', elements: [{ type: 'link', url: 'https://example.com' }] },
        line({ type: 'date', timestamp: 1, format: '{date}', fallback: '1970' }),
      ),
    ],
  ],
  ['a table at its limits', [table(...many(100, () => many(20, () => raw('12345'))))]],
  [
    'a table of every kind of cell',
    [
      {
        ...table([
          raw('a'),
          { type: 'raw_number', value: 1, text: '1' },
          rich(line({ type: 'text', text: 'a' })),
        ]),
        column_settings: [{}, { align: 'right', is_wrapped: true }],
      },
    ],
  ],
  [
    'a data table',
    [{ type: 'data_table', caption: 'Certificates', rows: many(101, () => [raw('a')]), page_size: 10 }],
  ],
  ['markdown', [{ type: 'markdown', text: '**a**' }]],
  ['two charts', [chart(), chart({ type: 'line' })]],
  [
    'a chart at its limits',
    [
      chart({
        series: many(6, (at) =>
          series(
            `n${at}`,
            many(20, (point) => `p${point}`),
          ),
        ),
        axis_config: { categories: many(20, (at) => `p${at}`), x_label: 'UTC', y_label: 'a'.repeat(50) },
      }),
    ],
  ],
  [
    'a pie',
    [
      {
        type: 'data_visualization',
        title: 'a',
        chart: { type: 'pie', segments: [{ label: 'a', value: 0.1 }] },
      },
    ],
  ],
  ['fifty blocks', many(50, () => ({ type: 'divider' }))],
  [
    'text just below the sum',
    [
      section('a'.repeat(3_000)),
      section('a'.repeat(3_000)),
      section('a'.repeat(3_000)),
      section('a'.repeat(600)),
    ],
  ],
])('accepts %s', (_, blocks) => {
  expect(check(...blocks)).toEqual([]);
});

test.each<[string, object[], string]>([
  ['an unknown block', [{ type: 'bogus_block' }], '/blocks/0/type: unsupported type: bogus_block'],
  ['no type at all', [{}], '/blocks/0/type: missing required field: type'],
  ['an alert, which lives in modals', [{ type: 'alert' }], '/blocks/0/type: unsupported type: alert'],
  [
    'an unknown property',
    [{ type: 'divider', colour: 'red' }],
    '/blocks/0: invalid additional property: colour',
  ],
  [
    'a long header',
    [{ type: 'header', text: plain('a'.repeat(151)) }],
    '/blocks/0/text/text: must be less than 151 characters',
  ],
  [
    'a header in mrkdwn',
    [{ type: 'header', text: mrkdwn('a') }],
    '/blocks/0/text/type: Invalid input: expected "plain_text"',
  ],
  ['a long section', [section('a'.repeat(3_001))], '/blocks/0/text/text: must be less than 3001 characters'],
  ['an empty text', [section('')], '/blocks/0/text/text: must be more than 0 characters'],
  ['an empty section', [{ type: 'section' }], '/blocks/0: must provide text or fields'],
  [
    'eleven fields',
    [{ type: 'section', fields: many(11, () => mrkdwn('a')) }],
    '/blocks/0/fields: no more than 10 items allowed',
  ],
  [
    'a long field',
    [{ type: 'section', fields: [plain('a'.repeat(2_001))] }],
    '/blocks/0/fields/0/text: must be less than 2001 characters',
  ],
  [
    'eleven context elements',
    [{ type: 'context', elements: many(11, () => mrkdwn('a')) }],
    '/blocks/0/elements: no more than 10 items allowed',
  ],
  [
    'no context elements',
    [{ type: 'context', elements: [] }],
    '/blocks/0/elements: must provide at least 1 items',
  ],
  [
    'twenty-six buttons',
    [actions(...many(26, (i) => button({ action_id: `a${i}` })))],
    '/blocks/0/elements: no more than 25 items allowed',
  ],
  [
    'a long button',
    [actions(button({ text: plain('a'.repeat(76)) }))],
    '/blocks/0/elements/0/text/text: must be less than 76 characters',
  ],
  [
    'a long value',
    [actions(button({ value: 'a'.repeat(2_001) }))],
    '/blocks/0/elements/0/value: must be less than 2001 characters',
  ],
  [
    'a style of its own',
    [actions(button({ style: 'default' }))],
    '/blocks/0/elements/0/style: Invalid option: expected one of "primary"|"danger"',
  ],
  [
    'a long action_id',
    [actions(button({ action_id: 'a'.repeat(256) }))],
    '/blocks/0/elements/0/action_id: must be less than 256 characters',
  ],
  [
    'a long block_id',
    [{ type: 'divider', block_id: 'a'.repeat(256) }],
    '/blocks/0/block_id: must be less than 256 characters',
  ],
  [
    'a long confirm title',
    [actions(button({ confirm: confirm({ title: plain('a'.repeat(101)) }) }))],
    '/blocks/0/elements/0/confirm/title/text: must be less than 101 characters',
  ],
  [
    'a long confirm text',
    [actions(button({ confirm: confirm({ text: plain('a'.repeat(301)) }) }))],
    '/blocks/0/elements/0/confirm/text/text: must be less than 301 characters',
  ],
  [
    'a long confirm word',
    [actions(button({ confirm: confirm({ confirm: plain('a'.repeat(31)) }) }))],
    '/blocks/0/elements/0/confirm/confirm/text: must be less than 31 characters',
  ],
  [
    'a long deny word',
    [actions(button({ confirm: confirm({ deny: plain('a'.repeat(31)) }) }))],
    '/blocks/0/elements/0/confirm/deny/text: must be less than 31 characters',
  ],
  [
    'six in an overflow',
    [actions({ type: 'overflow', options: many(6, (i) => ({ text: plain('a'), value: `${i}` })) })],
    '/blocks/0/elements/0/options: no more than 5 items allowed',
  ],
  [
    'a select of nothing',
    [actions({ type: 'static_select' })],
    '/blocks/0/elements/0: must provide options or option_groups',
  ],
  [
    'an image without words',
    [{ type: 'image', image_url: 'https://example.com/a.png' }],
    '/blocks/0/alt_text: missing required field',
  ],
  [
    'an image of nothing',
    [{ type: 'image', alt_text: 'a' }],
    '/blocks/0: must provide image_url or slack_file',
  ],
  [
    'empty rich text',
    [rich(line({ type: 'text', text: '' }))],
    '/blocks/0/elements/0/elements/0/text: must be more than 0 characters',
  ],
  [
    'an unknown rich element',
    [rich(line({ type: 'mrkdwn', text: 'a' }))],
    '/blocks/0/elements/0/elements/0/type: unsupported type: mrkdwn',
  ],
  ...(['rich_text_section', 'rich_text_quote', 'rich_text_preformatted'] as const).map(
    (type): [string, object[], string] => [
      `a ${type} without elements`,
      [rich({ type, elements: [] })],
      '/blocks/0/elements/0/elements: must provide at least 1 items',
    ],
  ),
  [
    'a mention of nobody',
    [rich(line({ type: 'user', user_id: 'ada' }))],
    '/blocks/0/elements/0/elements/0/user_id: Invalid string: must match pattern /^[UW][A-Z0-9]+$/',
  ],
  [
    'an empty cell of rich text',
    [table([rich(line())])],
    '/blocks/0/rows/0/0/elements/0/elements: must provide at least 1 items',
  ],
  [
    'rows of different lengths',
    [table([raw('a')], [raw('a'), raw('b')])],
    '/blocks/0/rows: must have rows of one length',
  ],
  [
    'a column without settings of its own',
    [{ ...table([raw('a')]), column_settings: [null] }],
    '/blocks/0/column_settings/0: must be of type object',
  ],
  ['three charts', many(3, () => chart()), '/blocks: no more than 2 data_visualization blocks allowed'],
  [
    'a chart with a long title',
    [{ ...chart(), title: 'a'.repeat(51) }],
    '/blocks/0/title: must be less than 51 characters',
  ],
  ['a chart of an unknown kind', [chart({ type: 'donut' })], '/blocks/0/chart/type: unsupported type: donut'],
  [
    'a chart with an unknown property',
    [chart({ stacked: true })],
    '/blocks/0/chart: invalid additional property: stacked',
  ],
  [
    'seven series',
    [chart({ series: many(7, (at) => series(`n${at}`, ['a', 'b'])) })],
    '/blocks/0/chart/series: no more than 6 items allowed',
  ],
  [
    'a series name twice',
    [chart({ series: many(2, () => series('n', ['a', 'b'])) })],
    '/blocks/0/chart/series: must have series names that are unique',
  ],
  [
    'a long category',
    [chart({ axis_config: { categories: ['a'.repeat(21), 'b'] } })],
    '/blocks/0/chart/axis_config/categories/0: must be less than 21 characters',
  ],
  [
    'a category twice',
    [chart({ axis_config: { categories: ['a', 'a'] } })],
    '/blocks/0/chart/axis_config/categories: must have categories that are unique',
  ],
  [
    'a category without a point',
    [chart({ series: [series('n', ['a'])] })],
    '/blocks/0/chart: must have exactly one data point for each category in every series',
  ],
  [
    'a point for another category',
    [chart({ series: [series('n', ['a', 'c'])] })],
    '/blocks/0/chart: must have exactly one data point for each category in every series',
  ],
  [
    'a point without a value',
    [
      chart({
        series: [
          {
            name: 'n',
            data: [
              { label: 'a', value: null },
              { label: 'b', value: 1 },
            ],
          },
        ],
      }),
    ],
    '/blocks/0/chart/series/0/data/0/value: must be of type number',
  ],
  [
    'an empty segment of a pie',
    [
      {
        type: 'data_visualization',
        title: 'a',
        chart: { type: 'pie', segments: [{ label: 'a', value: 0 }] },
      },
    ],
    '/blocks/0/chart/segments/0/value: must be more than 0',
  ],
  ['half of a surrogate pair', [section('a\uD83D')], '/blocks/0/text/text: half of a surrogate pair'],
  ['101 rows', [table(...many(101, () => [raw('a')]))], '/blocks/0/rows: no more than 100 items allowed'],
  ['21 columns', [table(many(21, () => raw('a')))], '/blocks/0/rows/0: no more than 20 items allowed'],
  [
    '21 column settings',
    [{ ...table([raw('a')]), column_settings: many(21, () => ({})) }],
    '/blocks/0/column_settings: no more than 20 items allowed',
  ],
  ['an empty cell', [table([raw('')])], '/blocks/0/rows/0/0/text: must be more than 0 characters'],
  [
    'a data table without caption',
    [{ type: 'data_table', rows: [[raw('a')]] }],
    '/blocks/0/caption: missing required field',
  ],
  [
    'too much in cells',
    [table(...many(2, () => [raw('a'.repeat(5_001))]))],
    '/blocks: 10002 characters in table cells',
  ],
  ['fifty-one blocks', many(51, () => ({ type: 'divider' })), '/blocks: no more than 50 items allowed'],
  [
    'a block_id twice',
    many(2, () => ({ type: 'divider', block_id: 'same' })),
    '/blocks/1/block_id: block_id "same" is not unique',
  ],
  [
    'an action_id twice in a block',
    [actions(button({ action_id: 'a' }), button({ action_id: 'a' }))],
    '/blocks/0/elements/1/action_id: action_id "a" is not unique',
  ],
])('rejects %s', (_, blocks, problem) => {
  expect(problemsOf(...blocks)).toContain(problem);
});

test('rejects too much text across all blocks, even within each documented limit', () => {
  const problems = check(...many(4, () => section('a'.repeat(2_401))));

  expect(problems).toEqual([
    { code: 'msg_blocks_too_long', message: '9604 characters in blocks', pointer: '/blocks' },
  ]);
});

test('counts text as Slack stores it: escaped', () => {
  const fill = rich(line({ type: 'text', text: '&'.repeat(1_921) }));

  expect(check(fill)).toEqual([
    { code: 'msg_blocks_too_long', message: '9605 characters in blocks', pointer: '/blocks' },
  ]);
  expect(check(section('&amp;'.repeat(600)))).toEqual([]);
});

test('allows one table per message, including attachments and data tables', () => {
  const data = { type: 'data_table', caption: 'a', rows: [[raw('a')]] };
  const message = { text: 'a', blocks: [table([raw('a')])], attachments: [{ blocks: [data] }] };

  expect(validateMessage(message).map(({ code }) => code)).toEqual(['only_one_table_allowed']);
});

test('attachments are counted and validated', () => {
  const hundred = many(101, () => ({ text: 'a' }));

  expect(validateMessage({ text: 'a', attachments: hundred }).map(({ code }) => code)).toEqual([
    'too_many_attachments',
  ]);
  expect(validateMessage({ text: 'a', attachments: [{ blocks: [section('')] }] })[0]?.pointer).toBe(
    '/attachments/0/blocks/0/text/text',
  );
});

test('rejects a message without top-level text, which screen readers need', () => {
  expect(validateMessage({ blocks: [section('a')] })).toEqual([
    { code: 'no_text', message: 'top-level text is missing', pointer: '/text' },
  ]);
});

test('allows charts only in messages', () => {
  const modal = { type: 'modal', title: plain('Renew'), blocks: [chart()] };

  expect(validateView(modal)).toHaveLength(1);
});

test('a view needs a short title and has at most 100 blocks', () => {
  const modal = { type: 'modal', title: plain('Renew'), blocks: [{ type: 'alert' }] };

  expect(validateView(modal)).toEqual([]);
  expect(validateView({ ...modal, title: plain('a'.repeat(25)) })).toHaveLength(1);
  expect(validateView({ ...modal, blocks: many(101, () => ({ type: 'divider' })) })).toHaveLength(1);
  expect(validateView({ ...modal, private_metadata: 'a'.repeat(3_001) })).toHaveLength(1);
  expect(validateView({ type: 'home', blocks: [] })).toEqual([]);
});

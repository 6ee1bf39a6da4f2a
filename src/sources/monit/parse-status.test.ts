import { assert, constantFrom, nat, oneof, property, string } from 'fast-check';
import { expect, test } from 'vitest';
import { type FakeProcess, type FakeService, statusText } from '../../../test/world/monit/fake.ts';
import { type MonitStatus, parseStatus } from './parse-status.ts';

const DOPPLER: FakeProcess = {
  name: 'doppler',
  status: 0,
  monitor: 1,
  pendingAction: 0,
  pid: 812,
  uptimeSeconds: 41,
};
const GONE: FakeProcess = { name: 'metron_agent', status: 512, monitor: 1, pendingAction: 0 };
const DIALECTS = [1, 2] as const;

function namesOf(status: MonitStatus | undefined): readonly string[] | undefined {
  return status?.processes.map(({ name }) => name);
}

function gapsOf(status: MonitStatus | undefined): readonly string[] | undefined {
  return status?.unread.map(({ name, because }) => `${name ?? '?'}: ${because}`);
}

test.each(DIALECTS)('format %i has processes, and no pid for one that does not exist', (dialect) => {
  const counted = { type: 3, failsInstance: true };
  expect(parseStatus(statusText([DOPPLER, GONE], '5.2.5', dialect))).toMatchObject({
    processes: [
      { ...DOPPLER, ...counted },
      { ...GONE, ...counted },
    ],
    unread: [],
  });
});

test('on a BOSH machine, reads only the processes of its jobs', () => {
  const text = statusText([DOPPLER, { ...GONE, name: 'toolbelt' }], '5.2.5', 2);
  const outside = text.replace('<service>toolbelt</service>', '');
  expect(namesOf(parseStatus(outside))).toEqual(['doppler']);
});

test('an empty BOSH group excludes nothing', () => {
  const text = statusText([DOPPLER, GONE], '5.2.5', 2).replaceAll(/<service>\w+<\/service>/g, '');
  expect(namesOf(parseStatus(text))).toEqual(['doppler', 'metron_agent']);
});

test.each([
  ['with more space in its tag', '<service  name="doppler">'],
  ['with a line break in its tag', '<service\nname="doppler">'],
  ['with single quotes', "<service name='doppler'>"],
])('a service %s is unread, not dropped', (_, tag) => {
  const text = statusText([{ ...DOPPLER, status: 512 }, GONE], '5.33.0', 2)
    .replace('<service name="doppler">', tag)
    .replaceAll(/<servicegroups>[\s\S]*<\/servicegroups>/g, '');
  expect(gapsOf(parseStatus(text))).toEqual([expect.stringContaining('its name cannot be read')]);
});

test('a name that looks like a number stays a string', () => {
  const text = statusText([{ ...DOPPLER, name: '0012' }], '5.33.0', 2);
  expect(namesOf(parseStatus(text))).toEqual(['0012']);
});

test('reads a monit that monitors nothing', () => {
  const text =
    '<?xml version="1.0"?><monit id="1"><server/><services></services><servicegroups></servicegroups></monit>';
  expect(parseStatus(text)).toEqual({ processes: [], others: [], unread: [] });
});

test.each([
  ['in the BOSH group, all except the system', 2, { inGroup: true }, [true, true, false]],
  ['outside of that group', 2, { inGroup: false }, [false]],
  ['without any group, everything monitored except the system', 1, {}, [true, true, false]],
] as const)('what counts for a machine: %s', (_, dialect, more, counts) => {
  const others: FakeService[] = [
    { name: 'data', type: 0, status: 2, monitor: 1, ...more },
    { name: 'store.log', type: 2, status: 512, monitor: 1, ...more },
  ];
  expect(
    parseStatus(statusText([DOPPLER], '5.2.5', dialect, others))?.others.map((one) => one.failsInstance),
  ).toEqual(counts);
});

test.each(DIALECTS)('format %i: a truncated response is never complete', (dialect) => {
  const others = [{ name: 'data', type: 0, status: 0, monitor: 1 }];
  const text = statusText([DOPPLER, GONE], '5.33.0', dialect, others);
  const cutOff = property(nat({ max: text.length - 1 }), (length) => {
    expect(parseStatus(text.slice(0, length))?.unread).not.toEqual([]);
  });
  assert(cutOff);
});

test.each(DIALECTS)('format %i: reads complete services of a truncated response', (dialect) => {
  const text = statusText([DOPPLER, GONE, { ...DOPPLER, name: 'last' }], '5.2.5', dialect);
  const cut = text.slice(0, text.indexOf('last') + 90);
  const status = parseStatus(cut);
  expect(namesOf(status)).toEqual(['doppler', 'metron_agent']);
  expect(gapsOf(status)).toEqual([
    'last: its entry in the response is cut off',
    '?: the response is cut off: what comes after is unknown',
  ]);
});

test.each([
  ['a web page', '<html><body>It works!</body></html>'],
  [
    'a document type with expanding entities',
    '<!DOCTYPE m [<!ENTITY a "aaaa">]><monit><server>&a;</server></monit>',
  ],
  ['names that are special in JavaScript', '<__proto__><monit></monit></__proto__></monit>'],
  ['another document of that name', '<monit><hello/></monit>'],
])('%s is not a status', (_, text) => {
  expect(parseStatus(text)).toBeUndefined();
});

const V1 = statusText([DOPPLER, GONE], '5.2.5', 1);
test.each([
  [
    'without its numbers',
    V1.replace('<monitor>1</monitor>', ''),
    'doppler: its type or its state is missing or not a number',
  ],
  ['without a name', V1.replace('<name>doppler</name>', ''), '?: its name cannot be read'],
  [
    'with a state that is not a number',
    V1.replace('<monitor>1<', '<monitor>yes<'),
    'doppler: its type or its state is missing or not a number',
  ],
  [
    'with two states',
    V1.replace('<monitor>1<', '<status>0</status><monitor>1<'),
    'doppler: its type or its state is missing or not a number',
  ],
  [
    'with an unclosed tag',
    V1.replace('<monitor>1<', '<b><monitor>1<'),
    'doppler: its entry in the response is malformed',
  ],
])('a service %s affects only itself, and the reason is reported', (_, text, gap) => {
  const status = parseStatus(text);
  expect(namesOf(status)).toEqual(['metron_agent']);
  expect(gapsOf(status)).toEqual([gap]);
});

test('reports a service that is in the group but not in the list', () => {
  const text = statusText([DOPPLER, GONE], '5.2.5', 2).replace('<service name="doppler">', '<sarvice>');
  expect(gapsOf(parseStatus(text))).toEqual([
    'doppler: it is in the group vcap and not in the list of services',
  ]);
});

const AWKWARD = ['x<y', 'a&b', 'a>b', 'a"b', '<b>', "it's", 'a&amp;b', '</service', 'a]]>b', ' x '];

test.each(DIALECTS.flatMap((dialect) => AWKWARD.map((name) => [dialect, name] as const)))(
  'format %i: reads a process named %s by that name, because monit escapes nothing',
  (dialect, name) => {
    const status = parseStatus(statusText([GONE, { ...DOPPLER, name }, DOPPLER], '5.2.5', dialect));
    expect(namesOf(status)).toEqual(['metron_agent', name, 'doppler']);
    expect(status?.unread).toEqual([]);
  },
);

test.each([
  'failed protocol test [HTTP] at INET[10.0.0.1:80/a?b=1&c=2] via TCP -- <!DOCTYPE html><p>Bad gateway',
  'space usage 98.4% matches resource limit [space usage>90.0%]',
  '<![CDATA[no escape <br> needed & here]]>',
  'quotes </status_message> itself, and <status>0</status>',
  '5 < 6 && 7 > 6',
])('the message “%s” does no harm', (message) => {
  const disk = { name: 'data', type: 0, status: 2, monitor: 1, message };
  for (const dialect of DIALECTS) {
    const status = parseStatus(statusText([DOPPLER], '5.2.5', dialect, [disk]));
    expect(status?.others[0]).toMatchObject({ name: 'data', status: 2 });
    expect(status?.others[0]?.message).toBe(message.replace(/^<!\[CDATA\[(.*)\]\]>$/, '$1'));
    expect(status?.unread).toEqual([]);
  }
});

test('a message that quotes a whole service becomes a gap, and hides neither what failed nor the other services', () => {
  const message = 'it said <service name="evil"><type>3</type><status>0</status></service>';
  const disk = { name: 'data', type: 0, status: 2, monitor: 1, message };
  const status = parseStatus(statusText([DOPPLER, GONE], '5.2.5', 2, [disk]));
  expect(namesOf(status)).toEqual(['doppler', 'metron_agent']);
  expect(status?.unread.map(({ name }) => name)).toContain('data');
});

test('with any name or message, each service is read correctly or is a gap', () => {
  const text = string({
    unit: oneof(
      constantFrom(...'<>&"/=!-[]'.split(''), 'service', 'name', 'status', '</', '/>'),
      constantFrom(...'ab 01'.split('')),
    ),
    maxLength: 40,
  });
  const anything = property(text, text, constantFrom(...DIALECTS), (name, message, dialect) => {
    const disk = { name, type: 0, status: 2, monitor: 1, message };
    const status = parseStatus(statusText([DOPPLER, GONE], '5.2.5', dialect, [disk]));
    const isAsMeant =
      status?.others.some((one) => one.name === name && one.status === 2) &&
      namesOf(status)?.join() === 'doppler,metron_agent';
    expect(isAsMeant || (status?.unread.length ?? 0) > 0).toBe(true);
  });
  assert(anything, { numRuns: 2_000 });
});

test('never shows control characters in a name', () => {
  const text = statusText([{ ...DOPPLER, name: 'dop\u0007pler' }], '5.33.0', 2);
  expect(namesOf(parseStatus(text))).toEqual(['dop\uFFFDpler']);
});

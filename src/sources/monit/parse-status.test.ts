import { assert, nat, property } from 'fast-check';
import { expect, test } from 'vitest';
import { type FakeProcess, statusText } from '../../../test/world/monit/fake.ts';
import { parseStatus } from './parse-status.ts';

const DOPPLER: FakeProcess = {
  name: 'doppler',
  status: 0,
  monitor: 1,
  pendingAction: 0,
  pid: 812,
  uptimeSeconds: 41,
};
const GONE: FakeProcess = { name: 'metron_agent', status: 512, monitor: 1, pendingAction: 0 };

test.each([1, 2] as const)('dialect %i tells processes, and no pid of one that does not exist', (dialect) => {
  expect(parseStatus(statusText([DOPPLER, GONE], '5.2.5', dialect))).toEqual({ processes: [DOPPLER, GONE] });
});

test('of a machine of BOSH the processes of its jobs are told, and nothing else that runs there', () => {
  const text = statusText([DOPPLER, { ...GONE, name: 'toolbelt' }], '5.2.5', 2);
  const outside = text.replace('<service>toolbelt</service>', '');
  expect(parseStatus(outside)?.processes.map(({ name }) => name)).toEqual(['doppler']);
});

test('a name that looks like a number stays a name', () => {
  const text = statusText([{ ...DOPPLER, name: '0012' }], '5.33.0', 2);
  expect(parseStatus(text)?.processes.map(({ name }) => name)).toEqual(['0012']);
});

test('a monit that watches over nothing is read, and has no processes', () => {
  const text =
    '<?xml version="1.0"?><monit id="1"><server/><services></services><servicegroups></servicegroups></monit>';
  expect(parseStatus(text)).toEqual({ processes: [] });
});

test('an answer that was cut off is none: it would pass for a machine without processes', () => {
  const text = statusText([DOPPLER, GONE], '5.33.0', 2);
  const cutOff = property(nat({ max: text.length - 1 }), (length) => {
    expect(parseStatus(text.slice(0, length))).toBeUndefined();
  });
  assert(cutOff);
});

test.each([
  ['a web page', '<html><body>It works!</body></html>'],
  ['a status without its numbers', '<monit><service type="3"><name>doppler</name></service></monit>'],
  ['a process without a name', statusText([DOPPLER], '5.2.5', 1).replace('<name>doppler</name>', '')],
  ['numbers that are none', statusText([DOPPLER], '5.2.5', 1).replace('<monitor>1<', '<monitor>yes<')],
  [
    'a document type, for entities that grow',
    '<!DOCTYPE m [<!ENTITY a "aaaa">]><monit><server>&a;</server></monit>',
  ],
  ['names that mean something to JavaScript', '<__proto__><monit></monit></__proto__></monit>'],
])('%s is no status', (_, text) => {
  expect(parseStatus(text)).toBeUndefined();
});

test('control characters in a name reach nobody', () => {
  const text = statusText([{ ...DOPPLER, name: 'dop\u0007pler' }], '5.33.0', 2);
  expect(parseStatus(text)?.processes.map(({ name }) => name)).toEqual(['dop\uFFFDpler']);
});

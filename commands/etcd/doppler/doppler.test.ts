import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { check } from './check.ts';
import { diagnose } from './diagnose.ts';
import { isAddress, LEGACY_ROOT, ROOT, ROOTS } from './doppler.ts';
import { deployment, doppler, etcd, factsOf, SERVER_TIME } from './builders.ts';

const ID = '4c738367-8eb1-4a57-b44e-771f4870db0e';
const WHOSE = { zone: 'z1', group: 'doppler_z1', id: ID };
const HOSTS = ['10.160.55.25'];

function announcing(...endpoints: readonly unknown[]): string {
  return JSON.stringify({ version: 1, endpoints });
}

test.each<[age: string, schemes: readonly string[]]>([
  ['2015', ['udp']],
  ['2015 with TLS', ['udp', 'tls']],
  ['February 2016', ['udp', 'tcp']],
  ['April 2016', ['udp', 'tcp', 'ws']],
  ['2016 with TLS', ['udp', 'tcp', 'ws', 'tls']],
  ['2017', ['ws']],
])('a doppler of %s announces %j', (_, protocols) => {
  const value = announcing(...protocols.map((scheme) => `${scheme}://10.160.55.25:3457`));
  expect(ROOT.read(['z1', 'doppler_z1', ID], value)).toEqual({ ...WHOSE, hosts: HOSTS, protocols });
});

test('before June 2016, and on old directors, a doppler is identified by its index', () => {
  expect(ROOT.read(['z1', 'doppler_z1', '0'], announcing('udp://10.160.55.25:3457'))).toMatchObject({
    group: 'doppler_z1',
    id: '0',
  });
});

test('the legacy key is only an address, and means UDP', () => {
  expect(LEGACY_ROOT.read(['z1', 'doppler_z1', ID], '10.160.55.25')).toEqual({
    ...WHOSE,
    hosts: HOSTS,
    protocols: ['udp'],
  });
  expect(LEGACY_ROOT.read(['z1', 'doppler_z1', '0'], '10.160.55.25\n')).toMatchObject({
    id: '0',
    hosts: HOSTS,
  });
});

test('the oldest legacy key has no group: a zone and an index', () => {
  expect(LEGACY_ROOT.read(['z1', '0'], '10.160.55.25')).toEqual({
    zone: 'z1',
    id: '0',
    hosts: HOSTS,
    protocols: ['udp'],
  });
});

test('an address of IPv6 is shown without its brackets', () => {
  expect(ROOT.read(['z1', 'doppler_z1', ID], announcing('ws://[fd00::1]:8081'))).toMatchObject({
    hosts: ['fd00::1'],
    protocols: ['ws'],
  });
});

test.each([
  ['', 'its value is not JSON'],
  ['10.160.55.25', 'its value is not JSON'],
  ['null', 'its value lists no endpoints'],
  ['{"version":1}', 'its value lists no endpoints'],
  [announcing(), 'its value lists no endpoints'],
  [announcing(3457), 'its value lists no endpoints'],
  [announcing(...Array.from({ length: 51 }, () => 'udp://10.0.0.1:1')), 'its value lists no endpoints'],
  [announcing('10.160.55.25:3457'), 'an endpoint in its value is not a URL'],
  [announcing('udp://'), 'an endpoint in its value is not a URL'],
  [announcing('udp://10.160.55.25:3457', ''), 'an endpoint in its value is not a URL'],
])('the value %j is invalid, but its instance is known', (value, corrupt) => {
  expect(ROOT.read(['z1', 'doppler_z1', ID], value)).toEqual({
    ...WHOSE,
    hosts: [],
    protocols: [],
    corrupt,
  });
});

test('a legacy value that is not an address is invalid', () => {
  expect(LEGACY_ROOT.read(['z1', 'doppler_z1', ID], 'doppler.service.cf.internal')).toMatchObject({
    corrupt: 'its value is not an IP address',
  });
});

test.each([[[]], [['z1']], [['z1', 'doppler_z1']]])('the path %j names no instance', (segments) => {
  expect(ROOT.read(segments, announcing('udp://10.0.0.1:3457'))).toBe('its path is not <zone>/<job>/<id>');
});

test.each([
  ['10.0.0.1', true],
  ['fd00::1', true],
  ['doppler.service.cf.internal', false],
  ['', false],
  [`${'f'.repeat(100)}:`, false],
])('%j is an address: %s', (host, expected) => {
  expect(isAddress(host)).toBe(expected);
});

/** Anything, and often nearly what a doppler writes. */
const anyValue = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.json(),
  fc
    .array(fc.oneof(fc.string(), fc.webUrl(), fc.anything()))
    .map((endpoints) => JSON.stringify({ endpoints })),
  fc.ipV4(),
);
const anySegment = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('z1', 'doppler_z1', '0', 'id-1', '__proto__'),
);

test('no path or value makes parsing fail', () => {
  fc.assert(
    fc.property(fc.array(anySegment, { maxLength: 5 }), anyValue, (segments, value) => {
      for (const { read } of ROOTS) {
        const says = read(segments, value);
        expect(['string', 'object']).toContain(typeof says);
      }
    }),
  );
});

test('no keys, whatever their names and values, make the diagnosis fail', () => {
  const args = check.args.parse({});
  const here = [deployment([doppler({ name: 'doppler_z1/0', id: 'id-1', address: '10.0.1.1' })])];
  const anyKey = fc.record({
    key: fc
      .tuple(
        fc.constantFrom('/doppler/meta/', '/healthstatus/doppler/'),
        fc.array(anySegment, { maxLength: 5 }),
      )
      .map(([prefix, segments]) => prefix + segments.join('/')),
    value: anyValue,
    ttl: fc.oneof(fc.constant(null), fc.integer({ min: -20, max: 20 })),
  });
  fc.assert(
    fc.property(fc.array(anyKey, { maxLength: 4 }), (keys) => {
      for (const instances of ['all', 'no-source'] as const) {
        const facts = factsOf([etcd(keys)], instances === 'all' ? here : [], instances);
        const report = diagnose(facts, args, SERVER_TIME);
        expect(JSON.parse(JSON.stringify(report.findings))).toEqual(report.findings);
        expect(report.verdict).not.toBe('');
      }
    }),
  );
});

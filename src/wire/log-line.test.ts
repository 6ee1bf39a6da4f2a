import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { LogLine } from '../ports/logs.ts';
import { parseLogLine } from './log-line.ts';
import type { LogClock } from './log-time.ts';

const now = new Date('2026-11-26T12:00:00Z');

/** The parts of a line, with its time as text. */
function parse(line: string | Buffer, clock: Partial<LogClock> = {}): Record<string, unknown> {
  const { at, ...parts }: LogLine = parseLogLine(line, { now, ...clock });
  return { at: at?.toISOString(), ...parts };
}

const bpduGuard = '%STP-2-BLOCK_BPDUGUARD: Received BPDU on port Ethernet1/41 with BPDU Guard enabled.';
const offer = 'DHCPOFFER(tap7c0e4a10-aa) 10.61.0.14 fa:16:3e:5c:01:9a';

test.each([
  ['syslog', `Nov 26 11:40:03 net-1 dnsmasq-dhcp[2210]: ${offer}`],
  ['with a priority', `<30>Nov 26 11:40:03 net-1 dnsmasq-dhcp[2210]: ${offer}`],
  ['with a year', `Nov 26 2026 11:40:03 net-1 dnsmasq-dhcp[2210]: ${offer}`],
  ['with the year behind the time', `Nov 26 11:40:03 2026 net-1 dnsmasq-dhcp[2210]: ${offer}`],
  ['journalctl -o short-iso', `2026-11-26T11:40:03+0000 net-1 dnsmasq-dhcp[2210]: ${offer}`],
  ['a later journalctl -o short-iso', `2026-11-26T12:40:03+01:00 net-1 dnsmasq-dhcp[2210]: ${offer}`],
  ['journalctl -o short-full', `Thu 2026-11-26 11:40:03 UTC net-1 dnsmasq-dhcp[2210]: ${offer}`],
  ['journalctl -o short-unix', `1795693203.000000 net-1 dnsmasq-dhcp[2210]: ${offer}`],
  ['rsyslog', `2026-11-26T11:40:03.000000+00:00 net-1 dnsmasq-dhcp[2210]: ${offer}`],
  ['RFC 5424', `<30>1 2026-11-26T11:40:03.000Z net-1 dnsmasq-dhcp 2210 - - ${offer}`],
  [
    'RFC 5424 with structured data',
    String.raw`<30>1 2026-11-26T11:40:03Z net-1 dnsmasq-dhcp 2210 ID1 [a@1 b="c \] d"][e@2] ` +
      `\uFEFF${offer}`,
  ],
  ['a relay', `Nov 26 11:40:04 relay-1 Nov 26 11:40:03 net-1 dnsmasq-dhcp[2210]: ${offer}`],
  ['CRLF', `Nov 26 11:40:03 net-1 dnsmasq-dhcp[2210]: ${offer}\r`],
  ['zeros in front', Buffer.from(`\0\0\0Nov 26 11:40:03 net-1 dnsmasq-dhcp[2210]: ${offer}`)],
])('reads a line of a DHCP server: %s', (_, line) => {
  expect(parse(line)).toEqual({
    at: '2026-11-26T11:40:03.000Z',
    host: 'net-1',
    program: 'dnsmasq-dhcp',
    pid: 2210,
    text: offer,
  });
});

test('an IPv6 address is a host, not a year', () => {
  expect(parse('Nov 26 10:31:07 2001:db8::1 dnsmasq[1]: x')).toEqual({
    at: '2026-11-26T10:31:07.000Z',
    host: '2001:db8::1',
    program: 'dnsmasq',
    pid: 1,
    text: 'x',
  });
});

test('reads the file that dnsmasq writes itself, which names no host', () => {
  expect(parse(`Nov  6 00:07:01 dnsmasq-dhcp[7104]: 4089028125 ${offer} `)).toEqual({
    at: '2026-11-06T00:07:01.000Z',
    program: 'dnsmasq-dhcp',
    pid: 7104,
    text: `4089028125 ${offer}`,
  });
});

test.each([
  ['NX-OS', `2026 Nov 26 10:31:07 leaf-a ${bpduGuard}`],
  ['NX-OS with a zone', `2026 Nov 26 10:31:07.000 UTC leaf-a ${bpduGuard}`],
  ['NX-OS in another zone', `2026 Nov 26 11:31:07 CET leaf-a ${bpduGuard}`],
  ['a syslog line without a program', `Nov 26 10:31:07 leaf-a ${bpduGuard}`],
  ['a host with a colon', `Nov 26 10:31:07 leaf-a: ${bpduGuard}`],
  ['a sequence number', `Nov 26 10:31:07 leaf-a 000123: ${bpduGuard}`],
  ['NX-OS over syslog, with its name', `<186>: leaf-a: 2026 Nov 26 10:31:07 UTC: ${bpduGuard}`],
  ['IOS, with its name', `<186>123: leaf-a: *Nov 26 10:31:07.000 UTC: ${bpduGuard}`.replace('*', '.')],
  ['NX-OS through a collector', `Nov 26 10:31:09 leaf-a : 2026 Nov 26 10:31:07 UTC: ${bpduGuard}`],
  ['IOS through a collector', `Nov 26 10:31:09 10.0.0.1 000123: leaf-a: Nov 26 10:31:07.000: ${bpduGuard}`],
  [
    'two sequence numbers',
    `Nov 26 10:31:09 10.0.0.1 2387: leaf-a: 002386: Nov 26 10:31:07.000: ${bpduGuard}`,
  ],
  [
    'NX-OS in RFC 5424',
    `<186>1 2026-11-26T10:31:09Z leaf-a - - - - : 2026 Nov 26 10:31:07 UTC: ${bpduGuard}`,
  ],
  ['a collector in another zone', `2026-11-26T11:31:09+01:00 leaf-a 123: Nov 26 10:31:07 UTC: ${bpduGuard}`],
])('reads a line of a switch: %s', (_, line) => {
  expect(parse(line)).toEqual({ at: '2026-11-26T10:31:07.000Z', host: 'leaf-a', text: bpduGuard });
});

test.each([
  ['without a zone', `Nov 26 10:31:07.123: ${bpduGuard}`],
  ['NX-OS', `: 2026 Nov 26 10:31:07.123 UTC: ${bpduGuard}`],
  ['IOS', `000123: Nov 26 10:31:07.123 UTC: ${bpduGuard}`],
  ['IOS whose server no longer answers', `000123: .Nov 26 10:31:07.123 UTC: ${bpduGuard}`],
])('reads a line that a switch wrote without its name: %s', (_, line) => {
  expect(parse(line)).toEqual({ at: '2026-11-26T10:31:07.123Z', text: bpduGuard });
});

test('reads lines of Arista EOS, Junos, IOS XR and Cumulus', () => {
  const eos =
    '%SPANTREE-4-BLOCK_BPDUGUARD: Received BPDU packet on Port-Channel12 (source mac 02:1c:bb:00:02:01)';
  expect(parse(`Nov 26 11:47:18 SW-1 Stp: ${eos}`)).toEqual({
    at: '2026-11-26T11:47:18.000Z',
    host: 'SW-1',
    program: 'Stp',
    text: eos,
  });
  expect(parse(`Nov 26 11:47:20 10.0.0.9 Nov 26 11:47:18 SW-1 Stp: ${eos}`)).toMatchObject({
    at: '2026-11-26T11:47:18.000Z',
    host: 'SW-1',
    program: 'Stp',
  });
  expect(parse('Nov 26 11:47:18.250 2026  tor-7 l2cpd[1893]: L2CPD_XSTP: BPDU')).toEqual({
    at: '2026-11-26T11:47:18.250Z',
    host: 'tor-7',
    program: 'l2cpd',
    pid: 1893,
    text: 'L2CPD_XSTP: BPDU',
  });
  expect(
    parse(
      'Nov 26 11:47:19 xr-1 42: RP/0/RSP0/CPU0:Nov 26 11:47:18.250 UTC: ifmgr[7]: %PKT_INFRA-LINK-3-UPDOWN : Down',
    ),
  ).toEqual({
    at: '2026-11-26T11:47:18.250Z',
    host: 'xr-1',
    program: 'ifmgr',
    pid: 7,
    text: '%PKT_INFRA-LINK-3-UPDOWN : Down',
  });
  expect(
    parse('2026-11-26T11:47:18.250000+00:00 tor-8 mstpd: MSTP_OUT_set_state: bridge:swp1'),
  ).toMatchObject({
    host: 'tor-8',
    program: 'mstpd',
  });
});

test('keeps lines that say how often the last one was repeated', () => {
  const text = 'last message repeated 3 times';
  expect(parse(`Nov 26 11:40:03 net-1 ${text}`)).toEqual({
    at: '2026-11-26T11:40:03.000Z',
    host: 'net-1',
    text,
  });
  expect(parse(`Nov 26 11:40:03 ${text}`)).toEqual({ at: '2026-11-26T11:40:03.000Z', text });
  const rsyslog = `message repeated 3 times: [ ${offer}]`;
  expect(parse(`Nov 26 11:40:03 net-1 dnsmasq-dhcp[2210]: ${rsyslog}`)).toMatchObject({
    pid: 2210,
    text: rsyslog,
  });
});

test('a clock that was never set gives no time', () => {
  const line = '*Mar  1 00:01:23.456: %LINK-3-UPDOWN: Interface GigabitEthernet0/1, changed state to down';
  expect(parse(line)).toEqual({ at: undefined, text: line });
  expect(parse(`<187>12: sw-3: ${line}`)).toMatchObject({ at: undefined, host: 'sw-3' });
  expect(parse(`Nov 26 10:31:07 sw-3 12: ${line}`)).toMatchObject({
    at: '2026-11-26T10:31:07.000Z',
    host: 'sw-3',
  });
});

test('the clock of the collector counts if that of the switch is hours apart', () => {
  const apart = `Nov 26 10:31:07 leaf-a : 2026 Nov 26 03:31:07 UTC: ${bpduGuard}`;
  expect(parse(apart)).toMatchObject({ at: '2026-11-26T10:31:07.000Z', host: 'leaf-a' });
});

test('a time without a year is the nearest one that is at most a day ahead', () => {
  const at = (line: string, read: string) => parse(line, { now: new Date(read) })['at'];
  expect(at('Dec 31 23:59:58 a b: c', '2027-01-01T00:00:10Z')).toBe('2026-12-31T23:59:58.000Z');
  expect(at('Jan  1 00:00:05 a b: c', '2026-12-31T23:59:50Z')).toBe('2027-01-01T00:00:05.000Z');
  expect(at('Nov 27 11:59:59 a b: c', '2026-11-26T12:00:00Z')).toBe('2026-11-27T11:59:59.000Z');
  expect(at('Nov 27 12:00:01 a b: c', '2026-11-26T12:00:00Z')).toBe('2025-11-27T12:00:01.000Z');
  expect(at('Feb 29 10:00:00 a b: c', '2026-11-26T12:00:00Z')).toBe('2024-02-29T10:00:00.000Z');
});

test('a time without a zone has the offset of its log', () => {
  const line = 'Nov 26 11:40:03 net-1 dnsmasq[1]: x';
  expect(parse(line, { utcOffsetMinutes: 60 })['at']).toBe('2026-11-26T10:40:03.000Z');
  expect(
    parse(line, {
      utcOffsetMinutes: (localMs) => (localMs === Date.parse('2026-11-26T11:40:03Z') ? -300 : 0),
    })['at'],
  ).toBe('2026-11-26T16:40:03.000Z');
  const withZone = '2026-11-26T11:40:03Z net-1 dnsmasq[1]: x';
  expect(parse(withZone, { utcOffsetMinutes: 60 })['at']).toBe('2026-11-26T11:40:03.000Z');
});

test('the name of a zone with several meanings is understood only if the offset is configured', () => {
  const line = `Nov 26 10:31:07.123 CST: ${bpduGuard}`;
  expect(parse(line)).toEqual({ at: undefined, text: line });
  expect(parse(line, { utcOffsetMinutes: 480 })['at']).toBe('2026-11-26T02:31:07.123Z');
});

test('a word in capitals is a host, unless it is a zone', () => {
  expect(parse('Nov 26 11:40:03 EDGE dnsmasq[1]: x')).toMatchObject({ host: 'EDGE', program: 'dnsmasq' });
  expect(parse('Nov 26 11:40:03 EDGE: x')).toMatchObject({ at: '2026-11-26T11:40:03.000Z', program: 'EDGE' });
});

test.each([
  'no time at all',
  '-- Boot 3b0e --',
  'Nov 31 11:40:03 net-1 x: y',
  'Nov 26 25:40:03 net-1 x: y',
  '2026-02-29T11:40:03Z net-1 x: y',
  'DHCPREQUEST for 10.55.0.18 on c0 to 255.255.255.255 port 67',
  '<30>1 2026-13-45 x',
  '',
])('keeps a line that it can not read: %s', (line) => {
  expect(parse(line)).toEqual({ at: undefined, text: line });
});

test('an application that logs a time of its own is not a relay', () => {
  expect(
    parse('Nov 26 11:40:03 net-1 neutron-dhcp-agent[7]: 2026-11-26 09:40:03.125 7 INFO neutron: x'),
  ).toEqual({
    at: '2026-11-26T11:40:03.000Z',
    host: 'net-1',
    program: 'neutron-dhcp-agent',
    pid: 7,
    text: '2026-11-26 09:40:03.125 7 INFO neutron: x',
  });
});

test('any bytes become printable text of at most 1,000 characters', () => {
  expect(parse(Buffer.from('Nov 26 11:40:03 net-1 x: a\0b\x1b[31mc\tд\u202ee\xff', 'utf8'))['text']).toBe(
    'abc дeÿ',
  );
  expect(parse(Buffer.from([0x61, 0xff, 0x62]))['text']).toBe('a\uFFFDb');
  const long = `Nov 26 11:40:03 net-1 x: ${'a'.repeat(5_000)}`;
  expect(parse(long)['text']).toBe(`${'a'.repeat(999)}…`);
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 3_000 }), fc.string({ unit: 'binary' })), (bytes) => {
      const { text } = parseLogLine(typeof bytes === 'string' ? bytes : Buffer.from(bytes), { now });
      expect(text.length).toBeLessThanOrEqual(1_000);
      expect(text).not.toMatch(/[\p{Cc}\p{Cs}]/u);
    }),
  );
});

test('every time that is written is read again', () => {
  const instant = fc
    .date({ min: new Date('2026-01-01'), max: now, noInvalidDate: true })
    .map((at) => new Date(Math.floor(at.getTime() / 1_000) * 1_000));
  fc.assert(
    fc.property(instant, fc.integer({ min: -720, max: 840 }), (at, offset) => {
      const local = new Date(at.getTime() + offset * 60_000);
      const [, , day = '', month = '', year = '', time = ''] =
        /^(\w+), (\d+) (\w+) (\d+) (\S+)/.exec(local.toUTCString()) ?? [];
      const short = `${month} ${String(Number(day)).padStart(2)} ${time}`;
      for (const line of [
        `${short} h p[1]: x`,
        `${month} ${day} ${year} ${time} h p[1]: x`,
        `${year} ${month} ${day} ${time} h p[1]: x`,
      ])
        expect(parse(line, { utcOffsetMinutes: offset })['at']).toBe(at.toISOString());
    }),
  );
});

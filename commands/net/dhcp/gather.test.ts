import { expect, test } from 'vitest';
import { talk } from './builders.ts';
import { Gatherer } from './gather.ts';

const mac = 'fa:16:3e:5c:01:9a';
const boot = `11:40:00 DISCOVER
  11:40:00 OFFER 10.0.0.5
  11:40:01 REQUEST 10.0.0.5
  11:40:01 ACK 10.0.0.5`;

function gather(...logs: readonly ReturnType<typeof talk>[]) {
  const gatherer = new Gatherer();
  for (const lines of logs) gatherer.stream((named = '') => named)(lines.toReversed());
  return gatherer.result();
}

test('puts the lines of a client in order, also within a second', () => {
  const { conversations } = gather(talk({ mac }, boot));
  expect(conversations.map(({ messages }) => messages.map(({ type }) => type))).toEqual([
    ['DISCOVER', 'OFFER', 'REQUEST', 'ACK'],
  ]);
});

test('keeps one copy of lines that two logs have, and repetitions within one log', () => {
  const twice = `${boot}\n11:40:01 ACK 10.0.0.5`;
  const { conversations } = gather(talk({ mac }, twice), talk({ mac, pid: 1 }, twice));
  expect(conversations[0]?.messages).toHaveLength(5);
});

test('keeps clients with one MAC address in two networks apart', () => {
  const other = talk(
    { mac, host: 'net-2' },
    boot.replaceAll('11:4', '11:5').replaceAll('10.0.0.', '172.16.0.'),
  );
  const { conversations } = gather(talk({ mac }, boot), other);
  expect(conversations.map(({ messages }) => messages.map(({ host }) => host))).toEqual([
    Array(4).fill('net-1'),
    Array(4).fill('net-2'),
  ]);
});

test('joins servers that logged the same broadcast, whatever ranges they serve', () => {
  const other = talk({ mac, host: 'net-2' }, '11:40:01 DISCOVER\n11:40:01 OFFER 10.0.200.5');
  expect(gather(talk({ mac }, boot), other).conversations).toHaveLength(1);
});

test('keeps the newest 500 lines of a client', () => {
  const seconds = Array.from({ length: 600 }, (_, at) => new Date(Date.UTC(2026, 10, 26, 11) + at * 1_000));
  const lines = talk({ mac }, seconds.map((at) => `${at.toISOString().slice(11, 19)} DISCOVER`).join('\n'));
  const [conversation] = gather(lines).conversations;
  expect(conversation?.messages).toHaveLength(500);
  expect(conversation?.messages.at(-1)?.at).toEqual(seconds.at(-1));
});

test('gives a line without a readable time that of its newer neighbor, and counts it if there is none', () => {
  const [first, , ...rest] = talk({ mac }, boot);
  const offer = {
    host: 'net-1',
    program: 'dnsmasq-dhcp',
    pid: 2210,
    text: `DHCPOFFER(tap1) 10.0.0.5 ${mac}`,
  };
  const { conversations } = gather([first!, offer, ...rest]);
  expect(conversations[0]?.messages.map(({ type }) => type)).toEqual(['DISCOVER', 'OFFER', 'REQUEST', 'ACK']);
  expect(gather([offer]).unreadable).toEqual({ count: 1, examples: [`net-1: ${offer.text}`] });
});

import type { ports } from '../../kit.ts';
import type { Facts } from './facts.ts';
import { Gatherer } from './gather.ts';

/** Lines as syslog writes them, in UTC of 2026: `Nov 26 11:40:03 net-1 dnsmasq-dhcp[2210]: …`. The host may be missing. */
export function syslogLines(text: string, host = 'net-1'): readonly ports.LogLine[] {
  return text
    .trim()
    .split('\n')
    .map((line): ports.LogLine => {
      const [, day = '', named, program = '', pid = '', message = ''] =
        /^\s*(\w{3} +\d+ [\d:]{8}) (?:(\S+) )?([\w-]+)\[(\d+)\]: (.*)$/.exec(line) ?? [];
      return {
        at: new Date(`${day} 2026 UTC`),
        host: named ?? host,
        program,
        pid: Number(pid),
        text: message,
      };
    });
}

/** One server's messages about one client: `11:40:03 REQUEST 10.61.0.14`, one a line. */
export function talk(
  {
    host = 'net-1',
    pid = 2210,
    link = 'tap1',
    mac,
  }: { readonly host?: string; readonly pid?: number; readonly link?: string; readonly mac: string },
  lines: string,
): readonly ports.LogLine[] {
  return lines
    .trim()
    .split('\n')
    .map((line): ports.LogLine => {
      const [time = '', type = '', ...rest] = line.trim().split(' ');
      const [address = '', ...more] = /^\d+\./.test(rest[0] ?? '') ? rest : ['', ...rest];
      const parts = [`DHCP${type}(${link})`, address, mac, ...more].filter(Boolean);
      return {
        at: new Date(`2026-11-26T${time}Z`),
        host,
        program: 'dnsmasq-dhcp',
        pid,
        text: parts.join(' '),
      };
    });
}

/** Facts of lines that are oldest first, each list from one log. */
export function factsOf(logs: readonly (readonly ports.LogLine[])[], known: Partial<Facts> = {}): Facts {
  const gatherer = new Gatherer();
  for (const lines of logs) gatherer.stream((named = '') => named)(lines.toReversed());
  const { conversations, events, servers } = gatherer.result();
  return {
    withinMs: 7_200_000,
    conversations,
    events,
    servers,
    areAllServersRead: true,
    agents: [],
    ports: [],
    instances: [],
    checksums: [],
    rejectedKeys: [],
    earlier: [],
    ...known,
  };
}

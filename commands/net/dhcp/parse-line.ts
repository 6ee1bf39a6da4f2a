import type { ports } from '../../kit.ts';
import type { DhcpMessage, MessageType, ServerNews } from './facts.ts';

/** What one line says. */
export type ParsedLine =
  | { readonly kind: 'message'; readonly message: Omit<DhcpMessage, 'at' | 'host' | 'pid'> }
  | { readonly kind: 'server'; readonly news: ServerNews }
  | { readonly kind: 'v6' }
  /** Lines before it were dropped, by a limit on their rate. Of a process, if its id is known. */
  | { readonly kind: 'lost'; readonly pid?: number }
  /** Of a server whose lines are not read. */
  | { readonly kind: 'other-server'; readonly name: string }
  /** It is about DHCP messages, but its form is unknown. */
  | { readonly kind: 'unreadable' };

const TYPES = 'DISCOVER|OFFER|REQUEST|ACK|NAK|DECLINE|RELEASE|INFORM';
const IP = String.raw`\d{1,3}(?:\.\d{1,3}){3}`;
const MAC = String.raw`[0-9a-f]{2}(?::[0-9a-f]{2}){5}(?![:\w])`;

/**
 * `log_packet` of dnsmasq, with a transaction id in front if `log-dhcp` is set:
 * https://thekelleys.org.uk/gitweb/?p=dnsmasq.git;a=blob;f=src/rfc2131.c
 */
const DNSMASQ = new RegExp(
  String.raw`^(?:\d{1,10} )?DHCP(${TYPES})\((\S+?)\) (?:(${IP}) )?(${MAC})(?: +(.*))?$`,
  'i',
);
/** A client of DHCPv6 is a DUID, which is longer than a MAC address. */
const DNSMASQ_V6 =
  /^(?:\d{1,10} )?(?:DHCP[A-Z-]+|RTR-[A-Z]+|SLAAC-[A-Z]+)\(\S+\) (?:.*\b[0-9a-f]{2}(?::[0-9a-f]{2}){6,}\b|[0-9a-f]*:[0-9a-f:]*:)/i;
/** https://gitlab.isc.org/isc-projects/dhcp/-/blob/master/server/dhcp.c */
const ISC = new RegExp(
  String.raw`^DHCP(${TYPES})(?: (?:for|on|of) (${IP}))?(?: \(${IP}\))? (?:from|to) (${MAC})(?: \([^)]*\))? via ([^\s:]+)(?::? +(.*))?$`,
  'i',
);
const LOOKS_LIKE_A_MESSAGE = new RegExp(String.raw`^(?:\d{1,10} )?DHCP(?:${TYPES})\b`);
/** Clients and agents write similar lines. */
const OTHER_PROGRAMS = /dhclient|dhcpcd|networkd|NetworkManager|neutron|udhcpc/i;
/** The answer of ISC's server to a client that needs no address: it names no client. */
const INFORM = new RegExp(String.raw`^DHCP(?:INFORM from|ACK to) ${IP}\b`);

/** Of journald, which limits each unit. Only that of a server matters; `/` is the unit of everything on old hosts. */
const SUPPRESSED =
  /^Suppressed \d+ messages from (?:\S*(?:dhcp|dnsmasq|neutron|virt|NetworkManager)\S*|\/)$/i;
/** Of rsyslog: imuxsock limits each process, imjournal all together. */
const LOST_LINES = /begin to drop messages|\d+ messages lost due to rate-limiting|lost \d+ messages from pid/;
const PROCESS_OF_LOST = /\bpid:? (\d+)(?:, name: ([^\]\s]+))?/;

/** What the lines of other servers about clients look like, and the program that writes them, if it is named. */
const OTHER_SERVERS: readonly (readonly [string, RegExp, program: RegExp])[] = [
  ['Kea', /\bDHCP4_[A-Z]/, /^(?:kea.*)?$/],
  ['OVN', /\bpinctrl\b.*\bDHCP(?:OFFER|ACK|NAK) [0-9a-f]{2}:/, /^(?:ovn.*)?$/],
  ['udhcpd', /^sending (?:OFFER|ACK|NAK)\b|^no free IP/i, /^udhcpd$/],
];

/** undefined if the line says nothing about clients or the state of a server. */
export function parseLine({
  text,
  program = '',
}: Pick<ports.LogLine, 'text' | 'program'>): ParsedLine | undefined {
  const other = OTHER_SERVERS.find(([, pattern, ofProgram]) => ofProgram.test(program) && pattern.test(text));
  if (other) return { kind: 'other-server', name: other[0] };
  if (OTHER_PROGRAMS.test(program)) return undefined;
  const line = text.replace(/^dnsmasq(?:-dhcp)?\[\d+\]: /, '').trimEnd();
  if (!line.includes('DHCP')) {
    const lost = parseLost(line);
    if (lost) return lost;
    const news = parseNews(line);
    return news && { kind: 'server', news };
  }
  const dnsmasq = DNSMASQ.exec(line);
  if (dnsmasq) {
    const [, type = '', link = '', address, mac = '', rest = ''] = dnsmasq;
    return message(type, { link, address, mac, reason: type.toUpperCase() === 'ACK' ? '' : rest });
  }
  const isc = ISC.exec(line);
  if (isc) {
    const [, type = '', address, mac = '', link = '', rest = ''] = isc;
    return message(type, { link, address, mac, reason: rest });
  }
  if (DNSMASQ_V6.test(line)) return { kind: 'v6' };
  const news = parseNews(line);
  if (news) return { kind: 'server', news };
  const isUnknown =
    LOOKS_LIKE_A_MESSAGE.test(line) && !INFORM.test(line) && !/<null>|no unique-id/.test(line);
  return isUnknown ? { kind: 'unreadable' } : undefined;
}

/** Lines that a log dropped, unless they are known to be of another program. */
function parseLost(line: string): ParsedLine | undefined {
  if (SUPPRESSED.test(line)) return { kind: 'lost' };
  if (!LOST_LINES.test(line)) return undefined;
  const [, pid, name] = PROCESS_OF_LOST.exec(line) ?? [];
  if (name !== undefined) return /dnsmasq|dhcpd$/.test(name) ? { kind: 'lost' } : undefined;
  return { kind: 'lost', ...(pid !== undefined && { pid: Number(pid) }) };
}

function message(
  type: string,
  {
    link,
    address,
    mac,
    reason,
  }: Pick<DhcpMessage, 'link' | 'mac'> & { readonly address: string | undefined; readonly reason: string },
): ParsedLine {
  const because = reason.trim().replace(/\.$/, '').slice(0, 120);
  return {
    kind: 'message',
    message: {
      type: type.toUpperCase() as MessageType,
      link,
      mac: mac.toLowerCase(),
      ...(address !== undefined && address !== '0.0.0.0' && { address }),
      ...(because !== '' && { reason: because }),
    },
  };
}

const NEWS: readonly (readonly [RegExp, (found: RegExpExecArray) => ServerNews])[] = [
  [/^started, version /, () => ({ kind: 'started' })],
  [/^exiting on receipt of SIGTERM/, () => ({ kind: 'stopped' })],
  [/^Internet Systems Consortium DHCP Server /, () => ({ kind: 'started' })],
  [
    /^DHCP, static leases only on .*?(?:, lease time (\S+))?$/,
    ([, time = '']) => ({ kind: 'static-only', ...withMs('leaseMs', time) }),
  ],
  [
    /^DHCP, IP range .*, lease time (\S+)$/,
    ([, time = '']) => ({ kind: 'lease', ...withMs('leaseMs', time) }),
  ],
  [
    /^\d+ sent size: *\d+ option: *51 lease-time +(\S+)/,
    ([, time = '']) => ({ kind: 'lease', ...withMs('leaseMs', time) }),
  ],
  [
    /^\d+ sent size: *\d+ option: *58 T1 +(\S+)/,
    ([, time = '']) => ({ kind: 'lease', ...withMs('renewMs', time) }),
  ],
  [/^read \/\S*\/dhcp\/([\w-]+)\/\w+/, ([, network = '']) => ({ kind: 'network', network })],
  [
    /^no address range available for DHCP request (?:via|with subnet selector) (\S+)/,
    ([, via = '']) => ({ kind: 'no-range', via }),
  ],
  [
    /^DHCP packet received on (\S+) which has no address/,
    ([, via = '']) => ({ kind: 'no-link-address', via }),
  ],
  [
    /^Error sending DHCP packet to (\S+): (.{1,80})/,
    ([, to = '', because = '']) => ({ kind: 'send-failed', to, because }),
  ],
  [/^FAILED to start up/, () => ({ kind: 'start-failed' })],
  [
    /^not using configured address (\S+) because (.{1,80})/,
    ([, address = '', because = '']) => ({ kind: 'address-taken', address, because }),
  ],
];

function parseNews(line: string): ServerNews | undefined {
  for (const [pattern, toNews] of NEWS) {
    const found = pattern.exec(line);
    if (found) return toNews(found);
  }
  return undefined;
}

function withMs<K extends 'leaseMs' | 'renewMs'>(key: K, time: string): { [P in K]?: number } {
  const ms = parseTime(time);
  return (ms === undefined ? {} : { [key]: ms }) as { [P in K]?: number };
}

const UNIT_MS: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000 };

/** As dnsmasq writes it: `1m45s`. undefined for `infinite` and what is no time. */
function parseTime(time: string): number | undefined {
  if (!/^(?:\d+[dhms])+$/.test(time)) return undefined;
  return [...time.matchAll(/(\d+)([dhms])/g)].reduce(
    (sum, [, count, unit = '']) => sum + Number(count) * (UNIT_MS[unit] ?? 0),
    0,
  );
}

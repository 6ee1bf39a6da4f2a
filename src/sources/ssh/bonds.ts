import type { Bond, BondAggregator, BondSlave } from '../../ports/hosts.ts';
import { cleanText } from '../../text/clean-text.ts';
import { linesOf } from './ask-host.ts';
import { known, toCount, toMac, toWord } from './values.ts';

type Writable<T> = { -readonly [K in keyof T]: T[K] };

interface BondInProgress {
  readonly name: string;
  readonly bond: Writable<Partial<Omit<Bond, 'name' | 'slaves' | 'aggregator'>>>;
  readonly aggregator: Writable<BondAggregator>;
  readonly slaves: Writable<BondSlave>[];
  readonly unknownLines: string[];
  /** Whether the lines are about an LACP packet of the partner or of this host. */
  pdu?: 'actor' | 'partner';
}

type ReadValue = (value: string, at: BondInProgress) => void;

const PATH = '/proc/net/bonding/';
const MAX_UNKNOWN_LINES = 5;
const MAX_UNKNOWN_LENGTH = 80;

/**
 * Parses the files in `/proc/net/bonding`, each line after the path of its file. undefined if it isn't understood. What the driver writes:
 * https://github.com/torvalds/linux/blob/master/drivers/net/bonding/bond_procfs.c
 */
export function parseBonds(text: string): readonly Bond[] | undefined {
  const bonds = new Map<string, BondInProgress>();
  for (const line of linesOf(text)) {
    if (!line.startsWith(PATH)) return undefined;
    const colon = line.indexOf(':');
    const name = line.slice(PATH.length, colon === -1 ? undefined : colon);
    if (colon === -1 || name === '' || name.includes('/')) return undefined;
    const bond = bonds.get(name) ?? { name, bond: {}, aggregator: {}, slaves: [], unknownLines: [] };
    bonds.set(name, bond);
    readLine(line.slice(colon + 1), bond);
  }
  const parsed = [...bonds.values()].map(toBond);
  return parsed.every((one) => one !== undefined) ? parsed : undefined;
}

function toBond({ name, bond, aggregator, slaves, unknownLines }: BondInProgress): Bond | undefined {
  const { mode, ...facts } = bond;
  if (mode === undefined) return undefined;
  return {
    name,
    mode,
    ...facts,
    ...(Object.keys(aggregator).length > 0 && { aggregator }),
    slaves,
    ...(unknownLines.length > 0 && { unknownLines }),
  };
}

function readLine(line: string, at: BondInProgress): void {
  const text = line.trim();
  if (text === '') return;
  const [, key = text, value = ''] = /^([^:]+):\s*(.*)$/.exec(text) ?? [];
  // `(n.n.n.n form)` and units belong to the key.
  const name = key.trim().toLowerCase();
  if (name.startsWith('details ')) {
    at.pdu = name.includes('partner') ? 'partner' : 'actor';
    return;
  }
  const isIndented = /^ {2,}/.test(line);
  if (at.pdu && isIndented && PDU.test(name)) {
    if (at.pdu === 'partner' && name === 'system mac address') assign(at, 'partnerMac', toMac(value));
    return;
  }
  // Only now: an LACP packet has lines with the names of lines that are ignored elsewhere.
  if (IGNORED.test(text)) return;
  const slave = at.slaves.at(-1);
  const read = readerOf(slave ? OF_SLAVE : OF_BOND, name) ?? readerOf(OF_ANY, name);
  if (read) read(value.trim(), at);
  else if (text.endsWith('has no active aggregator')) at.aggregator.ports = 0;
  else if (at.unknownLines.length < MAX_UNKNOWN_LINES)
    at.unknownLines.push(cleanText(text).slice(0, MAX_UNKNOWN_LENGTH));
}

const IGNORED =
  /^(?:Ethernet Channel Bonding Driver|Primary Slave|Transmit Hash Policy|Up Delay|Down Delay|Peer Notification Delay|ARP Missed Max|ARP IP target|NS IPv6 target|802\.3ad info|LACP active|LACP rate|Aggregator selection policy|System priority|System MAC address|Active Aggregator Info|Actor Key|Partner Key|Actor Churned Count|Partner Churned Count|Slave queue ID|Slave prio)/i;
const PDU = /^(?:system priority|system mac address|port key|oper key|port priority|port number|port state)$/;

const OF_BOND: Readonly<Record<string, ReadValue>> = {
  'bonding mode': (value, at) => assignBond(at, 'mode', toWord(value)),
  'currently active slave': (value, at) => assignBond(at, 'activeSlave', toName(value)),
  'mii status': (value, at) => assignBond(at, 'miiStatus', toWord(value)?.toLowerCase()),
  'mii polling interval (ms)': (value, at) => assignBond(at, 'miimonMs', toCount(value)),
  'arp polling interval (ms)': (value, at) => assignBond(at, 'arpIntervalMs', toCount(value)),
  'min links': (value, at) => assignBond(at, 'minLinks', toCount(value)),
  'aggregator id': (value, at) => assignAggregator(at, 'id', toCount(value)),
  'number of ports': (value, at) => assignAggregator(at, 'ports', toCount(value)),
  'partner mac address': (value, at) => assignAggregator(at, 'partnerMac', toMac(value)),
};

const OF_SLAVE: Readonly<Record<string, ReadValue>> = {
  'mii status': (value, at) => assign(at, 'miiStatus', toWord(value)?.toLowerCase()),
  speed: (value, at) => assign(at, 'speedMbps', toSpeed(value)),
  duplex: (value, at) => assign(at, 'duplex', toName(value)?.toLowerCase()),
  'link failure count': (value, at) => assign(at, 'linkFailures', toCount(value)),
  'permanent hw addr': (value, at) => assign(at, 'permanentMac', toMac(value)),
  'aggregator id': (value, at) => assign(at, 'aggregatorId', toCount(value)),
  'actor churn state': (value, at) => assign(at, 'actorChurn', toWord(value)),
  'partner churn state': (value, at) => assign(at, 'partnerChurn', toWord(value)),
};

const OF_ANY: Readonly<Record<string, ReadValue>> = {
  'slave interface': (value, at) => {
    at.slaves.push({ name: value });
    delete at.pdu;
  },
};

/** A host can print any name, such as `__proto__`. */
function readerOf(readers: Readonly<Record<string, ReadValue>>, name: string): ReadValue | undefined {
  return Object.hasOwn(readers, name) ? readers[name] : undefined;
}

/** Some values are unset in words. */
function toName(value: string): string | undefined {
  return /^(?:none|unknown|n\/a)!?$/i.test(value) ? undefined : toWord(value);
}

/** `10000 Mbps`. Drivers that don't know it give -1, which old kernels print as 65535 or 4294967295. */
function toSpeed(value: string): number | undefined {
  const speed = toCount(/^(\d+) ?Mbps$/i.exec(value)?.[1]);
  return speed === 65_535 || speed === 4_294_967_295 ? undefined : speed;
}

function assign<K extends keyof BondSlave>(
  at: BondInProgress,
  key: K,
  value: BondSlave[K] | undefined,
): void {
  const slave = at.slaves.at(-1);
  if (slave && value !== undefined) Object.assign(slave, known({ [key]: value }));
}

function assignBond<K extends keyof BondInProgress['bond']>(
  at: BondInProgress,
  key: K,
  value: BondInProgress['bond'][K] | undefined,
): void {
  Object.assign(at.bond, known({ [key]: value }));
}

function assignAggregator<K extends keyof BondAggregator>(
  at: BondInProgress,
  key: K,
  value: BondAggregator[K] | undefined,
): void {
  Object.assign(at.aggregator, known({ [key]: value }));
}

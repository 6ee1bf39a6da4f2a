import type { ports } from '../../kit.ts';
import { type FoundPort, portKey, portsIn } from './switch-port.ts';

/** What one line of a switch's log says about one of its ports. */
export interface PortLine {
  readonly switch: string;
  readonly port: FoundPort;
  readonly says: 'bpdu-guard' | 'disabled' | 'up' | 'down';
  /** Why it was disabled, as the switch names it: `link-flap`. */
  readonly cause?: string;
  /** Who sent the BPDU. Only some switches log it. */
  readonly sourceMac?: string;
  /** What is connected, as the configuration of the switch describes it: `Server35`. */
  readonly description?: string;
}

/** `%ETH-4-ERRDISABLE` and `MSTP/4/PORT_BPDU_GUARDED` are not ports. */
const TAG = /%?[A-Z][A-Z\d_]*[-/]\d[-/][A-Z][A-Z\d_]+:?/g;
/** Commands that people type are logged too, and may contain every word below. */
const COMMAND = /CFGLOG|CONFIG_I\b|VSHD|logged command|Configured from|\bcommand[:=]|configure terminal/i;
/** The timer has expired: whether the port stays up is in the lines after it. */
const RECOVERS = /ERR-?_?RECOVER|ERRDIS_RECOVERY|recover/i;
/**
 * `BLOCK_BPDUGUARD` of Cisco and Arista, `Reason:BPDUGuard` of NX-OS, `BPDU_BLOCK_ERROR_DISABLED` of Junos, `BPDU_PROTECTION` of Comware and Huawei,
 * `BPDU Guard Port - Port Down` of Cumulus (https://docs.nvidia.com/networking-ethernet-software/cumulus-linux/Layer-2/Spanning-Tree-and-Rapid-Spanning-Tree-STP/),
 * `BPDU received on protected port` of Aruba, and the same words in another order.
 */
const BPDU =
  /BLOCK_BPDU|bpdu[ _-]?guard(?:ed)?.*(?:error|violat|disabl|shut|down|block|detected|received)|(?:error|violat|disabl|shut|down|block|reason)\S*.*bpdu[ _-]?(?:guard|protect|block|error)|bpdu[ _-]?(?:protection|protected|error|block)|(?:receiv|recvd)\w*.*bpdu.*(?:guard|protect|disabl|shut)|bpdu received/i;
const DISABLED = /err(?:or)?[ _-]*disabled?\b|ERR_?DISABLE|errdisable|error-down/i;
const DOWN = /state to down|changed to down|IF_DOWN|LINK_?DOWN|\bis down\b|off-?line|went down/i;
const UP =
  /state to up|changed to up|(?:turned|turns) into up|\bIF_UP\b|LINK_?UP\b|\bis up\b|\bon-?line|came up|went up/i;
const CAUSE = /Reason:\s*([\w /-]{2,40})|([\w-]{2,40}) error detected|Cause=([\w-]{2,40})/i;
const SOURCE_MAC =
  /(?:source|src|from)\s*[-_]?(?:mac|address)?(?: address)?\s*[:=]?\s*((?:[\da-f]{2}[:-]){5}[\da-f]{2}|[\da-f]{4}[.-][\da-f]{4}[.-][\da-f]{4})/i;
const DESCRIPTION_AFTER = /^\s*\(([^()]{1,64})\)/;
const DESCRIPTION_NAMED = /description[:=]\s*([^,)]{1,64}?)(?:\s+(?:is|changed)\b|[,)]|$)/i;

/** undefined if it says nothing about the link of a port. */
export function readPortLine({ host, program, text }: ports.LogLine): PortLine | undefined {
  const line = program === undefined ? text : `${program}: ${text}`;
  const says = meaningOf(line);
  const words = line.replaceAll(TAG, ' ');
  const [port] = says ? portsIn(words) : [];
  if (!says || !port) return undefined;
  const cause = says === 'disabled' ? causeIn(line) : undefined;
  const [, mac] = SOURCE_MAC.exec(line) ?? [];
  const described = DESCRIPTION_AFTER.exec(words.slice(port.end)) ?? DESCRIPTION_NAMED.exec(words);
  return {
    switch: host ?? 'a switch without a name',
    port,
    says,
    ...(cause !== undefined && { cause }),
    ...(mac !== undefined && says === 'bpdu-guard' && { sourceMac: macOf(mac) }),
    ...(described?.[1] !== undefined && { description: described[1].trim() }),
  };
}

function meaningOf(line: string): PortLine['says'] | undefined {
  if (COMMAND.test(line)) return undefined;
  if (RECOVERS.test(line)) return undefined;
  if (BPDU.test(line)) return 'bpdu-guard';
  if (DISABLED.test(line)) return 'disabled';
  if (DOWN.test(line)) return 'down';
  return UP.test(line) ? 'up' : undefined;
}

function causeIn(line: string): string | undefined {
  const found = CAUSE.exec(line);
  return found
    ?.slice(1)
    .find((one) => one !== undefined)
    ?.trim();
}

/** `fa163e-24e722` in any notation, as `fa:16:3e:24:e7:22`. */
function macOf(written: string): string {
  return written
    .toLowerCase()
    .replaceAll(/[^\da-f]/g, '')
    .replaceAll(/..(?=.)/g, '$&:');
}

/** What the log of a switch says about one port in the time window. */
export interface PortHistory {
  readonly switch: string;
  readonly port: string;
  readonly key: string;
  readonly descriptions: readonly string[];
  /** It was disabled, and no later line says that it came up. */
  readonly disabled?: {
    readonly by: 'bpdu-guard' | 'other';
    readonly cause?: string;
    /** Newest first, by the clock of the switch. */
    readonly times: readonly Date[];
    readonly sourceMacs: readonly string[];
    /** Newest first. */
    readonly lines: readonly string[];
  };
}

interface OpenHistory {
  readonly switch: string;
  readonly port: string;
  readonly key: string;
  readonly descriptions: Set<string>;
  /** A newer line says that it is up. */
  isUp: boolean;
  /** A line between this one and the newest says that it was up: a timer or a person re-enabled it, and it was disabled again. */
  isBefore: boolean;
  isBpdu: boolean;
  cause?: string;
  readonly times: Date[];
  readonly macs: Set<string>;
  readonly lines: string[];
}

const MAX_PORTS = 5_000;
const MAX_LINES = 6;
const MAX_TIMES = 200;
const MAX_LINE_CHARS = 300;

/** Gathers the lines of switches by port, in bounded memory. Lines are given newest first. */
export function portHistories(): {
  readonly add: (line: ports.LogLine) => void;
  readonly histories: () => readonly PortHistory[];
  readonly isFull: () => boolean;
} {
  const open = new Map<string, OpenHistory>();
  const add = (line: ports.LogLine): void => {
    const read = readPortLine(line);
    if (!read) return;
    const key = portKey(read.switch, read.port);
    let history = open.get(key);
    if (!history) {
      if (open.size >= MAX_PORTS) return;
      history = newHistory(read, key);
      open.set(key, history);
    }
    if (read.description !== undefined) history.descriptions.add(read.description);
    extend(history, read, line);
  };
  return {
    add,
    histories: () => [...open.values()].map(closed),
    isFull: () => open.size >= MAX_PORTS,
  };
}

function newHistory(read: PortLine, key: string): OpenHistory {
  return {
    switch: read.switch,
    port: read.port.written,
    key,
    descriptions: new Set(),
    isUp: false,
    isBefore: false,
    isBpdu: false,
    times: [],
    macs: new Set(),
    lines: [],
  };
}

function extend(
  history: OpenHistory,
  { says, cause, sourceMac }: PortLine,
  { at, text }: ports.LogLine,
): void {
  if (says === 'up' && history.lines.length === 0) history.isUp = true;
  if (says === 'up') history.isBefore = true;
  if (history.isUp || says === 'up' || says === 'down') return;
  if (history.isBefore && says !== 'bpdu-guard') return;
  if (sourceMac !== undefined) history.macs.add(sourceMac);
  if (at && history.times.length < MAX_TIMES) history.times.push(at);
  if (history.isBefore) return;
  history.isBpdu ||= says === 'bpdu-guard';
  if (cause !== undefined) history.cause ??= cause;
  if (history.lines.length < MAX_LINES) history.lines.push(text.slice(0, MAX_LINE_CHARS));
}

function closed(history: OpenHistory): PortHistory {
  const { switch: name, port, key, descriptions, lines, times, macs, isBpdu, cause } = history;
  return {
    switch: name,
    port,
    key,
    descriptions: [...descriptions].toSorted(),
    ...(lines.length > 0 && {
      disabled: {
        by: isBpdu ? ('bpdu-guard' as const) : ('other' as const),
        ...(cause !== undefined && { cause }),
        times,
        sourceMacs: [...macs],
        lines,
      },
    }),
  };
}

import type { ReadOptions } from './read-options.ts';

/** Logs that are collected in files: of switches, of DHCP servers, of systems. */
export interface Logs {
  /** The source's name in the configuration: `switches`. */
  readonly name: string;
  /** What is in them, by the configuration. */
  readonly contains: readonly LogContent[];
  /**
   * The lines of a time window, in batches, newest first. A line without a readable time is included if its neighbors are in the window.
   * @throws {SourceError} if not all can be read, also if a limit was reached. The batches before the error are valid.
   */
  readonly lines: (query: LogQuery) => AsyncIterable<readonly LogLine[]>;
  /**
   * What is connected to which switch port, by the configuration. Empty if it has no list.
   * @throws {SourceError}
   */
  readonly switchPorts: (options: ReadOptions) => Promise<readonly SwitchPort[]>;
}

export type LogContent = 'switch' | 'dhcp' | 'system';

export interface LogQuery extends ReadOptions {
  readonly content: LogContent;
  readonly since: Date;
  readonly until?: Date;
}

export interface LogLine {
  /** When it was written, by the clock of the machine that wrote it. Absent if it can't be parsed. */
  readonly at?: Date;
  /** The machine that wrote it, as it names itself: `leaf-a`. */
  readonly host?: string;
  /** `dnsmasq-dhcp`, `Stp`. */
  readonly program?: string;
  readonly pid?: number;
  /** Without time, host and program: `DHCPACK(tap7c0e4a10-aa) 10.61.0.14 fa:16:3e:5c:01:9a`. Printable text of at most 1,000 characters. */
  readonly text: string;
}

export interface SwitchPort {
  readonly switch: string;
  /** `Ethernet1/41`. */
  readonly port: string;
  /** What is connected, as the list names it: `cmp-41`. */
  readonly host: string;
}

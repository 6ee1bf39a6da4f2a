import type { ports, ReadContext, Remembered } from '../../kit.ts';
import type { RejectedHostKey } from '../../shared/host-survey.ts';
import type { ConsoleSample } from './samples.ts';

export type ConsoleContext = ReadContext<'hosts', 'cloud', ConsoleSample>;

export interface Facts {
  readonly hosts: readonly HostFacts[];
  readonly rejectedKeys: readonly RejectedHostKey[];
  readonly earlier: readonly Remembered<ConsoleSample>[];
}

export interface HostFacts {
  /** As findings name it. */
  readonly name: string;
  readonly source: string;
  /** As its source names it. */
  readonly host: string;
  readonly truncation: ports.ConfiguredPermission;
  /** The console logs that are large enough to matter, measured twice. */
  readonly logs: readonly ports.HostFileGrowth[];
  /** Read only if a log is large. Absent if it couldn't be read. */
  readonly mounts?: readonly ports.HostMount[];
  /** Who has console logs open. Absent if it wasn't or couldn't be read. */
  readonly openFiles?: readonly ports.OpenFile[];
  /** By the name of the folder. A folder that isn't listed has an unknown owner. */
  readonly owners: readonly Owner[];
}

export interface Owner {
  /** A UUID, or `instance-00000e05`. */
  readonly folder: string;
  /** Absent if no instance has this folder: every cloud was asked. */
  readonly server?: ports.CloudServer;
}

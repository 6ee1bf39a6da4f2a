import type { CertificateStore, CertificateWriter } from './certificates.ts';
import type { KeyValueStore, KeyValueWriter } from './key-value.ts';
import type { ProcessSupervisor, ProcessWriter } from './processes.ts';

/** All that checks can read: the sources of each port. An environment has the ports that its configuration names sources for. */
export interface Readers {
  readonly certificates: readonly CertificateStore[];
  readonly keyValue: readonly KeyValueStore[];
  readonly processes: readonly ProcessSupervisor[];
}

/** All that approved remediations can change. Each call names its source; one that may not act refuses. */
export interface Writers {
  readonly certificates: CertificateWriter;
  readonly keyValue: KeyValueWriter;
  readonly processes: ProcessWriter;
}

export type PortName = keyof Readers;

// The types of the ports: checks import them as `ports`.
export type * from './certificates.ts';
export type * from './key-value.ts';
export type * from './processes.ts';

import type { CertificateReader, CertificateWriter } from './certificates.ts';
import type { KeyValueReader, KeyValueWriter } from './key-value.ts';
import type { ProcessReader, ProcessWriter } from './processes.ts';

/** All that checks can read, by the role's name; an environment has those that its configuration names sources for. */
export interface Readers {
  readonly certificates: CertificateReader;
  readonly keyValue: KeyValueReader;
  readonly processes: ProcessReader;
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

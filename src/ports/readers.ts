import type { CertificateReader } from './certificates.ts';

/** All that checks can read, by the role's name; an environment has those that its configuration names sources for. */
export interface Readers {
  readonly certificates: CertificateReader;
}

export type PortName = keyof Readers;

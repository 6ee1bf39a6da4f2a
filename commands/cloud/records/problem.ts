import type { Finding } from '../../kit.ts';
import type { ArchiveParams } from './archive-params.ts';

export interface ArchiveOffer {
  readonly remediation: 'archive-deleted-rows';
  readonly params: ArchiveParams;
}

export type RecordFinding = Finding<ArchiveOffer>;

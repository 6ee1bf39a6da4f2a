import type { Evidence } from '../../kit.ts';
import { withoutSource } from '../../shared/sources.ts';
import type { TrustFile, TrustState } from './trust.ts';

const MAX_ROWS = 200;

/** Which trust file has which version, those that lack one first. Empty if none was read. */
export function trustTable({ both, onlyOld, onlyFresh, neither }: TrustState): readonly Evidence[] {
  const rowsOf = (files: readonly TrustFile[], has: string) =>
    files.map(({ place }) => [withoutSource(place), has]).toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1));
  const rows = [
    ...rowsOf(neither, 'neither version'),
    ...rowsOf(onlyOld, 'only the old version'),
    ...rowsOf(onlyFresh, 'only the new version'),
    ...rowsOf(both, 'both'),
  ];
  if (rows.length === 0) return [];
  return [{ kind: 'table', columns: ['Trust file', 'Has'], rows: rows.slice(0, MAX_ROWS) }];
}

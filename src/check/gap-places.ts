import type { Gap } from './finding.ts';
import type { TrackedFinding } from './tracked-finding.ts';

/**
 * Whether a finding is in a place that couldn't be checked completely: a gap names its target, one of its targets, or what these are in
 * (`vault:secret/cf` for `vault:secret/cf/router`). Two runs with the same gap need not have missed the same part of it: a scan that an outage stops
 * may stop elsewhere each time.
 */
export function makeIsInGap(
  gaps: readonly Gap[],
): (finding: Pick<TrackedFinding, 'target'> & { readonly targets?: readonly string[] }) => boolean {
  const unread = new Set(
    gaps.flatMap(({ what, unrelated }) => (unrelated ? [] : [what.replace(/[/:\s]+$/, '')])),
  );
  unread.delete('');
  const isUnread = (place: string) => {
    if (unread.has(place)) return true;
    for (const { index } of place.matchAll(/[/:\s]/g)) if (unread.has(place.slice(0, index))) return true;
    return false;
  };
  return ({ target, targets = [] }) => unread.size > 0 && [target, ...targets].some(isUnread);
}

/** The key of a gap, to compare two runs: a gap may stand for many places and name only some of them. */
export function gapIdentity({ what, placesId = '' }: Pick<Gap, 'what' | 'placesId'>): string {
  return placesId === '' ? what : `${what}\n${placesId}`;
}

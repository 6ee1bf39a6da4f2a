import type { Location, Report } from '../check/finding.ts';

/**
 * The corrections that a report proposes, as a unified diff for `git apply` or `patch -p1`. Empty if it has none. A line with a secret, which reports
 * hide, can't be applied.
 */
export function renderDiff(
  { findings }: Pick<Report, 'findings'>,
  { pathOf = ({ path }) => path }: { readonly pathOf?: (location: Location) => string } = {},
): string {
  return findings
    .flatMap(({ evidence = [], locations: [first] = [] }) =>
      evidence.flatMap((one) => {
        if (one.kind !== 'log' || !first || !one.lines[0]?.startsWith('--- a/')) return [];
        const path = pathOf(first);
        return [`--- a/${path}\n`, `+++ b/${path}\n`, ...one.lines.slice(2).map((line) => `${line}\n`)];
      }),
    )
    .join('');
}

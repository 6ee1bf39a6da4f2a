import type { Finding } from '../../kit.ts';

const RANK = { critical: 0, warning: 1, info: 2 } as const;
const ORDER = [
  'registration-stuck',
  'heartbeat-stopped',
  'process-failing',
  'instance-unresponsive',
  'process-starting',
  'registration-flapping',
];

export function compareSeverity(a: Finding, b: Finding): number {
  return RANK[a.severity] - RANK[b.severity];
}

/** In the order in which people should work on them. */
export function compareFindings(a: Finding, b: Finding): number {
  const place = ({ reason }: Finding) => (ORDER.includes(reason) ? ORDER.indexOf(reason) : ORDER.length);
  return (
    compareSeverity(a, b) || place(a) - place(b) || a.target.localeCompare(b.target, 'en', { numeric: true })
  );
}

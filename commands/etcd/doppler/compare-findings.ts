import type { Finding } from '../../kit.ts';
import { compareSeverity } from '../../shared/severity.ts';

const ORDER = [
  'registration-stuck',
  'heartbeat-stopped',
  'process-failing',
  'instance-unresponsive',
  'process-starting',
  'registration-flapping',
];

/** In the order in which people should work on them. */
export function compareFindings(a: Finding, b: Finding): number {
  const place = ({ reason }: Finding) => (ORDER.includes(reason) ? ORDER.indexOf(reason) : ORDER.length);
  return (
    compareSeverity(a, b) || place(a) - place(b) || a.target.localeCompare(b.target, 'en', { numeric: true })
  );
}

import type { Chart, Level, ports } from '../../kit.ts';
import { type KnownDates, neverEnds, type ValidityStatus } from '../../shared/certificate-validity.ts';

const DAY_MS = 86_400_000;
/** With fewer, the verdict is enough: `3 of 41 certificates have expired`. */
const MIN_CERTIFICATES = 5;
const MIN_BUCKETS = 3;

/** Each contains what is left after the previous ones. */
const BUCKETS: readonly (readonly [label: string, belowDays: number])[] = [
  ['under 7 days', 7],
  ['under 30 days', 30],
  ['under 90 days', 90],
  ['longer', Infinity],
];

/** Shown only if there are any. */
const RARE: Partial<Record<ValidityStatus['is'], string>> = {
  'never-valid': 'never valid',
  'not-yet-valid': 'not valid yet',
  undated: 'unreadable dates',
};

interface Dated {
  readonly certificate: Pick<KnownDates, 'notAfter'>;
  readonly status: Pick<ValidityStatus, 'is'>;
}

/** How many certificates have how much time left. Empty if the verdict says as much. */
export function timeLeftCharts(certificates: readonly Dated[], nowMs: number): readonly Chart[] {
  const labels = certificates.map(({ certificate, status }) => bucketOf(certificate, status, nowMs));
  if (labels.length < MIN_CERTIFICATES || new Set(labels).size < MIN_BUCKETS) return [];
  const rare = Object.values(RARE).filter((label) => labels.includes(label));
  const shown = ['expired', ...BUCKETS.map(([label]) => label), ...rare];
  const amounts = shown.map((label) => labels.filter((one) => one === label).length);
  return [
    {
      kind: 'bars',
      title: 'Certificates by time left',
      unit: 'certificates',
      labels: shown,
      series: [{ name: 'certificates', values: amounts }],
    },
  ];
}

function bucketOf({ notAfter }: Dated['certificate'], { is }: Dated['status'], nowMs: number): string {
  if (is === 'expired') return 'expired';
  const days = ((notAfter?.getTime() ?? NaN) - nowMs) / DAY_MS;
  return RARE[is] ?? BUCKETS.find(([, belowDays]) => days < belowDays)?.[0] ?? 'longer';
}

/** Whole days, rounded down; negative after it has expired. Absent if the end says nothing about the severity. */
export function daysLeft(
  certificate: Pick<ports.Certificate, 'notAfter'>,
  { is }: Pick<ValidityStatus, 'is'>,
  nowMs: number,
): { readonly level?: Level } {
  if ((is !== 'expired' && is !== 'expiring') || neverEnds(certificate)) return {};
  return {
    level: { value: Math.floor((certificate.notAfter.getTime() - nowMs) / DAY_MS), unit: 'days left' },
  };
}

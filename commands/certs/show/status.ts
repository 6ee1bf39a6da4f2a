import { type Finding, type ports, wording } from '../../kit.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** 9999-12-31 means "no expiry": https://www.rfc-editor.org/rfc/rfc5280#section-4.1.2.5 */
const NEVER_MS = 253_402_214_400_000;
/** Clocks differ by minutes; a certificate that begins later than that was issued in advance. */
const MAX_SKEW_MS = 10 * MINUTE_MS;
/** The defaults of `/certs expiring`: both must be reached. The share is of the lifetime. */
const WARNING = { days: 30, share: 0.33 };
const CRITICAL = { days: 7, share: 0.1 };

type Dates = Pick<ports.Certificate, 'notBefore' | 'notAfter'>;

export interface Status {
  readonly is: 'undated' | 'expired' | 'never-valid' | 'not-yet-valid' | 'expiring' | 'valid';
  /** How bad that is wherever the certificate is used; absent where it is valid. */
  readonly severity?: Finding['severity'];
  /** Continues a sentence after a name, or after `it`: `expired 10 hours ago`. */
  readonly says: string;
}

/** The status of a certificate at `nowMs`, judged and worded as in `/certs expiring` with its default thresholds. */
export function statusOf(certificate: Dates, nowMs: number): Status {
  const { notBefore, notAfter } = certificate;
  const [from, until] = [notBefore.getTime(), notAfter.getTime()];
  const order = `ends ${wording.utcTime(notAfter)}, before it begins ${wording.utcTime(notBefore)}`;
  if (Number.isNaN(from) || Number.isNaN(until))
    return { is: 'undated', severity: 'warning', says: 'has unreadable dates' };
  if (nowMs > until) {
    const ago = `expired ${wording.span(nowMs - until)} ago`;
    const says = from > until ? `${ago} and was never valid: it ${order}` : ago;
    return { is: 'expired', severity: 'critical', says };
  }
  if (from > until)
    return { is: 'never-valid', severity: 'critical', says: `can never be valid: it ${order}` };
  if (nowMs < from)
    return { is: 'not-yet-valid', severity: 'warning', says: describeEarly(notBefore, from - nowMs) };
  if (neverEnds(certificate)) return { is: 'valid', says: 'never expires' };
  const left = until - nowMs;
  const isAt = ({ days, share }: typeof WARNING) => left <= days * DAY_MS && left / (until - from) <= share;
  if (!isAt(WARNING))
    return { is: 'valid', says: `is valid for ${wording.span(left)}, until ${wording.utcTime(notAfter)}` };
  const says = `expires in ${wording.span(left)}, at ${wording.utcTime(notAfter)}`;
  return { is: 'expiring', severity: isAt(CRITICAL) ? 'critical' : 'warning', says };
}

export function neverEnds({ notAfter }: Pick<Dates, 'notAfter'>): boolean {
  return notAfter.getTime() >= NEVER_MS;
}

function describeEarly(notBefore: Date, ms: number): string {
  const begins = wording.utcTime(notBefore);
  return ms <= MAX_SKEW_MS
    ? `is not valid yet: it becomes valid in ${wording.span(ms)}, at ${begins}; it was just issued, or a clock is wrong`
    : `is not valid until ${begins}, in ${wording.span(ms)}`;
}

export function validity(dates: Dates): string {
  const { notBefore, notAfter } = dates;
  const [from, to] = [wording.utcTime(notBefore), wording.utcTime(notAfter)];
  if (notBefore > notAfter) return `never: it begins ${from} and ends ${to}`;
  return neverEnds(dates) ? `from ${from}, no expiry` : `${from} to ${to}`;
}

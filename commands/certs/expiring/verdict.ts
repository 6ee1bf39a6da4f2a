import { wording } from '../../kit.ts';

export interface Counts {
  readonly total: number;
  readonly expired: number;
  readonly expiring: number;
  readonly 'not-yet-valid': number;
  readonly undated: number;
  readonly 'on-schedule': number;
  /** Findings that are not about dates. */
  readonly problems: number;
}

/** The answer in one line: `3 of 41 certificates have expired, 2 more expire within 30 days`. */
export function verdictOf(counts: Counts, withinMs: number): string {
  const within = wording.span(withinMs);
  const parts = [
    { amount: counts.expired, one: 'has expired', many: 'have expired' },
    { amount: counts.expiring, one: `expires within ${within}`, many: `expire within ${within}` },
    { amount: counts['not-yet-valid'], one: 'is not valid yet', many: 'are not valid yet' },
    { amount: counts.undated, one: 'has unreadable dates', many: 'have unreadable dates' },
  ]
    .filter(({ amount }) => amount > 0)
    .map(({ amount, one, many }, at) => {
      const whose = at === 0 ? share(amount, counts.total) : `${amount} more`;
      return `${whose} ${amount === 1 ? one : many}`;
    });
  const others = wording.count(counts.problems, 'other problem');
  if (parts.length === 0) {
    const are = counts.problems === 1 ? 'is' : 'are';
    return counts.problems > 0 ? `${good(counts, within)}, but there ${are} ${others}` : good(counts, within);
  }
  const scheduled =
    counts.expiring > 0 && counts['on-schedule'] > 0 ? `, ${counts['on-schedule']} more on schedule` : '';
  return `${parts.join(', ')}${scheduled}${counts.problems > 0 ? `; ${others}` : ''}`;
}

function good({ total, 'on-schedule': scheduled }: Counts, within: string): string {
  if (scheduled > 0) {
    const rest = total - scheduled;
    const longer = rest > 0 ? `, ${rest} ${rest === 1 ? 'is' : 'are'} good for longer` : '';
    return `None of ${wording.count(total, 'certificate')} is due: ${scheduled} ${scheduled === 1 ? 'ends' : 'end'} within ${within} but on schedule${longer}`;
  }
  return total === 1
    ? `The one certificate is good for more than ${within}`
    : `All ${total} certificates are good for more than ${within}`;
}

function share(amount: number, total: number): string {
  if (amount < total) return `${amount} of ${total} certificates`;
  return total === 1 ? 'The one certificate' : `All ${total} certificates`;
}

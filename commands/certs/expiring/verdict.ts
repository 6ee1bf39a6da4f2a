import { type Finding, wording } from '../../kit.ts';
import type { PlaceProblem, Weakness } from '../../shared/certificate-problems.ts';
import type { DueStatus } from '../../shared/certificate-validity.ts';
import { shareOf } from '../../shared/grammar.ts';
import { compareSeverity } from '../../shared/severity.ts';
import { withoutSource } from '../../shared/sources.ts';
import type { SortableFinding } from './sort-findings.ts';
import { describeRoots, DUE_PHRASES } from './trust-stores.ts';

export interface VerdictInput {
  /** Certificates, without roots in trust stores and without expired or expiring ones that no chain needs. */
  readonly total: number;
  /** Places examined, trust stores not counted. */
  readonly placeCount: number;
  readonly dated: readonly Dated[];
  /** Certificates that are due only because their issuer ends before them. */
  readonly early: readonly Dated[];
  readonly onSchedule: number;
  /** Certificates that are due, in chains that do not need them. */
  readonly unneeded: readonly DueStatus['is'][];
  /** Roots that are in trust stores and nowhere else. */
  readonly trusted: { readonly total: number; readonly due: readonly DueStatus[] };
  /** Findings that are not about dates. */
  readonly problems: readonly Pick<SortableFinding, 'finding' | 'at'>[];
  readonly withinMs: number;
}

/** A certificate whose dates need action. */
export interface Dated {
  readonly is: DueStatus['is'];
  readonly severity: Finding['severity'];
  readonly leftMs: number;
}

/** A part of the verdict. Within one severity, the parts come in the order of `partsOf`. */
interface VerdictPart {
  readonly severity: Finding['severity'];
  /** How many findings it stands for. */
  readonly findings: number;
  /** About certificates and their dates: the first such part names the total, later ones say `more`. */
  readonly isDated?: true;
  readonly says: (at: Position) => string;
}

interface Position {
  /** It is at the start of the line. */
  readonly isFirst: boolean;
  /** It comes after another part about dates. */
  readonly isMore: boolean;
}

/** How many parts the verdict names; the others are counted. */
const MAX_PARTS = 4;

/**
 * The verdict in one line, the worst part first, whatever it is about: `3 of 41 certificates have expired, 2 more expire within 30 days`;
 * `The private key does not match the certificate at disk:/etc/x.pem; all 41 certificates are valid`.
 */
export function verdictOf(counted: VerdictInput): string {
  const parts = partsOf(counted).toSorted(compareSeverity);
  const [worst] = parts;
  if (!worst) return allValid(counted);
  const shown = parts
    .filter((part) => part === worst || part.severity === 'critical' || part.isDated)
    .slice(0, MAX_PARTS);
  const left = parts.filter((part) => !shown.includes(part)).reduce((sum, { findings }) => sum + findings, 0);
  const others = left > 0 ? [wording.count(left, 'other problem')] : [];
  if (counted.total === 0 || shown.some(({ isDated }) => isDated))
    return [inOneLine(shown, true), ...others].join('; ');
  // A part of severity `info` only follows the good news.
  return worst.severity === 'info'
    ? [allValid(counted), inOneLine(shown, false), ...others].join('; ')
    : [inOneLine(shown, true), ...others, restIsValid(counted)].join('; ');
}

function inOneLine(parts: readonly VerdictPart[], isStart: boolean): string {
  return parts
    .map(({ isDated, says }, at) => {
      const before = parts.slice(0, at);
      const text = says({
        isFirst: isStart && at === 0,
        isMore: before.some((one) => one.isDated === true),
      });
      if (at === 0) return text;
      return (isDated && before.at(-1)?.isDated ? ', ' : '; ') + text;
    })
    .join('');
}

function partsOf(counted: VerdictInput): readonly VerdictPart[] {
  const dated = (is: DueStatus['is']) => datedPart(counted, is);
  const problem = (reason: string) => problemPart(counted, reason);
  const critical = ['key-mismatch', 'chain-broken'];
  const lesser = Object.keys(PROBLEMS).filter((reason) => !critical.includes(reason));
  return [
    ...(['expired', 'never-valid', 'not-yet-valid'] as const).flatMap(dated),
    ...critical.flatMap(problem),
    ...dated('expiring'),
    ...earlyPart(counted),
    ...dated('undated'),
    ...lesser.flatMap(problem),
    ...unneededPart(counted),
    ...trustedPart(counted),
  ];
}

function datedPart(
  { dated, total, onSchedule, withinMs }: VerdictInput,
  is: DueStatus['is'],
): readonly VerdictPart[] {
  const these = dated.filter((one) => one.is === is);
  const severity = (['critical', 'warning', 'info'] as const).find((level) =>
    these.some((one) => one.severity === level),
  );
  if (!severity) return [];
  const amount = these.length;
  const firstMs = these.reduce((least, { leftMs }) => Math.min(least, leftMs), Infinity);
  const [one, many] = phrasesFor(is, severity, withinMs, firstMs);
  const scheduled = is === 'expiring' && onSchedule > 0 ? `, ${onSchedule} more on schedule` : '';
  return [
    {
      severity,
      findings: amount,
      isDated: true,
      says: ({ isFirst, isMore }) => {
        const whose = isMore ? `${amount} more` : shareOf(amount, total, 'certificate');
        const text = `${whose} ${amount === 1 ? one : many}${scheduled}`;
        return isFirst ? wording.capitalize(text) : text;
      },
    },
  ];
}

function earlyPart({ early, total, withinMs }: VerdictInput): readonly VerdictPart[] {
  const [worst] = early.toSorted(compareSeverity);
  if (!worst) return [];
  const isOver = early.every(({ is }) => is === 'expired');
  const [one, many] = isOver ? ['has ended', 'have ended'] : ['ends', 'end'];
  const amount = early.length;
  const within = isOver ? '' : ` within ${wording.span(withinMs)}`;
  return [
    {
      severity: worst.severity,
      findings: amount,
      isDated: true,
      says: ({ isFirst, isMore }) => {
        const whose = isMore ? `${amount} more` : shareOf(amount, total, 'certificate');
        const text = `${whose} ${amount === 1 ? one : many} with ${amount === 1 ? 'its' : 'their'} issuer${isMore ? '' : within}`;
        return isFirst ? wording.capitalize(text) : text;
      },
    },
  ];
}

function phrasesFor(
  is: DueStatus['is'],
  severity: Finding['severity'],
  withinMs: number,
  firstMs: number,
): readonly [one: string, many: string] {
  if (is !== 'expiring') return DUE_PHRASES[is];
  const within = `within ${wording.span(withinMs)}`;
  if (severity !== 'critical') return [`expires ${within}`, `expire ${within}`];
  const first = wording.span(firstMs);
  return [`expires in ${first}`, `expire ${within}, the first in ${first}`];
}

type Phrases = readonly [one: (place: string, isFirst: boolean) => string, many: (count: number) => string];

/** In the order in which they are shown. */
const PROBLEMS: Readonly<Record<string, Phrases>> = {
  'key-mismatch': [
    (place, isFirst) => `${isFirst ? 'The' : 'the'} private key does not match the certificate at ${place}`,
    (count) => `${count} places have a private key that does not match the certificate`,
  ],
  'chain-broken': served('a broken chain'),
  'no-alternative-name': served('a certificate that has no subject alternative name'),
  'name-mismatch': served('a certificate for another name'),
  'chain-incomplete': served('an incomplete chain'),
  'self-signed': served('a self-signed certificate'),
  'legacy-protocol': [
    (place) => `${withoutSource(place)} supports outdated TLS only`,
    (count) => `${count} sites support outdated TLS only`,
  ],
  'must-staple-without-staple': served('a must-staple certificate without an OCSP response'),
  'weak-key': weak('key'),
  'renewal-stuck': [
    (place) => `the renewal of ${withoutSource(place)} makes no progress`,
    (count) => `the renewals of ${count} certificates make no progress`,
  ],
  'issuer-ends-before-roles': [
    (place) => `${withoutSource(place)} ends before what its roles request, so it issues nothing`,
    (count) => `${count} issuers end before what their roles request, so they issue nothing`,
  ],
  'issuer-unused': [() => '1 unused issuer is due', (count) => `${count} unused issuers are due`],
  'weak-signature': weak('signature'),
} satisfies Record<PlaceProblem | Weakness, Phrases> & Readonly<Record<string, Phrases>>;

function served(what: string): Phrases {
  return [(place) => `${withoutSource(place)} serves ${what}`, (count) => `${count} sites serve ${what}`];
}

function weak(what: string): Phrases {
  return [() => `1 certificate has a weak ${what}`, (count) => `${count} certificates have a weak ${what}`];
}

function problemPart({ problems }: VerdictInput, reason: string): readonly VerdictPart[] {
  const these = problems.filter(({ finding }) => finding.reason === reason);
  const [first] = these.toSorted((a, b) => compareSeverity(a.finding, b.finding));
  const words = PROBLEMS[reason];
  if (!first || !words) return [];
  const count = these.reduce((sum, { at }) => sum + (at?.count ?? 1), 0);
  return [
    {
      severity: first.finding.severity,
      findings: these.length,
      says: ({ isFirst }) =>
        count === 1 ? words[0](first.at?.first ?? first.finding.target, isFirst) : words[1](count),
    },
  ];
}

function unneededPart({ unneeded }: VerdictInput): readonly VerdictPart[] {
  const amount = unneeded.length;
  if (amount === 0) return [];
  const subject = `${wording.count(amount, 'certificate')} that no chain needs`;
  const soon = unneeded.every((is) => is === 'expired') ? '' : ' or soon will';
  const says = () => `${subject} ${amount === 1 ? 'has' : 'have'} expired${soon}`;
  return [{ severity: 'info', findings: amount, says }];
}

function trustedPart({ trusted: { due } }: VerdictInput): readonly VerdictPart[] {
  return due.length > 0 ? [{ severity: 'info', findings: 1, says: () => describeRoots(due) }] : [];
}

function allValid({ total, placeCount, onSchedule, trusted, withinMs }: VerdictInput): string {
  const within = wording.span(withinMs);
  if (onSchedule > 0) {
    const which = total === 1 ? '1 certificate' : `${onSchedule} of ${total}`;
    return `No certificate is due: ${which} ${onSchedule === 1 ? 'expires' : 'expire'} within ${within}, on schedule`;
  }
  // If each certificate is in one place, the number of places adds nothing.
  const found = placeCount > total ? ` found in ${placeCount} places` : '';
  const roots = trusted.due.length === 0 ? trusted.total : 0;
  const parts = [
    ...(total > 0 ? [shareOf(total, total, 'certificate') + found] : []),
    ...(roots > 0
      ? [total > 0 ? wording.count(roots, 'trusted root') : shareOf(roots, roots, 'trusted root')]
      : []),
  ];
  return wording.capitalize(
    `${wording.list(parts)} ${total + roots === 1 ? 'is' : 'are'} valid for more than ${within}`,
  );
}

/** The end of a verdict that begins with problems other than dates. */
function restIsValid({ total, onSchedule }: VerdictInput): string {
  if (onSchedule > 0) return 'no certificate is due';
  return total === 1 ? 'the certificate is valid' : `${shareOf(total, total, 'certificate')} are valid`;
}

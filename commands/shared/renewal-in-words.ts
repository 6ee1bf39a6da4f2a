import { type ports, wording } from '../kit.ts';

/** What a plan says about a renewal. Without times relative to now: the plan is made again before it is applied, and compared. */
export interface RenewalInWords {
  readonly lines: readonly string[];
  /** One line for it among others. It must not depend on what other lines change. */
  readonly line: string;
  readonly targets: readonly string[];
  readonly impact: string;
  readonly afterwards: readonly string[];
  readonly untilVerified?: readonly string[];
  readonly settlesWithinSeconds?: number;
}

/** How many kept keys a plan names. */
const MAX_KEPT_NAMES = 12;
const MAX_NAMES = 5;
const DAY_MS = 86_400_000;
const SECOND_MS = 1_000;
/** In one outage the redeploy hung at the first cell, because its new peers rejected its old certificate. */
export const MUTUAL_TLS =
  'If both sides verify each other (mutual TLS), a deployment may hang until both have new certificates.';
const NEVER = '9999-12-31T23:59:59.000Z';
/** An order of ACME with DNS takes minutes. */
const ISSUING_SECONDS = 600;

export function describeRenewal(renewal: ports.Renewal): RenewalInWords {
  switch (renewal.method) {
    case 'sign':
      return describeSigned(renewal);
    case 'regenerate':
      return describeRegenerated(renewal);
    case 'issue':
      return describeIssued(renewal);
    default:
      return describeRequested(renewal);
  }
}

function describeSigned(renewal: ports.SignedRenewal): RenewalInWords {
  const { place, authority } = renewal;
  const isCounted = authority.nextSerial !== undefined && authority.place !== place;
  const targets = isCounted ? [authority.place, place] : [place];
  return {
    lines: [
      ...(isCounted ? [describeSerial(renewal)] : []),
      describeIssue(renewal, withSerial(renewal)),
      `Keep everything else in the secret: ${describeKept(renewal, renewal.intermediates)}`,
    ],
    // Without serials: each line changes the next serial of its authority, which several lines may share.
    line: `${describeIssue(renewal)}; everything else in the secret is kept`,
    targets,
    impact: `${describeWrites(targets)}; deploys nothing`,
    afterwards: [
      `Deploy what uses ${secretPath(place)}, then check with \`/certs show ${secretPath(place)}\` and on the live site that the new certificate is served.`,
      MUTUAL_TLS,
    ],
  };
}

/** A director pins the version at a deploy: https://github.com/cloudfoundry/credhub/blob/main/docs/bosh-config-server.md */
function describeRegenerated(renewal: ports.RegeneratedRenewal): RenewalInWords {
  const { place, name, asTransitional, signedBy, signs } = renewal;
  const path = secretPath(place);
  const by = signedBy ? `${signedBy.name}${until(signedBy.notAfter)}` : 'itself';
  const line = [
    `Generate a new version of ${path}${name === path ? '' : ` (${name})`}: new key, same names and duration`,
    `signed by ${by} (the current one expires ${moment(renewal.notAfter)})`,
  ].join(', ');
  const lines = asTransitional
    ? [
        line,
        'Mark the new version as transitional: it is trusted, and the current version stays in use and keeps signing',
      ]
    : [line];
  return {
    lines,
    line: lines.join('; '),
    targets: [place],
    impact: `Writes a new version of ${path} in ${sourceOf(place)}; deploys nothing`,
    afterwards: asTransitional
      ? [
          `Deploy every deployment that trusts ${path}, so that all instances trust both versions. Only then may the transitional flag move; \`/certs rotation\` shows the steps.`,
          ...(signs.length === 0
            ? []
            : [`Do not renew what it signs before that: ${wording.list(signs, MAX_NAMES)}.`]),
        ]
      : [
          `Deploy what uses ${path} with \`bosh deploy\`: a restart or a recreate keeps the version of the last deploy. Until then the old certificate is in use.`,
          MUTUAL_TLS,
        ],
  };
}

function describeIssued(renewal: ports.IssuedRenewal): RenewalInWords {
  const { place, name, role, ttlSeconds, issuer, alternativeNames } = renewal;
  const path = secretPath(place);
  const names = alternativeNames.length === 0 ? '' : `, for ${wording.list(alternativeNames, MAX_NAMES)}`;
  const line = [
    `Issue a new certificate for ${name} with the role ${role}${names}: new key`,
    `valid for ${lifetime(ttlSeconds * SECOND_MS)} (the current one expires ${moment(renewal.notAfter)})`,
    `signed by ${issuer.name}${until(issuer.notAfter)}`,
  ].join(', ');
  const kept =
    renewal.kept.length === 0
      ? []
      : [`Keep everything else in the secret: ${wording.list(renewal.kept, MAX_KEPT_NAMES)}`];
  return {
    lines: [line, `Write the certificate and its key to ${path}`, ...kept],
    line: `${line}; written to ${path}`,
    targets: [place],
    impact: `Writes a new version of ${path} in ${sourceOf(place)}; deploys nothing`,
    afterwards: [
      `Make what reads ${path} load it: deploy or restart it, then check with \`/certs show ${path}\` and on the live site that the new certificate is served.`,
      MUTUAL_TLS,
    ],
  };
}

/** https://kubernetes.io/docs/concepts/configuration/secret/#using-secrets-as-files-from-a-pod */
function describeRequested(renewal: ports.RequestedRenewal): RenewalInWords {
  const { name, issuer, writesTo, place } = renewal;
  const secret = secretPath(writesTo);
  const line = `Request a new certificate for ${name} from ${issuer} (the current one expires ${moment(renewal.notAfter)}); cert-manager writes it to the Secret ${secret}`;
  return {
    lines: [line],
    line,
    targets: [place],
    impact: `cert-manager issues a new certificate and writes the Secret ${secret} in ${sourceOf(place)}; restarts nothing`,
    afterwards: [
      `Pods get the Secret ${secret} within about two minutes, unless they mount it with \`subPath\` or as environment variables: restart those. A program must load the file again.`,
      'Check on the live site that the new certificate is served.',
    ],
    untilVerified: ['Issuing takes seconds, and with ACME and DNS some minutes.'],
    settlesWithinSeconds: ISSUING_SECONDS,
  };
}

function describeIssue(
  { place, name, notAfter, lifetimeMs, authority, signature }: ports.SignedRenewal,
  serial = '',
): string {
  const ends = moment(notAfter);
  const by = authority.place === place ? 'itself' : `${authority.name} (${secretPath(authority.place)})`;
  return [
    `Issue a new certificate for ${name} in ${secretPath(place)}: same key, names and extensions`,
    `valid for ${lifetime(lifetimeMs)}${describeLimit(authority.notAfter)} (the current one expires ${ends})`,
    `signed by ${by}${serial}`,
    ...(signature ? [`${signature.to} instead of ${signature.from}`] : []),
  ].join(', ');
}

function withSerial({ authority: { nextSerial } }: ports.SignedRenewal): string {
  return nextSerial === undefined ? ' with a random serial' : ` with serial ${nextSerial}`;
}

/** From ISO 8601: `2019-07-12 22:25 UTC`. */
export function moment(iso: string): string {
  return `${iso.slice(0, 16).replace('T', ' ')} UTC`;
}

function lifetime(ms: number): string {
  return ms >= DAY_MS ? wording.count(Math.floor(ms / DAY_MS), 'day') : wording.span(ms);
}

function describeLimit(authorityEnds: string): string {
  return authorityEnds === NEVER ? '' : `, but not longer than its authority, ${moment(authorityEnds)}`;
}

function describeSerial({ authority: { place, nextSerial } }: ports.SignedRenewal): string {
  const following = (BigInt(`0x${nextSerial}`) + 1n).toString(16);
  return `Set the next serial in ${secretPath(place)} to ${following}, so that ${nextSerial} is used only once`;
}

function describeKept({ kept }: Pick<ports.SignedRenewal, 'kept'>, intermediates: number): string {
  const behind =
    intermediates === 0 ? [] : [`${wording.count(intermediates, 'certificate')} behind it in the chain`];
  return wording.list(['the key', ...behind, ...kept], MAX_KEPT_NAMES);
}

function until(notAfter: string | undefined): string {
  return notAfter === undefined || notAfter === NEVER ? '' : ` (until ${moment(notAfter)})`;
}

/** Without the source, the key of a secret and the kind of an object: `secret/cf/bbs/locket/tls`, `shop/shop`. */
export function secretPath(place: string): string {
  return place
    .slice(place.indexOf(':') + 1)
    .replace(/:certificate$/, '')
    .replace(/^certificates\//, '');
}

export function sourceOf(place: string): string {
  return place.slice(0, place.indexOf(':'));
}

/** `Writes new versions of 14 secrets in vault`, by the places that change. */
export function describeWrites(places: readonly string[]): string {
  const written = [...new Set(places.map((place) => place.replace(/:certificate$/, '')))];
  const [only = ''] = written;
  const what =
    written.length === 1
      ? `a new version of ${secretPath(only)}`
      : `new versions of ${written.length} ${nounFor(places)}`;
  return `Writes ${what} in ${wording.list([...new Set(places.map(sourceOf))])}`;
}

/** Secrets of a Vault have several keys. */
export function nounFor(places: readonly string[]): 'secrets' | 'certificates' {
  return places.every((place) => /:.+:/.test(place)) ? 'secrets' : 'certificates';
}

import { type Finding, type ports, wording } from '../../kit.ts';
import { withoutSource, isNeeded, targetOf } from './expiry.ts';
import type { SortableFinding } from './sort-findings.ts';
import type { Severity } from './severity.ts';
import { type CertificateOccurrences, MAX_PLACES, type Site } from './group-by-fingerprint.ts';

interface SiteRule {
  readonly reason: string;
  readonly severity: Severity;
  readonly applies: (site: Site, leaf: ports.Certificate) => boolean;
  /** What several sites have in common; they are then one finding, named by it. */
  readonly cause?: (site: Site) => string;
  /** Goes on after the names of the places. */
  readonly says: (site: Site, leaf: ports.Certificate) => string;
}

/**
 * Critical where no client can connect or no server can start; warning where strict clients refuse the connection and others do not yet.
 * That a site requires a client certificate is no problem: it is meant to, and the evidence says so.
 */
const SITE_RULES: readonly SiteRule[] = [
  {
    reason: 'key-mismatch',
    severity: 'critical',
    applies: ({ keyMatches }) => keyMatches === false,
    says: (_, leaf) =>
      `the private key does not match the certificate of ${leaf.name}: a server that loads both fails to start`,
  },
  {
    reason: 'chain-broken',
    severity: 'critical',
    applies: ({ served }) => served?.path === 'broken',
    says: ({ path }) => `broken chain: the issuer it serves did not sign ${path[0].name}`,
  },
  {
    reason: 'no-alternative-name',
    severity: 'warning',
    applies: ({ served }, leaf) => served?.nameMatches === false && leaf.alternativeNames.length === 0,
    says: (_, leaf) =>
      `the certificate has no subject alternative name, only the CN ${leaf.name}: browsers and Go (since 1.15) ignore the CN`,
  },
  {
    reason: 'name-mismatch',
    severity: 'warning',
    applies: ({ served }, leaf) => served?.nameMatches === false && leaf.alternativeNames.length > 0,
    says: ({ places, served }, leaf) =>
      `the certificate is for ${wording.list(namesOf(leaf))}, not for ${places[0]?.asked ?? served?.address ?? 'that address'}`,
  },
  {
    reason: 'chain-incomplete',
    severity: 'warning',
    applies: ({ served }) => served?.path === 'incomplete',
    // A private root that is not in `trust` is one problem, not one for each site.
    cause: ({ path }) => `issuer ${path.at(-1)?.issuer ?? ''}`,
    says: ({ path }) =>
      `incomplete chain: the issuer ${path.at(-1)?.issuer || '(unnamed)'} is neither served nor a known root: serve the missing intermediate, or add a private root to \`trust\` of the source`,
  },
  {
    reason: 'self-signed',
    severity: 'warning',
    applies: ({ served }) => served?.path === 'self-signed',
    says: (_, leaf) =>
      `${leaf.name} is self-signed: only clients configured to trust this certificate accept it`,
  },
  {
    reason: 'legacy-protocol',
    severity: 'warning',
    applies: ({ served }) => served?.protocol !== undefined && /^(SSL|TLSv1(\.[01])?$)/.test(served.protocol),
    says: ({ served }) =>
      `supports ${served?.protocol?.replace(/^TLSv1$/, 'TLSv1.0').replace('TLSv', 'TLS ') ?? 'an outdated protocol'} and nothing newer: current clients refuse it`,
  },
  {
    reason: 'must-staple-without-staple',
    severity: 'warning',
    // A handshake that ends for lack of a client certificate may end before the response is sent.
    applies: ({ served }, leaf) =>
      leaf.mustStaple && served !== undefined && !served.stapled && !served.clientCertificateRequired,
    says: (_, leaf) =>
      `${leaf.name} requires a stapled OCSP response (must-staple), and none was sent: Firefox refuses it`,
  },
];

/** What is wrong with sites besides dates; each reason is a finding of its own. */
export function siteProblems(sites: readonly Site[]): SortableFinding[] {
  return SITE_RULES.flatMap(({ reason, severity, applies, cause, says }) => {
    const affected = sites.filter((site) => applies(site, site.path[0]));
    const groups = Map.groupBy(affected, (site) => cause?.(site) ?? site);
    return [...groups].map(([by, group]) => {
      const site = merge(group);
      const first = site.places[0]?.place ?? site.path[0].name;
      const target = typeof by === 'string' ? by : first;
      const summary = `${placesOf(site)}: ${says(site, site.path[0])}`;
      const untilMs = Math.min(...group.map(({ path }) => path[0].notAfter.getTime()));
      const finding = { reason, severity, target, summary, evidence: siteEvidence(site) };
      return { finding, untilMs, at: { first, count: site.count } };
    });
  });
}

/** The sites as one, with the first of their places in order. */
function merge(group: readonly Site[]): Site {
  const [first] = group;
  if (!first) throw new TypeError('a group holds at least one site');
  if (group.length === 1) return first;
  const places = group
    .flatMap((site) => site.places)
    .toSorted((a, b) => (a.place < b.place ? -1 : 1))
    .slice(0, MAX_PLACES);
  return { ...first, places, count: group.reduce((sum, { count }) => sum + count, 0) };
}

/**
 * Keys and signatures too weak for current clients. Where it is only stored it may never be served, so it is information. In trust stores
 * nothing is reported: systems keep old roots for old signatures, and they cannot be replaced here.
 */
export function weaknesses(occurrences: CertificateOccurrences): SortableFinding[] {
  const { certificate, places, live, count } = occurrences;
  if (!isNeeded(occurrences)) return [];
  const { key, signature, selfSigned, name } = certificate;
  const severity: Severity = live ? 'warning' : 'info';
  const evidence = [
    { kind: 'field', label: 'Key', value: [key.type, key.curve ?? key.bits].filter(Boolean).join(' ') },
    { kind: 'field', label: 'Signature', value: signature },
    { kind: 'field', label: 'Issuer', value: certificate.issuer },
    { kind: 'field', label: 'SHA-256', value: certificate.fingerprint },
  ] as const;
  const base = { severity, target: targetOf(occurrences), evidence };
  const at = `${name} (${wording.list(
    places.map(({ place }) => place),
    1,
    count,
  )})`;
  const findings: Finding<never>[] = [];
  if (key.type.startsWith('rsa') && key.bits !== undefined && key.bits < 2048)
    findings.push({
      ...base,
      reason: 'weak-key',
      summary: `${at} has an RSA key of ${key.bits} bits: OpenSSL 3 and browsers refuse keys shorter than 2048 bits`,
    });
  // Nobody verifies the signature of a root.
  if (!selfSigned && /sha-?1(?!\d)|md[245]/i.test(signature))
    findings.push({
      ...base,
      reason: 'weak-signature',
      summary: `${at} is signed with ${signature}, which clients refuse because it can be forged`,
    });
  const first = places[0].place;
  return findings.map((finding) => ({
    finding,
    untilMs: certificate.notAfter.getTime(),
    at: { first, count: 1 },
  }));
}

function placesOf({ places, count }: Site): string {
  const named = places.map(({ place }) => withoutSource(place));
  return count === 1 ? (named[0] ?? '') : `${count} places (${wording.list(named, 2, count)})`;
}

function namesOf({ alternativeNames }: ports.Certificate): readonly string[] {
  return alternativeNames.map((one) => one.replace(/^(DNS|IP):/, ''));
}

function siteEvidence({ path, served, places, count }: Site): NonNullable<Finding['evidence']> {
  const chain = path.map(({ name, issuer, notAfter }) => [name, issuer, wording.utcTime(notAfter)]);
  const handshake = served && [
    served.protocol ?? 'unknown protocol',
    served.stapled ? 'OCSP response stapled' : 'no stapled OCSP response',
    ...(served.clientCertificateRequired ? ['client certificate required'] : []),
    ...(served.legacyOnly ? ['outdated algorithms only'] : []),
  ];
  return [
    ...(handshake ? [{ kind: 'field', label: 'Handshake', value: handshake.join(', ') } as const] : []),
    { kind: 'table', columns: ['Chain', 'Issuer', 'Expires'], rows: chain },
    ...(count > 1
      ? [
          {
            kind: 'table',
            columns: ['Place', 'Server name'],
            rows: places.map((one) => [one.place, one.asked ?? '']),
          } as const,
        ]
      : []),
  ];
}

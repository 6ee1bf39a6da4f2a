import { type Finding, type ports, wording } from '../../kit.ts';
import { bare, targetOf } from './expiry.ts';
import type { Task } from './order.ts';
import type { Severity } from './severity.ts';
import { type Held, MOST_PLACES, type Site } from './tally.ts';

interface Problem {
  readonly reason: string;
  readonly severity: Severity;
  readonly holds: (site: Site, leaf: ports.Certificate) => boolean;
  /** What several sites suffer from at once; they are then one finding, named by it. */
  readonly cause?: (site: Site) => string;
  /** Goes on after the names of the places. */
  readonly says: (site: Site, leaf: ports.Certificate) => string;
}

/**
 * Critical where no client can get through or no server can start; warning where strict clients are refused, and others not yet.
 * A client certificate being required is no problem: it is how the site is meant to be, and stands in the evidence.
 */
const SITE_PROBLEMS: readonly Problem[] = [
  {
    reason: 'key-mismatch',
    severity: 'critical',
    holds: ({ keyMatches }) => keyMatches === false,
    says: (_, leaf) =>
      `the private key there does not belong to ${leaf.name}: what loads the two will not start`,
  },
  {
    reason: 'chain-broken',
    severity: 'critical',
    holds: ({ served }) => served?.path === 'broken',
    says: ({ path }) =>
      `the chain does not hold: the signature on ${path[0].name} is not by the issuer that is served`,
  },
  {
    reason: 'name-mismatch',
    severity: 'warning',
    holds: ({ served }) => served?.nameMatches === false,
    says: ({ places, served }, leaf) =>
      leaf.alternativeNames.length > 0
        ? `the certificate is for ${wording.list(namesOf(leaf))}, and not for ${places[0]?.asked ?? served?.address ?? 'that address'}`
        : `the certificate has no subject alternative name, only the CN ${leaf.name}: browsers, and Go since 1.15, take no notice of it`,
  },
  {
    reason: 'chain-incomplete',
    severity: 'warning',
    holds: ({ served }) => served?.path === 'incomplete',
    // A private root that nobody named is not thirty problems.
    cause: ({ path }) => `issuer ${path.at(-1)?.issuer ?? ''}`,
    says: ({ path }) =>
      `the chain ends at ${path.at(-1)?.issuer || 'an unnamed issuer'}, which is neither served nor a known root: serve the missing intermediate, or, for a private root, name it in the source's \`trust\``,
  },
  {
    reason: 'self-signed',
    severity: 'warning',
    holds: ({ served }) => served?.path === 'self-signed',
    says: (_, leaf) =>
      `${leaf.name} is signed by itself: only clients told to trust this very certificate accept it`,
  },
  {
    reason: 'legacy-protocol',
    severity: 'warning',
    holds: ({ served }) => served?.protocol !== undefined && /^(SSL|TLSv1(\.[01])?$)/.test(served.protocol),
    says: ({ served }) =>
      `speaks ${served?.protocol?.replace(/^TLSv1$/, 'TLSv1.0').replace('TLSv', 'TLS ') ?? 'an old protocol'} and nothing newer: clients of today refuse it`,
  },
  {
    reason: 'must-staple-without-staple',
    severity: 'warning',
    // Where the handshake ends for want of a client certificate, the staple may not have had its turn.
    holds: ({ served }, leaf) =>
      leaf.mustStaple && served !== undefined && !served.stapled && !served.clientCertificateRequired,
    says: (_, leaf) => `${leaf.name} demands a stapled OCSP answer and none came: Firefox refuses it`,
  },
];

/** What is wrong with sites besides dates; each reason is a finding of its own. */
export function siteProblems(sites: readonly Site[]): Task[] {
  return SITE_PROBLEMS.flatMap(({ reason, severity, holds, cause, says }) => {
    const suffering = sites.filter((site) => holds(site, site.path[0]));
    const groups = Map.groupBy(suffering, (site) => cause?.(site) ?? site);
    return [...groups].map(([by, group]) => {
      const site = merge(group);
      const target = typeof by === 'string' ? by : (site.places[0]?.place ?? site.path[0].name);
      const summary = `${placesOf(site)}: ${says(site, site.path[0])}`;
      const untilMs = Math.min(...group.map(({ path }) => path[0].notAfter.getTime()));
      return { finding: { reason, severity, target, summary, evidence: siteEvidence(site) }, untilMs };
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
    .slice(0, MOST_PLACES);
  return { ...first, places, count: group.reduce((sum, { count }) => sum + count, 0) };
}

/** Keys and signatures too weak for clients of today. What is stored only may never be served, and is told as information. */
export function weaknesses(held: Held): Task[] {
  const { certificate, places, live, count } = held;
  if (places.every(({ as }) => as === 'extra')) return [];
  const { key, signature, selfSigned, name } = certificate;
  const severity: Severity = live ? 'warning' : 'info';
  const evidence = [
    { kind: 'field', label: 'Key', value: [key.type, key.curve ?? key.bits].filter(Boolean).join(' ') },
    { kind: 'field', label: 'Signature', value: signature },
    { kind: 'field', label: 'Issuer', value: certificate.issuer },
    { kind: 'field', label: 'SHA-256', value: certificate.fingerprint },
  ] as const;
  const base = { severity, target: targetOf(held), evidence };
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
      summary: `${at} has an RSA key of ${key.bits} bits: fewer than 2048 are refused by OpenSSL 3 and by browsers`,
    });
  // Nobody verifies what a root says about itself.
  if (!selfSigned && /sha-?1(?!\d)|md[245]/i.test(signature))
    findings.push({
      ...base,
      reason: 'weak-signature',
      summary: `${at} is signed with ${signature}, which can be forged and which clients refuse`,
    });
  return findings.map((finding) => ({ finding, untilMs: certificate.notAfter.getTime() }));
}

function placesOf({ places, count }: Site): string {
  const named = places.map(({ place }) => bare(place));
  return count === 1 ? (named[0] ?? '') : `${count} places (${wording.list(named, 2, count)})`;
}

function namesOf({ alternativeNames }: ports.Certificate): readonly string[] {
  return alternativeNames.map((one) => one.replace(/^(DNS|IP):/, ''));
}

function siteEvidence({ path, served, places, count }: Site): NonNullable<Finding['evidence']> {
  const chain = path.map(({ name, issuer, notAfter }) => [name, issuer, wording.moment(notAfter)]);
  const handshake = served && [
    served.protocol ?? 'protocol not known',
    served.stapled ? 'OCSP answer stapled' : 'no OCSP answer stapled',
    ...(served.clientCertificateRequired ? ['client certificate required'] : []),
    ...(served.legacyOnly ? ['reached only with algorithms of another age'] : []),
  ];
  return [
    ...(handshake ? [{ kind: 'field', label: 'Handshake', value: handshake.join(', ') } as const] : []),
    { kind: 'table', columns: ['Path', 'Issuer', 'Until'], rows: chain },
    ...(count > 1
      ? [
          {
            kind: 'table',
            columns: ['Place', 'Name asked for'],
            rows: places.map((one) => [one.place, one.asked ?? '']),
          } as const,
        ]
      : []),
  ];
}

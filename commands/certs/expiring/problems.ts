import { type Evidence, type ports, wording } from '../../kit.ts';
import { byPlace, type CertificateOccurrences, MAX_PLACES } from '../../shared/certificate-occurrences.ts';
import {
  PLACE_RULES,
  type PlaceProblem,
  type Weakness,
  weaknessesOf,
} from '../../shared/certificate-problems.ts';
import { field } from '../../shared/evidence.ts';
import { withoutSource } from '../../shared/sources.ts';
import type { Site } from './collect.ts';
import { targetOf } from './expiry.ts';
import type { SortableFinding } from './sort-findings.ts';

/** Continues a sentence after the names of the places. */
const SITE_WORDS: Readonly<Record<PlaceProblem, (site: Site, leaf: ports.Certificate) => string>> = {
  'key-mismatch': (_, leaf) =>
    `the private key does not match the certificate of ${leaf.name}. A server that loads both fails to start`,
  'chain-broken': (_, leaf) => `broken chain: the issuer it serves did not sign ${leaf.name}`,
  'no-alternative-name': (_, leaf) =>
    `the certificate has no subject alternative name, only the CN ${leaf.name}: browsers and Go (since 1.15) ignore the CN`,
  'name-mismatch': ({ places, served }, leaf) =>
    `the certificate is for ${wording.list(namesOf(leaf))}, not for ${places[0]?.asked ?? served?.address ?? 'that address'}`,
  'chain-incomplete': () =>
    'incomplete chain: its last issuer is neither served nor a known root. Serve the missing intermediate, or add a private root to `trust` of the source',
  'self-signed': (_, leaf) =>
    `${leaf.name} is self-signed: only clients configured to trust this certificate accept it`,
  'legacy-protocol': ({ served }) =>
    `supports nothing newer than ${served?.protocol?.replace(/^TLSv1$/, 'TLSv1.0').replace('TLSv', 'TLS ') ?? 'an outdated protocol'}: current clients reject it`,
  'must-staple-without-staple': (_, leaf) =>
    `${leaf.name} requires a stapled OCSP response (must-staple), and none was sent: Firefox rejects it`,
};

/**
 * What several sites have in common. They are then one finding with this target: a private root that is missing in `trust` is one problem,
 * not one per site.
 */
const CAUSES: Partial<Record<PlaceProblem, (site: Site) => string>> = {
  'chain-incomplete': ({ path }) => `issuer ${path.at(-1)?.issuer ?? ''}`,
};

/** Problems of sites other than dates. Each reason is a separate finding. */
export function siteProblems(sites: readonly Site[]): SortableFinding[] {
  return PLACE_RULES.flatMap(({ reason, severity, applies }) => {
    const affected = sites.filter((site) => applies(site, site.path[0]));
    const groups = Map.groupBy(affected, (site) => CAUSES[reason]?.(site) ?? site);
    return [...groups].map(([by, group]) => {
      const site = merge(group);
      const first = site.places[0]?.place ?? site.path[0].name;
      const target = typeof by === 'string' ? by : first;
      const summary = `${placesOf(site)}: ${SITE_WORDS[reason](site, site.path[0])}`;
      const untilMs = Math.min(...group.map(({ path }) => path[0].notAfter.getTime()));
      const finding = { reason, severity, target, summary, evidence: siteEvidence(site, reason) };
      return { finding, untilMs, at: { first, count: site.count } };
    });
  });
}

/** The sites combined, with the first of their places in order. */
function merge(group: readonly Site[]): Site {
  const [first] = group;
  if (!first) throw new TypeError('a group has at least one site');
  if (group.length === 1) return first;
  const places = group
    .flatMap((site) => site.places)
    .toSorted(byPlace)
    .slice(0, MAX_PLACES);
  return { ...first, places, count: group.reduce((sum, { count }) => sum + count, 0) };
}

/** Continues a sentence after the certificate's name and place. */
const WEAKNESS_WORDS: Readonly<Record<Weakness, (certificate: ports.Certificate) => string>> = {
  'weak-key': ({ key }) =>
    `has an RSA key of ${key.bits} bits: OpenSSL 3 and browsers reject keys shorter than 2048 bits`,
  'weak-signature': ({ signature }) =>
    `is signed with ${signature}, which clients reject because it can be forged`,
};

export function weaknesses(occurrences: CertificateOccurrences): SortableFinding[] {
  const { certificate, places, count } = occurrences;
  const { key, signature, name } = certificate;
  const first = places[0].place;
  const others = count > 1 ? ` and ${count - 1} more` : '';
  return weaknessesOf(occurrences).map(({ reason, severity }) => {
    // The summary has the other one.
    const other =
      reason === 'weak-key'
        ? field('Signature', signature)
        : field('Key', [key.type, key.curve ?? key.bits].filter(Boolean).join(' '));
    const evidence = [other, field('Issuer', certificate.issuer), field('SHA-256', certificate.fingerprint)];
    const summary = `${name} (${first}${others}) ${WEAKNESS_WORDS[reason](certificate)}`;
    return {
      finding: { reason, severity, target: targetOf(occurrences), summary, evidence },
      untilMs: certificate.notAfter.getTime(),
      at: { first, count: 1 },
    };
  });
}

function placesOf({ places, count }: Site): string {
  const named = places.map(({ place }) => withoutSource(place));
  return count === 1 ? (named[0] ?? '') : `${count} places (${wording.list(named, 2, count)})`;
}

function namesOf({ alternativeNames }: ports.Certificate): readonly string[] {
  return alternativeNames.map((one) => one.replace(/^(DNS|IP):/, ''));
}

function siteEvidence({ path, served, places, count }: Site, reason: PlaceProblem): readonly Evidence[] {
  const handshake = served && [
    ...(reason === 'legacy-protocol' ? [] : [served.protocol ?? 'unknown protocol']),
    ...(reason === 'must-staple-without-staple'
      ? []
      : [served.stapled ? 'OCSP response stapled' : 'no stapled OCSP response']),
    ...(served.clientCertificateRequired ? ['client certificate required'] : []),
    ...(served.legacyOnly ? ['outdated algorithms only'] : []),
  ];
  const chain: Evidence = {
    kind: 'table',
    columns: ['Chain', 'Issuer', 'Expires'],
    rows: path.map(({ name, issuer, notAfter }) => [name, issuer, wording.utcTime(notAfter)]),
  };
  const where: Evidence = {
    kind: 'table',
    columns: ['Place', 'Server name'],
    rows: places.map((one) => [one.place, one.asked ?? '']),
  };
  return [
    ...(handshake ? [field('Handshake', handshake.join(', '))] : []),
    chain,
    ...(count > 1 ? [where] : []),
  ];
}

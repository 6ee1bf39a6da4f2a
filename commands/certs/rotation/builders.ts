import type { ports } from '../../kit.ts';
import { certificate, managedInCredHub, signedCertificate } from '../../shared/builders.ts';
import type { SurveyedCertificate, SurveyedPlace } from '../../shared/certificate-survey.ts';
import type { Facts } from './facts.ts';

/** Builders for stories and tests. */

export function factsOf(known: Partial<Facts>): Facts {
  return {
    places: [],
    managed: [],
    issuers: [],
    directors: [],
    clusters: [],
    unread: [],
    unreadDirectors: [],
    earlier: [],
    ...known,
  };
}

/** A certificate of CredHub that Wrench may regenerate, with what was read of its contents. */
export function inCredHub(
  name: string,
  versions: Parameters<typeof managedInCredHub>[1],
  known: Partial<SurveyedCertificate> = {},
): SurveyedCertificate {
  return {
    ...managedInCredHub(name, versions, { id: `id-of${name.replaceAll('/', '-')}`, renewable: true }),
    store: 'credhub',
    contents: [],
    ...known,
  };
}

/** An authority that signs itself: `authority('/bosh/cf/ca', [...])`, newest version first. */
export function authority(
  name: string,
  versions: Parameters<typeof managedInCredHub>[1],
  known: Partial<SurveyedCertificate> = {},
): SurveyedCertificate {
  return inCredHub(
    name,
    versions.map((one) => ({ authority: true, selfSigned: true, ...one })),
    { signedBy: name, ...known },
  );
}

/** The content of a version: an authority if it has a key, else a leaf. */
export function content(
  id: string,
  name: string,
  until: string,
  spec: Parameters<typeof signedCertificate>[2],
  trusts: readonly ports.Certificate[] = [],
): ports.VersionContent {
  return { id, chain: [signedCertificate(name, until, spec)], trusts };
}

/** A file on an instance with the authorities that it trusts; those that don't sign each other are places of their own. */
export function trustFile(
  host: string,
  file: string,
  trusted: readonly ports.Certificate[],
): readonly SurveyedPlace[] {
  return trusted.map((one, at) => ({
    kind: 'seen',
    store: 'hosts',
    role: 'stored',
    host,
    place: `hosts:${host}:${file}${at === 0 ? '' : `#${at + 1}`}`,
    chain: [one],
  }));
}

/** A secret of Vault with its key, which Wrench may renew. */
export function inVault(
  path: string,
  leaf: ports.Certificate,
  known: Partial<SurveyedPlace> = {},
): SurveyedPlace {
  return {
    kind: 'seen',
    store: 'vault',
    role: 'stored',
    place: `vault:${path}:certificate`,
    chain: [leaf],
    keyMatches: true,
    renewable: true,
    ...known,
  };
}

/** What a site serves. */
export function servedAt(site: string, leaf: ports.Certificate): SurveyedPlace {
  return { kind: 'seen', store: 'edge', role: 'served', place: `edge:${site}`, chain: [leaf] };
}

/** A director with the versions that it has deployed: `{ '/bosh/cf/ca': 'version' }`. */
export function director(
  deployment: string,
  versions: Readonly<Record<string, string | { readonly version: string; readonly until: string }>>,
  tasks: readonly ports.DirectorTask[] = [],
): Facts['directors'][number] {
  const certificates = Object.entries(versions).map(([name, known]) =>
    typeof known === 'string'
      ? { name, version: known }
      : { name, version: known.version, notAfter: new Date(known.until) },
  );
  return { source: 'bosh', deployed: [{ deployment, certificates }], own: [], tasks, deployments: [] };
}

/** A Certificate of cert-manager that is ready. */
export function ofCertManager(
  name: string,
  secret: string,
  {
    from,
    until,
    due,
    ...automation
  }: { readonly from: string; readonly until: string; readonly due: string } & Partial<ports.Automation>,
): SurveyedCertificate {
  const [namespace = ''] = name.split('/');
  return {
    kind: 'managed',
    store: 'prod',
    place: `prod:certificates/${name}`,
    name,
    renewedBy: 'automatic',
    renewable: true,
    contents: [],
    versions: [
      {
        id: '2',
        transitional: false,
        notBefore: new Date(from),
        notAfter: new Date(until),
        authority: automation.isAuthority ?? false,
      },
    ],
    automation: {
      dnsNames: [],
      isAuthority: false,
      writesTo: `prod:${namespace}/${secret}`,
      issuer: { name: 'Issuer platform' },
      dueAt: new Date(due),
      ready: { status: 'True' },
      revision: 2,
      ...automation,
    },
  };
}

/** The content of a Secret. */
export function inSecret(
  name: string,
  leaf: ports.Certificate,
  trusts: readonly ports.Certificate[] = [],
): SurveyedPlace {
  return {
    kind: 'seen',
    store: 'prod',
    role: 'stored',
    place: `prod:${name}:tls.crt`,
    chain: [leaf],
    keyMatches: true,
    trusts,
  };
}

/** An issuer of Vault's PKI with one role, which issues for 90 days. */
export function issuer(
  name: string,
  until: string,
  known: Partial<ports.PkiIssuer> = {},
): Facts['issuers'][number] {
  return {
    kind: 'issuer',
    store: 'vault',
    place: `vault:pki/issuer/${name}`,
    name,
    chain: [
      signedCertificate(name, until, {
        issuer: name,
        key: name,
        signedWith: 'root key',
        selfSigned: false,
        notBefore: new Date('2022-01-14'),
      }),
    ],
    isDefault: true,
    issues: true,
    beyondEnd: 'err',
    roles: [{ name: 'edge', ttlSeconds: 90 * 86_400, maxTtlSeconds: 90 * 86_400 }],
    ...known,
  };
}

export { certificate, signedCertificate };

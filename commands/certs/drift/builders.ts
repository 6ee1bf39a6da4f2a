import type { ports } from '../../kit.ts';
import { certificate } from '../../shared/builders.ts';
import type {
  CertificateSurvey,
  SurveyedCertificate,
  SurveyedPlace,
} from '../../shared/certificate-survey.ts';
import { handshake, hexOf } from '../../shared/fixture-sources.ts';
import type { SurveyedDirector } from '../../shared/survey-directors.ts';
import type { Facts } from './collect.ts';

/** Builders for the stories, fixtures and tests of this check. */

interface Issued {
  readonly from: string;
  readonly until: string;
  readonly issuer?: string;
  /** Which key of the issuer signed it. */
  readonly key?: string;
}

const CA = 'O=Cloud Foundry, CN=diego-ca';

/** A leaf. Another period is another certificate with another key. */
export function leaf(
  name: string,
  { from, until, issuer = CA, key = 'key of the CA' }: Issued,
  known: Partial<ports.Certificate> = {},
): ports.Certificate {
  return certificate(name, until, {
    fingerprint: digest(`${name} ${from} ${until} ${key}`),
    publicKey: digest(`key of ${name} ${from} ${until} ${issuer} ${key}`),
    notBefore: new Date(from),
    issuer,
    authorityKeyId: digest(key).slice(0, 40),
    subjectKeyId: digest(`id of ${name} ${from} ${until}`).slice(0, 40),
    ...known,
  });
}

/** Of an authority named in `CN=`. */
export function authority(
  subject: string,
  { from, until, key }: Omit<Issued, 'issuer'> & { readonly key: string },
) {
  return leaf(
    subject.replace(/.*CN=/, ''),
    { from, until, issuer: subject, key },
    {
      subject,
      authority: true,
      selfSigned: true,
      alternativeNames: [],
      subjectKeyId: digest(key).slice(0, 40),
    },
  );
}

function digest(text: string): string {
  let state = 7;
  for (const byte of Buffer.from(text)) state = (state * 31 + byte) % 2_147_483_647;
  return hexOf(`${state} ${text}`, 64).slice(0, 64);
}

export function stored(
  place: string,
  chain: SurveyedPlace['chain'] | ports.Certificate,
  known: Partial<SurveyedPlace> = {},
): SurveyedPlace {
  const all = Array.isArray(chain) ? (chain as SurveyedPlace['chain']) : ([chain] as SurveyedPlace['chain']);
  return {
    kind: 'seen',
    place,
    chain: all,
    store: place.slice(0, place.indexOf(':')),
    role: 'stored',
    ...known,
  };
}

/** `served('10.0.32.21:1801', leaf(…), { host: 'diego-cell/0a' })`, which demands a client certificate unless told otherwise. */
export function served(
  address: string,
  certificateServed: ports.Certificate,
  {
    servername,
    open,
    ...known
  }: Partial<SurveyedPlace> & { readonly servername?: string; readonly open?: true } = {},
): SurveyedPlace {
  return {
    kind: 'seen',
    place: `edge:${servername === undefined ? '' : `${servername}@`}${address}`,
    chain: [certificateServed],
    store: 'edge',
    role: 'served',
    served: handshake(servername ?? '', { address, clientCertificateRequired: open !== true }),
    ...known,
  };
}

export function managed(
  place: string,
  versions: readonly (Partial<ports.CertificateVersion> & { readonly id: string; readonly until: string })[],
  known: Partial<SurveyedCertificate> = {},
): SurveyedCertificate {
  return {
    kind: 'managed',
    place,
    name: place.slice(place.indexOf(':') + 1),
    versions: versions.map(({ until, ...version }) => ({
      transitional: false,
      notAfter: new Date(until),
      ...version,
    })),
    renewedBy: 'store',
    store: place.slice(0, place.indexOf(':')),
    contents: [],
    ...known,
  };
}

/** A Certificate of cert-manager, which is ready, with overrides. */
export function automated(
  name: string,
  secret: string,
  known: Partial<ports.Automation> = {},
  more: Partial<SurveyedCertificate> = {},
): SurveyedCertificate {
  const namespace = name.split('/')[0] ?? '';
  return managed(`prod:certificates/${name}`, [], {
    name,
    renewedBy: 'automatic',
    automation: {
      dnsNames: [],
      isAuthority: false,
      writesTo: `prod:${namespace}/${secret}`,
      issuer: { name: 'Issuer platform' },
      ready: { status: 'True', reason: 'Ready', since: new Date('2026-01-01T00:00:00Z') },
      ...known,
    },
    ...more,
  });
}

export function director(known: Partial<SurveyedDirector> = {}): SurveyedDirector {
  return { source: 'bosh', deployed: [], own: [], tasks: [], deployments: [], ...known };
}

export function facts(known: Partial<CertificateSurvey>, more: Partial<Omit<Facts, 'survey'>> = {}): Facts {
  return {
    survey: { places: [], managed: [], issuers: [], directors: [], clusters: [], unread: [], ...known },
    logs: [],
    restarts: [],
    processTimes: { programs: [], supervised: [] },
    ...more,
  };
}

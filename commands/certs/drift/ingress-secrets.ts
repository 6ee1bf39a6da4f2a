import { wording } from '../../kit.ts';
import type {
  CertificateSurvey,
  SurveyedCertificate,
  SurveyedPlace,
} from '../../shared/certificate-survey.ts';
import { withoutSource } from '../../shared/sources.ts';
import { secretOf } from '../../shared/survey-clusters.ts';
import { coversHost } from './default-certificates.ts';

/** The Secrets that Ingresses may name, found without a search of all places. */
export interface IngressSecrets {
  readonly clusters: CertificateSurvey['clusters'];
  /** By `prod:shop/shop-tls`: what a controller reads from it, which is `tls.crt`. */
  readonly stored: ReadonlyMap<string, SurveyedPlace>;
  /** `prod:shop`, of each Secret that was read. */
  readonly namespaces: ReadonlySet<string>;
  /** Sources of which a Secret was read. */
  readonly sources: ReadonlySet<string>;
  /** By `prod shop-tls`: the same name in any namespace. */
  readonly byName: ReadonlyMap<string, SurveyedPlace>;
  /** `prod .example` with a place whose certificate is for `*.example`. */
  readonly wildcards: ReadonlyMap<string, SurveyedPlace>;
  /** By `prod:shop/shop-tls`, those of which a part couldn't be read, and why. */
  readonly unread: ReadonlyMap<string, string | undefined>;
  /** By `prod` and `prod:shop`: what was not read to its end, so that it may have more Secrets. */
  readonly incomplete: ReadonlySet<string>;
  /** Of cert-manager, by the Secret that they write. */
  readonly writers: ReadonlyMap<string, readonly SurveyedCertificate[]>;
}

/** The Secret that an Ingress names for some of its hosts. */
export interface IngressRule {
  readonly source: string;
  readonly namespace: string;
  readonly name: string;
  readonly secret?: string;
}

export interface IngressCause {
  readonly says: string;
  /** Where the Secret is, or was expected. */
  readonly target?: string;
  readonly steps: readonly string[];
}

export function indexSecrets({ clusters, places, managed, unread }: CertificateSurvey): IngressSecrets {
  const sources = new Set(clusters.map(({ source }) => source));
  const secrets = places.flatMap((place) => {
    const secret = place.role === 'stored' && sources.has(place.store) ? secretOf(place.place) : undefined;
    return secret === undefined ? [] : [{ place, secret }];
  });
  const usable = secrets.filter(({ place }) => place.place.endsWith(':tls.crt'));
  return {
    clusters,
    stored: new Map(usable.map(({ place, secret }) => [`${place.store}:${secret}`, place])),
    namespaces: new Set(secrets.map(({ place, secret }) => `${place.store}:${secret.split('/')[0]}`)),
    sources: new Set(secrets.map(({ place }) => place.store)),
    byName: new Map(usable.map(({ place, secret }) => [`${place.store} ${secret.split('/')[1]}`, place])),
    wildcards: new Map(
      usable.flatMap(({ place }) =>
        dnsNames(place)
          .filter((name) => name.startsWith('*.'))
          .map((name) => [`${place.store} ${name.slice(1).toLowerCase()}`, place] as const),
      ),
    ),
    unread: new Map(
      unread.flatMap(({ place, kind }) => {
        const at = place?.endsWith(':tls.crt') ? place.slice(0, place.lastIndexOf(':')) : undefined;
        return at === undefined ? [] : [[at, kind] as const];
      }),
    ),
    incomplete: new Set(
      unread.flatMap(({ store, place }) =>
        place === undefined || place === `${store}:secrets`
          ? [store]
          : place.endsWith('/secrets')
            ? [place.slice(0, -'/secrets'.length)]
            : [],
      ),
    ),
    writers: Map.groupBy(
      managed.filter(({ automation }) => automation !== undefined),
      ({ automation }) => automation?.writesTo ?? '',
    ),
  };
}

function dnsNames({ chain: [{ alternativeNames }] }: SurveyedPlace): readonly string[] {
  return alternativeNames.flatMap((one) => (one.startsWith('DNS:') ? [one.slice(4)] : []));
}

export function isForHost(place: SurveyedPlace, host: string): boolean {
  return dnsNames(place).some((name) => coversHost(name, host));
}

/** The Ingresses with TLS for a host. */
export function rulesFor(host: string, clusters: CertificateSurvey['clusters']): readonly IngressRule[] {
  return clusters.flatMap(({ source, ingresses }) =>
    ingresses.flatMap(({ namespace, name, tls }) =>
      tls
        .filter(({ hosts }) => hosts.some((one) => coversHost(one, host)))
        .map(({ secret }) => ({ source, namespace, name, ...(secret !== undefined && { secret }) })),
    ),
  );
}

/** Why a controller can't serve a certificate for the host. */
export function causeFor(host: string, secrets: IngressSecrets, now: Date): IngressCause {
  const [rule] = rulesFor(host, secrets.clusters);
  if (rule) return causeOf(rule, [host], secrets, now);
  return {
    says:
      secrets.clusters.length === 0
        ? 'check the Secret that its Ingress names'
        : `no Ingress has TLS for ${host}. Add it to \`spec.tls\``,
    steps: [],
  };
}

export function causeOf(
  rule: IngressRule,
  hosts: readonly string[],
  secrets: IngressSecrets,
  now: Date,
): IngressCause {
  const host = wording.list(hosts);
  const ingress = `Ingress ${rule.namespace}/${rule.name}`;
  if (rule.secret === undefined)
    return { says: `${ingress} names no Secret for it. Set \`spec.tls[].secretName\``, steps: [] };
  const secret = `${rule.namespace}/${rule.secret}`;
  const target = `${rule.source}:${secret}`;
  const stored = secrets.stored.get(target);
  if (stored) {
    const writer = secrets.writers.get(target)?.find((one) => isRequested(one, hosts));
    return { ...causeIn(stored, hosts, { secret, writer, now }), target: stored.place };
  }
  if (isEmpty(rule, secrets))
    return {
      says: `Secret ${secret} of ${ingress} has no readable certificate. Write one for ${host} to it`,
      steps: [`\`kubectl -n ${rule.namespace} describe secret ${rule.secret}\``],
      target,
    };
  if (secrets.unread.has(target) || isIncomplete(rule, secrets))
    return {
      says: `Secret ${secret} of ${ingress} couldn't be read; check that it exists and is for ${host}`,
      steps: [],
    };
  if (!secrets.sources.has(rule.source))
    return {
      says: `Secret ${secret} of ${ingress} wasn't found: it doesn't exist, or Secrets of ${rule.source} aren't read. Check that it exists and is for ${host}`,
      steps: [],
    };
  const elsewhere = secrets.byName.get(`${rule.source} ${rule.secret}`);
  const hint = elsewhere
    ? `. ${withoutSource(elsewhere.place)} is in another namespace, and an Ingress uses only Secrets of its own`
    : '';
  return {
    says: `Secret ${secret} of ${ingress} doesn't exist, or has no certificate${hint}`,
    steps: [
      `\`kubectl -n ${rule.namespace} get secret ${rule.secret}\``,
      `Create it with a certificate for ${host}`,
    ],
    target,
  };
}

/** Whether the Secret is not among those of its namespace, which are read. */
export function isAbsent(rule: IngressRule, secrets: IngressSecrets): boolean {
  const target = `${rule.source}:${rule.namespace}/${rule.secret ?? ''}`;
  return (
    !secrets.stored.has(target) &&
    !secrets.unread.has(target) &&
    secrets.namespaces.has(`${rule.source}:${rule.namespace}`) &&
    !isIncomplete(rule, secrets)
  );
}

/** Whether the Secret was read, and its `tls.crt` has no certificate. */
export function isEmpty(
  { source, namespace, secret = '' }: IngressRule,
  { unread }: IngressSecrets,
): boolean {
  return unread.get(`${source}:${namespace}/${secret}`) === 'malformed';
}

function isIncomplete({ source, namespace }: IngressRule, { incomplete }: IngressSecrets): boolean {
  return incomplete.has(source) || incomplete.has(`${source}:${namespace}`);
}

function isRequested({ automation }: SurveyedCertificate, hosts: readonly string[]): boolean {
  return hosts.every((host) => automation?.dnsNames.some((name) => coversHost(name, host)));
}

interface CauseFacts {
  readonly secret: string;
  /** The Certificate that requests the hosts. */
  readonly writer: SurveyedCertificate | undefined;
  readonly now: Date;
}

function causeIn(
  place: SurveyedPlace,
  hosts: readonly string[],
  { secret, writer, now }: CauseFacts,
): Omit<IngressCause, 'target'> {
  const { chain, keyMatches } = place;
  const host = wording.list(hosts);
  const isFor = hosts.every((one) => isForHost(place, one));
  if (!isFor && writer)
    return {
      says: `Secret ${secret} is only for ${wording.list(dnsNames(place)) || 'no name'}. Its Certificate ${writer.name} requests ${host} too: find out why that isn't issued`,
      steps: [`\`kubectl -n ${secret.split('/')[0]} describe certificate ${writer.name.split('/')[1]}\``],
    };
  if (!isFor)
    return {
      says: `Secret ${secret} is only for ${wording.list(dnsNames(place)) || 'no name'}. Issue a certificate for ${host} too`,
      steps: [
        `Add ${host} to the names of the certificate, such as \`spec.dnsNames\` of its Certificate, and issue it. Renewing it as it is keeps the names`,
        'Run `/certs drift` again. The controller reads a changed Secret without a restart',
      ],
    };
  if (keyMatches === false)
    return {
      says: `the key in Secret ${secret} belongs to another certificate. Write both again`,
      steps: [],
    };
  if (chain[0].notAfter < now)
    return { says: `the certificate in Secret ${secret} has expired. Renew it`, steps: [] };
  return {
    says: `Secret ${secret} is for ${host}, so the controller couldn't use it. Check the log of the controller`,
    steps: [],
  };
}

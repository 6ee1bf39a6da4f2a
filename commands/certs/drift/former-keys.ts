import { type ports, wording } from '../../kit.ts';
import type {
  CertificateSurvey,
  SurveyedCertificate,
  SurveyedPlace,
} from '../../shared/certificate-survey.ts';
import { field, optionalField, steps } from '../../shared/evidence.ts';
import { isSignedBy } from '../../shared/signed-by.ts';
import type { DriftFinding } from './finding-words.ts';

/**
 * Leaves that a former key of their authority signed. A renewed authority of cert-manager has a new key, and nothing issues its leaves again:
 * https://github.com/cert-manager/cert-manager/issues/2478
 */
export function reportFormerKeys(survey: CertificateSurvey, now: Date): readonly DriftFinding[] {
  const stored = survey.places.filter(({ role, verifies }) => role === 'stored' && verifies === undefined);
  const contentOf = contentsByTarget(stored);
  const authorities = survey.managed.flatMap(({ automation }) =>
    automation?.isAuthority === true ? (contentOf(automation.writesTo) ?? []) : [],
  );
  const named = Map.groupBy(authorities, ({ store, chain: [one] }) => `${store} ${one.subject}`);
  const managed = survey.managed.flatMap((of) => {
    const { writesTo, issuer } = of.automation ?? {};
    const leaf = writesTo === undefined ? undefined : contentOf(writesTo);
    const authority = issuer?.storedAt === undefined ? namesake(leaf, named) : contentOf(issuer.storedAt);
    if (!leaf || !authority || leaf === authority) return [];
    return isFormer(leaf, [authority.chain[0]]) ? [{ of, leaf, authority }] : [];
  });
  const known = new Set(managed.map(({ leaf }) => leaf));
  const bundles = Map.groupBy(
    survey.places.filter(
      ({ role, place, chain: [one] }) => role === 'stored' && isBundle(place) && one.authority,
    ),
    ({ store, chain: [one] }) => `${store} ${one.subject}`,
  );
  const served = Map.groupBy(
    survey.places.filter(({ role }) => role === 'served'),
    ({ chain: [one] }) => one.fingerprint,
  );
  return [
    ...managed.map((one) => {
      const [leaf] = one.leaf.chain;
      const named = bundles.get(`${one.leaf.store} ${leaf.issuer}`) ?? [];
      return managedFinding(one, {
        refusing: refusingBundles(one.leaf, one.authority, named),
        servedAt: served.get(leaf.fingerprint)?.[0]?.place,
        now,
      });
    }),
    ...stored.filter((one) => !known.has(one)).flatMap((one) => besideFinding(one)),
  ];
}

/** The authority that the same cluster manages under the issuer's name. undefined if one of that name may have signed the leaf. */
function namesake(
  leaf: SurveyedPlace | undefined,
  named: ReadonlyMap<string, readonly SurveyedPlace[]>,
): SurveyedPlace | undefined {
  if (!leaf) return undefined;
  const authorities = named.get(`${leaf.store} ${leaf.chain[0].issuer}`) ?? [];
  const maySign = authorities.some(({ chain: [one] }) => isSignedBy(leaf.chain[0], one) !== false);
  return maySign ? undefined : authorities[0];
}

/** `prod:fin/ledger-tls` is the place of `prod:fin/ledger-tls:tls.crt`. */
function contentsByTarget(stored: readonly SurveyedPlace[]): (target: string) => SurveyedPlace | undefined {
  const byTarget = new Map<string, SurveyedPlace>();
  for (const place of stored) {
    const target = place.place.replace(/:[^:/]*$/, '');
    if (!byTarget.has(target) || place.place.endsWith(':tls.crt')) byTarget.set(target, place);
  }
  return (target) => byTarget.get(target);
}

/** Whether these have the name of its issuer but none has its key, and what comes with it has neither. */
function isFormer(
  { chain: [leaf, ...others] }: SurveyedPlace,
  authorities: readonly ports.Certificate[],
): boolean {
  const named = authorities.filter(({ subject }) => subject === leaf.issuer);
  if (leaf.selfSigned || named.length === 0) return false;
  return (
    named.every((one) => isSignedBy(leaf, one) === false) && !others.some((one) => isSignedBy(leaf, one))
  );
}

interface Signed {
  readonly of: SurveyedCertificate;
  readonly leaf: SurveyedPlace;
  readonly authority: SurveyedPlace;
}

interface Known {
  readonly refusing: readonly string[];
  readonly servedAt: string | undefined;
  readonly now: Date;
}

function managedFinding({ of, leaf, authority }: Signed, { refusing, servedAt, now }: Known): DriftFinding {
  const since = authority.storedSince ?? authority.chain[0].notBefore;
  const isIssuing = of.automation?.issuing?.status === 'True';
  const refused =
    refusing.length > 0
      ? `clients that trust ${wording.list(refusing.map(nameOfBundle))} refuse it`
      : 'clients that trust only the new key will refuse it';
  const canRenew = of.renewable === true && !isIssuing;
  return {
    reason: 'signed-by-former-key',
    severity: refusing.length > 0 ? 'critical' : 'warning',
    target: of.name,
    summary: `${of.name} is signed by the former key of ${authority.chain[0].name}, which was replaced ${wording.span(now.getTime() - since.getTime())} ago: ${refused}. Renew ${of.name}; the authority is done`,
    evidence: [
      ...steps([
        isIssuing
          ? 'Wait: it is being issued'
          : `Renew ${of.name}: \`cmctl renew -n ${of.name.replace('/', ' ')}\``,
        'Run `/certs drift` again to verify that the new one is served',
      ]),
      field('Do not', `renew ${authority.chain[0].name}: that makes another key`),
      ...optionalField('Served at', servedAt),
      field('Issuer in the certificate', leaf.chain[0].issuer),
      ...optionalField('Key that signed it', leaf.chain[0].authorityKeyId),
      ...optionalField('Key of the authority', authority.chain[0].subjectKeyId),
    ],
    ...(canRenew && { offers: [{ remediation: 'renew', params: { store: of.store, place: of.place } }] }),
  };
}

/** Of the bundles with an authority of the issuer's name: those of the same namespace, or with the authority as it is now, that don't have its key. */
function refusingBundles(
  leaf: SurveyedPlace,
  { chain: [now] }: SurveyedPlace,
  named: readonly SurveyedPlace[],
): readonly string[] {
  const namespace = namespaceOf(leaf.place);
  const bundles = Map.groupBy(named, ({ place }) => place.replace(/#\d+$/, ''));
  return [...bundles]
    .filter(
      ([place, group]) =>
        namespaceOf(place) === namespace || group.some(({ chain: [one] }) => one.publicKey === now.publicKey),
    )
    .filter(([, group]) =>
      isFormer(
        { ...leaf, chain: [leaf.chain[0]] },
        group.flatMap(({ chain }) => chain),
      ),
    )
    .map(([place]) => place)
    .toSorted();
}

function isBundle(place: string): boolean {
  return /^[^:]+:[^/:]+\/configmaps\//.test(place);
}

function namespaceOf(place: string): string {
  return /^[^:]+:([^/:]+)\//.exec(place)?.[1] ?? '';
}

function nameOfBundle(place: string): string {
  const [, namespace = '', name = ''] = /^[^:]+:([^/:]+)\/configmaps\/([^:]+)/.exec(place) ?? [];
  return `ConfigMap ${namespace}/${name}`;
}

/** The authority that is handed out beside it has the name of its issuer, but another key. */
function besideFinding(place: SurveyedPlace): readonly DriftFinding[] {
  const { trusts = [], chain } = place;
  if (!isFormer(place, trusts)) return [];
  return [
    {
      reason: 'authority-mismatch',
      severity: 'warning',
      target: place.place,
      summary: `The authority stored beside ${chain[0].name} has the name of its issuer but another key, so clients that trust it refuse the certificate: renew the certificate, or replace the authority beside it`,
      evidence: [
        field('Issuer', chain[0].issuer),
        ...optionalField('Key that signed it', chain[0].authorityKeyId),
        ...optionalField('Key of the authority', trusts[0]?.subjectKeyId),
      ],
    },
  ];
}

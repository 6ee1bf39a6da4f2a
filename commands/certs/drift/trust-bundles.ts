import type { ports } from '../../kit.ts';
import type { CertificateSurvey, SurveyedPlace } from '../../shared/certificate-survey.ts';
import { field } from '../../shared/evidence.ts';
import { isSignedBy } from '../../shared/signed-by.ts';
import type { DriftFinding } from './finding-words.ts';

/** Bundles with which the API server verifies a webhook, but which none of the certificates for its name was signed by. */
export function reportBundles({ places }: CertificateSurvey): readonly DriftFinding[] {
  const bundles = Map.groupBy(
    places.filter(({ verifies }) => verifies !== undefined),
    ({ place }) => place.replace(/#\d+$/, ''),
  );
  const names = new Set(
    [...bundles.values()].flatMap((bundle) => bundle.map(({ verifies }) => `DNS:${verifies}`)),
  );
  const leaves = Map.groupBy(
    places.flatMap((one) => {
      const [leaf] = one.chain;
      if (one.verifies !== undefined || leaf.authority) return [];
      const own = new Set(leaf.alternativeNames.filter((name) => names.has(name)));
      return [...own].map((name) => ({ name, one }));
    }),
    ({ name }) => name,
  );
  return [...bundles].flatMap(([place, bundle]) => {
    const [first] = bundle;
    const name = first?.verifies ?? '';
    const named = (leaves.get(`DNS:${name}`) ?? []).map(({ one }) => one);
    const served = named.filter(({ role }) => role === 'served');
    const candidates = served.length > 0 ? served : named.filter(({ store }) => store === first?.store);
    const trusted = bundle.flatMap(({ chain }) => chain);
    if (candidates.length === 0 || candidates.some((one) => mayVerify(one, trusted))) return [];
    const [leaf] = candidates[0]?.chain ?? [];
    return [
      {
        reason: 'bundle-outdated',
        severity: served.length > 0 ? 'critical' : 'warning',
        target: place,
        summary: `The bundle at ${place} doesn't verify the certificate for ${name}, so calls to it fail: replace the bundle with the authority that signs it now`,
        evidence: [
          field('Certificate', candidates[0]?.place ?? ''),
          field('Its issuer', leaf?.issuer ?? ''),
          field('In the bundle', [...new Set(trusted.map(({ subject }) => subject))].join('; ')),
        ],
      } as const,
    ];
  });
}

/** Whether one of these is in its chain or signed a part of it. What can't be determined may be right. */
function mayVerify({ chain }: SurveyedPlace, trusted: readonly ports.Certificate[]): boolean {
  return trusted.some((one) =>
    chain.some((part) => part.fingerprint === one.fingerprint || isSignedBy(part, one) !== false),
  );
}

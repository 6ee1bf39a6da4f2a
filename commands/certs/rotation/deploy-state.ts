import { wording } from '../../kit.ts';
import { activeVersion, contentOf, type KnownCertificate } from '../../shared/managed-chain.ts';
import { isSignedBy } from '../../shared/signed-by.ts';
import { withoutSource } from '../../shared/sources.ts';
import type { PlanContext } from './plan-context.ts';
import type { SignedCertificate } from './signed-by.ts';
import type { Step } from './steps.ts';

/** Whether what the new version of an authority signed is deployed everywhere. */
export interface DeployState {
  readonly state: Step['state'];
  readonly note?: string;
  /** An older version is deployed, or served, for certain. */
  readonly isBehind?: boolean;
  /** When what is deployed ends. */
  readonly endsMs?: readonly number[];
  /** The sites that serve something older. */
  readonly servedAt?: readonly string[];
}

/** By what directors have deployed, and what sites serve: an instance that couldn't be updated keeps the old certificate after a deploy. */
export function deployState(
  plan: PlanContext,
  authority: KnownCertificate,
  signed: readonly SignedCertificate[],
): DeployState {
  const all = [authority, ...signed.map(({ certificate }) => certificate)].flatMap((one) =>
    plan.deployed
      .of(one.name)
      .map((deployed) => ({ deployed, isCurrent: deployed.version === activeVersion(one)?.id })),
  );
  const behind = all.filter(({ isCurrent }) => !isCurrent).map(({ deployed }) => deployed);
  const servedAt = sitesOfOld(plan, authority, signed);
  if (behind.length > 0 || servedAt.length > 0) {
    const where = [...new Set(behind.map(({ deployment }) => deployment))];
    const notes = [
      ...(where.length > 0
        ? [`${wording.list(where)} still ${where.length === 1 ? 'uses' : 'use'} an older version`]
        : []),
      ...(servedAt.length > 0
        ? [
            `Still served at ${wording.list(servedAt, MAX_SITES)}: \`/certs drift\` compares each with what is stored`,
          ]
        : []),
    ];
    return {
      state: 'open',
      isBehind: true,
      note: notes.join('. '),
      endsMs: behind.flatMap(({ notAfter }) => (notAfter ? [notAfter.getTime()] : [])),
      servedAt,
    };
  }
  if (all.length === 0)
    return {
      state: 'unknown',
      note: "It isn't known whether that is done: no director that was read has deployed it",
    };
  return plan.isDeployedComplete
    ? { state: 'done' }
    : { state: 'unknown', note: "It isn't known whether that is done: not every deployment could be read" };
}

const MAX_SITES = 10;

/** The sites that serve a former version of a certificate, or anything else that the old version of its authority signed. */
function sitesOfOld(
  plan: PlanContext,
  authority: KnownCertificate,
  signed: readonly SignedCertificate[],
): readonly string[] {
  const { old, fresh } = plan.transitionOf(authority);
  const [oldOne, freshOne] = [old, fresh].map((one) => one && contentOf(authority, one)?.chain[0]);
  const former = new Set(
    signed.flatMap(({ certificate }) => {
      const { contents = [] } = certificate;
      const active = activeVersion(certificate);
      return contents.filter(({ id }) => id !== active?.id).map(({ chain }) => chain[0].fingerprint);
    }),
  );
  const sites = plan.facts.places.filter(({ role, chain: [leaf] }) => {
    if (role !== 'served') return false;
    if (former.has(leaf.fingerprint)) return true;
    const isOfOld = oldOne !== undefined && isSignedBy(leaf, oldOne) === true;
    // A renewal that keeps the key signs as well as the old version.
    return isOfOld && !(freshOne && isSignedBy(leaf, freshOne) === true);
  });
  return [...new Set(sites.map(({ host, place }) => siteName(host, place)))].toSorted();
}

/** `router/0 (10.0.16.9:443)` */
function siteName(host: string | undefined, place: string): string {
  const address = withoutSource(place);
  return host === undefined ? address : `${host} (${address})`;
}

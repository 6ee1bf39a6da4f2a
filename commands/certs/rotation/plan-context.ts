import { type ports, wording } from '../../kit.ts';
import type { SurveyedCertificate } from '../../shared/certificate-survey.ts';
import {
  activeVersion,
  contentOf,
  datesOf,
  indexManaged,
  type KnownCertificate,
  type ManagedIndex,
  type Signer,
} from '../../shared/managed-chain.ts';
import { samplesByTarget } from '../../shared/samples-by-target.ts';
import { type DeployedIndex, indexDeployed } from './deployed.ts';
import type { Facts } from './facts.ts';
import { type RotationSample, sampleTarget } from './samples.ts';
import { type Transition, transitionOf } from './transition.ts';
import { indexTrust, type TrustedVersion, type TrustIndex } from './trust.ts';

/** What all rotations are planned from. */
export interface PlanContext {
  readonly facts: Facts;
  readonly nowMs: number;
  /** What ends later isn't planned yet. */
  readonly horizonMs: number;
  readonly managed: ManagedIndex;
  readonly trust: TrustIndex;
  readonly deployed: DeployedIndex;
  /** As its owner names it; with its source if several have the name. */
  readonly nameOf: (certificate: KnownCertificate) => string;
  readonly transitionOf: (certificate: KnownCertificate) => Transition;
  readonly signerOf: (certificate: KnownCertificate) => Signer | undefined;
  /** Where its chain ends first. */
  readonly endOf: (certificate: KnownCertificate) => ChainEnd;
  readonly earlierOf: (place: string) => readonly RotationSample[];
  /** The sites that serve a certificate, by its fingerprint. */
  readonly servedAt: (fingerprint: string) => readonly string[];
  /** The sources whose certificates are in Secrets of a cluster. */
  readonly clusters: ReadonlySet<string>;
  /** Whether everything was read that may have trust files, and whether all directors said what is deployed. */
  readonly isTrustComplete: boolean;
  readonly isDeployedComplete: boolean;
}

export interface ChainEnd {
  readonly endMs?: number;
  readonly fromMs?: number;
  /** Set if something that signed it ends before it does. */
  readonly endsWith?: KnownCertificate | string;
  /** The certificate to renew so that it ends later. */
  readonly cause: KnownCertificate;
}

export function planContext(facts: Facts, nowMs: number, withinMs: number): PlanContext {
  const managed = indexManaged(facts.managed);
  const counts = new Map<string, number>();
  for (const { name } of managed.all) counts.set(name, (counts.get(name) ?? 0) + 1);
  const transitions = remember(transitionOf);
  const signers = remember((one: KnownCertificate) => {
    const active = activeVersion(one);
    return active && managed.signerOf(one, active);
  });
  const earlierOf = samplesByTarget(facts.earlier, sampleTarget);
  const served = Map.groupBy(
    facts.places.filter(({ role }) => role === 'served'),
    ({ chain: [leaf] }) => leaf.fingerprint,
  );
  // A store of managed certificates has no trust files.
  const managing = new Set(managed.all.filter(isTransitional).map(({ store }) => store));
  const deployed = indexDeployed(facts.directors);
  return {
    facts,
    nowMs,
    horizonMs: nowMs + withinMs,
    managed,
    trust: indexTrust(facts.places),
    deployed,
    nameOf: ({ name, place }) => ((counts.get(name) ?? 0) > 1 ? place : name),
    transitionOf: transitions,
    signerOf: signers,
    endOf: remember((one) => chainEnd(managed, one)),
    earlierOf,
    servedAt: (fingerprint) => (served.get(fingerprint) ?? []).map(({ place }) => place),
    clusters: new Set([
      ...facts.clusters.map(({ source }) => source),
      ...managed.all.flatMap(({ store, automation }) => (automation ? [store] : [])),
    ]),
    isTrustComplete: facts.unread.every(({ store }) => managing.has(store)),
    isDeployedComplete: facts.unreadDirectors.length === 0 && deployed.unread === 0,
  };
}

function chainEnd(managed: ManagedIndex, certificate: KnownCertificate): ChainEnd {
  const chain = managed.chainOf(certificate);
  if (!chain?.ends) return { cause: certificate };
  const { ends, cause } = chain;
  const from = ends.certificate && ends.version && datesOf(ends.certificate, ends.version).notBefore;
  return {
    endMs: ends.notAfter.getTime(),
    ...(from && { fromMs: from.getTime() }),
    ...(ends.certificate !== certificate && { endsWith: ends.certificate ?? ends.name }),
    cause,
  };
}

function remember<Result>(of: (certificate: KnownCertificate) => Result): typeof of {
  const known = new Map<KnownCertificate, Result>();
  return (certificate) => {
    const found = known.get(certificate);
    if (found !== undefined || known.has(certificate)) return found as Result;
    const result = of(certificate);
    known.set(certificate, result);
    return result;
  };
}

/** A version as trust files show it. */
export function trustedVersion(
  certificate: KnownCertificate,
  version: ports.CertificateVersion | undefined,
): TrustedVersion | undefined {
  if (!version) return undefined;
  const { fingerprint, subject } = contentOf(certificate, version)?.chain[0] ?? {};
  const notAfter = version.notAfter?.getTime();
  return {
    ...(fingerprint && { fingerprint }),
    ...(subject && { subject }),
    ...(notAfter !== undefined && { notAfterMs: notAfter }),
  };
}

export function endOfVersion(
  certificate: KnownCertificate,
  version: ports.CertificateVersion | undefined,
): number | undefined {
  return version && datesOf(certificate, version).notAfter?.getTime();
}

/** Whether its manager keeps several versions, of which one is only trusted, and renews when it is asked to. */
export function isTransitional({ automation, procedure, renewedBy, versions }: KnownCertificate): boolean {
  if (automation || procedure) return false;
  return renewedBy === 'store' || versions.some(({ transitional }) => transitional);
}

/** The deployments that use it: as its manager and the directors say, otherwise as BOSH names its variables. */
export function deploymentsOf(
  { deployed }: Pick<PlanContext, 'deployed'>,
  all: readonly Pick<SurveyedCertificate, 'name' | 'deployments'>[],
): readonly string[] {
  const known = all.flatMap(({ name, deployments = [] }) => [
    ...deployments,
    ...deployed.of(name).map(({ deployment }) => deployment),
  ]);
  // https://bosh.io/docs/variable-types/: /director/deployment/variable
  const named = all.flatMap(({ name }) => /^\/[^/]+\/([^/]+)\/[^/]+$/.exec(name)?.[1] ?? []);
  return [...new Set(known.length > 0 ? known : named)].toSorted();
}

/** `/bosh/cf/a, /bosh/cf/b and 3 more` */
export function namesOf(members: readonly { readonly name: string }[], most = 3): string {
  return wording.list(
    members.map(({ name }) => name),
    most,
  );
}

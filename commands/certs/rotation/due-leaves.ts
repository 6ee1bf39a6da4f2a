import { wording } from '../../kit.ts';
import { field } from '../../shared/evidence.ts';
import { activeVersion, datesOf, type KnownCertificate } from '../../shared/managed-chain.ts';
import { deployCommands, regenerateCommand } from './commands.ts';
import { blockedBy } from './due-authorities.ts';
import { leafTarget } from './former-signers.ts';
import { deploymentsOf, isTransitional, namesOf, type PlanContext } from './plan-context.ts';
import {
  earliest,
  endsIn,
  endTogether,
  isOnSchedule,
  renewOffers,
  type Rotation,
  severityAt,
} from './rotation.ts';
import { isAuthority, memberOf } from './signed-by.ts';
import { kubeadmCommand, RESTART_STATIC_PODS } from './kubeadm.ts';
import { checklist, type Step } from './steps.ts';

/** Certificates that end soon themselves, under an authority that doesn't: one rotation for each authority and way of renewal. */
export function dueLeaves(plan: PlanContext): readonly Rotation[] {
  const due = plan.managed.all.filter(
    (one) => !one.automation && !isAuthority(plan, one) && isDue(plan, one),
  );
  const groups = Map.groupBy(due, (one) =>
    JSON.stringify([authorityPlace(plan, one), methodOf(one), one.store]),
  );
  return [...groups.values()].map((group) =>
    renewalOf(plan, group as [KnownCertificate, ...KnownCertificate[]]),
  );
}

function authorityPlace(plan: PlanContext, certificate: KnownCertificate): string {
  return (
    plan.managed.authorityOf(certificate)?.place ??
    certificate.signedBy ??
    certificate.issuer ??
    certificate.place
  );
}

function isDue(plan: PlanContext, certificate: KnownCertificate): boolean {
  const active = activeVersion(certificate);
  if (!active) return false;
  const { notBefore, notAfter } = datesOf(certificate, active);
  if (!notAfter || notAfter.getTime() > plan.horizonMs) return false;
  if (isOnSchedule(notAfter.getTime(), plan.nowMs, notBefore?.getTime())) return false;
  const parent = plan.managed.authorityOf(certificate);
  // The rotation of its authority includes it.
  if (!parent || parent === certificate) return true;
  if (blockedBy(plan, certificate)) return false;
  const signer = plan.signerOf(certificate);
  const { phase } = plan.transitionOf(parent);
  return signer?.version?.id === activeVersion(parent)?.id || (phase === 'none' && !isTransitional(parent));
}

type Method = 'regenerate' | 'set' | 'tile' | 'procedure' | 'kubeadm';

function methodOf({ place, procedure, renewedBy, deployments }: KnownCertificate): Method {
  if (place.includes('/etc/kubernetes/')) return 'kubeadm';
  if (procedure) return 'procedure';
  if (renewedBy === 'store') return 'regenerate';
  return deployments ? 'tile' : 'set';
}

function renewalOf(plan: PlanContext, group: readonly [KnownCertificate, ...KnownCertificate[]]): Rotation {
  const [first] = group;
  const method = methodOf(first);
  const parent = plan.managed.authorityOf(first);
  const members = group.map((certificate) => {
    const end = datesOf(certificate, activeVersion(certificate)!).notAfter?.getTime();
    return memberOf(plan, { certificate, ...(end !== undefined && { endMs: end }) });
  });
  const endMs = earliest(members.map((one) => one.endMs));
  const authority = parent ? plan.nameOf(parent) : (first.signedBy ?? first.issuer ?? first.name);
  const { target, place } = leafTarget(members, authority, parent?.place ?? first.place);
  const steps = stepsOf(plan, method, group);
  const subject =
    members.length === 1
      ? `${target} ${endsIn(endMs, plan.nowMs)}`
      : endTogether(`certificates of ${authority}`, members, plan.nowMs);
  const starts = group.map((one) => datesOf(one, activeVersion(one)!).notBefore?.getTime());
  return {
    reason: 'renewal-due',
    place,
    target,
    severity: severityAt(endMs, plan.nowMs, members.length === 1 ? starts[0] : undefined),
    endMs,
    summary: `${subject}; ${ADVICE[method]}`,
    steps,
    members,
    evidence: [
      ...checklist(steps),
      ...(members.length === 1 ? [] : [field('Certificates', namesOf(members, 10))]),
    ],
    offers: method === 'regenerate' ? renewOffers(members) : [],
    names: [place, target, ...members.map((one) => one.place)],
  };
}

const ADVICE: Readonly<Record<Method, string>> = {
  regenerate: 'regenerate, then deploy',
  set: 'set a new one by hand, then deploy',
  tile: 'replace it in the tile, then Apply Changes',
  procedure: 'follow its procedure, then Apply Changes',
  kubeadm: 'renew with kubeadm, then restart the static pods',
};

function stepsOf(plan: PlanContext, method: Method, group: readonly KnownCertificate[]): readonly Step[] {
  const deployments = deploymentsOf(plan, group);
  const isButton = group.some(({ renewable }) => renewable);
  const [{ procedure, name }] = group as [KnownCertificate];
  const amount = wording.count(group.length, 'certificate');
  const renewing = {
    regenerate: `regenerate ${amount}: ${group.slice(0, MAX_COMMANDS).map(regenerateCommand).join(', ')}${group.length > MAX_COMMANDS ? ` and ${group.length - MAX_COMMANDS} more` : ''}`,
    set: `get a new certificate and set it: \`credhub set -n ${name} -t certificate\``,
    tile: `replace ${amount} in the tile`,
    procedure: `follow ${procedure?.name ?? 'its procedure'}${procedure?.url === undefined ? '' : ` (${procedure.url})`}`,
    kubeadm: [...new Set(group.map(({ place }) => kubeadmCommand(place)))].slice(0, MAX_COMMANDS).join(', '),
  } as const;
  const renew: Step = {
    id: 'renew',
    state: 'open',
    by: method === 'regenerate' && isButton ? 'button' : 'person',
    what: renewing[method],
  };
  if (method === 'kubeadm') return [renew, RESTART_STATIC_PODS];
  if (method === 'regenerate' || method === 'set')
    return [
      renew,
      { id: 'deploy', state: 'open', by: 'pipeline', what: `deploy: ${deployCommands(deployments)}` },
    ];
  const where = deployments.length > 0 ? ` of ${wording.list(deployments)}` : '';
  return [renew, { id: 'deploy', state: 'open', by: 'person', what: `Apply Changes${where}` }];
}

const MAX_COMMANDS = 3;

/** Certificates that were renewed, while a deployment still uses an older version that ends soon. A restart keeps that version. */
export function notDeployed(
  plan: PlanContext,
  isCovered: (certificate: KnownCertificate) => boolean,
): readonly Rotation[] {
  const behind = plan.managed.all.flatMap((certificate) => {
    const active = activeVersion(certificate);
    if (!active || isCovered(certificate)) return [];
    const current = datesOf(certificate, active).notAfter;
    return plan.deployed.of(certificate.name).flatMap(({ deployment, version, notAfter }) => {
      const endMs = notAfter?.getTime();
      const isOlder =
        version !== active.id &&
        certificate.versions.some(({ id, transitional }) => id === version && !transitional);
      const isDue =
        endMs !== undefined && endMs <= plan.horizonMs && current !== undefined && current.getTime() > endMs;
      return isOlder && isDue ? [{ certificate, deployment, endMs }] : [];
    });
  });
  return [...Map.groupBy(behind, ({ deployment }) => deployment)].map(([deployment, group]) => {
    const members = group.map((one) => memberOf(plan, one, 'renewed'));
    const endMs = earliest(members.map((one) => one.endMs));
    const steps: readonly Step[] = [
      { id: 'renew', state: 'done', by: 'button', what: `Renewed: ${namesOf(members)}` },
      {
        id: 'deploy',
        state: 'open',
        by: 'pipeline',
        what: `deploy: ${deployCommands([deployment])}`,
        note: 'A restart keeps the deployed version',
      },
    ];
    return {
      reason: 'renewal-not-deployed',
      place: deployment,
      target: deployment,
      severity: severityAt(endMs, plan.nowMs),
      endMs,
      summary: `${deployment} still uses ${members.length === 1 ? `an older version of ${namesOf(members)}, which` : `older versions of ${members.length} certificates, of which the first`} ${endsIn(endMs, plan.nowMs)}; deploy`,
      steps,
      members,
      evidence: checklist(steps),
      offers: [],
      names: [deployment, ...members.map(({ place }) => place)],
    } satisfies Rotation;
  });
}

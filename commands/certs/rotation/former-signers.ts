import { wording } from '../../kit.ts';
import { field } from '../../shared/evidence.ts';
import { activeVersion, contentOf, type KnownCertificate } from '../../shared/managed-chain.ts';
import { withoutSource } from '../../shared/sources.ts';
import { deployCommands, regenerateCommand } from './commands.ts';
import {
  deploymentsOf,
  endOfVersion,
  isTransitional,
  namesOf,
  type PlanContext,
  trustedVersion,
} from './plan-context.ts';
import { earliest, endsIn, type Member, renewOffers, type Rotation, severityAt } from './rotation.ts';
import { memberOf, type SignedCertificate, signedCertificates } from './signed-by.ts';
import { checklist, type Step } from './steps.ts';
import { trustTable } from './trust-evidence.ts';

/** Certificates that a former version of an authority signed, which has a newer one in use. */
export function formerlySigned(plan: PlanContext, authority: KnownCertificate): readonly Rotation[] {
  if (!isTransitional(authority)) return [];
  const signed = signedCertificates(plan, authority);
  const isDue = ({ endMs }: SignedCertificate) => endMs === undefined || endMs <= plan.horizonMs;
  // Below another authority, both versions are trusted with it. A root that was replaced isn't, where only the present version is: whenever it ends.
  const isRoot = plan.managed.authorityOf(authority) === undefined;
  // An authority needs a rotation of its own.
  const former = signed.filter((one) => one.by === 'former' && !one.isAuthority && (isRoot || isDue(one)));
  const unsure = signed.filter((one) => one.by === 'unsure' && isDue(one));
  return [
    ...(former.length > 0 ? [left(plan, authority, former)] : []),
    ...(unsure.length > 0 ? [uncertain(plan, authority, unsure)] : []),
  ];
}

function left(
  plan: PlanContext,
  authority: KnownCertificate,
  former: readonly SignedCertificate[],
): Rotation {
  const { nowMs } = plan;
  const active = activeVersion(authority);
  const trust = plan.trust.stateOf(signerOfFirst(plan, authority, former), trustedVersion(authority, active));
  const members = former.map((one) => memberOf(plan, one));
  const endMs = earliest(members.map((one) => one.endMs));
  const deployments = deploymentsOf(
    plan,
    former.map(({ certificate }) => certificate),
  );
  const lacking = trust.onlyOld;
  const steps: readonly Step[] = [
    {
      id: 'add-version',
      state: 'done',
      by: 'person',
      what: `${plan.nameOf(authority)} has a newer version in use`,
    },
    ...(lacking.length > 0
      ? [
          {
            id: 'trust' as const,
            state: 'open' as const,
            by: 'pipeline' as const,
            what: `deploy, so that everything trusts the newer version: ${deployCommands(deployments)}`,
            note: `Only the former one: ${namesOf(lacking, 10)}`,
          },
        ]
      : []),
    renewStep(members, former),
    { id: 'deploy', state: 'open', by: 'pipeline', what: `deploy them: ${deployCommands(deployments)}` },
  ];
  const { target, place, many } = leafTarget(members, plan.nameOf(authority), authority.place);
  const isDue = endMs === undefined || endMs <= plan.horizonMs;
  const it = members.length === 1 ? 'it' : 'them';
  const rejecting = trust.onlyFresh;
  const rejects =
    rejecting.length > 0
      ? `, and ${namesOf(rejecting)} ${rejecting.length === 1 ? 'trusts' : 'trust'} only the present one`
      : isDue
        ? ''
        : `, so what trusts only the present one rejects ${it}`;
  const servedAt = former.flatMap(({ certificate }) => {
    const content = contentOf(certificate, activeVersion(certificate) ?? { id: '' });
    return content ? plan.servedAt(content.chain[0].fingerprint).map(withoutSource) : [];
  });
  return {
    reason: 'signed-by-former-version',
    place,
    target,
    severity: severityOfFormer(severityAt(endMs, nowMs), rejecting.length > 0 && servedAt.length > 0),
    endMs,
    summary: `${many} signed by a former version of ${plan.nameOf(authority)}${isDue ? ` that ${endsIn(endMs, nowMs)}` : ''}${rejects}; ${
      lacking.length > 0 ? 'deploy first, then regenerate' : 'regenerate'
    } ${it}${isDue ? '' : rejecting.length > 0 ? ', then deploy' : ' before the next deploy'}`,
    steps,
    members,
    evidence: [
      ...checklist(steps),
      ...(servedAt.length > 0 ? [field('Served at', wording.list([...new Set(servedAt)], 10))] : []),
      ...trustTable(trust),
    ],
    offers: lacking.length > 0 ? [] : renewOffers(members),
    names: [place, target, ...members.map((one) => one.place)],
  };
}

/** What is served and rejected is broken now. */
function severityOfFormer(dates: Rotation['severity'], isRejected: boolean): Rotation['severity'] {
  if (isRejected) return 'critical';
  return dates === 'info' ? 'warning' : dates;
}

function signerOfFirst(
  plan: PlanContext,
  authority: KnownCertificate,
  [first]: readonly SignedCertificate[],
) {
  return trustedVersion(authority, first && plan.signerOf(first.certificate)?.version);
}

/** A former version that has ended, or soon does, may have signed them. */
function uncertain(
  plan: PlanContext,
  authority: KnownCertificate,
  unsure: readonly SignedCertificate[],
): Rotation {
  const members = unsure.map((one) => memberOf(plan, one));
  const endMs = earliest(members.map((one) => one.endMs));
  const name = plan.nameOf(authority);
  const { target, place } = leafTarget(members, name, authority.place);
  const step: Step = {
    id: 'renew',
    state: 'unknown',
    by: 'person',
    what: `find out which version signed ${members.length === 1 ? 'it' : 'them'}: ${unsure
      .slice(0, MAX_COMMANDS)
      .map(({ certificate }) => `\`credhub get -n ${certificate.name} -k ca\``)
      .join(', ')}`,
    note: 'Regenerate what the former version signed',
  };
  return {
    reason: 'signer-unknown',
    place,
    target,
    severity: 'warning',
    endMs,
    summary: `It isn't known which version of ${name} signed ${namesOf(members)}; a former one ${endsIn(endMs, plan.nowMs)}`,
    steps: [step],
    members,
    evidence: [
      ...checklist([step]),
      field('Why', "Their contents weren't read, and names don't show which version signed"),
      field(
        'In use',
        `${activeVersion(authority)?.id ?? 'none'}, ${endsIn(endOfVersion(authority, activeVersion(authority)), plan.nowMs)}`,
      ),
    ],
    offers: [],
    names: [place, target, ...members.map((one) => one.place)],
  };
}

const MAX_COMMANDS = 3;

function renewStep(members: readonly Member[], former: readonly SignedCertificate[]): Step {
  const shown = former
    .slice(0, MAX_COMMANDS)
    .map(({ certificate }) => regenerateCommand(certificate))
    .join(', ');
  const more = former.length > MAX_COMMANDS ? ` and ${former.length - MAX_COMMANDS} more` : '';
  return {
    id: 'renew',
    state: 'open',
    by: members.some(({ renewable }) => renewable) ? 'button' : 'person',
    what: `regenerate ${wording.count(members.length, 'certificate')}: ${shown}${more}`,
  };
}

/** One certificate is its own target; several have their authority. */
export function leafTarget(
  members: readonly Member[],
  authority: string,
  place: string,
): { readonly target: string; readonly place: string; readonly many: string } {
  const [first] = members;
  if (members.length === 1 && first)
    return { target: first.name, place: first.place, many: `${first.name} is` };
  return { target: authority, place, many: `${members.length} certificates are` };
}

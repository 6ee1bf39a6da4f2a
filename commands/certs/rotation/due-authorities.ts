import { type Evidence, wording } from '../../kit.ts';
import { field } from '../../shared/evidence.ts';
import { activeVersion, type KnownCertificate } from '../../shared/managed-chain.ts';
import type { RenewOffer } from '../../shared/renew.ts';
import {
  addTransitionalCommand,
  clearFlagCommand,
  deployCommands,
  moveFlagCommand,
  regenerateCommand,
} from './commands.ts';
import { deploymentsOf, endOfVersion, isTransitional, type PlanContext } from './plan-context.ts';
import { day } from './steps.ts';
import { earliest, endsIn, type Rotation, severityAt } from './rotation.ts';
import { memberOf, type SignedCertificate, signedCertificates } from './signed-by.ts';
import { checklist, type Step } from './steps.ts';

/** An authority whose rotation has not begun and that ends soon, or was signed by something that does. undefined if it isn't due. */
export function dueAuthority(plan: PlanContext, authority: KnownCertificate): Rotation | undefined {
  const { nowMs, horizonMs } = plan;
  const active = activeVersion(authority);
  const end = plan.endOf(authority);
  if (!active || end.endMs === undefined || end.endMs > horizonMs) return undefined;
  const ownEndMs = endOfVersion(authority, active);
  const isOwnEnd = ownEndMs !== undefined && ownEndMs <= horizonMs;
  // The rotation of what signed it includes it.
  if (!isOwnEnd && end.cause !== authority) return undefined;
  const first = blockedBy(plan, authority);
  const name = plan.nameOf(authority);
  const signed = signedCertificates(plan, authority);
  const members = signed.map((one) => memberOf(plan, one));
  const endMs = earliest([end.endMs, ...members.map((one) => one.endMs)]);
  const canAdd = authority.renewable === true && active.generated !== false && !first;
  const steps = isTransitional(authority)
    ? transitionalSteps(plan, { authority, active: active.id, signed, isButton: canAdd })
    : procedureSteps(authority, signed);
  const offers: readonly RenewOffer[] =
    canAdd && isTransitional(authority)
      ? [
          {
            remediation: 'renew',
            params: { store: authority.store, place: authority.place, asTransitional: true },
          },
        ]
      : [];
  return {
    reason: 'rotation-due',
    place: authority.place,
    target: name,
    severity: severityAt(endMs, nowMs, end.fromMs),
    endMs,
    after: first?.place,
    summary: `${name} ${endsIn(end.endMs, nowMs)}${because(plan, authority, ownEndMs)}; ${
      first ? `rotate ${plan.nameOf(first)} first` : begin(authority)
    }`,
    steps,
    members,
    evidence: [...checklist(steps), ...notInBulk(plan, authority, signed)],
    offers,
    names: [authority.place, name, ...members.map(({ place }) => place)],
  };
}

function begin(authority: KnownCertificate): string {
  if (isTransitional(authority)) return 'regenerate it as transitional, and deploy before anything else';
  return authority.procedure ? `rotate it by the procedure ${authority.procedure.name}` : 'rotate it by hand';
}

/** Why it ends before the date in it. */
function because(plan: PlanContext, authority: KnownCertificate, ownEndMs: number | undefined): string {
  const { endsWith, endMs } = plan.endOf(authority);
  if (endsWith === undefined) return '';
  const signer = typeof endsWith === 'string' ? endsWith : plan.nameOf(endsWith);
  const own = ownEndMs === undefined ? '' : `, although its own date is ${day(ownEndMs)}`;
  const isFormer =
    typeof endsWith !== 'string' && plan.signerOf(authority)?.version?.id !== activeVersion(endsWith)?.id;
  return `, when the ${isFormer ? 'former version' : 'version'} of ${signer} that signed it ${endMs !== undefined && endMs < plan.nowMs ? 'did' : 'does'}${own}`;
}

/** What signs it must have a new version in use first: otherwise it would be signed by the one that ends. */
export function blockedBy(plan: PlanContext, certificate: KnownCertificate): KnownCertificate | undefined {
  const parent = plan.managed.authorityOf(certificate);
  if (!parent || parent === certificate) return undefined;
  const { phase } = plan.transitionOf(parent);
  if (phase === 'trusted') return parent;
  const { endMs } = plan.endOf(parent);
  return phase === 'none' && endMs !== undefined && endMs <= plan.horizonMs ? parent : undefined;
}

interface Known {
  readonly authority: KnownCertificate;
  /** The id of the version in use. */
  readonly active: string;
  readonly signed: readonly SignedCertificate[];
  readonly isButton: boolean;
}

function transitionalSteps(
  plan: PlanContext,
  { authority, active, signed, isButton }: Known,
): readonly Step[] {
  const command = deployCommands(
    deploymentsOf(plan, [authority, ...signed.map(({ certificate }) => certificate)]),
  );
  const leaves = signed.filter((one) => !one.isAuthority).map(({ certificate }) => certificate);
  const shown = leaves.slice(0, MAX_COMMANDS).map(regenerateCommand).join(', ');
  const more = leaves.length > MAX_COMMANDS ? ` and ${leaves.length - MAX_COMMANDS} more` : '';
  const authorities = signed.length - leaves.length;
  const below =
    authorities > 0
      ? `rotate ${wording.count(authorities, 'authority', 'authorities')} that it signs in the same way; `
      : '';
  const renewing: readonly Step[] =
    signed.length === 0
      ? []
      : [
          {
            id: 'renew',
            state: 'open',
            by: 'person',
            what: `${below}${leaves.length > 0 ? `regenerate ${wording.count(leaves.length, 'certificate')}: ${shown}${more}` : ''}`.replace(
              /; $/,
              '',
            ),
          },
        ];
  return [
    {
      id: 'add-version',
      state: 'open',
      by: isButton ? 'button' : 'person',
      what: `regenerate it as transitional: ${addTransitionalCommand(authority)}`,
    },
    {
      id: 'trust',
      state: 'open',
      by: 'pipeline',
      what: `deploy, so that everything trusts both versions: ${command}`,
    },
    {
      id: 'move-flag',
      state: 'open',
      by: 'person',
      what: `make the old version transitional, so that the new one signs: ${moveFlagCommand(authority, active)}`,
    },
    ...renewing,
    { id: 'deploy', state: 'open', by: 'pipeline', what: `deploy what the new version signs: ${command}` },
    {
      id: 'clear-flag',
      state: 'open',
      by: 'person',
      what: `clear the flag of the old version: ${clearFlagCommand(authority)}`,
    },
    {
      id: 'untrust',
      state: 'open',
      by: 'pipeline',
      what: `deploy, so that nothing trusts the old version: ${command}`,
    },
  ];
}

const MAX_COMMANDS = 3;

/** Of a manager that documents how it is done, or an authority that someone set by hand. */
function procedureSteps(authority: KnownCertificate, signed: readonly SignedCertificate[]): readonly Step[] {
  const { procedure, deployments = [] } = authority;
  const how = procedure
    ? `follow ${procedure.name}${procedure.url === undefined ? '' : ` (${procedure.url})`}`
    : 'create a new authority and make everything trust both';
  const apply = procedure && authority.deployments ? 'Apply Changes' : 'deploy';
  const where = deployments.length > 0 ? ` of ${wording.list(deployments)}` : '';
  return [
    { id: 'add-version', state: 'open', by: 'person', what: how },
    { id: 'trust', state: 'open', by: 'person', what: `${apply}${where}, so that everything trusts both` },
    ...(signed.length > 0
      ? [
          {
            id: 'renew' as const,
            state: 'open' as const,
            by: 'person' as const,
            what: `renew ${wording.count(signed.length, 'certificate')} that it signed`,
          },
        ]
      : []),
    { id: 'deploy', state: 'open', by: 'person', what: `${apply}${where} again` },
  ];
}

/** https://github.com/cloudfoundry/credhub/issues/377 */
function notInBulk(
  plan: PlanContext,
  authority: KnownCertificate,
  signed: readonly SignedCertificate[],
): readonly Evidence[] {
  const parent = plan.managed.authorityOf(authority);
  const isBelow = parent !== undefined && parent !== authority;
  if (!isTransitional(authority) || !(isBelow || signed.some((one) => one.isAuthority))) return [];
  const all = isBelow ? plan.nameOf(parent) : plan.nameOf(authority);
  return [
    field(
      'Do not',
      `regenerate everything that ${all} signed at once: authorities among it would get no transitional step`,
    ),
  ];
}

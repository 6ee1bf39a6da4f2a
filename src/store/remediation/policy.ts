import type { Risk } from '../../check/define-remediation.ts';

/** `remediations` in the configuration. */
export interface Policy {
  /** Destructive remediations that are allowed at all, as `etcd/health:free-space`. */
  readonly destructive: readonly string[];
  /** Remediations that are turned off. */
  readonly off: readonly string[];
  /** How many people, none of them the requester, must approve. */
  readonly approvals: { readonly disruptive: number; readonly destructive: number };
  /** How long a plan waits for approval. */
  readonly approveWithinMinutes: number;
  /** How long an approved plan may wait to be applied. */
  readonly applyWithinSeconds: number;
  /** How many remediations of one report are applied. */
  readonly perRun: number;
  /** How many are applied in one environment within an hour. */
  readonly perHour: number;
  /** A reason is required to request a plan and to approve one. */
  readonly requireReason: boolean;
  /** Memberships that were read longer ago count as unknown. */
  readonly membershipSeconds: number;
  readonly roles: Roles;
}

export type AccessRole = 'requester' | 'approver' | 'auditor';

/** Slack ids of people (`U…`) and user groups (`S…`), by role; never names. */
export type Roles = Readonly<Record<AccessRole, readonly string[]>>;

/** `etcd/doppler:restart`: its name in the configuration and in the metrics. */
export function remediationName({
  check,
  remediation,
}: {
  readonly check: string;
  readonly remediation: string;
}): string {
  return `${check}:${remediation}`;
}

/** Why the configuration disables a remediation, for people; undefined if it is enabled. Checked when it is offered and at each transition. */
export function disabledReason(
  policy: Policy,
  remediation: { readonly check: string; readonly remediation: string; readonly risk: Risk },
): string | undefined {
  const name = remediationName(remediation);
  if (policy.off.includes(name)) return `\`remediations.off\` names \`${name}\``;
  if (remediation.risk === 'destructive' && !policy.destructive.includes(name))
    return `it is destructive, and off until \`remediations.destructive\` names \`${name}\``;
  if (policy.roles.requester.length === 0) return 'nobody may ask for it: `roles.requester` names no one';
  if (remediation.risk !== 'safe' && policy.roles.approver.length === 0)
    return 'nobody may approve it: `roles.approver` names no one';
  return undefined;
}

/** How many approvals by others a remediation needs. A safe one needs none: the click that requests it is enough. */
export function requiredApprovals({ approvals }: Policy, risk: Risk): number {
  return risk === 'safe' ? 0 : approvals[risk];
}

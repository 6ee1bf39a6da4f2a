import { z } from 'zod';
import type { Risk } from '../../check/define-remediation.ts';

const slackId = z.string().regex(/^[UWS][A-Z0-9]{2,}$/, {
  error: 'must be the id of a person (`U0123ABC`) or of a user group (`S0123ABC`), never a name',
});

const role = (description: string) => z.array(slackId).default([]).meta({ description });

/** Slack ids of people (`U…`) and user groups (`S…`), by role; never names. */
export const rolesSchema = z.strictObject({
  requester: role('Who may click an offer: asks for a plan, and applies what is safe.'),
  approver: role('Who may approve and reject the plans of others, and unfreeze.'),
  auditor: role('Who may read the audit in Slack, besides approvers.'),
});

const nameSchema = z.string().regex(/^[a-z0-9-]+\/[a-z0-9-]+:[a-z0-9-]+$/, {
  error: 'must be the name of a remediation such as etcd/doppler:restart',
});

const approvals = (byDefault: number, description: string) =>
  z.number().int().min(1).max(5).default(byDefault).meta({ description });

/** `remediations` in the configuration. */
export const remediationsSchema = z.strictObject({
  destructive: z
    .array(nameSchema)
    .default([])
    .meta({ description: 'The destructive remediations that are allowed, by name. Without it none is.' }),
  off: z.array(nameSchema).default([]).meta({ description: 'Remediations that are not offered, by name.' }),
  approvals: z
    .strictObject({
      disruptive: approvals(1, 'How many others must approve what stops something for a while.'),
      destructive: approvals(2, 'How many others must approve what is irreversible.'),
    })
    .prefault({})
    .meta({ description: 'How many people, none of them the one who asked, must approve a plan.' }),
  approveWithinMinutes: z
    .number()
    .positive()
    .max(1_440)
    .default(15)
    .meta({ description: 'How many minutes a plan waits for approval; then it has expired.' }),
  applyWithinSeconds: z.number().positive().max(3_600).default(120).meta({
    description: 'How many seconds after the last approval a worker may begin; then it has expired.',
  }),
  perRun: z.number().int().min(1).default(20).meta({
    description:
      'How many remediations that one report offered may be applied. Each line of a plan for many targets counts.',
  }),
  perHour: z.number().int().min(1).default(20).meta({
    description:
      'How many remediations may be applied in one environment within an hour. Each line of a plan for many targets counts.',
  }),
  lines: z.record(nameSchema, z.number().int().min(1)).default({}).meta({
    description:
      'Separate caps for single remediations, by name: `certs/expiring:renew: 100`. Such a cap replaces both `perRun` and `perHour`.',
  }),
  requireReason: z.boolean().default(false).meta({
    description:
      'Whether people must give a reason (10 to 500 characters) when they ask for a plan and when they approve one. It is shown on the plan card and in the audit.',
  }),
  membershipSeconds: z.number().int().min(10).max(86_400).default(300).meta({
    description: 'After how many seconds a looked-up person or user group counts as unknown, and is refused.',
  }),
});

/** Everything that the configuration says about remediations. */
export type Policy = z.output<typeof remediationsSchema> & { readonly roles: z.output<typeof rolesSchema> };

export type AccessRole = keyof Policy['roles'];

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

/** How many lines of plans may be applied. */
export interface Caps {
  readonly perRun: number;
  readonly perHour: number;
  /** The remediation, if it has a cap of its own: its lines are counted apart from all others. */
  readonly own?: string;
}

export function capsFor(
  { lines, perRun, perHour }: Policy,
  remediation: Parameters<typeof remediationName>[0],
): Caps {
  const own = remediationName(remediation);
  const cap = lines[own];
  return cap === undefined ? { perRun, perHour } : { perRun: cap, perHour: cap, own };
}

/** Why a plan with this many lines can never be applied, with the setting that forbids it; undefined if it can. */
export function tooManyLines(
  policy: Policy,
  remediation: Parameters<typeof capsFor>[1],
  lines: number,
): string | undefined {
  const { perRun, perHour, own } = capsFor(policy, remediation);
  const cap = Math.min(perRun, perHour);
  if (lines <= cap) return undefined;
  if (own !== undefined)
    return `the plan has ${lines} lines, and \`remediations.lines\` allows ${cap} for \`${own}\``;
  const setting = perRun <= perHour ? 'perRun' : 'perHour';
  return `the plan has ${lines} lines, and \`remediations.${setting}\` allows ${cap}: raise it, or set a cap for \`${remediationName(remediation)}\` in \`remediations.lines\``;
}

/** How many approvals by others a remediation needs. A safe one needs none: the click that requests it is enough. */
export function requiredApprovals({ approvals }: Policy, risk: Risk): number {
  return risk === 'safe' ? 0 : approvals[risk];
}

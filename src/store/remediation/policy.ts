import { z } from 'zod';
import type { Risk } from '../../check/define-remediation.ts';

const slackId = z.string().regex(/^[UWS][A-Z0-9]{2,}$/, {
  error: 'must be the id of a person (`U0123ABC`) or of a user group (`S0123ABC`), not a name',
});

const role = (description: string) => z.array(slackId).default([]).meta({ description });

/** Slack ids of people (`U…`) and user groups (`S…`), by role. Names aren't accepted. */
export const rolesSchema = z.strictObject({
  requester: role('Who may request fixes: apply safe ones, and request plans for the others.'),
  approver: role("Who may approve and reject other people's plans, and unfreeze."),
  auditor: role('Who may read the audit in Slack. Approvers always may.'),
});

const nameSchema = z.string().regex(/^[a-z0-9-]+\/[a-z0-9-]+:[a-z0-9-]+$/, {
  error: 'must be the name of a fix such as etcd/doppler:restart',
});

const approvals = (byDefault: number, description: string) =>
  z.number().int().min(1).max(5).default(byDefault).meta({ description });

const remediations = z.strictObject({
  destructive: z
    .array(nameSchema)
    .default([])
    .meta({ description: 'Names of the destructive fixes to enable. All others stay disabled.' }),
  off: z
    .array(nameSchema)
    .default([])
    .meta({ description: 'Names of fixes to disable. They are not offered.' }),
  approvals: z
    .strictObject({
      disruptive: approvals(
        1,
        'Approvals required for disruptive fixes, which interrupt something temporarily.',
      ),
      destructive: approvals(2, 'Approvals required for destructive fixes, which are irreversible.'),
    })
    .prefault({})
    .meta({
      description:
        "Number of people who must approve a plan. The person who requested it can't be one of them.",
    }),
  approveWithinMinutes: z
    .number()
    .positive()
    .max(1_440)
    .default(15)
    .meta({ description: 'Minutes a plan waits for approval before it expires.' }),
  applyWithinSeconds: z.number().positive().max(3_600).default(120).meta({
    description: 'Seconds an approved plan waits for a worker to start it before it expires.',
  }),
  perRun: z.number().int().min(1).default(20).meta({
    description:
      'Maximum number of fixes to apply from one report. Each line of a plan for several targets counts as one.',
  }),
  perHour: z.number().int().min(1).default(20).meta({
    description:
      'Maximum number of fixes to apply per hour in one environment. Each line of a plan for several targets counts as one.',
  }),
  lines: z.record(nameSchema, z.number().int().min(1)).default({}).meta({
    description:
      'Caps for individual fixes, by name: `certs/expiring:renew: 100`. Such a cap replaces both `perRun` and `perHour` for its fix.',
  }),
  requireReason: z.boolean().default(false).meta({
    description:
      'Require a reason (10 to 500 characters) to request and to approve a plan. It appears on the plan card and in the audit.',
  }),
  membershipSeconds: z.number().int().min(10).max(86_400).default(300).meta({
    description:
      'Seconds for which a lookup of a person or user group in Slack is valid. After that, the person is refused until a new lookup succeeds.',
  }),
  notify: z.enum(['mention', 'direct', 'none']).default('mention').meta({
    description:
      'How approvers are asked, and how requesters hear of the outcome: `mention` mentions them in the thread, `direct` sends direct messages to at most 20 people, `none` notifies no one and turns the reminder off.',
  }),
  remind: z
    .strictObject({
      beforeMinutes: z.number().nonnegative().exactOptional().meta({
        description:
          'Minutes before a plan expires to remind its approvers, less than `approveWithinMinutes`. `0` turns the reminder off. Default: a third of `approveWithinMinutes`.',
      }),
      alsoNotify: z.array(slackId).default([]).meta({
        description: 'Ids of more people and user groups to notify in the reminder. It gives them no role.',
      }),
    })
    .prefault({})
    .meta({ description: 'The reminder, once for each plan that still waits for approval.' }),
});

/** `remediations` in the configuration. */
export const remediationsSchema = remediations.refine(
  ({ approveWithinMinutes, remind: { beforeMinutes = 0 } }) => beforeMinutes < approveWithinMinutes,
  { error: 'must be less than `remediations.approveWithinMinutes`', path: ['remind', 'beforeMinutes'] },
);

/** The configuration of remediations. */
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

/**
 * Why the configuration disables a remediation where its report was requested, for people; undefined if it is enabled. Checked when it is offered and
 * at each transition.
 */
export function disabledReason(
  policy: Policy,
  remediation: {
    readonly check: string;
    readonly remediation: string;
    readonly risk: Risk;
    readonly asked: { readonly channelId: string };
  },
): string | undefined {
  const name = remediationName(remediation);
  if (policy.off.includes(name)) return `\`remediations.off\` lists \`${name}\``;
  if (remediation.risk === 'destructive' && !policy.destructive.includes(name))
    return `it's destructive, and disabled unless \`remediations.destructive\` lists \`${name}\``;
  if (policy.roles.requester.length === 0) return 'no one can request it: `roles.requester` is empty';
  if (remediation.risk !== 'safe' && policy.roles.approver.length === 0)
    return 'no one can approve it: `roles.approver` is empty';
  if (remediation.risk !== 'safe' && isDirectMessage(remediation.asked))
    return 'it needs approval, and no one else sees direct messages; run the check in a channel';
  return undefined;
}

/** Slack ids of direct messages begin with `D`, those of all other conversations with `C` or `G`. */
function isDirectMessage({ channelId }: { readonly channelId: string }): boolean {
  return channelId.startsWith('D');
}

/** The maximum number of plan lines that may be applied. */
export interface Caps {
  readonly perRun: number;
  readonly perHour: number;
  /** The remediation, if it has its own cap: its lines are counted separately from all others. */
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

/** Why a plan with this many lines can never be applied, with the setting that limits it; undefined if it can. */
export function tooManyLines(
  policy: Policy,
  remediation: Parameters<typeof capsFor>[1],
  lines: number,
): string | undefined {
  const { perRun, perHour, own } = capsFor(policy, remediation);
  const cap = Math.min(perRun, perHour);
  if (lines <= cap) return undefined;
  if (own !== undefined)
    return `the plan has ${lines} lines, but \`remediations.lines\` allows ${cap} for \`${own}\``;
  const setting = perRun <= perHour ? 'perRun' : 'perHour';
  return `the plan has ${lines} lines, but \`remediations.${setting}\` allows ${cap}: raise it, or set a cap for \`${remediationName(remediation)}\` in \`remediations.lines\``;
}

/** How long before a plan expires its approvers are reminded, in milliseconds; 0 if they aren't. */
export function reminderLeadMs({
  notify,
  remind,
  approveWithinMinutes,
}: Pick<Policy, 'notify' | 'remind' | 'approveWithinMinutes'>): number {
  return notify === 'none' ? 0 : (remind.beforeMinutes ?? approveWithinMinutes / 3) * 60_000;
}

/** How many approvals by others a remediation needs. A safe one needs none: the click that requests it is enough. */
export function requiredApprovals({ approvals }: Policy, risk: Risk): number {
  return risk === 'safe' ? 0 : approvals[risk];
}

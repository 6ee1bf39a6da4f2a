import { z } from 'zod';
import type { Permission } from '../ports/permission.ts';
import type { PortName, WriterPortName, Writers } from '../ports/readers.ts';
import type { ApplyContext } from '../ports/apply-context.ts';
import type { ReadContext } from './context.ts';
import { jsonSchema, type Measure, type Proposal, type riskSchema } from './finding.ts';
import type { Immutable } from './immutable.ts';

/**
 * `safe`: one click with a confirmation. `disruptive`: interrupts something temporarily; someone else approves the plan. `destructive`: irreversible;
 * disabled unless the configuration lists it, then like disruptive with the configured number of approvals.
 */
export type Risk = z.infer<typeof riskSchema>;

/** The part of a plan that is about one of many targets. It is checked again right before it is applied. */
const planPartSchema = z.strictObject({
  /** As the offer names it: one of the finding's `targets`. */
  target: z.string().min(1),
  /** What will be done with it: one of the plan's `lines`. */
  line: z.string().min(1),
  /** Facts that must still be true right before this part is applied; facts that other parts of the plan change don't belong here. */
  precondition: z.record(z.string(), z.string()),
  /** Those of the plan's `safety` lines that are about this part. */
  safety: z.array(z.string()).exactOptional(),
});

/** A worker verifies a fix for this long at most. */
const MAX_SETTLE_SECONDS = 3_600;

/**
 * What applying will do. Plain JSON: it is stored and hashed, and compared with the plan that is made again before applying. What only describes it
 * isn't compared, because it also changes when things get better: `impact`, `afterwards`, `untilVerified`, `settlesWithinSeconds` and
 * `provenAfterSeconds`.
 */
const planObject = z.strictObject({
  /** The steps, one per line, in order. The approver approves these. */
  lines: z.array(z.string()).min(1),
  /** Exactly what will be changed, each named as its owner names it. Only one remediation at a time may have a target. */
  targets: z.array(z.string()).min(1),
  /**
   * Facts that must still be true when it is applied: a process id, a version, a serial number. They bind the plan to the state it was made for, so
   * that it can't be applied a second time. Facts that change without a fix don't belong here.
   */
  precondition: z.record(z.string(), z.string()),
  /** The number of affected bytes, if people judge the plan by it. */
  bytes: z.number().exactOptional(),
  /** What it affects and for how long, in one line, as it is now: `Stops 1 of 3 dopplers; 2 others are registered`. Plans that 0.11 made have none. */
  impact: z.string().min(1).exactOptional(),
  /** What can't be undone: it is shown first, in bold. */
  irreversible: z.array(z.string()).exactOptional(),
  /**
   * Conditions on which approvers rely: `At least one other doppler is registered`. The plan is made again right before it is applied, and the fix is
   * skipped if a line is missing from it. A line must stay the same when things get better: counts and names belong to `impact`.
   */
  safety: z.array(z.string()).exactOptional(),
  /** What people still have to do or to know once it is fixed: "deploy what uses it". */
  afterwards: z.array(z.string()).exactOptional(),
  /** What people should know until it is verified: "it should register within 5 s". */
  untilVerified: z.array(z.string()).exactOptional(),
  /** How long the finding may take to disappear, if that depends on the target. It replaces the remediation's own `settlesWithinSeconds`. */
  settlesWithinSeconds: z.int().positive().max(MAX_SETTLE_SECONDS).exactOptional(),
  /**
   * How long after the last step the absence of the finding proves nothing yet: what was changed can't have run for long enough before, and may be
   * absent meanwhile. If that is after `settlesWithinSeconds`, the fix ends as unverified, and people check again later.
   */
  provenAfterSeconds: z.int().positive().exactOptional(),
  /** What `apply` needs beyond the params. */
  details: z.record(z.string(), jsonSchema).exactOptional(),
  /** One per line, if the plan is for several targets. Wrench sets it. */
  parts: z.array(planPartSchema).min(1).exactOptional(),
  /** Requested targets that aren't part of the plan, with the reason. Wrench sets it. */
  leftOut: z.array(z.strictObject({ target: z.string(), because: z.string() })).exactOptional(),
});

export type Plan = Immutable<z.infer<typeof planObject>>;

export const planSchema: z.ZodType<Plan> = planObject;

/** A plan that this version makes. */
export type NewPlan = Plan & { readonly impact: string };

/** The argument of `apply`, and the only way to change the infrastructure. `R` are ports that it only reads. */
export interface WriteContext<
  P extends WriterPortName = WriterPortName,
  R extends PortName = never,
> extends ReadContext<P | R> {
  /** The writers of the ports in `uses`: `write.processes(source).restart(target, applyContext)`. */
  readonly write: Pick<Writers, P>;
  readonly applyContext: ApplyContext;
  /**
   * Records a completed step, in one line. It is shown in the thread and audited, even if the next step fails. If the fix was paused or frozen
   * meanwhile, this aborts `applyContext.signal`, which is to be checked before the next step.
   * @throws if no further step is allowed, because another worker has taken over, or remediations were frozen.
   */
  readonly recordStep: (line: string) => Promise<void>;
}

/** What was applied, and the id under which sources know it. */
export interface AppliedPlan extends Pick<ApplyContext, 'idempotencyKey'> {
  readonly plan: Plan;
}

/** A fix, declared next to its check. It doesn't verify itself: the check is run again. */
export interface Remediation<
  P extends WriterPortName = WriterPortName,
  S extends z.ZodType = z.ZodType,
  R extends PortName = never,
> {
  /** What it does, in a few words for `help` and the documentation: `Restarts the job of one instance`. */
  readonly about: string;
  /** The button, verb first: `Restart doppler_z2/0`. At most 75 characters are shown. */
  readonly title: (params: z.output<S>) => string;
  readonly risk: Risk;
  /** The permission that a source needs under `allow` in the configuration. A source without it refuses. */
  readonly allow: Permission;
  /** The ports whose sources `plan` reads and `apply` changes. */
  readonly uses: readonly P[];
  /** Further ports that it only reads, such as to plan what else depends on its target. */
  readonly reads?: readonly R[];
  /** What an offer carries; plain JSON. */
  readonly params: S;
  /**
   * What a click will change and where, for the confirmation of a safe fix: `Writes a new version of secret/cf/tls in vault. Deploys nothing.` Known
   * without planning. At most 250 characters are shown.
   */
  readonly effect?: (params: z.output<S>) => string;
  /**
   * Plans what `apply` would do now, and changes nothing.
   * @throws {SourceError} if it must not or can't be done, with the reason that people see.
   */
  readonly plan: (context: ReadContext<NoInfer<P | R>>, params: z.output<S>) => Promise<NewPlan>;
  /**
   * Applies the plan, once.
   * @throws {SourceError} if a source didn't do it. `recordStep` has recorded the steps before it.
   */
  readonly apply: (
    context: WriteContext<NoInfer<P>, NoInfer<R>>,
    params: z.output<S>,
    plan: Plan,
  ) => Promise<void>;
  /**
   * Set if it has many steps, each complete in itself, and can end after any of them: a plan that is made later continues with the rest. Its card has a
   * button to pause it. Of its steps, the last few are kept, so each should name the total so far.
   */
  readonly pausable?: true;
  /** How long the finding may take to disappear afterwards, or the measure of a mitigation to reach its value. */
  readonly settlesWithinSeconds: number;
  /**
   * Set if the finding may be absent although the fix has no effect, such as while nothing runs that could have the fault: says why its absence proves
   * nothing. Undefined if what was applied is still in effect everywhere. Asked whenever a verification doesn't find the fault any more.
   * @throws {SourceError} if that can't be read, which proves nothing either.
   */
  readonly whyUnproven?: (
    context: ReadContext<NoInfer<P | R>>,
    params: z.output<S>,
    applied: AppliedPlan,
  ) => Promise<string | undefined>;
  /** Set if one plan may be for several targets. `plan` and `apply` still handle one target each. */
  readonly many?: ManyTargets<z.output<S>>;
  /**
   * Set for a mitigation: it eases the fault but doesn't remove it. It ends as `mitigated` once this measure of the check has this value, and the
   * finding stays.
   */
  readonly provenBy?: (params: z.output<S>) => Pick<Measure, 'label' | 'value'>;
  /**
   * Set if one plan may remove only a part of the fault. If the finding is gone, it is fixed. If the finding stays, but this measure of the check is
   * lower than `below`, or without that than right before the fix, it ends as `mitigated`. A check without the measure is never mitigated.
   */
  readonly reduces?: (params: z.output<S>) => Pick<Measure, 'label'> & { readonly below?: number };
}

/**
 * How a remediation is planned for several targets at once: one line each, planned and applied in the order of the offer. What the targets' own plans
 * list as `irreversible`, `safety`, `afterwards` and `untilVerified` is listed once for all. So a safety line must not depend on what other lines
 * change.
 */
export interface ManyTargets<Params> {
  /** The button: `Renew all 13`. */
  readonly title: (params: readonly Params[]) => string;
  /** As the remediation's own, for all of them. */
  readonly effect?: (params: readonly Params[]) => string;
  /** As a plan's own, for all of them. `params` and `plans` are in the same order. */
  readonly impact: (params: readonly Params[], plans: readonly Plan[]) => string;
  /** One line about one target. It must not depend on what other lines change, such as the serial number of a shared authority. */
  readonly line: (params: Params, plan: Plan) => string;
  /** The preconditions of the target's own plan that must still be true right before its line is applied, without those that other lines change. */
  readonly precondition: (plan: Plan) => Readonly<Record<string, string>>;
  /** Replaces what the plans of all targets list. */
  readonly afterwards?: (params: readonly Params[]) => readonly string[];
}

// oxlint-disable-next-line typescript/no-explicit-any -- a check holds remediations of every parameter type
export type AnyRemediation = Remediation<any, any, any>;

export type RemediationsByName = Readonly<Record<string, AnyRemediation>>;

/**
 * The offers that a check may make: one of its remediations with its params, for one target or for each of several. If the finding has `targets`, it
 * is fixed once those that the offer is for are gone. A fix that replaces them, such as a rollout that creates other pods, is offered for the target
 * of the finding itself.
 */
export type OfferOf<R extends RemediationsByName> = string extends keyof R
  ? Proposal
  : {
      [Name in keyof R & string]:
        | {
            readonly remediation: Name;
            readonly params: z.input<R[Name]['params']>;
            readonly target?: string;
          }
        | {
            readonly remediation: Name;
            readonly each: readonly {
              readonly target: string;
              readonly params: z.input<R[Name]['params']>;
            }[];
          };
    }[keyof R & string];

/** Declares a remediation and ties its parts together: it reads and writes only what `uses` names, and reads what `reads` names. */
export function defineRemediation<
  const P extends WriterPortName,
  S extends z.ZodType,
  const R extends PortName = never,
>(remediation: Remediation<P, S, R>): Remediation<P, S, R> {
  return remediation;
}

import type { z } from 'zod';
import type { PortName, Writers } from '../ports/readers.ts';
import type { ApplyContext } from '../ports/apply-context.ts';
import type { ReadContext } from './context.ts';

/**
 * `safe`: one click with a confirmation. `disruptive`: something stops for a while; somebody else approves the plan.
 * `destructive`: irreversible; off until the configuration names it, then as disruptive with as many approvals as configured.
 */
export type Risk = 'safe' | 'disruptive' | 'destructive';

/** What applying will do. Plain JSON: it is stored, hashed, and compared with the plan that is made again before applying. */
export interface Plan {
  /** The steps, one a line, in their order. The approver approves these. */
  readonly lines: readonly string[];
  /** Exactly what will be changed, each named as its owner names it. Only one remediation at a time may have a target. */
  readonly targets: readonly string[];
  /**
   * Facts that must still be true when it is applied: a process id, a version, a serial number. They bind the plan to the state it was made for, so
   * that it cannot be applied a second time. Nothing that changes by itself belongs here.
   */
  readonly precondition: Readonly<Record<string, string>>;
  /** The bytes that are affected, where that is how people judge the plan. */
  readonly bytes?: number;
  /** What people must know or do afterwards: "nothing is deployed by this: run `bosh deploy`". */
  readonly afterwards?: readonly string[];
  /** What `apply` needs beyond the params. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** Given to `apply` only: the one way to change the infrastructure. */
export interface WriteContext<P extends PortName = PortName> extends ReadContext<P> {
  /** The writers of the ports in `uses`. Each call names its source and takes the `applyContext`. */
  readonly write: Pick<Writers, P>;
  readonly applyContext: ApplyContext;
  /**
   * Records a completed step, in one line. It is shown in the thread and audited, even if the next step fails.
   * @throws if no further step is allowed, because another worker has taken over, or remediations were frozen.
   */
  readonly recordStep: (line: string) => Promise<void>;
}

/** A fix, declared beside its check. It does not verify itself: the check is run again. */
export interface Remediation<P extends PortName = PortName, S extends z.ZodType = z.ZodType> {
  /** What it does, in a few words for `help` and the documentation: `Restarts the job of one instance`. */
  readonly about: string;
  /** The button, verb first: `Restart doppler_z2/0`. At most 75 characters are shown. */
  readonly title: (params: z.output<S>) => string;
  readonly risk: Risk;
  /** The ports whose sources `plan` reads and `apply` changes. */
  readonly uses: readonly P[];
  /** What an offer carries; plain JSON. */
  readonly params: S;
  /**
   * Plans what `apply` would do now, and changes nothing.
   * @throws {SourceError} if it must not or cannot be done, with the reason that people see.
   */
  readonly plan: (context: ReadContext<NoInfer<P>>, params: z.output<S>) => Promise<Plan>;
  /**
   * Applies the plan, once.
   * @throws {SourceError} if a source did not do it. The steps before it were recorded by `recordStep`.
   */
  readonly apply: (context: WriteContext<NoInfer<P>>, params: z.output<S>, plan: Plan) => Promise<void>;
  /** How long the finding may take to go away afterwards. */
  readonly settlesWithinSeconds: number;
}

// oxlint-disable-next-line typescript/no-explicit-any -- a check holds remediations of every parameter type
export type AnyRemediation = Remediation<any, any>;

export type RemediationsByName = Readonly<Record<string, AnyRemediation>>;

/** The offers a check may make: one of its remediations, with the params that remediation takes. */
export type OfferOf<R extends RemediationsByName> = {
  [Name in keyof R & string]: { readonly remediation: Name; readonly params: z.input<R[Name]['params']> };
}[keyof R & string];

/** Declares a remediation and ties its parts together: it reads and writes only what `uses` names. */
export function defineRemediation<const P extends PortName, S extends z.ZodType>(
  remediation: Remediation<P, S>,
): Remediation<P, S> {
  return remediation;
}

import type { z } from 'zod';
import type { PortName, Writers } from '../ports/readers.ts';
import type { ApplyContext } from '../ports/apply-context.ts';
import type { ReadContext } from './context.ts';

/**
 * `safe`: one click with a confirmation. `disruptive`: something stops for a while; somebody else approves the plan.
 * `destructive`: something is gone for good; off until the configuration names it, then as disruptive with as many approvals as configured.
 */
export type Risk = 'safe' | 'disruptive' | 'destructive';

/** What applying will do. Plain JSON: it travels, is hashed, and is compared word for word when it is made again before applying. */
export interface Plan {
  /** What will be done, one deed a line, in the order of doing. The approver approves these. */
  readonly lines: readonly string[];
  /** Exactly what will be changed, each named as its owner names it. One remediation at a time holds a target. */
  readonly targets: readonly string[];
  /**
   * Facts that must still be so when it is applied: a process id, a version, a serial. They bind the plan to the state that was looked at,
   * so that applying it a second time would not find what it was made for. Nothing that changes by itself belongs here.
   */
  readonly precondition: Readonly<Record<string, string>>;
  /** Bytes that are affected, where that is the measure of the deed. */
  readonly bytes?: number;
  /** What people must know or do afterwards: "nothing is deployed by this: run `bosh deploy`". */
  readonly afterwards?: readonly string[];
  /** What `apply` needs to know exactly, beyond the params. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** What `apply` is given, and nothing else is: the only way to change the infrastructure. */
export interface WriteContext<P extends PortName = PortName> extends ReadContext<P> {
  /** The writers of the ports in `uses`. Each call names its source and takes `order`. */
  readonly write: Pick<Writers, P>;
  readonly applyContext: ApplyContext;
  /**
   * Says what was done, one line a deed, as it is done; shown in the thread and kept in the audit, even if the next deed fails.
   * @throws where the leave to act is over (another took over, frozen, too late): the next deed is then not begun.
   */
  readonly recordStep: (line: string) => Promise<void>;
}

/** A fix, declared beside its check. It never verifies itself: the kernel looks again. */
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
   * Says what `apply` would do now, and does none of it.
   * @throws {SourceError} where it must not or cannot be done, saying why: the offer is then refused with these words.
   */
  readonly plan: (context: ReadContext<NoInfer<P>>, params: z.output<S>) => Promise<Plan>;
  /**
   * Does what the plan says, once.
   * @throws {SourceError} where a source did not do it. What is done by then was told by `did`.
   */
  readonly apply: (context: WriteContext<NoInfer<P>>, params: z.output<S>, plan: Plan) => Promise<void>;
  /** How long the finding may take to go away once applied. */
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

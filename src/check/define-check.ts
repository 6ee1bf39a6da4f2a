import type { z } from 'zod';
import type { DeclaredReads, PortName } from '../ports/readers.ts';
import type { ReadContext } from './context.ts';
import type { OfferOf, RemediationsByName } from './define-remediation.ts';
import type { Diagnosis, Finding } from './finding.ts';
import type { NoSample, Remembers, SampleOf } from './remembers.ts';

/** A rule that a check enforces, and who publishes it. */
interface CheckPolicy {
  /** The rule, in one sentence. */
  readonly rule: string;
  /** The public page that states it. */
  readonly source: `https://${string}`;
}

/** Why a check exists: the outage behind it or the policy that it enforces, exactly one of them. */
type Origin =
  | { readonly why: string; readonly policy?: never }
  | { readonly policy: CheckPolicy; readonly why?: never };

/** A check, as its author declares it. Its name is its path under `commands/`. */
export interface Check<
  P extends PortName = PortName,
  A extends z.ZodObject = z.ZodObject,
  Facts = unknown,
  R extends RemediationsByName = RemediationsByName,
  M extends PortName = never,
  S extends z.ZodObject = NoSample,
> {
  /** What it looks for, in a few words. */
  readonly title: string;
  /** The outage behind it, in one sentence; `help` prints it. */
  readonly why?: string;
  /** The rule that it enforces, if it exists because of a rule; `help` prints it. */
  readonly policy?: CheckPolicy;
  /** What the coverage counts, one of them: `instance`, `place`. Often not what the verdict counts: one certificate may be at many places. */
  readonly counts?: string;
  /** The ports it reads. If one has no source configured, the report has a gap. */
  readonly uses: readonly P[];
  /** Ports that it reads if they have a source, and does without otherwise. */
  readonly mayUse?: readonly M[];
  /**
   * The methods that `collect` and the plans of its remediations call, for ports that require a permission for each method. The roles in
   * `deploy/kubernetes/rbac` grant exactly these permissions, and `wrench doctor` names the checks that lack one.
   */
  readonly reads?: DeclaredReads;
  /** Its arguments, each with a `.meta({ description })`. All values arrive as strings. */
  readonly args: A;
  /** The argument that a bare word sets: `/certs show www.example.com:443`. */
  readonly bareArgument?: keyof z.input<A> & string;
  /** Two examples for `help`, without the slash command: `--within 14d`. An empty one is the command alone. */
  readonly examples?: readonly [string, string];
  /** Reads facts. May wait and may fail; decides nothing. */
  readonly collect: (
    context: ReadContext<NoInfer<P>, NoInfer<M>, SampleOf<NoInfer<S>>>,
    args: z.output<A>,
  ) => Promise<Facts>;
  /** What it remembers between runs: `collect` gets it as `earlier`, which is empty without it. */
  readonly remembers?: Remembers<NoInfer<Facts>, S>;
  /**
   * How a finding of an earlier run was resolved, if the facts show it: `renewed, now valid until 3 March 2027`. Called for findings that this
   * run did not find again. Pure.
   */
  readonly resolved?: (
    facts: Facts,
    finding: Pick<Finding, 'reason' | 'target'>,
    now: Date,
  ) => string | undefined;
  /** Makes the diagnosis. Pure: the same facts, arguments and time give the same diagnosis. */
  readonly diagnose: (facts: Facts, args: z.output<A>, now: Date) => Diagnosis<OfferOf<R>>;
  /** The fixes that its findings may offer, by name: a stable kebab-case word. */
  readonly remediations?: R;
}

// oxlint-disable-next-line typescript/no-explicit-any -- a catalogue holds checks of every fact and argument type
export type AnyCheck = Check<any, any, any, any, any, any>;

/**
 * Declares a check and ties its parts together: `collect` may read only the ports in `uses` and `mayUse`, and `diagnose` takes what `collect`
 * returns.
 */
export function defineCheck<
  const P extends PortName,
  A extends z.ZodObject,
  Facts,
  R extends RemediationsByName = RemediationsByName,
  const M extends PortName = never,
  S extends z.ZodObject = NoSample,
>(check: Check<P, A, Facts, R, M, S> & Origin): Check<P, A, Facts, R, M, S> {
  return check;
}

/** Why a check exists, in a sentence for `help`: the outage, or the rule with its source. */
export function originOf({ why = '', policy }: Pick<AnyCheck, 'why' | 'policy'>): string {
  return policy ? `${policy.rule} ${policy.source}` : why;
}

/** An area of checks: a slash command. */
export interface Command {
  /** Describes the area in a few words, for Slack's list of commands. */
  readonly title: string;
}

export function defineCommand(command: Command): Command {
  return command;
}

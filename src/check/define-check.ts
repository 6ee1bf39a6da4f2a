import type { z } from 'zod';
import type { DeclaredReads, PortName } from '../ports/readers.ts';
import type { ReadContext } from './context.ts';
import type { OfferOf, RemediationsByName } from './define-remediation.ts';
import type { Diagnosis, Finding } from './finding.ts';
import type { NoSample, Remembers, SampleOf } from './remembers.ts';

/** One question, as its author declares it. Its name is its path under `commands/`. */
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
  /** The outage behind it, in a sentence or two; `help` prints it. */
  readonly why: string;
  /** The ports it reads. Where one has no source configured, the report says so instead of guessing. */
  readonly uses: readonly P[];
  /** Ports that it reads where they have a source, and can do without. */
  readonly mayUse?: readonly M[];
  /**
   * The methods that `collect` and the plans of its remediations call, for ports that require a permission for each method. The roles in
   * `deploy/kubernetes/rbac` grant exactly these permissions, and `wrench doctor` names the checks that lack one.
   */
  readonly reads?: DeclaredReads;
  /** Its arguments, each with a `.meta({ description })`. Everything arrives as text. */
  readonly args: A;
  /** The argument that a bare word stands for: `/certs show www.example.com:443`. */
  readonly bareArgument?: keyof z.input<A> & string;
  /** A line to copy, without the slash command: `--within 14d`. */
  readonly example?: string;
  /** Gathers facts. May wait and may fail; decides nothing. */
  readonly collect: (
    context: ReadContext<NoInfer<P>, NoInfer<M>, SampleOf<NoInfer<S>>>,
    args: z.output<A>,
  ) => Promise<Facts>;
  /** What it remembers between runs: `collect` gets it as `earlier`. Without it there is none. */
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
  /** Decides. Pure: the same facts, arguments and time give the same diagnosis. */
  readonly diagnose: (facts: Facts, args: z.output<A>, now: Date) => Diagnosis<OfferOf<R>>;
  /** The fixes that its findings may offer, by name: a stable kebab-case word. */
  readonly remediations?: R;
}

// oxlint-disable-next-line typescript/no-explicit-any -- a catalogue holds checks of every fact and argument type
export type AnyCheck = Check<any, any, any, any, any, any>;

/** Declares a check and ties its parts together: `collect` may read only what `uses` names, `diagnose` takes what `collect` gives. */
export function defineCheck<
  const P extends PortName,
  A extends z.ZodObject,
  Facts,
  R extends RemediationsByName = RemediationsByName,
  const M extends PortName = never,
  S extends z.ZodObject = NoSample,
>(check: Check<P, A, Facts, R, M, S>): Check<P, A, Facts, R, M, S> {
  return check;
}

/** An area of checks: a slash command. */
export interface Command {
  /** What the area is about, in a few words; shown in Slack's list of commands. */
  readonly title: string;
}

export function defineCommand(command: Command): Command {
  return command;
}

import type { ApplyContext } from '../ports/apply-context.ts';
import { type PortName, PORTS, type Readers, type Writers } from '../ports/readers.ts';
import { SourceError } from '../ports/source-error.ts';
import type { ReadContext } from './context.ts';
import type { AnyRemediation, AppliedPlan, NewPlan, Plan, WriteContext } from './define-remediation.ts';
import type { Offer } from './finding.ts';
import { applyEach, planEach } from './many-targets.ts';
import { type Redact, redactAll } from '../text/redact.ts';

/** The params of an offer, for one target or for each of several. */
export type OfferedParams = Pick<Offer, 'params' | 'each'>;

export interface PlanOptions {
  readonly read: Partial<Readers>;
  readonly now: Date;
  readonly signal: AbortSignal;
  /** How long planning may take. */
  readonly deadlineMs: number;
  readonly redact: Redact;
}

/**
 * Plans what applying would do now, and changes nothing.
 * @throws {SourceError} if it must not or can't be done. Any other error is a bug in Wrench.
 */
export async function planRemediation(
  remediation: AnyRemediation,
  { params, each }: OfferedParams,
  options: PlanOptions,
): Promise<NewPlan> {
  const { redact } = options;
  const plan = await withinDeadline('planning', remediation, options, (context) =>
    each
      ? planEach(remediation, each, context, redact)
      : remediation.plan(context, remediation.params.parse(params)),
  );
  return { ...plan, ...redactAll(wordsOf(plan), redact) };
}

/**
 * Why it proves nothing that the finding of a remediation is gone; undefined if it does. Plans for many targets are proven by the check alone.
 * @throws whatever is a bug in Wrench, or the reason of the signal.
 */
export async function whyUnproven(
  remediation: AnyRemediation,
  { params, each }: OfferedParams,
  applied: AppliedPlan,
  options: PlanOptions,
): Promise<string | undefined> {
  const { whyUnproven: ask } = remediation;
  if (!ask || each) return undefined;
  try {
    const because = await withinDeadline('verifying', remediation, options, (context) =>
      ask(context, remediation.params.parse(params), applied),
    );
    return because === undefined ? undefined : options.redact(because);
  } catch (error) {
    if (error instanceof SourceError && !options.signal.aborted) return options.redact(error.message);
    throw error;
  }
}

/** Reads what a remediation may read, for a limited time. */
async function withinDeadline<T>(
  doing: string,
  remediation: AnyRemediation,
  { read, now, signal, deadlineMs }: PlanOptions,
  work: (context: ReadContext) => Promise<T>,
): Promise<T> {
  const late = new SourceError(
    'deadline',
    'unreachable',
    `${doing} took longer than ${deadlineMs / 1_000} s`,
  );
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(late), deadlineMs);
  const either = AbortSignal.any([signal, deadline.signal]);
  const cut = Promise.withResolvers<never>();
  const stop = () => cut.reject(either.reason as Error);
  either.addEventListener('abort', stop, { once: true });
  try {
    either.throwIfAborted();
    const context = readContext(remediation, read, now, either, deadlineMs);
    return await Promise.race([work(context), cut.promise]);
  } finally {
    clearTimeout(timer);
    either.removeEventListener('abort', stop);
  }
}

/** What people read of a plan. The rest is what `apply` needs, unchanged. */
function wordsOf({ lines, impact, irreversible, safety, afterwards, untilVerified }: NewPlan) {
  return {
    lines,
    impact,
    ...(irreversible && { irreversible }),
    ...(safety && { safety }),
    ...(afterwards && { afterwards }),
    ...(untilVerified && { untilVerified }),
  };
}

export interface ApplyOptions extends Pick<PlanOptions, 'read' | 'now' | 'redact'> {
  /** The targets of a plan for several that the check still finds. */
  readonly stillFound: ReadonlySet<string>;
  readonly write: Partial<Writers>;
  readonly applyContext: ApplyContext;
  readonly recordStep: WriteContext['recordStep'];
  /** Called right before each part of a plan for many targets is applied. @throws if no further part may start. */
  readonly confirmMayContinue: () => Promise<void>;
}

/**
 * Applies a plan, once. The caller has decided that it is allowed.
 * @throws {SourceError} if a source didn't do it; whatever `recordStep` throws. Any other error is a bug in Wrench.
 */
export async function applyRemediation(
  remediation: AnyRemediation,
  { params, each }: OfferedParams,
  plan: Plan,
  { read, write, now, applyContext, recordStep, confirmMayContinue, stillFound, redact }: ApplyOptions,
): Promise<void> {
  const context: WriteContext = {
    ...readContext(remediation, read, now, applyContext.signal),
    write: only(remediation, remediation.uses, write) as Writers,
    applyContext,
    recordStep,
  };
  if (each) await applyEach(remediation, each, plan, context, { confirmMayContinue, stillFound, redact });
  else await remediation.apply(context, remediation.params.parse(params), plan);
}

/** A check continues without what it can't read. A remediation doesn't: a read that fails ends planning and applying. */
function readContext(
  remediation: AnyRemediation,
  read: Partial<Readers>,
  now: Date,
  signal: AbortSignal,
  leftMs = Infinity,
): ReadContext {
  return {
    read: only(remediation, [...remediation.uses, ...(remediation.reads ?? [])], read) as Readers,
    now,
    signal,
    leftMs: () => leftMs,
    attempt: (_what, _fallback, work) => work(),
    gap: (_what, error) => {
      throw error;
    },
    note: () => undefined,
    saw: () => undefined,
  };
}

function only<T extends object>(
  { uses, allow }: AnyRemediation,
  named: readonly PortName[],
  ports: T,
): Partial<T> {
  const absent = named.filter((port) => !(port in ports));
  if (absent.length > 0)
    throw new SourceError(
      absent.join(', '),
      'missing',
      uses.some((port) => absent.includes(port))
        ? `no source in this environment allows it: \`allow.${allow}\` is not configured`
        : `no source in this environment has ${absent.map((port) => PORTS[port].holds).join(' or ')}`,
    );
  return Object.fromEntries(named.map((port) => [port, ports[port as keyof T]])) as Partial<T>;
}

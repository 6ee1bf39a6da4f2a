import { SourceError } from '../ports/source-error.ts';
import type { Redact } from '../text/redact.ts';
import type { ReadContext } from './context.ts';
import type { AnyRemediation, NewPlan, Plan, WriteContext } from './define-remediation.ts';
import type { Offer } from './finding.ts';
import { planDrift } from './plan-drift.ts';

/**
 * One plan for several targets, made from their individual plans: a line each, in the order of the offer. A target that can't be planned is left out,
 * and the plan names it with the reason.
 * @throws {SourceError} if no target can be planned; the reason of the first.
 */
export async function planEach(
  remediation: AnyRemediation,
  each: NonNullable<Offer['each']>,
  context: ReadContext,
  redact: Redact,
): Promise<NewPlan> {
  const many = requireMany(remediation);
  const planned: { readonly part: Part; readonly params: unknown; readonly plan: NewPlan }[] = [];
  const leftOut: { readonly target: string; readonly because: string }[] = [];
  let firstError: SourceError | undefined;
  for (const { target, params: written } of each) {
    context.signal.throwIfAborted();
    try {
      const params: unknown = remediation.params.parse(written);
      const plan = await remediation.plan(context, params);
      planned.push({ part: partOf(many, redact, target, params, plan), params, plan });
    } catch (error) {
      if (!(error instanceof SourceError) || context.signal.aborted) throw error;
      firstError ??= error;
      leftOut.push({ target, because: redact(error.message) });
    }
  }
  if (planned.length === 0) throw firstError ?? new Error('an offer for many targets has none');
  const plans = planned.map(({ plan }) => plan);
  const all = planned.map(({ params }) => params);
  const settling = plans.flatMap(({ settlesWithinSeconds: seconds }) => seconds ?? []);
  const proving = plans.flatMap(({ provenAfterSeconds: seconds }) => seconds ?? []);
  const isWeighed = plans.every(({ bytes }) => bytes !== undefined);
  return {
    lines: planned.map(({ part }) => part.line),
    targets: [...new Set(plans.flatMap(({ targets }) => targets))],
    precondition: {},
    impact: many.impact(all, plans),
    ...(isWeighed && { bytes: plans.reduce((sum, { bytes = 0 }) => sum + bytes, 0) }),
    ...(settling.length > 0 && {
      settlesWithinSeconds: Math.max(remediation.settlesWithinSeconds, ...settling),
    }),
    ...(proving.length > 0 && { provenAfterSeconds: Math.max(...proving) }),
    ...sharedLines(plans),
    ...(many.afterwards && { afterwards: [...many.afterwards(all)] }),
    parts: planned.map(({ part }) => part),
    ...(leftOut.length > 0 && { leftOut }),
  };
}

const SHARED = ['irreversible', 'safety', 'afterwards', 'untilVerified'] as const;

/** What the plans list, each line once. */
function sharedLines(plans: readonly Plan[]): Pick<Plan, (typeof SHARED)[number]> {
  return Object.fromEntries(
    SHARED.map((name) => [name, [...new Set(plans.flatMap((plan) => plan[name] ?? []))]] as const).filter(
      ([, lines]) => lines.length > 0,
    ),
  );
}

/**
 * Applies the parts of a plan in order. Each target is planned again right before: one that is no longer there or has changed is skipped, and the
 * reason is recorded as a step. Planning again may take long, so `confirmMayContinue` is called after it.
 * @param stillFound the targets that the check still finds; the others are skipped.
 * @param confirmMayContinue throws if no further part may start.
 * @throws {SourceError} if a source didn't apply a part or didn't respond: no further part starts. Also if every part was skipped, so that changes
 * made by others don't count as the effect of this plan. Whatever `confirmMayContinue` throws.
 */
export async function applyEach(
  remediation: AnyRemediation,
  each: NonNullable<Offer['each']>,
  approved: Plan,
  context: WriteContext,
  {
    stillFound,
    confirmMayContinue,
    redact,
  }: {
    readonly stillFound: ReadonlySet<string>;
    readonly confirmMayContinue: () => Promise<void>;
    readonly redact: Redact;
  },
): Promise<void> {
  const many = requireMany(remediation);
  const { applyContext, recordStep } = context;
  const paramsOf = new Map(each.map(({ target, params }) => [target, params]));
  const parts = approved.parts ?? [];
  let skipped = 0;
  for (const [at, part] of parts.entries()) {
    const { target } = part;
    applyContext.signal.throwIfAborted();
    const params: unknown = remediation.params.parse(paramsOf.get(target));
    const planned = stillFound.has(target)
      ? await planAgain(remediation, params, context)
      : { because: 'the check no longer finds it' };
    const drift =
      'plan' in planned &&
      (planDrift(asPlan(part), asPlan(partOf(many, redact, target, params, planned.plan))) ??
        addedTargets(approved, planned.plan));
    const checked = drift ? { because: drift } : planned;
    if ('because' in checked) {
      await recordStep(`Skipped ${target}: ${checked.because}`);
      skipped += 1;
      continue;
    }
    await confirmMayContinue();
    const idempotencyKey = `${applyContext.idempotencyKey}-${at + 1}`;
    await remediation.apply(
      { ...context, applyContext: { ...applyContext, idempotencyKey } },
      params,
      checked.plan,
    );
  }
  if (skipped === parts.length)
    throw new SourceError('plan', 'missing', 'nothing was applied: every line of the plan was skipped');
}

type Part = NonNullable<Plan['parts']>[number];
type Many = NonNullable<AnyRemediation['many']>;

function requireMany({ many }: AnyRemediation): Many {
  if (!many) throw new Error('a remediation for one target cannot plan several');
  return many;
}

function partOf(many: Many, redact: Redact, target: string, params: unknown, plan: Plan): Part {
  const { safety = [] } = plan;
  return {
    target,
    line: redact(many.line(params, plan)),
    precondition: many.precondition(plan),
    ...(safety.length > 0 && { safety: safety.map(redact) }),
  };
}

/** Only a target that is gone is skipped; a source that doesn't respond ends the plan. */
async function planAgain(
  remediation: AnyRemediation,
  params: unknown,
  context: WriteContext,
): Promise<{ readonly plan: NewPlan } | { readonly because: string }> {
  try {
    return { plan: await remediation.plan(context, params) };
  } catch (error) {
    if (error instanceof SourceError && error.kind === 'missing') return { because: error.message };
    throw error;
  }
}

function asPlan({ line, precondition, safety }: Part) {
  return { lines: [line], precondition, ...(safety && { safety }) };
}

function addedTargets({ targets }: Plan, now: Plan): string | undefined {
  const added = now.targets.filter((target) => !targets.includes(target));
  return added.length === 0 ? undefined : `it would now change ${added.join(', ')} too`;
}

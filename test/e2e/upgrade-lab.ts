import { z } from 'zod';
import { type AnyCheck, defineCheck } from '../../src/check/define-check.ts';
import {
  type AnyRemediation,
  defineRemediation,
  type OfferOf,
  type NewPlan,
} from '../../src/check/define-remediation.ts';

/**
 * The checks for which Wrench 0.2 wrote `test/world/redis-0.2.jsonl`. The records in that file contain the
 * names, params and plan hashes of these declarations: a change here would look like a plan that has
 * changed since it was approved.
 */
export interface UpgradeLab {
  readonly broken: Set<string>;
  /** Fixes that were applied, in order. */
  readonly applied: string[];
  /** What applying a fix does; by default it repairs the thing. */
  apply?: (thing: string, did: (line: string) => Promise<void>, signal: AbortSignal) => Promise<void>;
  /** Called while a plan is made; throws to refuse it. */
  plan?: (thing: string) => void;
  /** What `lab/slow` waits for; it reports progress with the function it is passed. */
  wait?: (size: string, signal: AbortSignal, saw: () => void) => Promise<void>;
  /** Added to the text of plans. */
  readonly planSuffix: Readonly<Record<string, string>>;
}

/** The things that are broken when the check first runs. */
export const THINGS = [
  'axle',
  'belt',
  'bolt',
  'cog',
  'crank',
  'drum',
  'fan',
  'filter',
  'gear',
  'hose',
  'lamp',
  'motor',
  'press',
  'pump',
  'seal',
  'tank',
  'valve',
  'wheel',
] as const;

type Name = 'mend' | 'drain' | 'reset' | 'soak';

const REMEDIATION_OF: Readonly<Record<string, Name>> = { tank: 'drain', filter: 'reset', belt: 'soak' };

export function upgradeChecks(lab: UpgradeLab): Readonly<Record<string, AnyCheck>> {
  return { things: things(lab), slow: slow(lab) };
}

function things(lab: UpgradeLab): AnyCheck {
  const remediations = {
    mend: fix(lab, 'Mend', 'disruptive', 2),
    drain: fix(lab, 'Drain', 'destructive', 2),
    reset: fix(lab, 'Reset', 'safe', 2),
    soak: fix(lab, 'Soak', 'disruptive', 600),
  };
  return defineCheck({
    title: 'Things of a lab',
    why: 'A test needs them.',
    uses: [],
    args: z.object({ size: z.string().prefault('1').meta({ description: 'anything' }) }),
    bareArgument: 'size',
    collect: async ({ saw }) => {
      saw('lab', THINGS.length);
      return THINGS.filter((thing) => lab.broken.has(thing));
    },
    diagnose: (broken) => ({
      examined: THINGS.length,
      verdict: broken.length > 0 ? `${broken.length} things are broken` : 'All things work',
      findings: broken.map((thing) => ({
        reason: 'thing-broken',
        severity: 'critical' as const,
        target: `lab:${thing}`,
        summary: `${thing} is broken`,
        offers: [
          { remediation: REMEDIATION_OF[thing] ?? 'mend', params: { thing } } as OfferOf<typeof remediations>,
        ],
      })),
    }),
    remediations,
  }) as AnyCheck;
}

function fix(
  lab: UpgradeLab,
  verb: string,
  risk: 'safe' | 'disruptive' | 'destructive',
  settlesWithinSeconds: number,
): AnyRemediation {
  return defineRemediation({
    about: `${verb}s one thing`,
    title: ({ thing }) => `${verb} ${thing}`,
    risk,
    allow: 'restart',
    uses: [],
    params: z.strictObject({ thing: z.string() }),
    plan: async (_, { thing }): Promise<NewPlan> => {
      lab.plan?.(thing);
      return {
        lines: [`${verb} ${thing}${lab.planSuffix[thing] ?? ''}`],
        targets: [`lab:${thing}`],
        impact: `Stops ${thing} for a second`,
        precondition: { serial: `${thing}-1` },
      };
    },
    apply: async ({ applyContext, recordStep }, { thing }) => {
      lab.applied.push(thing);
      if (lab.apply) return lab.apply(thing, recordStep, applyContext.signal);
      lab.broken.delete(thing);
      await recordStep(`repaired ${thing}`);
    },
    settlesWithinSeconds,
  });
}

function slow(lab: UpgradeLab): AnyCheck {
  return defineCheck({
    title: 'Something slow',
    why: 'A test needs it.',
    uses: [],
    args: z.object({ size: z.string().prefault('1').meta({ description: 'anything' }) }),
    bareArgument: 'size',
    collect: async ({ signal, saw }, args) => {
      await lab.wait?.(args.size, signal, () => saw('lab', 1));
      saw('lab', 1);
    },
    diagnose: () => ({ examined: 1, verdict: 'Slow, but fine', findings: [] }),
  });
}

import { z } from 'zod';
import { type AnyCheck, defineCheck } from '../../src/check/define-check.ts';
import { defineRemediation, type Plan, type Risk } from '../../src/check/define-remediation.ts';
import { SourceError } from '../../src/ports/source-error.ts';

/** A lab of things that are broken until somebody mends them, with a way to stand in between. */
export interface Lab {
  readonly broken: Set<string>;
  /** Each deed as it happened: the thing, and in whose name. */
  readonly deeds: { readonly thing: string; readonly order: string }[];
  /** What the plan is bound to. */
  version: string;
  /** Refuses to be looked at. */
  silent?: string;
  beforeDeed?: (thing: string, signal: AbortSignal) => Promise<void>;
  /** Whether a deed helps. */
  helps: boolean;
}

export function openLab(things: readonly string[]): Lab {
  return { broken: new Set(things), deeds: [], version: '1', helps: true };
}

/** A check of one lab whose findings offer to mend. */
export function makeMendable(lab: Lab, risk: Risk = 'disruptive', settlesWithinSeconds = 2): AnyCheck {
  const mend = defineRemediation({
    about: 'Mends one thing',
    title: ({ thing }) => `Mend ${thing}`,
    risk,
    uses: [],
    params: z.strictObject({ thing: z.string() }),
    plan: async (_, { thing }): Promise<Plan> => {
      if (lab.silent) throw new SourceError('lab', 'refused', lab.silent);
      return {
        lines: [`Mend ${thing}, version ${lab.version}`],
        targets: [`lab:${thing}`],
        precondition: { version: lab.version },
      };
    },
    apply: async ({ order, did }, { thing }) => {
      await lab.beforeDeed?.(thing, order.signal);
      lab.deeds.push({ thing, order: order.id });
      if (lab.helps) lab.broken.delete(thing);
      await did(`mended ${thing}`);
    },
    settlesWithinSeconds,
  });
  return defineCheck({
    title: 'Things of a lab',
    why: 'A test needs them.',
    uses: [],
    args: z.object({ size: z.string().prefault('1').meta({ description: 'anything' }) }),
    bareArgument: 'size',
    collect: async ({ saw, gap }) => {
      saw('lab', 3);
      if (lab.silent) gap('lab', new SourceError('lab', 'unreachable', lab.silent));
      return lab.silent ? [] : [...lab.broken];
    },
    diagnose: (broken) => ({
      examined: 3,
      verdict: broken.length > 0 ? `${broken.length} of 3 things are broken` : 'All 3 things are well',
      findings: broken.map((thing) => ({
        reason: 'thing-broken',
        severity: 'critical' as const,
        target: `lab:${thing}`,
        summary: `${thing} is broken`,
        offers: [{ remediation: 'mend' as const, params: { thing } }],
      })),
      measures: [{ label: 'things', value: 3 - broken.length, of: 3, unit: 'well' }],
    }),
    remediations: { mend },
  });
}

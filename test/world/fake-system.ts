import { z } from 'zod';
import { type AnyCheck, defineCheck } from '../../src/check/define-check.ts';
import { defineRemediation, type NewPlan, type Risk } from '../../src/check/define-remediation.ts';
import { SourceError } from '../../src/ports/source-error.ts';

/** Things that are broken until a fix is applied. */
export interface FakeSystem {
  readonly broken: Set<string>;
  /** Each applied fix: the thing, and its position among all applied fixes. */
  readonly applied: { readonly thing: string; readonly order: string }[];
  /** The precondition of every plan. */
  version: string;
  /** The error of reading it. */
  unreachable?: string;
  /** Runs before a fix is applied. */
  beforeApply?: (thing: string, signal: AbortSignal) => Promise<void>;
  /** Whether a fix repairs the thing. */
  fixWorks: boolean;
  /** Several broken things become one finding with many targets, and one fix for all of them. */
  isGrouped: boolean;
  /** Things that were removed: they are still reported, and cannot be planned. */
  readonly removed: Set<string>;
  /** Things that cannot be checked: each is a gap. */
  readonly hidden: Set<string>;
}

export function makeFakeSystem(things: readonly string[]): FakeSystem {
  return {
    broken: new Set(things),
    applied: [],
    version: '1',
    fixWorks: true,
    isGrouped: false,
    removed: new Set(),
    hidden: new Set(),
  };
}

/** A check of a fake system, whose findings offer a fix. */
export function makeFixableCheck(
  system: FakeSystem,
  risk: Risk = 'disruptive',
  settlesWithinSeconds = 2,
): AnyCheck {
  const mend = defineRemediation({
    about: 'Mends one thing',
    title: ({ thing }) => `Mend ${thing}`,
    risk,
    allow: 'restart',
    uses: [],
    params: z.strictObject({ thing: z.string() }),
    plan: async (_, { thing }): Promise<NewPlan> => {
      if (system.unreachable) throw new SourceError('lab', 'refused', system.unreachable);
      if (system.removed.has(thing)) throw new SourceError('lab', 'missing', `${thing} was removed`);
      return {
        lines: [`Mend ${thing}, version ${system.version}`],
        targets: [`lab:${thing}`],
        impact: `Stops ${thing} for a second`,
        precondition: { version: system.version },
      };
    },
    apply: async ({ applyContext, recordStep }, { thing }) => {
      await system.beforeApply?.(thing, applyContext.signal);
      system.applied.push({ thing, order: applyContext.idempotencyKey });
      if (system.fixWorks) system.broken.delete(thing);
      await recordStep(`mended ${thing}`);
    },
    settlesWithinSeconds,
    many: {
      title: (all) => `Mend all ${all.length}`,
      impact: (all) => `Stops ${all.length} things for a second`,
      line: ({ thing }) => `Mend ${thing}`,
      precondition: ({ precondition }) => ({ version: precondition['version'] ?? '' }),
    },
  });
  return defineCheck({
    title: 'Things of a fake system',
    why: 'A test needs them.',
    uses: [],
    args: z.object({ size: z.string().prefault('1').meta({ description: 'anything' }) }),
    bareArgument: 'size',
    collect: async ({ saw, gap }) => {
      saw('lab', 3);
      if (system.unreachable) gap('lab', new SourceError('lab', 'unreachable', system.unreachable));
      for (const thing of system.hidden)
        gap(`lab:${thing}`, new SourceError('lab', 'unreachable', 'not there'));
      return system.unreachable ? [] : [...system.broken].filter((thing) => !system.hidden.has(thing));
    },
    diagnose: (broken) => ({
      examined: 3,
      verdict: broken.length > 0 ? `${broken.length} of 3 things are broken` : 'All 3 things are healthy',
      findings:
        system.isGrouped && broken.length > 1
          ? [groupOf(broken)]
          : broken.map((thing) => ({
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

/** All of them have one cause. */
function groupOf(things: readonly string[]) {
  const targets = things.map((thing) => `lab:${thing}`);
  const each = things.map((thing) => ({ target: `lab:${thing}`, params: { thing } }));
  return {
    reason: 'thing-broken',
    severity: 'critical' as const,
    target: 'lab',
    targets,
    summary: `${things.length} things are broken`,
    offers: [
      { remediation: 'mend' as const, each },
      ...each.map((one) => ({ remediation: 'mend' as const, ...one })),
    ],
  };
}

import { z } from 'zod';
import { type AnyCheck, defineCheck } from '../../src/check/define-check.ts';
import type { NextCheck } from '../../src/check/finding.ts';
import type { Catalogue } from '../../src/request/catalogue.ts';

/** Checks in an area `lab`, whose behaviour a test sets. */
export function makeCatalogue(checks: Readonly<Record<string, AnyCheck>>): Catalogue {
  return {
    commands: new Map([['lab', { title: 'Checks of a test' }]]),
    checks: new Map(Object.entries(checks).map(([name, check]) => [`lab/${name}`, check])),
  };
}

/** A check that finds `findings` targets after `work`, each with these checks to run `next`. */
export function makeCheck(
  work: (signal: AbortSignal, saw: (source: string, count?: number) => void) => Promise<void> = async () =>
    undefined,
  findings = 1,
  next: readonly NextCheck[] = [],
): AnyCheck {
  return defineCheck({
    title: 'Something to look at',
    why: 'A test needs it.',
    uses: [],
    args: z.object({ size: z.string().prefault('1').meta({ description: 'anything' }) }),
    bareArgument: 'size',
    collect: async ({ signal, saw }) => {
      await work(signal, saw);
      saw('lab', 41);
      return findings;
    },
    diagnose: (found) => ({
      examined: 41,
      verdict: found > 0 ? `${found} of 41 things are broken` : 'All 41 things are healthy',
      findings: Array.from({ length: found }, (_, at) => ({
        reason: 'thing-broken',
        severity: 'critical' as const,
        target: `lab:thing-${at + 1}`,
        summary: `thing-${at + 1} is broken`,
        ...(next.length > 0 && { next }),
      })),
    }),
  });
}

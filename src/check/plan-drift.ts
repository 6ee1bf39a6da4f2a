import { isDeepStrictEqual } from 'node:util';
import type { Plan } from './define-remediation.ts';

type Compared = Pick<Plan, 'lines' | 'precondition' | 'safety'> & Partial<Plan>;

/**
 * How a plan that was made again differs from the approved one, for people: what approvers relied on first. undefined if it does the same, and every
 * condition in `safety` is still true. What only describes it isn't compared: `impact` and the like also change when things get better.
 */
export function planDrift(approved: Compared, now: Compared): string | undefined {
  const lost = missingFrom(now.safety, approved.safety);
  if (lost.length > 0) {
    const isKnown = now.impact !== undefined && now.impact !== approved.impact;
    return `no longer true: ${lost.join('; ')}${isKnown ? ` (now: ${now.impact})` : ''}`;
  }
  const names = new Set([...Object.keys(approved.precondition), ...Object.keys(now.precondition)]);
  const changed = [...names].filter((name) => approved.precondition[name] !== now.precondition[name]);
  if (changed.length > 0) {
    const changes = changed.map((name) =>
      changeOf(name, approved.precondition[name], now.precondition[name]),
    );
    return `it has changed since the plan was approved (${changes.join(', ')})`;
  }
  if (!isDeepStrictEqual(approved.lines, now.lines)) return `its plan has changed: ${now.lines.join('; ')}`;
  const isSame = (['targets', 'bytes', 'details', 'leftOut'] as const).every((name) =>
    isDeepStrictEqual(approved[name], now[name]),
  );
  if (!isSame) return 'its plan has changed';
  const irreversible = missingFrom(approved.irreversible, now.irreversible);
  return irreversible.length > 0 ? `this can't be undone either: ${irreversible.join('; ')}` : undefined;
}

/** A longer value, such as a fingerprint, says nothing to people. */
const MAX_VALUE_CHARS = 30;

function changeOf(name: string, before = 'none', after = 'none'): string {
  const isShort = before.length <= MAX_VALUE_CHARS && after.length <= MAX_VALUE_CHARS;
  return isShort ? `${name}: ${before} -> ${after}` : name;
}

function missingFrom(some: readonly string[] = [], wanted: readonly string[] = []): readonly string[] {
  return wanted.filter((line) => !some.includes(line));
}

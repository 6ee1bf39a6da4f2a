import type { Plan } from './define-remediation.ts';

type Compared = Pick<Plan, 'lines' | 'precondition' | 'safety' | 'impact'>;

/** How a plan that was made again differs from the approved one, for people: what approvers relied on first. undefined if it doesn't. */
export function planDrift(approved: Compared, now: Compared): string | undefined {
  const lost = missingFrom(now.safety, approved.safety);
  const found = missingFrom(approved.safety, now.safety);
  if (lost.length > 0)
    return `no longer true: ${lost.join('; ')}${found.length > 0 ? ` (now: ${found.join('; ')})` : ''}`;
  const names = new Set([...Object.keys(approved.precondition), ...Object.keys(now.precondition)]);
  const changed = [...names].filter((name) => approved.precondition[name] !== now.precondition[name]);
  if (changed.length > 0) return `it has changed since the plan was approved (${changed.join(', ')})`;
  if (approved.lines.join('\n') !== now.lines.join('\n'))
    return `its plan has changed: ${now.lines.join('; ')}`;
  // Plans of 0.11 have none.
  if (approved.safety && found.length > 0) return `its plan has changed: ${found.join('; ')}`;
  return approved.impact === now.impact ? undefined : `its impact has changed: ${now.impact ?? 'unknown'}`;
}

function missingFrom(some: readonly string[] = [], wanted: readonly string[] = []): readonly string[] {
  return wanted.filter((line) => !some.includes(line));
}

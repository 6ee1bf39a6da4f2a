import type { RemediationRecord } from '../../src/store/remediation/record.ts';
import type { Evidence } from './evidence.ts';
import { ACTIONS } from './fake-fixes.ts';
import { ROUNDING_MS, type FixEvent, isContainer, thingIn } from './fix-log.ts';
import { stepsOf } from './audit-steps.ts';

/** Compares the recorded steps of a remediation with what was done to the fake system. */

const SKIPPED = /^Skipped (?:lab:)?(\S+): (.+)$/;

const lineOf = ({ action, thing }: FixEvent) =>
  action === 'remove' ? removedLine(thing) : `${ACTIONS[action].done} ${thing}`;

const removedLine = (thing: string) => `${thing.split('/')[1] ?? ''} removed`;

/** A container that someone else removed right before counts as removed. */
const vanishedBefore = ({ disturbances }: Evidence) =>
  disturbances.filter(({ thing, kind }) => isContainer(thing) && kind === 'vanish');

const appliedBy = ({ id }: RemediationRecord, { applied }: Pick<Evidence, 'applied'>) =>
  applied.filter(({ remediationId }) => remediationId === id);

/** A step about another change: its line was skipped, or its container was already gone. */
export function isByOthers(line: string, evidence: Evidence): boolean {
  return (
    line.startsWith('Skipped') || vanishedBefore(evidence).some(({ thing }) => removedLine(thing) === line)
  );
}

/** Each applied line has its step, except the last line of a worker that was lost. */
export function whyUnrecorded(record: RemediationRecord, evidence: Evidence): string | undefined {
  const recorded = new Set(record.steps.map(({ line }) => line));
  const missing = appliedBy(record, evidence).filter((fix) => !recorded.has(lineOf(fix)));
  const [first, another] = missing;
  if (!first) return undefined;
  const last = Math.max(...appliedBy(record, evidence).map(({ line }) => line));
  const wasInterrupted = stepsOf(evidence, record.id).some(({ entry }) => entry.outcome === 'interrupted');
  if (wasInterrupted && !another && first.line === last) return undefined;
  return `no step says that it ${missing.map(lineOf).join(', ')}`;
}

/** Each step is recorded once, and is a line that was applied or skipped, in the order of the plan. */
export function whyNotDone(record: RemediationRecord, evidence: Evidence): string | undefined {
  const lines = record.steps.map(({ line }) => line);
  const twice = lines.find((line, at) => lines.indexOf(line) < at);
  if (twice !== undefined) return `recorded twice: ${twice}`;
  const applied = new Map([
    ...vanishedBefore(evidence).map(({ thing }) => [removedLine(thing), thing] as const),
    ...appliedBy(record, evidence).map((fix) => [lineOf(fix), fix.thing] as const),
  ]);
  const invented = lines.find((line) => !SKIPPED.test(line) && !applied.has(line));
  if (invented !== undefined) return `recorded and not applied: ${invented}`;
  const things = lines.map((line) => SKIPPED.exec(line)?.[1] ?? applied.get(line) ?? '');
  const planned = thingsIn(record);
  const isInOrder = things.every((thing, at) => planned[at] === thing);
  if (!isInOrder) return `recorded in another order than planned: ${things.join(', ')}`;
  const isWhole = stepsOf(evidence, record.id).some(({ entry }) => entry.kind === 'applied');
  return isWhole && things.length < planned.length
    ? `applied, but nothing is recorded of ${planned.slice(things.length).join(', ')}`
    : undefined;
}

function thingsIn({ plan }: RemediationRecord): readonly string[] {
  const targets = plan?.parts?.map(({ target }) => target) ?? plan?.targets ?? [];
  return targets.map(thingIn);
}

/** A skipped line was not started by its remediation, and its target had changed. */
export function whyWronglySkipped(record: RemediationRecord, evidence: Evidence): string | undefined {
  for (const { at, line } of record.steps) {
    if (!line.startsWith('Skipped')) continue;
    const [, thing, because] = SKIPPED.exec(line) ?? [];
    if (thing === undefined || because === undefined) return `skipped without a reason: ${line}`;
    const isStarted = [...evidence.started, ...evidence.applied].some(
      (fix) => fix.remediationId === record.id && fix.thing === thing,
    );
    if (isStarted) return `skipped, and started: ${thing}`;
    if (!hadChanged(thing, Date.parse(at), evidence)) return `its target had not changed: ${line}`;
  }
  return undefined;
}

function hadChanged(thing: string, atMs: number, { applied, disturbances }: Evidence): boolean {
  const untilMs = atMs + ROUNDING_MS;
  return (
    disturbances.some((one) => one.thing === thing && one.fromMs <= untilMs) ||
    applied.some((fix) => fix.thing === thing && fix.atMs <= untilMs)
  );
}

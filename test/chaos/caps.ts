import type { RemediationRecord } from '../../src/store/remediation/record.ts';
import type { Evidence } from './evidence.ts';

/** The lines of a started plan, and when: all of them count from the start. */
interface CountedLines {
  readonly id: string;
  readonly runId: string;
  readonly atMs: number;
  readonly lines: number;
}

const HOUR_MS = 3_600_000;

/**
 * Runs and hours in which more lines were started than the cap allows. Remediations with their own cap are
 * counted separately.
 */
export function beyondCaps({ remediations, entries, limits }: Evidence): readonly string[] {
  const byId = new Map(remediations.map((one) => [one.id, one]));
  const started = entries.flatMap(({ atMs, entry }) => {
    const record = entry.kind === 'applying' ? byId.get(entry.remediation ?? '') : undefined;
    return record ? [{ name: nameOf(record), one: countedLines(record, atMs) }] : [];
  });
  const counts = Map.groupBy(started, ({ name }) => (name in limits.lines ? name : 'all others'));
  return [...counts].flatMap(([name, all]) => {
    const own = limits.lines[name];
    const lines = all.map(({ one }) => one);
    return [
      ...beyondRun(name, lines, own ?? limits.perRun),
      ...beyondHour(name, lines, own ?? limits.perHour),
    ];
  });
}

const nameOf = ({ check, remediation }: RemediationRecord) => `${check}:${remediation}`;

function countedLines({ id, runId, plan }: RemediationRecord, atMs: number): CountedLines {
  return { id, runId, atMs, lines: plan?.parts?.length ?? 1 };
}

const sum = (all: readonly CountedLines[]) => all.reduce((total, { lines }) => total + lines, 0);

function beyondRun(name: string, all: readonly CountedLines[], cap: number): readonly string[] {
  return [...Map.groupBy(all, ({ runId }) => runId)].flatMap(([runId, ofRun]) =>
    sum(ofRun) > cap ? [`${name}: ${sum(ofRun)} lines of run ${runId}; ${cap} are allowed`] : [],
  );
}

function beyondHour(name: string, all: readonly CountedLines[], cap: number): readonly string[] {
  return all.flatMap(({ id, atMs }) => {
    const inHour = all.filter((other) => other.atMs <= atMs && other.atMs > atMs - HOUR_MS);
    return sum(inHour) > cap
      ? [`${name}: ${sum(inHour)} lines within an hour after ${id} was started; ${cap} are allowed`]
      : [];
  });
}

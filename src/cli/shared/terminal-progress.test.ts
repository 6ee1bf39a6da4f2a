import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Progress } from '../../check/progress.ts';
import { showTerminalProgress } from './terminal-progress.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const waiting: Progress = {
  examined: 0,
  gaps: 0,
  sources: [
    { source: 'edge', state: 'reading', examined: 41, of: 67, unit: 'sites' },
    { source: 'bosh', state: 'waiting', examined: 0, waitingFor: 'task \u001B[2J1185' },
  ],
};

function shownOn(columns: number) {
  const lines: string[] = [];
  const shown = showTerminalProgress({ status: (line) => lines.push(line), columns }, 'prod');
  return { lines, shown };
}

test('shows the progress after a second, and removes it at the end', () => {
  const { lines, shown } = shownOn(100);
  shown?.start(() => waiting);
  vi.advanceTimersByTime(999);
  expect(lines).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(lines).toEqual(['Checking prod… edge: 41 of 67 sites · bosh: waiting for task 1185']);
  vi.advanceTimersByTime(500);
  shown?.stop();
  vi.advanceTimersByTime(5_000);
  expect(lines.slice(1)).toEqual([lines[0], '']);
});

test('shows nothing of a check that finishes within a second, or without a terminal', () => {
  const { lines, shown } = shownOn(100);
  shown?.start(() => waiting);
  shown?.stop();
  vi.advanceTimersByTime(5_000);
  expect(lines).toEqual([]);
  expect(showTerminalProgress({ columns: 100 }, 'prod')).toBeUndefined();
});

test('the line is shorter than the terminal is wide', () => {
  const { lines, shown } = shownOn(20);
  shown?.start(() => waiting);
  vi.advanceTimersByTime(1_000);
  shown?.stop();
  expect(lines).toEqual(['Checking prod… edg…', '']);
});

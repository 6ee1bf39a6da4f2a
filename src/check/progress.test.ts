import { expect, test } from 'vitest';
import { progressSchema, trackProgress } from './progress.ts';

function tracked(work: (tracker: ReturnType<typeof trackProgress>) => void) {
  const tracker = trackProgress();
  work(tracker);
  const progress = tracker.sources();
  expect(() => progressSchema.parse({ examined: 0, gaps: 0, ...progress })).not.toThrow();
  return progress;
}

test('what a source reports is shown until the check counts what a later read returned', () => {
  const tracker = trackProgress();
  const nodes = tracker.begin('prod-eu');
  nodes.report({ read: 120, unit: 'nodes' });
  const kubelet = tracker.begin('prod-eu');
  nodes.end('returned');
  expect(tracker.sources().sources).toEqual([
    { source: 'prod-eu', state: 'reading', examined: 120, unit: 'nodes' },
  ]);
  tracker.saw('prod-eu', 7);
  expect(tracker.sources().sources).toEqual([{ source: 'prod-eu', state: 'reading', examined: 7 }]);
  kubelet.end('returned');
  tracker.saw('an unknown source', 9);
  expect(tracker.sources().sources).toEqual([
    { source: 'prod-eu', state: 'done', examined: 120, unit: 'nodes' },
  ]);
});

test('what a read waits for is shown only while it runs', () => {
  const tracker = trackProgress();
  const read = tracker.begin('bosh');
  read.report({ waitingFor: 'task 1185' });
  expect(tracker.sources().sources).toEqual([
    { source: 'bosh', state: 'waiting', examined: 0, waitingFor: 'task 1185' },
  ]);
  read.end('returned');
  expect(tracker.sources().sources).toEqual([{ source: 'bosh', state: 'done', examined: 0 }]);
});

test('a total that is too small is left out', () => {
  const { sources } = tracked(({ begin }) => begin('edge').report({ read: 3, of: 2, unit: 'sites' }));
  expect(sources).toEqual([{ source: 'edge', state: 'reading', examined: 3, unit: 'sites' }]);
});

test('of many sources, those that are waiting are named, in the order in which they were read', () => {
  const { sources, moreSources } = tracked(({ begin }) => {
    for (let at = 0; at < 20; at++) {
      const read = begin(`s${at}`);
      if (at < 10) read.end('returned');
    }
  });
  expect(sources?.map(({ source }) => source)).toEqual([
    's0',
    's1',
    ...Array.from({ length: 10 }, (_, at) => `s${at + 10}`),
  ]);
  expect(moreSources).toBe(8);
});

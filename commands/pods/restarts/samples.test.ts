import { expect, test } from 'vitest';
import { ago, backingOff, counted, ended, factsOf, restarted, runningFor } from './builders.ts';
import { samplesByContainer, samplesOf, sampleSchema, sampleTarget } from './samples.ts';

const last = ended({ minutes: 7 }, { minutes: 4 });

test('remembers the counters of containers that have restarted', () => {
  const { clusters } = factsOf([
    restarted({ pod: 'web-1', status: runningFor({ minutes: 2 }, { restarts: 11, last }) }),
    restarted({ pod: 'web-2', status: runningFor({ days: 2 }, { restarts: 0 }) }),
    restarted({ pod: 'web-3', status: { isReady: true, state: { kind: 'running' } } }),
  ]);
  const samples = samplesOf(clusters, () => ({}));
  expect(samples).toEqual([{ source: 'lab', uid: 'uid-of-web-1', container: 'app', restartCount: 11 }]);
  expect(samples.map((sample) => sampleTarget(sampleSchema.parse(sample)))).toEqual(['lab:uid-of-web-1 app']);
});

test('of too many, remembers those that restarted last', () => {
  const old = restarted({ pod: 'old', status: runningFor({ hours: 20 }, { restarts: 900, last }) });
  const waiting = restarted({ pod: 'waiting', status: backingOff({ restarts: 3 }) });
  const many = Array.from({ length: 999 }, (_, at) =>
    restarted({ pod: `web-${at}`, status: runningFor({ seconds: at }, { restarts: 1, last }) }),
  );
  const uids = samplesOf(factsOf([old, ...many, waiting]).clusters, () => ({})).map(({ uid }) => uid);
  expect(uids).toHaveLength(1_000);
  expect(uids[0]).toBe('uid-of-waiting');
  expect(uids).not.toContain('uid-of-old');
});

test('finds the samples of one container, oldest first', () => {
  const web = restarted({ pod: 'web-1' });
  const others = [restarted({ pod: 'web-2' }), restarted({ pod: 'web-1', container: 'proxy' })];
  const find = samplesByContainer([
    ...counted(web, [[{ minutes: 30 }, 7]]),
    ...others.flatMap((other) => counted(other, [[{ minutes: 20 }, 99]])),
    ...counted(web, [[{ minutes: 60 }, 3]]).map((sample) => ({ ...sample, source: 'lab' })),
    ...counted(web, [[{ minutes: 10 }, 50]]).map((sample) => ({ ...sample, source: 'other' })),
  ]);
  expect(find(web).map(({ at, restartCount }) => [at, restartCount])).toEqual([
    [ago({ minutes: 60 }), 3],
    [ago({ minutes: 30 }), 7],
  ]);
  expect(find(restarted({ pod: 'web-3' }))).toEqual([]);
});

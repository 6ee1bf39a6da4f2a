import { describe, expect, test } from 'vitest';
import { ago, backingOff, counted, ended, factsOf, NOW, probe, restarted, runningFor } from './builders.ts';
import type { RestartedContainer } from './facts.ts';
import { resolved } from './resolved.ts';

const finding = { reason: 'killed-by-probe', target: 'shop/web (app)' };
const last = ended({ minutes: 60 }, { minutes: 41 }, { exitCode: 137 });
const calm = restarted({ status: runningFor({ minutes: 40 }, { restarts: 9, last }) });

function resolvedIn(...all: readonly RestartedContainer[]): string | undefined {
  return resolved(factsOf(all), finding, NOW);
}

describe('a loop that ended', () => {
  test('has not restarted since the last pod did', () => {
    expect(resolvedIn(calm)).toBe('has not restarted for 40 minutes');
    const later = restarted({ pod: 'web-2', status: runningFor({ minutes: 25 }, { restarts: 9, last }) });
    expect(resolvedIn(calm, later)).toBe('has not restarted for 25 minutes');
  });

  test.each([
    ['of another workload', restarted({ owner: { kind: 'Deployment', name: 'api' } })],
    ['that waits to be started', restarted({ status: backingOff({ restarts: 2, last }) })],
    [
      'whose start is unknown',
      restarted({ status: { restarts: 9, isReady: true, state: { kind: 'running' } } }),
    ],
    [
      'whose changed probe is not proven',
      { ...calm, liveness: probe({ periodSeconds: 600 }), adjusted: { by: 'r-1', at: ago({ minutes: 40 }) } },
    ],
  ])('nothing is known of a container %s', (_, container) => {
    expect(resolvedIn(container)).toBeUndefined();
  });

  test('it has not ended if another pod of the workload is still in it', () => {
    const looping = restarted({
      pod: 'web-2',
      status: runningFor({ minutes: 2 }, { restarts: 9, last: ended({ minutes: 5 }, { minutes: 2 }) }),
    });
    const earlier = counted(looping, [[{ minutes: 15 }, 4]]);
    expect(resolved(factsOf([calm, looping], { earlier }), finding, NOW)).toBeUndefined();
  });

  test('is known by the name of its cluster if there are several', () => {
    const facts = factsOf([calm, restarted({ cluster: 'prod', pod: 'x' })]);
    expect(resolved(facts, finding, NOW)).toBeUndefined();
    expect(resolved(facts, { ...finding, target: 'lab:shop/web (app)' }, NOW)).toBe(
      'has not restarted for 40 minutes',
    );
  });
});

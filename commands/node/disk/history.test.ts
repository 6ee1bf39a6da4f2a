import { expect, test } from 'vitest';
import type { Facts } from './facts.ts';
import { factsOf, GIB, limits, node, oneDisk } from './builders.ts';
import { diagnose } from './diagnose.ts';
import { resolved } from './resolved.ts';

const NOW = new Date('2026-11-26T12:00:00Z');
const HOUR_MS = 3_600_000;

type Sample = Facts['earlier'][number];

/** A sample of a disk of 100 GiB, so many hours ago. */
function sample(name: string, hours: number, free: number, known: Partial<Sample> = {}): Sample {
  return {
    source: 'prod',
    node: name,
    fs: 'nodeFs',
    availableBytes: free * GIB,
    capacityBytes: 100 * GIB,
    at: new Date(NOW.getTime() - hours * HOUR_MS),
    ...known,
  };
}

const withFree = (name: string, free: number) => node(name, { fileSystems: oneDisk({ free }) });
const chartsOf = (facts: Facts) => diagnose(facts, {}, NOW).charts ?? [];

test('a chart shows how full the disk of each node was, the fullest first, and now', () => {
  const earlier = [4, 3, 2, 1].flatMap((hours) => [
    sample('node-a', hours, 50 + hours),
    sample('node-b', hours, 20 + hours),
  ]);

  expect(chartsOf(factsOf([withFree('node-a', 50), withFree('node-b', 20)], earlier))).toEqual([
    {
      kind: 'lines',
      title: 'Disk used by node',
      unit: '%',
      labels: [8, 9, 10, 11, 12].map((hour) => `2026-11-26T${String(hour).padStart(2, '0')}:00:00.000Z`),
      series: [
        { name: 'node-b', values: [76, 77, 78, 79, 80] },
        { name: 'node-a', values: [46, 47, 48, 49, 50] },
      ],
    },
  ]);
});

test('three weeks are 20 points, each with the highest value since the one before', () => {
  const hours = Array.from({ length: 500 }, (_, at) => 500 - at);
  const earlier = hours.map((ago) => sample('node-a', ago, ago === 251 ? 5 : 60));
  const [chart] = chartsOf(factsOf([withFree('node-a', 60)], earlier));

  expect(chart?.labels).toHaveLength(20);
  expect(chart?.labels.at(-1)).toBe(NOW.toISOString());
  expect(chart?.series[0]?.values.filter((value) => value === 95)).toHaveLength(1);
});

test('a node without samples at a time has no value there', () => {
  const earlier = [...[4, 3, 2, 1].map((hours) => sample('node-a', hours, 50)), sample('node-b', 1, 30)];
  const [chart] = chartsOf(factsOf([withFree('node-a', 50), withFree('node-b', 30)], earlier));

  expect(chart?.series.find(({ name }) => name === 'node-b')?.values).toEqual([null, null, null, 70, 70]);
});

test('times at which nothing was measured are left out', () => {
  const earlier = [100, 99, 1].map((hours) => sample('node-a', hours, 50));
  const [chart] = chartsOf(factsOf([withFree('node-a', 50)], earlier));

  expect(chart?.series[0]?.values).not.toContain(null);
});

test('only six nodes are shown', () => {
  const names = Array.from({ length: 9 }, (_, at) => `node-${at}`);
  const earlier = names.flatMap((name) => [3, 2, 1].map((hours) => sample(name, hours, 50)));
  const [chart] = chartsOf(
    factsOf(
      names.map((name, at) => withFree(name, 60 - at)),
      earlier,
    ),
  );

  expect(chart?.series.map(({ name }) => name)).toEqual(names.slice(3).toReversed());
});

test('samples of a disk of another size are of another disk', () => {
  const earlier = [3, 2, 1].map((hours) => sample('node-a', hours, 5, { capacityBytes: 50 * GIB }));

  expect(chartsOf(factsOf([withFree('node-a', 60)], earlier))).toEqual([]);
});

test('two measurements make no chart', () => {
  expect(chartsOf(factsOf([withFree('node-a', 60)]))).toEqual([]);
  expect(chartsOf(factsOf([withFree('node-a', 60)], [sample('node-a', 5, 60)]))).toEqual([]);
});

test('a node that was not measured just now is not in the chart', () => {
  const earlier = [3, 2, 1].map((hours) => sample('node-a', hours, 50));
  const { fileSystems: _, ...unread } = node('node-a');

  expect(chartsOf(factsOf([unread], earlier))).toEqual([]);
});

test('what a disk did more than two days ago makes no forecast', () => {
  const earlier = Array.from({ length: 20 }, (_, at) => sample('node-a', 400 - 15 * at, 80 - 2 * at));
  const { findings } = diagnose(factsOf([withFree('node-a', 39)], earlier), {}, NOW);

  expect(findings).toEqual([]);
});

test('the level of a finding is how full the disk is', () => {
  const { findings } = diagnose(factsOf([withFree('node-a', 8)]), {}, NOW);

  expect(findings).toMatchObject([{ reason: 'disk-short', level: { value: 92, unit: '% used' } }]);
});

test('a shortage of inodes has no level, because it is not about space', () => {
  const fileSystems = oneDisk({ free: 60, known: { inodes: 1_000_000, inodesFree: 10_000 } });
  const nodeFs = { ...fileSystems.nodeFs, inodes: 1_000_000, inodesFree: 10_000 };
  const { findings } = diagnose(
    factsOf([
      node('node-a', {
        fileSystems: { ...fileSystems, nodeFs },
        config: limits({ 'nodefs.inodesFree': { share: 0.05 } }),
      }),
    ]),
    {},
    NOW,
  );

  expect(findings).toMatchObject([{ reason: 'disk-short' }]);
  expect(findings[0]).not.toHaveProperty('level');
});

const short = { reason: 'disk-short', target: 'prod:node-a' };

test('a node that has space again shows how much is used', () => {
  expect(resolved(factsOf([withFree('node-a', 39)]), short, NOW)).toBe('now 61% used');
});

test('a node whose inodes are fuller than its space shows both', () => {
  const known = { inodes: 1_000, inodesFree: 300 };
  const fileSystems = oneDisk({ free: 60, known });
  const facts = factsOf([
    node('node-a', { fileSystems: { ...fileSystems, nodeFs: { ...fileSystems.nodeFs, ...known } } }),
  ]);

  expect(resolved(facts, short, NOW)).toBe('now 40% of the space and 70% of the inodes used');
});

test('says nothing about a node that is absent, was not measured, or still has DiskPressure', () => {
  const { fileSystems: _, ...unread } = node('node-a');
  const { diskPressure: __, ...unclear } = node('node-a');
  const old = oneDisk({ free: 60, known: { measuredAt: new Date('2026-11-26T08:00:00Z') } });
  for (const nodes of [
    [],
    [node('node-b')],
    [unread],
    [unclear],
    [node('node-a', { diskPressure: { status: 'True' } })],
    [
      node('node-a', {
        fileSystems: { ...old, nodeFs: { ...old.nodeFs, measuredAt: new Date('2026-11-26T08:00:00Z') } },
      }),
    ],
  ])
    expect(resolved(factsOf(nodes), short, NOW)).toBeUndefined();
});

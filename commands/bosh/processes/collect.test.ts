import { expect, test } from 'vitest';
import { type ports, type ReadContext, SourceError } from '../../kit.ts';
import { collect } from './collect.ts';
import { instance } from './builders.ts';

const cf = deploymentOf('cf', [
  instance('router/0', ['gorouter']),
  instance('diego_cell_z1/0'),
  instance('diego_cell_z2/0'),
]);
const mysql = deploymentOf('mysql', [instance('db/0', ['mysqld'])]);

function deploymentOf(
  name: string,
  instances: readonly ports.Instance[],
  known: Partial<ports.Deployment> = {},
): ports.Deployment {
  return { source: 'bosh', name, instances, ...known };
}

function supervisor(name: string, answer: readonly ports.Deployment[] | Error): ports.ProcessSupervisor {
  return {
    name,
    supervisor: name === 'bosh' ? 'director' : 'host',
    deployments: () =>
      answer instanceof Error
        ? Promise.reject(answer)
        : Promise.resolve(answer.map((deployment) => ({ ...deployment, source: name }))),
  };
}

async function collectFrom(
  supervisors: readonly ports.ProcessSupervisor[],
  args: Parameters<typeof collect>[1] = {},
) {
  const gaps: string[] = [];
  const seen: Record<string, number> = {};
  const gap = (what: string, error: Error) => {
    if (!(error instanceof SourceError)) throw error;
    gaps.push(`${what}: ${error.message}`);
  };
  const context: ReadContext<'processes'> = {
    read: { processes: supervisors },
    now: new Date('2026-02-20'),
    signal: new AbortController().signal,
    gap,
    leftMs: () => 60_000,
    note: () => undefined,
    saw: (source, count = 1) => {
      seen[source] = (seen[source] ?? 0) + count;
    },
    attempt: async (what, fallback, read) => {
      try {
        return await read();
      } catch (error) {
        gap(what, error as Error);
        return fallback;
      }
    },
  };
  const facts = await collect(context, args);
  const names = facts.deployments.flatMap((one) =>
    one.instances.map(({ name }) => `${one.source}:${one.name}/${name}`),
  );
  return { facts, names, gaps, seen };
}

test('queries every source, and counts the instances that each one reports', async () => {
  const { names, gaps, seen, facts } = await collectFrom([
    supervisor('bosh', [cf, mysql]),
    supervisor('edge', [deploymentOf('edge', [instance('web/0')])]),
  ]);
  expect(names).toHaveLength(5);
  expect(seen).toEqual({ bosh: 4, edge: 1 });
  expect(facts.deployments.map((one) => one.supervisor)).toEqual(['director', 'director', 'host']);
  expect(gaps).toEqual([]);
});

test('a director that does not respond is one gap, and does not affect the other sources', async () => {
  const silent = new SourceError('bosh', 'unreachable', 'no response within 5 s');
  const { names, gaps } = await collectFrom([
    supervisor('bosh', silent),
    supervisor('edge', [deploymentOf('edge', [instance('web/0')])]),
  ]);
  expect(names).toEqual(['edge:edge/web/0']);
  expect(gaps).toEqual(['bosh: no response within 5 s']);
});

test('a deployment that could not be read is a gap, and the others are read', async () => {
  const error = new SourceError('bosh', 'unreachable', 'task 1181 did not end within 60 s');
  const late = deploymentOf('late', [], { gaps: [{ what: 'late', error }] });
  const { names, gaps } = await collectFrom([supervisor('bosh', [late, mysql])]);
  expect(names).toEqual(['bosh:mysql/db/0']);
  expect(gaps).toEqual(['bosh:late: task 1181 did not end within 60 s']);
  expect((await collectFrom([supervisor('bosh', [late, mysql])], { deployment: 'mysql' })).gaps).toEqual([]);
});

test('a bug in a source is a bug, not a gap', async () => {
  await expect(collectFrom([supervisor('bosh', new TypeError('x is not a function'))])).rejects.toThrow(
    'x is not a function',
  );
});

test.each([
  [{ deployment: 'mysql' }, ['bosh:mysql/db/0']],
  [{ deployment: 'cf, mysql', group: 'db,router' }, ['bosh:cf/router/0', 'bosh:mysql/db/0']],
  [{ group: 'diego_cell*' }, ['bosh:cf/diego_cell_z1/0', 'bosh:cf/diego_cell_z2/0']],
  [{ group: '*_z2' }, ['bosh:cf/diego_cell_z2/0']],
  [{ group: 'd*cell*2' }, ['bosh:cf/diego_cell_z2/0']],
  [
    { deployment: '*' },
    ['bosh:cf/router/0', 'bosh:cf/diego_cell_z1/0', 'bosh:cf/diego_cell_z2/0', 'bosh:mysql/db/0'],
  ],
])('%o reads only those', async (args, expected) => {
  const { names, gaps } = await collectFrom([supervisor('bosh', [cf, mysql])], args);
  expect(names).toEqual(expected);
  expect(gaps).toEqual([]);
});

test('an unknown deployment is a gap that lists the known ones', async () => {
  const { names, gaps } = await collectFrom([supervisor('bosh', [cf, mysql])], { deployment: 'mysqk' });
  expect(names).toEqual([]);
  expect(gaps).toEqual(['--deployment mysqk: not found; did you mean mysql?']);
  expect((await collectFrom([supervisor('bosh', [cf, mysql])], { deployment: 'kubernetes' })).gaps).toEqual([
    '--deployment kubernetes: not found; available: cf and mysql',
  ]);
});

test('an unknown source is a gap that lists the known ones', async () => {
  const { gaps, seen } = await collectFrom([supervisor('bosh', [cf]), supervisor('edge', [])], {
    source: 'edge,bsh',
  });
  expect(gaps).toEqual(['--source bsh: no source of processes has this name; did you mean bosh?']);
  expect(seen).toEqual({});
});

test('a running instance that lists no process is a gap if others of its group list some', async () => {
  const cell = (index: number, known: Partial<ports.Instance> = {}) => instance(`cell/${index}`, [], known);
  const cells = [
    instance('cell/0', ['rep', 'garden']),
    cell(1),
    cell(2, { ignored: true }),
    cell(3, { desired: 'stopped' }),
    cell(4, { state: 'unresponsive' }),
  ];
  const { gaps, seen } = await collectFrom([
    supervisor('bosh', [deploymentOf('cf', [...cells, instance('jumpbox/0'), instance('jumpbox/1')])]),
  ]);
  expect(gaps).toEqual(['bosh:cf/cell/1: it lists no process, but other instances of cell do']);
  expect(seen).toEqual({ bosh: 7 });
});

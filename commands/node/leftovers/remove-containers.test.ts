import { describe, expect, test } from 'vitest';
import { type ports, type ReadContext, SourceError } from '../../kit.ts';
import { engineSource, stoppedContainer } from '../../shared/fixture-engines.ts';
import type { ContainerParams } from './find-container.ts';
import { removeContainers } from './remove-containers.ts';

const now = new Date('2026-11-26T12:00:00Z');
const old = new Date('2026-11-17T12:00:00Z');
const volume = (name: string): ports.ContainerMount => ({ type: 'volume', volume: name, path: '/data' });

const morse = stoppedContainer('elastic_morse', old, { image: 'base:209' });

const paramsOf = ({ id, name, image, state, details }: ports.EngineContainer): ContainerParams => ({
  source: 'builders',
  engine: 'build-2',
  id,
  name,
  image,
  state,
  finishedAtText: details?.finishedAtText ?? '',
  bytes: 812_345_678,
});

function contextOf(
  containers: readonly ports.EngineContainer[],
  known: Partial<ports.ContainerEngines> = {},
): ReadContext<'engines'> {
  const source = engineSource({ name: 'builders', engines: [{ name: 'build-2', containers }] });
  return {
    read: { engines: [{ ...source, ...known }] },
    now,
    signal: new AbortController().signal,
    leftMs: () => 60_000,
    attempt: (_, __, read) => read(),
    gap: () => undefined,
    note: () => undefined,
    saw: () => undefined,
  };
}

describe('the plan', () => {
  test('names the container, its image, finish time and bytes, and is bound to that finish time', async () => {
    const plan = await removeContainers.plan(contextOf([morse]), paramsOf(morse));
    expect(plan).toEqual({
      lines: [
        `Remove elastic_morse (${morse.id.slice(0, 12)}), image base:209, finished 2026-11-17 12:00 UTC: 812 MB (812,345,678 bytes)`,
      ],
      targets: ['builders:build-2/elastic_morse'],
      precondition: { id: morse.id, state: 'exited', finished: morse.details?.finishedAtText },
      bytes: 812_345_678,
      impact: 'Deletes 1 stopped container (812 MB); keeps its volumes',
      irreversible: ['Everything that was written outside of volumes is lost.'],
      safety: ['Not running, and no volume is used by another container'],
      untilVerified: [expect.stringContaining('30 seconds') as unknown],
    });
    expect(await removeContainers.plan(contextOf([morse]), paramsOf(morse))).toEqual(plan);
  });

  test('adds up the bytes of several, unless one is unknown', () => {
    const { bytes: _, ...unmeasured } = paramsOf(morse);
    const impactOf = (all: readonly ReturnType<typeof paramsOf>[]) => removeContainers.many?.impact(all, []);
    expect(impactOf([paramsOf(morse), paramsOf(morse)])).toBe(
      'Deletes 2 stopped containers (1.6 GB); keeps their volumes',
    );
    expect(impactOf([paramsOf(morse), unmeasured])).toBe('Deletes 2 stopped containers; keeps their volumes');
  });

  test.each<readonly [string, readonly ports.EngineContainer[]]>([
    ['no longer exists', []],
    ['is running now', [{ ...morse, state: 'running' }]],
    [
      'has run again since the plan',
      [stoppedContainer('elastic_morse', new Date('2026-11-18T12:00:00Z'), { image: 'base:209' })],
    ],
    ['was renamed to precious', [{ ...morse, name: 'precious' }]],
    ['is no longer a leftover: with a restart policy', [withDetails({ restartPolicy: 'always' })]],
    [
      'has volumes that another container uses (--volumes-from)',
      [
        morse,
        stoppedContainer('web', old, { state: 'running', details: { volumesFrom: ['elastic_morse'] } }),
      ],
    ],
    [
      'is needed by another container, which cannot start without it',
      [morse, stoppedContainer('web', old, { state: 'created', details: { dependsOn: ['elastic_morse'] } })],
    ],
    [
      'shares a volume with web',
      [
        withDetails({ mounts: [volume('data')] }),
        stoppedContainer('web', old, { state: 'running', details: { mounts: [volume('data')] } }),
      ],
    ],
  ])('leaves out one that %s', async (because, containers) => {
    const planning = removeContainers.plan(contextOf(containers), paramsOf(morse));
    await expect(planning).rejects.toThrow(because);
    await expect(planning).rejects.toMatchObject({ kind: 'missing' });
  });

  test('is refused without allow.remove', async () => {
    const removal = { allowed: false, because: '`allow.remove` is not configured' } as const;
    const planning = removeContainers.plan(contextOf([morse], { removal }), paramsOf(morse));
    await expect(planning).rejects.toMatchObject({ kind: 'refused', message: removal.because });
  });

  test('for many containers reads the list once', async () => {
    let lists = 0;
    const containers = [morse, stoppedContainer('quirky_hopper', old)];
    const context = contextOf(containers, {
      containers: async function* () {
        lists += 1;
        yield containers;
      },
    });
    for (const one of containers) await removeContainers.plan(context, paramsOf(one));
    expect(lists).toBe(1);
  });
});

function withDetails(details: Partial<ports.ContainerDetails>): ports.EngineContainer {
  return stoppedContainer('elastic_morse', old, { image: 'base:209', details });
}

describe('applying', () => {
  function applying(containers: readonly ports.EngineContainer[], fails?: Error) {
    const removed: unknown[] = [];
    const steps: string[] = [];
    const read = contextOf(containers);
    const applyContext = { idempotencyKey: 'm0123456789abcdef-1', signal: read.signal };
    const context = {
      ...read,
      write: {
        engines: () => ({
          removeContainer: async (one: unknown) => {
            if (fails) throw fails;
            removed.push(one);
          },
          removeImage: () => Promise.reject(new Error('not an image')),
        }),
      },
      applyContext,
      recordStep: async (line: string) => void steps.push(line),
    };
    return { context, removed, steps };
  }

  const PLAN = { lines: ['x'], targets: ['x'], precondition: {} };

  test('removes the container by its id, as it was planned, and records it', async () => {
    const { context, removed, steps } = applying([morse]);
    await removeContainers.apply(context, paramsOf(morse), PLAN);
    expect(removed).toEqual([
      { engine: 'build-2', id: morse.id, state: 'exited', finishedAtText: morse.details?.finishedAtText },
    ]);
    expect(steps).toEqual(['elastic_morse removed']);
  });

  test('records nothing if the engine refuses', async () => {
    const { context, steps } = applying([morse], new SourceError('builders', 'refused', 'it is in use'));
    await expect(removeContainers.apply(context, paramsOf(morse), PLAN)).rejects.toThrow('it is in use');
    expect(steps).toEqual([]);
  });

  test('each line is planned again with a new inspection: one that has been started since is skipped', async () => {
    const { context } = applying([morse]);
    const [source] = context.read.engines;
    const started = {
      ...context,
      read: { engines: [{ ...source!, container: async () => ({ ...morse, state: 'running' }) }] },
    };
    await expect(removeContainers.plan(started, paramsOf(morse))).rejects.toMatchObject({
      kind: 'missing',
      message: 'elastic_morse is running now',
    });
  });

  test('an engine that cannot be queried stops the plan', async () => {
    const { context } = applying([morse]);
    const [source] = context.read.engines;
    const down = new SourceError('builders', 'unreachable', 'no response');
    const unread = { ...context, read: { engines: [{ ...source!, container: () => Promise.reject(down) }] } };
    await expect(removeContainers.plan(unread, paramsOf(morse))).rejects.toMatchObject({
      kind: 'unreachable',
    });
  });
});

test('the button has the number of containers and their size', () => {
  expect(removeContainers.title(paramsOf(morse))).toBe('Remove elastic_morse (812 MB)');
  expect(removeContainers.title({ ...paramsOf(morse), name: 'x'.repeat(200) }).length).toBeLessThanOrEqual(
    75,
  );
  expect(removeContainers.many?.title([paramsOf(morse), paramsOf(morse)])).toBe(
    'Remove 2 containers (1.6 GB)',
  );
});

import { describe, expect, test } from 'vitest';
import type { ports, ReadContext } from '../../kit.ts';
import { engineSource, stoppedContainer } from '../../shared/fixture-engines.ts';
import { unusedImage } from './builders.ts';
import { removeImages } from './remove-images.ts';

const now = new Date('2026-11-26T12:00:00Z');
const image = unusedImage('old build', { tags: [], bytes: 640_000_000 });
const PARAMS = { source: 'builders', engine: 'build-2', id: image.id, bytes: image.bytes };

function contextOf(
  images: readonly ports.EngineImage[],
  containers: readonly ports.EngineContainer[] = [],
  removal: ports.RemovalPermission = { allowed: true },
): ReadContext<'engines'> {
  return {
    read: {
      engines: [
        engineSource({
          name: 'builders',
          removal,
          engines: [{ name: 'build-2', containers, usage: { images } }],
        }),
      ],
    },
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
  test('leaves out an image with a digest on a node with a kubelet', async () => {
    const pod = stoppedContainer('pod', now, { state: 'running', labels: { 'io.kubernetes.pod.name': 'a' } });
    const pulled = { ...image, digests: ['app@sha256:1'] };
    await expect(removeImages.plan(contextOf([pulled], [pod]), PARAMS)).rejects.toMatchObject({
      kind: 'missing',
      message: expect.stringContaining('is managed by the kubelet') as string,
    });
  });

  test('names the image, and is the same each time', async () => {
    const short = image.id.slice('sha256:'.length).slice(0, 12);
    const plan = await removeImages.plan(contextOf([image]), PARAMS);
    expect(plan).toMatchObject({
      lines: [`Remove image ${short}: 640 MB (640,000,000 bytes) with all its layers`],
      targets: [`builders:build-2/sha256:${short}`],
      precondition: { id: image.id, tags: 'none', containers: 'none' },
    });
    expect(plan.impact).toBe('Deletes 1 image and frees at most 640 MB: layers of other images are kept');
    expect(await removeImages.plan(contextOf([image]), PARAMS)).toEqual(plan);
  });

  test.each<readonly [string, ports.EngineImage]>([
    ['has a tag now: app:1', { ...image, tags: ['app:1'] }],
    ['is used by a container now', { ...image, containers: 1 }],
    ['is a layer of another image now', { ...image, isParent: true }],
    ['no longer exists', unusedImage('another')],
  ])('leaves out one that %s', async (because, one) => {
    const planning = removeImages.plan(contextOf([one]), PARAMS);
    await expect(planning).rejects.toThrow(because);
    await expect(planning).rejects.toMatchObject({ kind: 'missing' });
  });

  test('leaves out one that a container uses, even if the engine counts none', async () => {
    const user = stoppedContainer('web', now, { imageId: image.id });
    await expect(removeImages.plan(contextOf([image], [user]), PARAMS)).rejects.toThrow(
      'is used by a container',
    );
  });

  test('is refused without allow.remove', async () => {
    const planning = removeImages.plan(contextOf([image], [], { allowed: false, because: 'no' }), PARAMS);
    await expect(planning).rejects.toMatchObject({ kind: 'refused' });
  });
});

test('applying removes the image by its id, and records it', async () => {
  const removed: unknown[] = [];
  const steps: string[] = [];
  const read = contextOf([image]);
  const context = {
    ...read,
    write: {
      engines: () => ({
        removeImage: async (one: unknown) => void removed.push(one),
        removeContainer: () => Promise.reject(new Error('not a container')),
      }),
    },
    applyContext: { idempotencyKey: 'm0123456789abcdef', signal: read.signal },
    recordStep: async (line: string) => void steps.push(line),
  };
  await removeImages.apply(context, PARAMS, { lines: ['x'], targets: ['x'], precondition: {} });
  expect(removed).toEqual([{ engine: 'build-2', id: image.id }]);
  expect(steps).toEqual([expect.stringMatching(/^image [0-9a-f]{12} removed$/)]);
});

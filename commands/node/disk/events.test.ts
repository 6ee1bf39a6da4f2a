import { expect, test } from 'vitest';
import type { ports } from '../../kit.ts';
import { events } from './builders.ts';

type Event = Pick<ports.ClusterEvent, 'reason' | 'message'> & Partial<ports.ClusterEvent>;

const at = new Date('2026-11-26T11:58:00Z');
const gc = (message: string, count = 1) => ({ reason: 'ImageGCFailed', message, count, lastAt: at });
const imageGc = (...all: Event[]) => events(...all).events?.imageGc;

test('every error of an aggregated message counts, but a container only once', () => {
  const first =
    'conflict: unable to delete 9709113ca29f (must be forced) - image is being used by stopped container 5e26cfb0adca';
  const message = `(combined from similar events): wanted to free 7408818585 bytes, but freed 0 bytes space with errors in image deletion: [rpc error: code = Unknown desc = Error response from daemon: ${first}, rpc error: code = Unknown desc = Error response from daemon: conflict: unable to remove repository reference "build/maven:3.9" (must force) - container f52ab9a48b8a is using its referenced image 1dfb1c3c0240, rpc error: code = Unknown desc = Error response from daemon: conflict: unable to delete d715685ecbd0 (must be forced) - image is being used by stopped container 5e26cfb0adca]`;
  expect(imageGc(gc(message, 36), gc(first))).toMatchObject({
    count: 37,
    containers: ['5e26cfb0adca', 'f52ab9a48b8a'],
    areStopped: false,
    images: ['1dfb1c3c0240', '9709113ca29f', 'd715685ecbd0'],
    running: [],
    freedBytes: 0,
  });
});

test('a full id and its first digits are the same container and image', () => {
  const id = '5e26cfb0adca'.padEnd(64, '0');
  const image = `sha256:${'9709113ca29f'.padEnd(64, '0')}`;
  expect(
    imageGc(
      gc(`unable to delete ${image} (must be forced) - image is being used by stopped container ${id}`),
      gc(
        'unable to delete 9709113ca29f (must be forced) - image is being used by stopped container 5e26cfb0adca',
      ),
    ),
  ).toMatchObject({ containers: ['5e26cfb0adca'], images: ['9709113ca29f'], areStopped: true });
});

test('images of running containers are not counted as held by stopped ones', () => {
  expect(
    imageGc(
      gc(
        '[conflict: unable to delete 9709113ca29f (cannot be forced) - image is being used by running container 5e26cfb0adca, conflict: unable to delete fca11768a3b7 (must be forced) - image is being used by stopped container f92d2bb3cfc4]',
      ),
    ),
  ).toMatchObject({ containers: ['f92d2bb3cfc4'], running: ['5e26cfb0adca'], images: ['fca11768a3b7'] });
});

test('an id that is cut off at the end of a message is not another container', () => {
  const error = 'unable to delete 9709113ca29f (must be forced) - image is being used by stopped container';
  expect(imageGc(gc(`${error} 5e26cfb0adca`), gc(`${error} 5e26c`))?.containers).toEqual(['5e26cfb0adca']);
  expect(imageGc(gc(`${error} 5e26c`))?.containers).toEqual(['5e26c']);
});

test('the message of CRI-O names the container, but not the image', () => {
  const id = '095dff22c8f7'.padEnd(64, '0');
  expect(
    imageGc(gc(`rpc error: code = Unknown desc = image used by ${id}: image is in use by a container`)),
  ).toMatchObject({ containers: ['095dff22c8f7'], images: [], areStopped: false });
});

test('quotes that are escaped twice are parsed', () => {
  const message = String.raw`unable to remove repository reference \"base:210\" (must force) - container 68014df60ce9 is using its referenced image 5d4a891a1320`;
  expect(imageGc(gc(message))).toMatchObject({ containers: ['68014df60ce9'], images: ['5d4a891a1320'] });
});

test.each([
  [
    'Failed to garbage collect required amount of images. Wanted to free 100 bytes, but freed 20 bytes',
    20,
    false,
  ],
  [
    'failed to garbage collect required amount of images. Attempted to free 100 bytes, but only found 0 bytes eligible to free.',
    0,
    true,
  ],
  [
    'wanted to free 175762337382 bytes, but freed 0 bytes space with errors in image deletion: rpc error',
    0,
    false,
  ],
  [
    "Insufficient free disk space on the node's image filesystem (88% of 26.4 GiB used). Failed to free sufficient space by deleting unused images (freed 385820817 bytes). Investigate disk usage.",
    385_820_817,
    false,
  ],
])('parses how much was freed: %s', (message, freedBytes, foundNothing) => {
  expect(imageGc({ reason: 'FreeDiskSpaceFailed', message })).toMatchObject({ freedBytes, foundNothing });
});

test('a failure that is recorded under both reasons counts once', () => {
  const message =
    'Failed to garbage collect required amount of images. Wanted to free 1 bytes, but freed 0 bytes';
  expect(imageGc({ reason: 'FreeDiskSpaceFailed', message, count: 7 }, gc(message, 7))?.count).toBe(7);
});

test('a message that cannot be parsed is kept, and not ignored', () => {
  expect(imageGc(gc('the image store is on strike'))).toMatchObject({
    count: 1,
    unknown: 'the image store is on strike',
  });
});

test.each([
  ['InvalidDiskCapacity', 'invalid capacity 0 on image filesystem'],
  ['NodeHasNoDiskPressure', 'Node n status is now: NodeHasNoDiskPressure'],
  ['Starting', 'Starting kubelet.'],
  ['EvictionThresholdMet', 'Attempting to reclaim memory'],
])('%s is not about a disk: %s', (reason, message) => {
  expect(events({ reason, message, count: 9 })).toEqual({});
});

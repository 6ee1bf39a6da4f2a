import { expect, test } from 'vitest';
import { askCase } from './ask-case.ts';

test.each<[what: string, name: string, status: string, faults: readonly string[], hints?: readonly string[]]>(
  [
    [
      'a base image that shared storage lost',
      'cloud/o12',
      'found',
      ['critical 2b8f5d10-93c4-4f3f-a9d7-3f1d2e4c0a03', 'warning nova.conf [image_cache]'],
    ],
    ['disks with another base than their image, or none', 'cloud/o13', 'clear', []],
    [
      'a console log that fills the disk',
      'cloud/o14',
      'found',
      ['critical cmp-c07:c41f7e60-0d0a-4be3-9a2b-1b9f6d7e5501'],
      ['info cmp-c07:instance-00000e05'],
    ],
    ['a sparse console log', 'cloud/o15', 'clear', []],
    ['deleted instances that were never archived', 'cloud/o16', 'found', ['warning nova.instances']],
    ['archived instances that were never purged', 'cloud/o17', 'found', [], ['info nova.shadow_*']],
    [
      'all computes down at once',
      'cloud/o18',
      'found',
      ['critical control plane (RabbitMQ)'],
      ['info cmp-10'],
    ],
    ['a conductor whose clock is ahead', 'cloud/o19', 'found', ['critical ctl-3']],
    ['a node that others no longer see', 'rabbit/o20', 'found', ['critical rabbit@ctl-3']],
    ['notifications that no one reads', 'rabbit/o21', 'found', ['warning /:versioned_notifications.info']],
    ['a broker without statistics', 'rabbit/o22', 'unknown', []],
    ['memory that Erlang keeps', 'rabbit/o23', 'clear', []],
    ['shared storage with a cache for each host', 'cloud/o24', 'clear', []],
  ],
)('%s (%s)', async (_what, name, status, faults, hints = []) => {
  const verdict = await askCase(name);
  expect(verdict.faults).toEqual([...faults, ...hints].toSorted((one, other) => one.localeCompare(other)));
  expect(verdict.status).toBe(status);
  // Nothing is configured that a button could change.
  expect(verdict.offers).toEqual([]);
});

import { expect, test } from 'vitest';
import type { ReadProgress } from '../ports/read-options.ts';
import { followReads } from './follow-reads.ts';

test('counts only what was read, and names the last ones', () => {
  const reported: ReadProgress[] = [];
  const reads = followReads((progress) => reported.push(progress), 'hosts', ['a', 'b', 'c', 'd']);
  reads.end('a', true);
  reads.end('b', false);
  reads.end('b', true);
  reads.end('c', true);
  reads.end('d', true);
  expect(reported).toEqual([
    { read: 0, of: 4, unit: 'hosts' },
    { read: 1, of: 4, unit: 'hosts' },
    { read: 1, of: 4, unit: 'hosts', waitingFor: 'c and d' },
    { read: 2, of: 4, unit: 'hosts', waitingFor: 'd' },
    { read: 3, of: 4, unit: 'hosts' },
  ]);
});

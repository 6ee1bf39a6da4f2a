import { expect, test } from 'vitest';
import { type CaseFile, samplesIn } from './case-file.ts';

const CASE: CaseFile = { case: 'c1', check: 'pods/restarts', now: '2026-11-26T12:00:00Z', answers: [] };
const AT = '2026-11-26T11:00:00Z';

test('takes samples of earlier runs one by one, or those of all containers together', () => {
  const web = { uid: 'uid-1', container: 'web', restartCount: 3 };
  const proxy = { uid: 'uid-1', container: 'proxy', restartCount: 0 };
  expect(samplesIn(CASE)).toEqual([]);
  expect(samplesIn({ ...CASE, earlier: [{ at: AT, ...web }] })).toEqual([{ at: AT, ...web }]);
  expect(samplesIn({ ...CASE, earlier: [{ at: AT, containers: [web, proxy] }] })).toEqual([
    { at: AT, ...web },
    { at: AT, ...proxy },
  ]);
});

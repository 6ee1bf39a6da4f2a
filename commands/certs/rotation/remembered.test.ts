import { expect, test } from 'vitest';
import { authority, factsOf, trustFile, signedCertificate } from './builders.ts';
import { remembered } from './remembered.ts';
import { resolved } from './resolved.ts';
import { doneSince, sampleSchema } from './samples.ts';
import { lastStep } from './stories.ts';

const NOW = new Date('2026-11-26T12:00:00Z');
const CA = '/bosh/cf/ca';
const [SOON, LATER] = ['2026-12-16T10:00:00Z', '2031-11-10T10:00:00Z'];
const OLD = { id: 'old', until: SOON };
const NEW = { id: 'new', until: LATER };
const oldCa = signedCertificate('ca', SOON, { issuer: 'ca', key: 'old key', signedWith: 'old key' });
const newCa = signedCertificate('ca', LATER, { issuer: 'ca', key: 'new key', signedWith: 'new key' });

test('a step keeps the time at which it was first seen done', () => {
  const [sample] = remembered(lastStep.facts, NOW);
  expect(sample).toMatchObject({ rotation: 'credhub:/bosh/cf/loggregator_ca', version: '134893b6' });
  expect(sample?.done).toContainEqual({ step: 'renew', since: '2026-11-15T10:00:00.000Z' });
  expect(sample?.done).toContainEqual({ step: 'deploy', since: NOW.toISOString() });
  expect(sampleSchema.safeParse(sample).success).toBe(true);
});

test('a step is ticked once the world has changed', () => {
  const facts = (trusted: readonly (typeof oldCa)[]) =>
    factsOf({
      managed: [authority(CA, [{ ...NEW, transitional: true }, OLD])],
      places: trustFile('api/0', '/ca.crt', trusted),
    });
  const doneIn = (trusted: readonly (typeof oldCa)[]) =>
    remembered(facts(trusted), NOW)[0]?.done.map(({ step }) => step);
  expect(doneIn([oldCa])).toEqual(['add-version']);
  expect(doneIn([oldCa, newCa])).toEqual(['add-version', 'trust']);
});

test('steps of an earlier rotation of the same authority are not those of this one', () => {
  const earlier = [
    {
      at: NOW,
      rotation: CA,
      version: 'former',
      done: [{ step: 'trust', since: '2024-01-01T00:00:00.000Z' }],
    },
  ];
  expect(doneSince(earlier, 'new')('trust')).toBeUndefined();
  expect(doneSince(earlier, 'former')('trust')).toBe(Date.parse('2024-01-01T00:00:00.000Z'));
});

test('nothing is remembered of an authority that is not being rotated', () => {
  expect(remembered(factsOf({ managed: [authority(CA, [NEW, OLD])] }), NOW)).toEqual([]);
});

test.each([
  ['rotation-due', [{ ...NEW, transitional: true }, OLD], 'rotation begun: version new is transitional'],
  ['rotation-due', [NEW], 'now valid until 2031-11-10'],
  ['rotation-unfinished', [NEW, OLD], 'no version is transitional any more'],
  ['rotation-unfinished', [NEW, { ...OLD, transitional: true }], undefined],
  ['rotation-in-progress', [NEW, OLD], 'no version is transitional any more; the one in use ends 2031-11-10'],
  ['rotation-in-progress', [NEW, { ...OLD, transitional: true }], undefined],
  ['rotation-due', [{ ...OLD, until: '2026-11-01T00:00:00Z' }], undefined],
  ['rotation-due', [{ id: 'undated' }], undefined],
] as const)('%s is resolved only by what the versions show: %j', (reason, versions, expected) => {
  expect(resolved(factsOf({ managed: [authority(CA, versions)] }), { reason, target: CA }, NOW)).toBe(
    expected,
  );
});

test('what is no longer there was not repaired', () => {
  expect(resolved(factsOf({}), { reason: 'rotation-due', target: CA }, NOW)).toBeUndefined();
});

import { expect, test } from 'vitest';
import { z } from 'zod';
import { defineCheck, type AnyCheck } from './define-check.ts';
import { defineRemediation } from './define-remediation.ts';
import type { Finding } from './finding.ts';
import { offersOf } from './offers.ts';

const base = {
  risk: 'safe',
  allow: 'restart',
  uses: [],
  params: z.strictObject({ disk: z.string() }),
  plan: async () => ({ lines: ['line'], targets: ['target'], precondition: {}, impact: 'Stops it' }),
  apply: async () => undefined,
  settlesWithinSeconds: 1,
} as const;

const check: AnyCheck = defineCheck({
  title: 'Disks',
  why: 'A test needs them.',
  uses: [],
  args: z.object({}),
  collect: async () => undefined,
  diagnose: () => ({ examined: 1, verdict: 'All disks work', findings: [] }),
  remediations: {
    wipe: defineRemediation({
      ...base,
      about: 'Wipes',
      title: ({ disk }) => `Wipe ${disk}`,
      many: {
        title: (all) => `Wipe all ${all.length}`,
        impact: (all) => `Wipes ${all.length} disks`,
        line: ({ disk }) => `Wipe ${disk}`,
        precondition: () => ({}),
      },
    }),
    hide: defineRemediation({
      ...base,
      about: 'Hides',
      title: ({ disk }) => `Hide ${disk}`,
      effect: ({ disk }) => `Sets hidden on ${disk}.`,
      provenBy: () => ({ label: 'hidden', value: 1 }),
    }),
  },
});

const finding: Finding = {
  reason: 'disk-broken',
  severity: 'warning',
  target: 'rack',
  targets: ['disk a', 'disk b'],
  summary: '2 disks are broken',
};

const offersFor = (...offers: NonNullable<Finding['offers']>) =>
  offersOf(check, { examined: 2, verdict: 'x', findings: [{ ...finding, offers }] }).findings[0]?.offers;

test('an offer for one of several targets has the title for one target', () => {
  expect(offersFor({ remediation: 'wipe', params: { disk: 'a' }, target: 'disk a' })).toEqual([
    { remediation: 'wipe', params: { disk: 'a' }, target: 'disk a', title: 'Wipe a', risk: 'safe' },
  ]);
});

test('an offer for the finding itself has the title for one target', () => {
  expect(offersFor({ remediation: 'wipe', params: { disk: 'rack' }, target: 'rack' })).toEqual([
    { remediation: 'wipe', params: { disk: 'rack' }, target: 'rack', title: 'Wipe rack', risk: 'safe' },
  ]);
});

test('an offer for several targets has the title for several', () => {
  const each = [
    { target: 'disk a', params: { disk: 'a' } },
    { target: 'disk b', params: { disk: 'b' } },
  ];

  expect(offersFor({ remediation: 'wipe', each })).toEqual([
    { remediation: 'wipe', each, title: 'Wipe all 2', risk: 'safe' },
  ]);
});

test('an offer of a mitigation says that it is one', () => {
  expect(offersFor({ remediation: 'hide', params: { disk: 'a' } })).toMatchObject([
    { mitigates: true, effect: 'Sets hidden on a.' },
  ]);
});

test.each([
  [{ remediation: 'melt', params: {} }, 'names a remediation that its check does not have: melt'],
  [{ remediation: 'wipe', params: { disk: 'c' }, target: 'disk c' }, 'does not have: disk c'],
  [{ remediation: 'wipe', each: [{ target: 'disk c', params: { disk: 'c' } }] }, 'does not have: disk c'],
  [{ remediation: 'wipe', each: [{ target: 'rack', params: { disk: 'a' } }] }, 'does not have: rack'],
  [{ remediation: 'hide', each: [{ target: 'disk a', params: { disk: 'a' } }] }, 'that is for one: hide'],
  [{ remediation: 'wipe', params: { desk: 'a' } }, 'Unrecognized key'],
])('an invalid offer is a bug: %j', (offer, message) => {
  expect(() => offersFor(offer)).toThrow(message);
});

test('an offer that names a target twice is a bug, because one of its params would be applied for both', () => {
  const twice = ['a', 'b'].map((disk) => ({ target: 'disk a', params: { disk } }));

  expect(() => offersFor({ remediation: 'wipe', each: twice })).toThrow('names one of its targets twice');
});

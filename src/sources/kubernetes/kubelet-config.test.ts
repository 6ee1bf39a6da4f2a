import { expect, test } from 'vitest';
import { parseThreshold, toKubeletConfig } from './kubelet-config.ts';
import { parseGoDuration, parseQuantity } from './quantity.ts';

const parse = (kubeletconfig: unknown) => toKubeletConfig({ kubeletconfig }, (because) => new Error(because));

test.each([
  ['10%', { share: 0.1 }],
  ['7.5%', { share: 0.075 }],
  ['100Mi', { amount: 104_857_600 }],
  ['1.5Gi', { amount: 1_610_612_736 }],
  ['58816785612', { amount: 58_816_785_612 }],
  ['1e3', { amount: 1_000 }],
  ['500k', { amount: 500_000 }],
  // Disables the signal.
  ['0%', undefined],
  ['100%', undefined],
  ['110%', { unreadable: '110%' }],
  ['-5%', { unreadable: '-5%' }],
  ['-1Gi', { unreadable: '-1Gi' }],
  ['ten', { unreadable: 'ten' }],
  ['', { unreadable: '' }],
  [10, { unreadable: '10' }],
])('a limit of %s', (text, threshold) => {
  expect(parseThreshold(text)).toEqual(threshold);
});

test('an absent evictionHard is empty', () => {
  expect(parse({}).evictionHard).toEqual({});
  expect(parse({ evictionHard: null }).evictionHard).toEqual({});
});

test('a limit replaces all defaults, unless they are merged', () => {
  const evictionHard = { 'memory.available': '5%' };

  expect(Object.keys(parse({ evictionHard }).evictionHard)).toEqual(['memory.available']);
  expect(parse({ evictionHard, mergeDefaultEvictionSettings: true }).evictionHard).toMatchObject({
    'memory.available': { share: 0.05 },
    'imagefs.available': { share: 0.15 },
  });
});

test('limits of 0 % are disabled', () => {
  const evictionHard = { 'nodefs.available': '0%', 'nodefs.inodesFree': '0%', 'imagefs.available': '0%' };

  expect(parse({ evictionHard, imageGCHighThresholdPercent: 100 })).toMatchObject({
    evictionHard: {},
    imageGcHighPercent: 100,
  });
});

test('limits as a string, as in kubelets before 1.10', () => {
  expect(parse({ evictionHard: 'memory.available<100Mi,nodefs.available<10%' }).evictionHard).toEqual({
    'memory.available': { amount: 104_857_600 },
    'nodefs.available': { share: 0.1 },
  });
});

test.each([
  [{ 'nodefs.available': '10%' }, { 'nodefs.available': { share: 0.1 } }],
  [{ 'imagefs.available': '30Gi' }, { 'imagefs.available': { amount: 32_212_254_720 } }],
  [
    'nodefs.available=1Gi,imagefs.available=2Gi',
    { 'nodefs.available': { amount: 1_073_741_824 }, 'imagefs.available': { amount: 2_147_483_648 } },
  ],
  // Not a limit: it does not disable the signal.
  [
    { 'nodefs.available': '100%', 'imagefs.available': '150%' },
    { 'nodefs.available': { share: 1 }, 'imagefs.available': { share: 1.5 } },
  ],
  [{ 'nodefs.available': '0', 'imagefs.available': '0%' }, {}],
  [{ 'nodefs.available': 'much' }, { 'nodefs.available': { unreadable: 'much' } }],
  [null, {}],
])('an evictionMinimumReclaim of %o', (evictionMinimumReclaim, reclaim) => {
  expect(parse({ evictionMinimumReclaim }).evictionMinimumReclaim).toEqual(reclaim);
});

test('an invalid value is absent, not the default', () => {
  expect(
    parse({
      evictionPressureTransitionPeriod: 'soon',
      imageGCHighThresholdPercent: '85',
      imageGCLowThresholdPercent: -1,
      containerLogMaxSize: 10,
      containerLogMaxFiles: 0,
    }),
  ).toEqual({ evictionHard: {}, evictionSoft: {}, evictionMinimumReclaim: {} });
});

test.each([undefined, null, 'text', []])('a configuration that is %s is an error', (shown) => {
  expect(() => parse(shown)).toThrow('it has no `kubeletconfig`');
});

test('limits that are not a map are an error', () => {
  expect(() => parse({ evictionHard: ['nodefs.available<10%'] })).toThrow('its `evictionHard` is not a map');
});

test.each([
  ['5m0s', 300_000],
  ['15m0s', 900_000],
  ['1h30m', 5_400_000],
  ['0s', 0],
  ['1.5s', 1_500],
  ['300', undefined],
  ['', undefined],
])('the duration %s', (text, ms) => {
  expect(parseGoDuration(text)).toBe(ms);
});

test.each([
  ['0.5', 0.5],
  ['.5', 0.5],
  ['250m', 0.25],
  ['1Ki', 1_024],
  ['287191336Ki', 294_083_928_064],
  ['1E', 1e18],
  ['1Kb', undefined],
  ['Ki', undefined],
])('the quantity %s', (text, value) => {
  expect(parseQuantity(text)).toBe(value);
});

test('names the directory of static pods, if there is one', () => {
  const read = (settings: object) => parse(settings).staticPodPath;

  expect(read({ staticPodPath: '/etc/kubernetes/manifests' })).toBe('/etc/kubernetes/manifests');
  expect(read({ podManifestPath: '/etc/kubernetes/manifests' })).toBe('/etc/kubernetes/manifests');
  expect(read({ staticPodPath: '' })).toBeUndefined();
  expect(read({ staticPodPath: 7 })).toBeUndefined();
  expect(read({})).toBeUndefined();
});

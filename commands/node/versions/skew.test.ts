import { expect, test } from 'vitest';
import { parseKubeVersion } from './kube-version.ts';
import { blocksUpgrade, isSupportedBeside, oldestSupportedMinor, skewOf } from './skew.ts';

const version = (minor: number, patch = 0) => parseKubeVersion(`v1.${minor}.${patch}`)!;
const under = (oldest: number, newest = oldest) => ({ oldest: version(oldest), newest: version(newest) });

test.each([
  [30, 30, 'supported'],
  [27, 30, 'supported'],
  [26, 30, 'too-old'],
  [31, 30, 'newer'],
  [25, 28, 'supported'],
  [24, 27, 'too-old'],
  [24, 26, 'supported'],
  [23, 26, 'too-old'],
  [11, 12, 'supported'],
  [9, 12, 'too-old'],
])('a kubelet 1.%i under API server 1.%i is %s', (kubelet, apiServer, skew) => {
  expect(skewOf(version(kubelet), under(apiServer))).toBe(skew);
});

test('patch releases never violate the policy', () => {
  expect(skewOf(version(30, 9), { oldest: version(30, 1), newest: version(30, 1) })).toBe('supported');
});

test('of several API servers, the oldest limits what is too new and the newest what is too old', () => {
  expect(skewOf(version(30), under(29, 30))).toBe('newer');
  expect(skewOf(version(26), under(29, 30))).toBe('too-old');
  expect(skewOf(version(27), under(29, 30))).toBe('supported');
});

test.each([
  [30, 27],
  [28, 25],
  [27, 25],
  [26, 24],
  [12, 10],
])('API server 1.%i supports kubelets from 1.%i on', (apiServer, oldest) => {
  expect(oldestSupportedMinor(version(apiServer))).toBe(oldest);
});

test('an upgrade is blocked by what is supported now and would not be then', () => {
  expect(blocksUpgrade(version(27), under(30))).toBe(true);
  expect(blocksUpgrade(version(28), under(30))).toBe(false);
  expect(blocksUpgrade(version(24), under(26))).toBe(true);
  expect(blocksUpgrade(version(26), under(30))).toBe(false);
});

test('kube-proxy may be three minor versions from its kubelet, and two before 1.25', () => {
  expect(isSupportedBeside(version(30), version(27))).toBe(true);
  expect(isSupportedBeside(version(30), version(26))).toBe(false);
  expect(isSupportedBeside(version(24), version(27))).toBe(false);
  expect(isSupportedBeside(version(24), version(26))).toBe(true);
});

import { expect, test } from 'vitest';
import { expandHostPatterns } from './host-patterns.ts';

const names = (...patterns: string[]) => {
  const expanded = expandHostPatterns(patterns);
  return 'names' in expanded ? expanded.names : expect.fail(expanded.problem);
};
const problem = (...patterns: string[]) => {
  const expanded = expandHostPatterns(patterns);
  return 'problem' in expanded ? expanded.problem : expect.fail(expanded.names.join(' '));
};

test.each([
  ['cmp-12', ['cmp-12']],
  ['cmp-12.example.internal', ['cmp-12.example.internal']],
  ['10.0.0.7', ['10.0.0.7']],
  ['fd00::1', ['fd00::1']],
  ['cmp-[08:11]', ['cmp-08', 'cmp-09', 'cmp-10', 'cmp-11']],
  ['cmp-[8-11]', ['cmp-8', 'cmp-9', 'cmp-10', 'cmp-11']],
  ['cmp-[098-101]', ['cmp-098', 'cmp-099', 'cmp-100', 'cmp-101']],
  ['cmp-[1:7:3]', ['cmp-1', 'cmp-4', 'cmp-7']],
  ['cmp-[1,4,7-8]', ['cmp-1', 'cmp-4', 'cmp-7', 'cmp-8']],
  ['rack-[a:c]', ['rack-a', 'rack-b', 'rack-c']],
  ['{net,cmp}-[1:2].lab', ['net-1.lab', 'net-2.lab', 'cmp-1.lab', 'cmp-2.lab']],
  ['cmp-1{,-ipmi}', ['cmp-1', 'cmp-1-ipmi']],
  ['diego-cell/[0:1]', ['diego-cell/0', 'diego-cell/1']],
])('expands %s', (pattern, expanded) => {
  expect(names(pattern)).toEqual(expanded);
});

test.each([
  ['cmp-[40:01]', '[40:01] in cmp-[40:01] is no range'],
  ['cmp-[a:9]', 'is no range'],
  ['cmp-[]', 'is no range'],
  ['cmp-[1:9:0]', 'is no range'],
  ['cmp-[1', 'is no host name'],
  ['cmp-{a,b', 'is no host name'],
  ['cmp 1', 'is no host name'],
  ['-oProxyCommand=sh', 'is no host name'],
  ['cmp-1;id', 'is no host name'],
  ['../cmp-1', 'is no host name'],
  ['a/b/c', 'is no host name'],
  ['', 'is no host name'],
  ['a'.repeat(254), 'is no host name'],
])('rejects %s', (pattern, words) => {
  expect(problem(pattern)).toContain(words);
});

test('rejects a host that is listed twice, and more hosts than the limit', () => {
  expect(problem('cmp-[1:9]', 'cmp-4')).toBe('cmp-4 is listed twice');
  expect(names('cmp-[1:10000]')).toHaveLength(10_000);
  expect(problem('cmp-[1:10001]')).toBe('there are more than 10,000 hosts');
  expect(problem('cmp-[0:9][0:9][0:9][0:9][0:9][0:9][0:9][0:9]')).toBe('there are more than 10,000 hosts');
  expect(problem('cmp-[000000000:999999999]')).toBe('there are more than 10,000 hosts');
});

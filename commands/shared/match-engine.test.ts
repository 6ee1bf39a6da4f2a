import { expect, test } from 'vitest';
import { clusterNode } from './fixture-clusters.ts';
import { nodeFinder } from './match-engine.ts';

const at = (...addresses: readonly string[]) => ({
  addresses: addresses.map((address) => ({ type: 'InternalIP', address })),
});

const find = nodeFinder([
  clusterNode('build-1.eu.example.internal', at('10.0.0.1')),
  clusterNode('build-2.eu.example.internal', at('10.0.0.2', 'fd00::2')),
  clusterNode('build-2.us.example.internal', at('10.0.0.9')),
  clusterNode('build-2', at('10.0.0.3')),
  clusterNode('twin.eu.example.internal', at('10.0.0.9')),
  clusterNode('twin.us.example.internal', at('10.0.0.8')),
  clusterNode('10.1.2.3', at('10.1.2.3')),
  clusterNode('localhost', at('127.0.0.1')),
]);

test.each([
  ['build-1.eu.example.internal', ['build-1.eu.example.internal'], 'name'],
  ['BUILD-1.eu.example.internal.', ['build-1.eu.example.internal'], 'name'],
  ['build-1', ['build-1.eu.example.internal'], 'name without the domain'],
  ['10.0.0.1', ['build-1.eu.example.internal'], 'address'],
  ['[FD00::2]', ['build-2.eu.example.internal'], 'address'],
  ['10.1.2.3', ['10.1.2.3'], 'name'],
])('%s is the node %j', (machine, names, by) => {
  expect(find(machine).map(({ node }) => node.name)).toEqual(names);
  expect(find(machine)[0]?.by).toBe(by);
});

test('the full name of one node takes precedence over names of others without their domains', () => {
  expect(find('build-2').map(({ node }) => node.name)).toEqual(['build-2']);
});

test.each([['twin'], ['10.0.0.9']])('%s is ambiguous, and all matching nodes are returned', (machine) => {
  expect(find(machine)).toHaveLength(2);
});

test.each([
  ['another domain', 'build-1.us.example.internal'],
  ['the beginning of a name', 'build'],
  ['the first number of an address', '10'],
  ['nothing', ' '],
  ['a name that every machine has', 'localhost'],
  ['an address that every machine has', '127.0.0.1'],
])('%s matches no node', (_, machine) => {
  expect(find(machine)).toEqual([]);
});

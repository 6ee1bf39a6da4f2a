import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { SourceError } from '../../ports/source-error.ts';
import { asObject } from '../../wire/json-object.ts';
import { flatten } from './tree.ts';

test('flattens a response of any shape, or rejects it as malformed', () => {
  const node = fc.letrec((tie) => ({
    node: fc.record(
      {
        key: fc.oneof(fc.string(), fc.integer()),
        dir: fc.oneof(fc.boolean(), fc.string()),
        value: fc.oneof(fc.string(), fc.constant(null)),
        nodes: fc.oneof(fc.array(tie('node'), { maxLength: 3 }), fc.jsonValue()),
        ttl: fc.jsonValue(),
        expiration: fc.oneof(fc.string(), fc.integer()),
        createdIndex: fc.oneof(fc.nat(), fc.string()),
        modifiedIndex: fc.nat(),
      },
      { requiredKeys: [] },
    ),
  })).node;
  const ends = (answer: unknown): string => {
    try {
      flatten('etcd', asObject(answer));
      return 'flattened';
    } catch (error) {
      return error instanceof SourceError ? error.kind : String(error);
    }
  };
  fc.assert(
    fc.property(fc.oneof(node, fc.jsonValue()), (answer) => {
      expect(['flattened', 'malformed']).toContain(ends(answer));
    }),
  );
});

test('flattens 100,000 nested directories without recursion', () => {
  let node: object = { key: '/x', value: '', createdIndex: 1, modifiedIndex: 1 };
  for (let depth = 0; depth < 100_000; depth += 1) node = { key: '/d', dir: true, nodes: [node] };
  const { directories, leaves } = flatten('etcd', asObject(node));
  expect([directories.length, leaves.length]).toEqual([100_000, 1]);
});

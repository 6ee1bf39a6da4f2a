import { expect, test } from 'vitest';
import { check } from './check.ts';
import { diagnose } from './diagnose.ts';
import * as stories from './stories.ts';
import type { Story } from '../../kit.ts';
import type { Facts } from './collect.ts';

function ask({ facts, now }: Pick<Story<Facts>, 'facts' | 'now'>, args: Record<string, string> = {}) {
  return diagnose(facts, check.args.parse(args), now);
}

const lines = ({ findings }: ReturnType<typeof ask>) =>
  findings.map(({ severity, reason, target }) => `${severity} ${reason} ${target}`);

test('a full etcd is said to take no writes, and its space is offered to be freed', () => {
  const report = ask(stories.databaseSpaceExceeded);

  expect(report.verdict).toBe('etcd takes no writes: NOSPACE');
  expect(lines(report)).toEqual(['critical no-space etcd']);
  expect(report.findings[0]).toMatchObject({
    offers: [{ remediation: 'free-space', params: { store: 'etcd' } }],
  });
});

import { expect, test } from 'vitest';
import { check } from './check.ts';
import type { Facts } from './collect.ts';
import { diagnose } from './diagnose.ts';
import { announced, deployment, doppler, etcd, factsOf, SERVER_TIME } from './builders.ts';

function ask(facts: Facts) {
  return diagnose(facts, check.args.parse({}), SERVER_TIME);
}

const ONE = { name: 'doppler_z1/0', id: 'id-1', address: '10.0.1.1' };
const TWO = { name: 'doppler_z2/0', id: 'id-2', address: '10.0.2.1' };

test('a VM beside whose stuck doppler another process is just starting is offered a restart all the same', () => {
  const facts = factsOf(
    [etcd([announced('z2/doppler_z2/id-2', '10.0.2.1')])],
    [
      deployment([
        doppler({ ...ONE, state: 'starting', processes: { metron_agent: 'starting' } }),
        doppler(TWO),
      ]),
    ],
  );
  expect(ask(facts).findings[0]?.offers).toHaveLength(1);
});

test('where other processes may be restarted alone, but not this one, none is offered', () => {
  const restart = { allowed: true, scope: 'process', processes: ['metron_agent'], sideEffects: [] } as const;
  const facts = factsOf(
    [etcd([announced('z2/doppler_z2/id-2', '10.0.2.1')])],
    [deployment([doppler({ ...ONE, restart }), doppler(TWO)])],
  );
  const [finding] = ask(facts).findings;
  expect(finding?.offers).toBeUndefined();
  expect(finding?.evidence).toContainEqual({
    kind: 'field',
    label: 'No restart offered',
    value: 'its configuration does not allow doppler to be restarted',
  });
});

test('the task that holds the deployment is shown beside the offer', () => {
  const store = etcd([announced('z2/doppler_z2/id-2', '10.0.2.1')]);
  const lock = { taskId: '1180', description: 'create deployment' };
  const [finding] = ask(factsOf([store], [deployment([doppler(ONE), doppler(TWO)], { lock })])).findings;
  expect(finding?.evidence).toContainEqual({
    kind: 'field',
    label: 'Locked',
    value: 'its deployment is locked by task 1180 (create deployment)',
  });
});

import { expect, test } from 'vitest';
import { diagnose as diagnoseProcesses } from '../../commands/bosh/processes/diagnose.ts';
import { instance } from '../../commands/bosh/processes/builders.ts';
import { diagnose as diagnoseDoppler } from '../../commands/etcd/doppler/diagnose.ts';
import { announced, etcd, factsOf } from '../../commands/etcd/doppler/builders.ts';
import { worst } from '../../src/check/finding.ts';
import type { Deployment, Instance, RunningProcess } from '../../src/ports/processes.ts';

type State = RunningProcess['state'];

/** The doppler itself runs and is registered, so that only `metron_agent` is faulty. */
const DOPPLER = instance('doppler_z1/0', ['doppler'], { addresses: ['10.0.1.1'], id: 'id-1' });
const STORES = [etcd([announced('z1/doppler_z1/id-1', '10.0.1.1')])];
const DEPLOY = { taskId: '1180', description: 'create deployment' };

function vm(
  index: number,
  metron: State,
  known: Partial<Instance> = {},
  others: State = 'running',
): Instance {
  return instance(`cell/${index}`, [{ metron_agent: metron, rep: others }], known);
}

/** The number of VMs, of four, whose `metron_agent` is in this state. */
function fourVms(amount: number, state: State, known: Partial<Instance> = {}): readonly Instance[] {
  return [0, 1, 2, 3].map((at) => (at < amount ? vm(at, state, known) : vm(at, 'running')));
}

function severities(instances: readonly Instance[], lock?: Deployment['lock']) {
  const deployment: Deployment = {
    source: 'bosh',
    name: 'cf',
    instances: [...instances, DOPPLER],
    ...(lock && { lock }),
  };
  const bosh = diagnoseProcesses({ deployments: [{ ...deployment, supervisor: 'director' }] });
  const doppler = diagnoseDoppler(
    factsOf(STORES, [deployment]),
    { protocols: ['udp'] },
    new Date('2016-05-12T09:00:00Z'),
  );
  const ofMetron = doppler.findings.filter(({ reason }) => reason === 'metron-down');
  expect(ofMetron).toEqual(doppler.findings);
  return { bosh: worst(bosh.findings), doppler: worst(ofMetron) };
}

test.each([
  ['none is down', fourVms(0, 'failing'), undefined, undefined],
  ['one of several is down', fourVms(1, 'failing'), undefined, 'warning'],
  ['half are down', fourVms(2, 'failing'), undefined, 'warning'],
  ['most are down', fourVms(3, 'failing'), undefined, 'critical'],
  ['all are down', fourVms(4, 'failing'), undefined, 'critical'],
  ['the only one is down', [vm(0, 'failing')], undefined, 'critical'],
  ['one is not monitored', fourVms(1, 'unmonitored'), undefined, 'warning'],
  ['most are not monitored', fourVms(3, 'unmonitored'), undefined, 'critical'],
  ['one is starting', fourVms(1, 'starting'), undefined, 'info'],
  ['most are starting', fourVms(3, 'starting'), undefined, 'warning'],
  ['all are starting', fourVms(4, 'starting'), undefined, 'warning'],
  ['one that is ignored is down', fourVms(1, 'failing', { ignored: true }), undefined, 'info'],
  ['three that are ignored are down', fourVms(3, 'failing', { ignored: true }), undefined, 'info'],
  [
    'one is down, and two that are ignored',
    [...fourVms(1, 'failing'), vm(4, 'failing', { ignored: true }), vm(5, 'failing', { ignored: true })],
    undefined,
    'warning',
  ],
  [
    'most of those that count are down, and ignored ones are not',
    [vm(0, 'failing'), vm(1, 'failing'), vm(2, 'running'), vm(3, 'running', { ignored: true })],
    undefined,
    'critical',
  ],
  ['one is down during a deploy', fourVms(1, 'unmonitored'), DEPLOY, 'warning'],
  ['most are down during a deploy, and all else runs', fourVms(3, 'unmonitored'), DEPLOY, 'critical'],
  ['the only one is down during a deploy', [vm(0, 'unmonitored')], DEPLOY, 'warning'],
  [
    'most are down during a deploy, and so is all else on their VMs',
    [0, 1, 2].map((at) => vm(at, 'unmonitored', {}, 'unmonitored')),
    DEPLOY,
    'warning',
  ],
  [
    'most are down with all else on their VMs',
    [0, 1, 2].map((at) => vm(at, 'failing', {}, 'failing')),
    undefined,
    'critical',
  ],
] as const)(
  '/bosh processes and /etcd doppler give a fault the same severity: %s',
  (_, instances, lock, severity) => {
    expect(severities(instances, lock)).toEqual({ bosh: severity, doppler: severity });
  },
);

import { expect, test } from 'vitest';
import type { ports } from '../../kit.ts';
import { diagnose } from './diagnose.ts';
import { deployment, factsOf, idOf, instance } from './builders.ts';
import * as stories from './stories.ts';

const NOT_ALLOWED: ports.RestartPermission = { allowed: false, because: 'its job is not in restart.jobs' };

function said(
  instances: readonly ports.Instance[],
  known: Parameters<typeof factsOf>[1] = {},
): readonly string[] {
  return diagnose(factsOf(instances, known)).findings.map(
    ({ severity, summary }) => `${severity}: ${summary}`,
  );
}

function evidenceOf({ evidence = [] }: ReturnType<typeof diagnose>['findings'][number]): string {
  return JSON.stringify(evidence);
}

test('a hundred failing VMs are one finding that points at the dopplers', () => {
  const { verdict, findings, examined } = diagnose(stories.metronFellOver.facts);

  expect(examined).toBe(12);
  expect(verdict).toBe('metron_agent is not running on 12 of 12 VMs');
  expect(findings).toHaveLength(1);
  expect(findings[0]).toMatchObject({
    reason: 'process-not-running-on-many',
    severity: 'critical',
    target: 'bosh:cf metron_agent',
    summary: 'metron_agent is not running on 12 of 12 VMs: a single cause is likely; check `/etcd doppler`',
  });
  expect(findings[0]).not.toHaveProperty('offers');
});

test('a process that is not monitored is reported as one that monit does not restart', () => {
  const [finding] = diagnose(stories.metronFellOver.facts).findings;
  expect(finding && evidenceOf(finding)).toContain("won't restart metron_agent");
  expect(said([instance('uaa/0', [{ uaa: 'unmonitored' }]), instance('uaa/1', ['uaa', 'x'])])).toEqual([
    'warning: uaa/0: uaa is not monitored',
  ]);
});

test('the report is clear if every process is running', () => {
  const { verdict, findings } = diagnose(stories.allRuns.facts);
  expect(findings).toEqual([]);
  expect(verdict).toBe('All 69 processes on 12 instances are running');
});

test('all agents unresponsive at once are one finding that points at the NATS certificates', () => {
  const { verdict, findings, measures } = diagnose(stories.natsAuthorityExpired.facts);
  expect(verdict).toBe('12 of 12 agents are not responding');
  expect(findings).toHaveLength(1);
  expect(findings[0]).toMatchObject({
    reason: 'agents-unresponsive',
    severity: 'critical',
    target: 'bosh:cf',
    summary:
      '12 of 12 agents are not responding; this many VMs rarely fail at once: check the NATS certificates first (`/certs expiring`)',
  });
  expect(findings[0] && evidenceOf(findings[0])).toContain('https://bosh.io/docs/nats-ca-rotation/');
  expect(findings[0]).not.toHaveProperty('offers');
  expect(measures).toEqual([{ label: 'agent', value: 0, of: 12, unit: 'answering' }]);
});

test('a cell whose rep fails can be restarted, and the task that locks the deployment is named', () => {
  const { verdict, findings } = diagnose(stories.repOfOneCell.facts);
  expect(verdict).toBe('1 of 5 instances has processes that are not running; task 1180 is changing cf');
  expect(findings.map(({ summary }) => summary)).toEqual(['cell/0: rep is failing']);
  expect(findings[0]?.severity).toBe('warning');
  expect(findings[0]?.offers).toEqual([
    {
      remediation: 'restart',
      params: { source: 'bosh', deployment: 'cf', group: 'cell', id: idOf('cell/0'), name: 'cell/0' },
    },
  ]);
  expect(findings[0] && evidenceOf(findings[0])).toContain('task 1180 (create deployment) is changing cf');
});

test('separate problems are separate findings, the worst first, and instances stopped on purpose are none', () => {
  const { verdict, findings } = diagnose(stories.oneByOne.facts);
  expect(verdict).toBe(
    '2 of 11 instances have processes that are not running, 1 more is not responding, 1 more has no VM, ' +
      '1 more has an unresponsive monit, 1 more is stopped but should be running',
  );
  expect(findings.map(({ severity, reason, target }) => `${severity} ${reason} ${target}`)).toEqual([
    'critical monit-unresponsive bosh:cf/nats/0',
    'critical processes-not-running bosh:cf/uaa/0',
    'warning agent-unresponsive bosh:cf/diego-cell/0',
    'warning vm-absent bosh:cf/api/1',
    'warning instance-stopped bosh:cf/doppler/0',
    'warning processes-not-running bosh:cf/router/0',
  ]);
});

test('only faults that a restart can fix offer one', () => {
  const { findings } = diagnose(stories.oneByOne.facts);
  const offered = findings.filter(({ offers }) => offers !== undefined).map(({ target }) => target);
  expect(offered).toEqual(['bosh:cf/uaa/0', 'bosh:cf/doppler/0', 'bosh:cf/router/0']);
});

test('all processes of one VM down are one finding for that VM', () => {
  const vm = (name: string, state: 'running' | 'failing') =>
    instance(name, [{ gorouter: state, consul_agent: state, metron_agent: state }]);
  expect(said([vm('router/0', 'failing'), vm('router/1', 'running'), vm('router/2', 'running')])).toEqual([
    'warning: router/0: none of its 3 processes is running (gorouter is failing, consul_agent is failing and metron_agent is failing)',
  ]);
});

test('a group that is down is reported by VM, not by process', () => {
  const others = ['a/0', 'b/0', 'c/0', 'd/0'].map((name) => instance(name, ['consul_agent', 'x']));
  const dopplers = ['doppler/0', 'doppler/1'].map((name) =>
    instance(name, [{ consul_agent: 'failing', doppler: 'failing' }]),
  );
  expect(diagnose(factsOf([...others, ...dopplers])).findings.map(({ target }) => target)).toEqual([
    'bosh:cf/doppler/0',
    'bosh:cf/doppler/1',
  ]);
});

test('no process running anywhere is one finding, not one for each of 30 processes', () => {
  const all = ['api/0', 'uaa/0', 'router/0'].map((name) =>
    instance(name, [{ consul_agent: 'unmonitored', metron_agent: 'unmonitored', [name]: 'unmonitored' }]),
  );
  const { verdict, findings } = diagnose(factsOf(all));
  expect(verdict).toBe('No process is running on 3 of 3 VMs');
  expect(findings.map(({ reason }) => reason)).toEqual(['nothing-runs']);
});

test('if nothing runs on most VMs, problems of the others are also shown', () => {
  const dead = ['api/0', 'uaa/0', 'router/0'].map((name) => instance(name, [{ a: 'failing', b: 'failing' }]));
  const { findings } = diagnose(factsOf([...dead, instance('nats/0', ['a', { nats: 'failing' }])]));
  expect(findings.map(({ target }) => target)).toEqual(['bosh:cf', 'bosh:cf/nats/0']);
});

test.each([
  [1, 2, 'single'],
  [2, 4, 'single'],
  [2, 3, 'shared'],
  [2, 2, 'shared'],
  [7, 12, 'shared'],
])('down on %i of %i is %s: a shared cause affects at least two and more than half', (down, all, is) => {
  const instances = Array.from({ length: all }, (_, at) =>
    instance(`router/${at}`, ['consul_agent', { gorouter: at < down ? 'failing' : 'running' }]),
  );
  const shared = diagnose(factsOf(instances)).findings.filter(
    ({ reason }) => reason === 'process-not-running-on-many',
  );
  expect(shared).toHaveLength(is === 'shared' ? 1 : 0);
});

test.each([
  ['cf/250', '; check `/etcd doppler`'],
  [undefined, '; check `/etcd doppler`'],
  ['cf/251', ''],
  ['cf/278.1', ''],
  ['v260', ''],
  ['cf-release 270', ''],
  ['cf-deployment', ''],
  ['cf-deployment/1.2', ''],
  ['3541.2', '; check `/etcd doppler`'],
])('metron_agent uses etcd only before CF v251: for %s the hint is "%s"', (version, hint) => {
  const { facts } = stories.metronFellOver;
  const deployments = facts.deployments.map((one) => ({ ...one, ...(version !== undefined && { version }) }));
  expect(diagnose({ deployments }).findings[0]?.summary).toBe(
    `metron_agent is not running on 12 of 12 VMs: a single cause is likely${hint}`,
  );
});

test.each([
  ['cf/250', true],
  [undefined, true],
  ['cf/251', false],
])('a doppler of %s that is down refers to etcd: %s', (version, isHinted) => {
  const dopplers = ['doppler/0', 'doppler/1'].map((name) => instance(name, ['x', { doppler: 'failing' }]));
  const [finding] = diagnose(factsOf(dopplers, version === undefined ? {} : { version })).findings;
  expect(finding?.summary.endsWith('; check `/etcd health`')).toBe(isHinted);
});

test('a starting process is information without an offer', () => {
  const { verdict, findings } = diagnose(
    factsOf([
      instance('uaa/0', [{ uaa: 'starting' }, 'consul_agent'], { state: 'starting' }),
      instance('uaa/1', ['uaa', 'consul_agent']),
    ]),
  );
  expect(verdict).toBe('1 of 2 instances is still starting');
  expect(findings).toMatchObject([
    { severity: 'info', reason: 'processes-not-running', summary: 'uaa/0: uaa is starting' },
  ]);
  expect(findings[0]).not.toHaveProperty('offers');
});

test('an agent that reports failing while every process is running is not healthy', () => {
  expect(said([instance('uaa/0', ['uaa'], { state: 'failing' })])[0]).toMatch(
    /^warning: uaa\/0 is failing, although every listed process is running/,
  );
});

test('if a restart is not allowed, the evidence says why and nothing is offered', () => {
  const { findings } = diagnose(
    factsOf([instance('db/0', [{ mysql: 'failing' }, 'x'], { restart: NOT_ALLOWED })]),
  );
  expect(findings[0]).not.toHaveProperty('offers');
  expect(findings[0] && evidenceOf(findings[0])).toContain('not offered: its job is not in restart.jobs');
});

test('if single processes can be restarted, those that are down and allowed are offered', () => {
  const restart = {
    allowed: true,
    scope: 'process',
    processes: ['doppler', 'metron_agent'],
    sideEffects: [],
  } as const;
  const vm = instance(
    'doppler/0',
    [{ doppler: 'failing', metron_agent: 'unmonitored', etcd: 'failing' }, 'x'],
    { restart },
  );
  const [finding] = diagnose(factsOf([vm], { supervisor: 'host', source: 'edge', name: 'edge' })).findings;
  expect(finding?.target).toBe('edge:doppler/0');
  expect(finding?.offers?.map(({ params }) => params.process)).toEqual(['doppler', 'metron_agent']);
  const other = instance('doppler/0', [{ etcd: 'failing' }, 'x'], { restart });
  const [notAllowed] = diagnose(
    factsOf([other], { supervisor: 'host', source: 'edge', name: 'edge' }),
  ).findings;
  expect(notAllowed).not.toHaveProperty('offers');
  expect(notAllowed && evidenceOf(notAllowed)).toContain(
    'not offered: the source edge may restart only doppler and metron_agent',
  );
});

test('an ignored instance is information, and no fix is offered for it', () => {
  const [finding] = diagnose(
    factsOf([instance('db/0', [{ mysql: 'failing' }, 'x'], { ignored: true })]),
  ).findings;
  expect(finding?.severity).toBe('info');
  expect(finding).not.toHaveProperty('offers');
});

test('all agents of all deployments unresponsive at once are one finding for the director', () => {
  const silent = (name: string) => instance(name, [], { state: 'unresponsive' });
  const { verdict, findings } = diagnose({
    deployments: [
      deployment([silent('router/0'), silent('api/0'), instance('uaa/0', [], { state: 'absent' })]),
      deployment([silent('db/0')], { name: 'mysql' }),
    ],
  });
  expect(verdict).toBe('3 of 3 agents are not responding in 2 deployments; 1 other instance has a problem');
  expect(findings.map(({ reason, target }) => `${reason} ${target}`)).toEqual([
    'agents-unresponsive bosh',
    'vm-absent bosh:cf/uaa/0',
  ]);
});

test('with several deployments, the verdict names the affected one', () => {
  const { verdict } = diagnose({
    deployments: [
      deployment(['a/0', 'b/0'].map((name) => instance(name, ['x', { metron_agent: 'failing' }]))),
      deployment([instance('a/0', ['x', 'metron_agent'])], { name: 'cf-dev' }),
    ],
  });
  expect(verdict).toBe('metron_agent is not running on 2 of 2 VMs (cf)');
});

test('a deployment that is stopped on purpose is clear', () => {
  const { verdict, findings } = diagnose(
    factsOf([instance('a/0', [{ x: 'unmonitored' }], { state: 'stopped', desired: 'stopped' })]),
  );
  expect(findings).toEqual([]);
  expect(verdict).toBe('Nothing should run: 1 instance is stopped on purpose');
});

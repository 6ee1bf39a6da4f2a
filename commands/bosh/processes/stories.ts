import type { Story } from '../../kit.ts';
import type { Facts } from './collect.ts';
import { factsOf, instance } from './builders.ts';

/** The processes on the VMs that day. The source shows `monit summary` on doppler_z1/0. */
const ON_EVERY_VM = ['consul_agent', 'sensu-client', 'toolbelt'];
const PLATFORM: readonly (readonly [name: string, ...processes: string[]])[] = [
  ['consul_z1/0'],
  ['etcd_z1/0', 'etcd', 'etcd_metrics_server'],
  ['nats_z1/0', 'nats', 'nats_stream_forwarder'],
  ['doppler_z1/0', 'doppler', 'syslog_drain_binder'],
  ['doppler_z2/0', 'doppler', 'syslog_drain_binder'],
  ['doppler_z3/0', 'doppler', 'syslog_drain_binder'],
  ['loggregator_trafficcontroller_z1/0', 'loggregator_trafficcontroller'],
  ['api_z1/0', 'cloud_controller_ng', 'nginx_cc'],
  ['uaa_z1/0', 'uaa'],
  ['hm9000_z1/0', 'hm9000_listener', 'hm9000_analyzer', 'hm9000_sender'],
  ['runner_z1/0', 'dea_next', 'warden'],
  ['cell_z1/0', 'rep', 'garden'],
];

/** December 2016: `bosh vms` shows every VM of a Cloud Foundry failing, because one of three dopplers has lost its key in etcd. */
export const metronFellOver: Story<Facts> = {
  title: 'The day every VM broke',
  source: 'https://cweibel.github.io/blog/2016/12/06/the-day-i-broke-every-vm-in-cloud-foundry',
  now: new Date('2016-12-06T18:35:50Z'),
  facts: factsOf(
    PLATFORM.map(([name, ...own]) =>
      instance(name, [...ON_EVERY_VM, ...own, { metron_agent: 'unmonitored' }]),
    ),
  ),
};

/** The end of the same day: 30 seconds after doppler_z2/0 was restarted. */
export const allRuns: Story<Facts> = {
  title: 'Every VM is running again',
  source: 'The end of https://cweibel.github.io/blog/2016/12/06/the-day-i-broke-every-vm-in-cloud-foundry',
  now: new Date('2016-12-06T19:45:00Z'),
  facts: factsOf(PLATFORM.map(([name, ...own]) => instance(name, [...ON_EVERY_VM, ...own, 'metron_agent']))),
};

/** The certificate between the director's NATS and its agents has expired: the VMs are healthy, but the director cannot reach their agents. */
export const natsAuthorityExpired: Story<Facts> = {
  title: 'All agents stop responding at once',
  source: 'https://bosh.io/docs/nats-ca-rotation/',
  now: new Date('2024-03-11T02:10:00Z'),
  facts: factsOf(
    [
      'adapter/0',
      'api/0',
      'api/1',
      'database/0',
      'diego-api/0',
      'diego-cell/0',
      'diego-cell/1',
      'diego-cell/2',
      'doppler/0',
      'nats/0',
      'router/0',
      'uaa/0',
    ].map((name) =>
      instance(name, [], {
        state: 'unresponsive',
        restart: { allowed: false, because: 'the agent is not responding' },
      }),
    ),
  ),
};

const CELL = ['garden', 'netmon', 'route_emitter', 'silk-daemon', 'vxlan-policy-agent', 'loggregator_agent'];

/**
 * One cell of a Cloud Foundry comes back from its update with certificates that the BBS no longer accepts, so its rep fails. The deployment
 * waits for it and holds the lock.
 */
export const repOfOneCell: Story<Facts> = {
  title: 'One cell holds up the deployment',
  source: 'Xiujiao Gao, "CF push: ERR Downloading Failed" (2019): the deploy that hung at the first cell',
  now: new Date('2019-07-13T11:20:00Z'),
  facts: factsOf(
    [
      instance('bbs/0', ['bbs', 'auctioneer', 'locket', 'silk-controller', 'loggregator_agent']),
      instance('cell/0', [...CELL, { rep: 'failing' }], {
        restart: {
          allowed: true,
          scope: 'instance',
          processes: [...CELL, 'rep'],
          sideEffects: ['its drain scripts run first, for as long as they take'],
        },
      }),
      instance('cell/1', [...CELL, 'rep']),
      instance('cell/2', [...CELL, 'rep']),
      instance('router/0', ['gorouter', 'loggregator_agent']),
    ],
    { lock: { taskId: '1180', description: 'create deployment' } },
  ),
};

/** Several faults at once that do not share a cause. */
export const oneByOne: Story<Facts> = {
  title: 'Five problems and five causes',
  source: 'The states that a director reports, https://bosh.io/docs/director-api-v1/#list-instances-detailed',
  now: new Date('2024-03-11T09:00:00Z'),
  facts: factsOf([
    instance('router/0', [
      { gorouter: 'failing', consul_agent: 'unmonitored', route_registrar: 'unmonitored' },
    ]),
    instance('router/1', ['gorouter', 'consul_agent', 'route_registrar']),
    instance('router/2', ['gorouter', 'consul_agent', 'route_registrar']),
    instance('uaa/0', [{ uaa: 'unmonitored' }, 'consul_agent']),
    instance('api/0', ['cloud_controller_ng', 'consul_agent']),
    instance('api/1', [], { state: 'absent', restart: { allowed: false, because: 'there is no VM' } }),
    instance('diego-cell/0', [], {
      state: 'unresponsive',
      restart: { allowed: false, because: 'the agent is not responding' },
    }),
    instance('diego-cell/1', ['rep', 'consul_agent']),
    instance('doppler/0', [{ doppler: 'unmonitored' }], { state: 'stopped' }),
    instance('doppler/1', ['doppler', 'consul_agent']),
    instance('nats/0', [], {
      state: 'unknown',
      restart: { allowed: false, because: 'monit is not responding' },
    }),
    instance('smoke-tests/0', [], { state: 'absent', desired: 'detached' }),
  ]),
};

import { expect, test } from 'vitest';
import { isRpcQueue } from './rpc-queues.ts';

test.each([
  'reply_55f0b9a1c0d44f',
  'REPLY_55f0',
  'scheduler_fanout_9a1c0d4e',
  'compute_fanout',
  'notifications_fanout_1',
  'q-agent-notifier-port-update_fanout_77aa',
  'conductor',
  'Conductor',
  'conductor.ctl-1',
  'scheduler',
  'compute.cmp-12.example.internal',
  'cinder-volume.ctl-1@lvm#pool',
  'cinder-scheduler',
  'q-plugin',
  'q-reports-plugin.ctl-1',
  'dhcp_agent.net-1',
  'l3_agent',
  'neutron-vo-Port-1.9',
  'engine',
  'engine.4a5b',
  'manila-share',
  'ironic.conductor_manager',
  'amq.gen-JzTY20BRgKO-HjmUJj0wLg',
])('%s carries calls', (name) => {
  expect(isRpcQueue(name)).toBe(true);
});

test.each([
  'versioned_notifications.info',
  'notifications.info',
  'notifications.error',
  'cinder_notifications.info',
  'nova-notifications.info',
  'orders',
  'computed-invoices',
  'networking-report',
  'scheduled',
  'replay',
])('%s does not', (name) => {
  expect(isRpcQueue(name)).toBe(false);
});

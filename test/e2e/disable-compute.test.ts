import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadCatalogue } from '../../src/request/catalogue.ts';
import { openStackConfig } from '../../src/sources/openstack/config.ts';
import { type OpenStack, startOpenStack } from '../world/openstack/cloud.ts';
import { serviceObject } from '../world/openstack/objects.ts';
import type { CloudObject } from '../world/openstack/protocol.ts';
import { ADA, GRACE, setStage, type Stage } from './harness.ts';
import { ask, withSources } from './incident.ts';

let openStack: OpenStack;
let stage: Stage;
let down: CloudObject;

beforeEach(async () => {
  const ago = (seconds: number) => ({
    updated_at: new Date(Date.now() - seconds * 1_000).toISOString().replace('Z', ''),
  });
  down = serviceObject('nova-compute', 'cmp-1', { state: 'down', ...ago(1_200) });
  const services = [
    serviceObject('nova-conductor', 'ctl-1', ago(4)),
    serviceObject('nova-scheduler', 'ctl-1', ago(4)),
    down,
    ...['cmp-2', 'cmp-3', 'cmp-4'].map((host) => serviceObject('nova-compute', host, ago(4))),
  ];
  openStack = await startOpenStack({ services });
  const source = openStackConfig.parse({
    kind: 'openstack',
    name: 'lab',
    authUrl: openStack.authUrl,
    auth: { applicationCredential: openStack.addCredential() },
    allow: { disable: { auth: { applicationCredential: openStack.addCredential() } } },
  });
  stage = await setStage({
    delivery: 'http',
    catalogue: await loadCatalogue(),
    config: withSources([source]),
  });
  await Promise.all([stage.startWorker(), stage.startBot()]);
});
afterEach(async () => {
  await stage?.close();
  await openStack?.close();
});

const SERVICES = ['/cloud', 'services'] as const;
const puts = () => openStack.requests.filter((one) => one.startsWith('nova PUT'));

test('a compute that is down is disabled, and enabled by a button once it is up again', async () => {
  const report = await ask(stage, SERVICES, '1 of 4 computes is down');
  await report.press(ADA, 'request');
  const plan = await report.posted('PLAN ·');
  expect(plan.text).toContain('Disruptive: No new instances on cmp-1');
  await report.press(GRACE, 'approve');
  const mitigated = await report.posted('MITIGATED ·');
  expect(mitigated.text).toContain('cmp-1 in lab: 1 -&gt; 0 enabled');
  expect(down).toMatchObject({ status: 'disabled' });
  expect(down['disabled_reason']).toMatch(/^wrench \w+: nova-compute is down$/);

  Object.assign(down, { state: 'up', updated_at: new Date().toISOString().replace('Z', '') });
  const again = await ask(stage, SERVICES, 'cmp-1');
  await again.press(ADA, 'request');
  await again.posted('FIXED ·');
  expect(down).toMatchObject({ status: 'enabled', disabled_reason: null });
  expect(puts()).toEqual(Array(2).fill('nova PUT /os-services/id-of-nova-compute-cmp-1'));
});

test.each([
  ['is up again', { state: 'up' }, '4 of 4 computes are up'],
  [
    'was disabled by someone else',
    { status: 'disabled', disabled_reason: 'ticket 4471' },
    '3 of 4 computes are up (1 down on purpose or new)',
  ],
])('a compute that %s before the approval is not changed', async (_, change, words) => {
  const report = await ask(stage, SERVICES, '1 of 4 computes is down');
  await report.press(ADA, 'request');
  await report.posted('PLAN ·');
  Object.assign(down, change);

  await report.press(GRACE, 'approve');

  const end = await report.posted('SKIPPED ·');
  expect(end.text).toContain(words);
  expect(puts()).toEqual([]);
  expect(down).toMatchObject(change);
});

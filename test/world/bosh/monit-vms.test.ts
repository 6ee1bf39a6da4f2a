import { afterEach, expect, test } from 'vitest';
import { type Monit, startMonit } from '../monit.ts';
import { order } from '../monit/ask.ts';
import { vmsUnderMonit } from './monit-vms.ts';
import { type BoshUnderTest, startBosh } from './under-test.ts';
import { makeVm } from './vms.ts';

const WAIT = { interval: 100 };
const { id } = makeVm('doppler_z2', 0);

let monit: Monit;
let bosh: BoshUnderTest;
afterEach(async () => {
  await bosh?.close();
  await monit?.close();
});

test('the director reports processes under a real monit and restarts them with new pids', async () => {
  const run = ['/bin/sleep', '600'] as const;
  monit = await startMonit({
    name: 'doppler_z2/0',
    processes: [
      { name: 'doppler', command: run },
      { name: 'metron_agent', command: run },
    ],
  });
  const place = {
    name: 'doppler_z2/0',
    group: 'doppler_z2',
    index: 0,
    id,
    zone: 'z2',
    addresses: ['10.0.0.1'],
  };
  bosh = await startBosh({ deployments: { cf: vmsUnderMonit([{ ...place, monit }]) } });
  const source = bosh.open();
  const { signal } = new AbortController();
  const readStates = async () => {
    const [cf] = await source.reads.processes!.deployments({ signal });
    const [instance] = cf!.instances;
    return [instance?.state, ...(instance?.processes ?? []).map(({ name, state }) => `${name} ${state}`)];
  };
  await expect.poll(readStates, WAIT).toEqual(['running', 'doppler running', 'metron_agent running']);
  const before = await monit.pidOf('doppler');
  await order(monit, 'metron_agent', 'unmonitor');
  await expect.poll(readStates, WAIT).toEqual(['failing', 'doppler running', 'metron_agent unmonitored']);

  const target = { deployment: 'cf', group: 'doppler_z2', id };
  const { summary } = await source.writes!.processes!.restart(target, {
    idempotencyKey: 'm0123456789abcdef',
    signal,
  });
  expect(summary).toMatch(/^task \d+ done/);
  expect(await readStates()).toEqual(['running', 'doppler running', 'metron_agent running']);
  expect(await monit.pidOf('doppler')).not.toBe(before);
});

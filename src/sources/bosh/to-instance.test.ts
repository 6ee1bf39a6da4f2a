import { expect, test } from 'vitest';
import { instanceLine, makeVm } from '../../../test/world/bosh/vms.ts';
import { boshConfig } from './config.ts';
import { instanceResponse, toInstance } from './to-instance.ts';

test('accepts vitals as strings, missing numbers, and fields of other versions', async () => {
  const vm = makeVm('doppler_z2', 0, {
    processes: [{ name: 'doppler', state: 'running', uptimeSeconds: 0 }],
  });
  const line = JSON.parse(instanceLine(vm)) as Record<string, unknown>;
  const lines = [
    line,
    { ...line, index: 1, resource_pool: 'small', resurrection_paused: false, vitals: 'none' },
  ];
  const answers = lines.map((one) => instanceResponse.parse(one));
  const config = boshConfig.parse({
    kind: 'bosh',
    url: 'https://b',
    auth: { client: { id: 'i', secret: 's' } },
  });
  const instances = answers.map((one) => toInstance(config, '283.1.6', one, false));
  expect(instances.map((one) => one?.processes)).toEqual(
    lines.map(() => [{ name: 'doppler', state: 'running' }]),
  );
});

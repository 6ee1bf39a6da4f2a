import { afterEach, expect, test, vi } from 'vitest';
import { openStackConfig } from '../../src/sources/openstack/config.ts';
import { openOpenStack } from '../../src/sources/openstack/open.ts';
import { startCloudControlPlane } from './cloud-control-plane.ts';

afterEach(() => void vi.useRealTimers());

test('while the demo runs, services that are up keep reporting', async () => {
  const plane = await startCloudControlPlane();
  const source = openOpenStack(openStackConfig.parse(plane.sources[0]));
  try {
    vi.useFakeTimers({ toFake: ['Date'] });
    vi.setSystemTime(Date.now() + 20 * 60_000);
    const services = await source.reads.cloud!.services(new AbortController());
    const up = services.filter(({ isUp }) => isUp);

    expect(up).toHaveLength(8);
    for (const { updatedAt } of up) expect(Date.now() - updatedAt!.getTime()).toBeLessThan(60_000);
  } finally {
    await source.close();
    await plane.close();
  }
});

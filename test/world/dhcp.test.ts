import { afterAll, beforeAll, expect, test } from 'vitest';
import type { LogLine } from '../../src/ports/logs.ts';
import { syslogConfig } from '../../src/sources/syslog/config.ts';
import { openSyslog } from '../../src/sources/syslog/open.ts';
import { closeEnvironments, openEnvironments } from '../../src/app/environments.ts';
import { runCheck } from '../../src/check/run-check.ts';
import { configSchema } from '../../src/config/schema.ts';
import { loadCatalogue } from '../../src/request/catalogue.ts';
import { MAX_WAIT_MS, WORLD_TEST_TIMEOUT_MS } from '../timeouts.ts';
import { type DhcpWorld, startDhcp } from './dhcp.ts';

let world: DhcpWorld;
beforeAll(async () => {
  world = await startDhcp();
  const { mac } = world.deaf;
  await world.cutReplies();
  // The first is from before.
  await world.logged(new RegExp(`DHCPACK\\(server\\) \\S+ ${mac}`), 5);
  await world.restartDeaf();
  await world.logged(new RegExp(`DHCPOFFER\\(server\\) \\S+ ${mac}`), 5);
}, WORLD_TEST_TIMEOUT_MS);
afterAll(() => world?.close());

function source() {
  return { kind: 'syslog', name: 'dhcp', contains: ['dhcp'], paths: [world.logPath] } as const;
}

test('the log of a real dnsmasq is read with its times, and shows which client receives nothing', async () => {
  const { reads, close } = openSyslog(syslogConfig.parse(source()));
  const since = new Date(Date.now() - 3_600_000);
  const lines: LogLine[] = [];
  const { signal } = new AbortController();
  for await (const batch of reads.logs!.lines({ content: 'dhcp', since, signal })) lines.push(...batch);
  await close();
  // Newest first, in UTC.
  expect(lines.every(({ at }) => at !== undefined && at >= since && at.getTime() <= Date.now())).toBe(true);
  const about = (mac: string, message: string) =>
    lines.filter(
      ({ program, text }) => program === 'dnsmasq-dhcp' && text.startsWith(message) && text.includes(mac),
    ).length;
  const { healthy, deaf } = world;
  expect(about(deaf.mac, 'DHCPACK')).toBeGreaterThanOrEqual(5);
  expect(about(deaf.mac, 'DHCPOFFER')).toBeGreaterThanOrEqual(5);
  expect(about(deaf.mac, 'DHCPREQUEST')).toBe(about(deaf.mac, 'DHCPACK'));
  expect(about(healthy.mac, 'DHCPOFFER')).toBeLessThanOrEqual(2);
});

test('/net dhcp reports that client from the log alone, and not the healthy one', async () => {
  const { environments: configured } = configSchema.parse({ environments: { lab: { sources: [source()] } } });
  const environments = await openEnvironments(configured);
  const { checks } = await loadCatalogue();
  const report = await runCheck(checks.get('net/dhcp')!, {
    check: 'net/dhcp',
    environment: 'lab',
    args: {},
    now: new Date(),
    read: environments.get('lab')!.readers,
    signal: new AbortController().signal,
    deadlineMs: MAX_WAIT_MS,
  });
  await closeEnvironments(environments);
  const { deaf } = world;
  expect(report.findings.map(({ target }) => target)).toEqual([`${deaf.address} ${deaf.mac}`]);
  expect(report.findings[0]).toMatchObject({ severity: 'critical' });
  expect(report.status).toBe('found');
});

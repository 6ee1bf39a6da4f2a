import { describe, expect, test } from 'vitest';
import { syslogLines } from '../../commands/net/dhcp/builders.ts';
import { askCase, problems } from './ask-case.ts';
import { askDhcp, linesIn, syslog } from './net-dhcp-world.ts';

/** Inputs rebuilt from public reports, and variations of them. */
const deafClient = await linesIn('net/o09', 'net-1');
const restarted = await linesIn('net/o10', 'net-3');
const chosenServer = await linesIn('net/o11', 'net-4');
const otherServer = await linesIn('net/o11', 'net-5');

const DEAF = '10.61.0.14 fa:16:3e:5c:01:9a';

const dhcpAgent = (host: string, leaseSeconds = 120) => ({
  host,
  isAlive: true,
  isEnabled: true,
  leaseSeconds,
});

const port = (mac: string, address: string, host: string) => ({
  id: mac.slice(-2),
  mac,
  device: `4f1d0e6b-6a77-4c6e-b1a1-0f0f0f${mac.slice(-8).replaceAll(':', '')}`,
  owner: 'compute:nova',
  host,
  status: 'ACTIVE',
  addresses: [address],
});

const cloudOfDeaf = {
  dhcpAgents: [dhcpAgent('net-1')],
  ports: [
    port('fa:16:3e:5c:01:9a', '10.61.0.14', 'net-1'),
    port('fa:16:3e:77:b0:02', '10.61.0.22', 'cmp-61'),
  ],
};

describe('through the sources that a worker opens', () => {
  test('a client that does not receive the replies is named with its instance, and a healthy one is not', async () => {
    const verdict = await askCase('net/o09');
    expect(verdict.status).toBe('found');
    expect(verdict.faults).toEqual([`critical ${DEAF}`]);
    expect(verdict.text).toContain('4f1d0e6b-6a77-4c6e-b1a1-0f0f0f5c019a');
    expect(verdict.text).toMatch(/Likely, not proven.*checksum/);
    expect(verdict.text).not.toMatch(/fa:16:3e:77:b0:02|restart.{0,20}agent|longer lease/i);
    expect(verdict.offers).toEqual([]);
  });

  test('a server that forgot its leases is a warning, and a client that did not come back is critical', async () => {
    const verdict = await askCase('net/o10');
    expect(verdict.status).toBe('found');
    expect(verdict.faults).toEqual(['critical 10.62.0.13 fa:16:3e:10:00:03', 'warning net-3 network 5d0a']);
    expect(verdict.text).toMatch(/6 of 6 renewals/);
    expect(verdict.text).not.toMatch(/receive|restart the agent/i);
  });

  test('the offers of a server that was not chosen are normal', async () => {
    const verdict = await askCase('net/o11');
    expect({ status: verdict.status, problems: problems(verdict) }).toEqual({
      status: 'clear',
      problems: [],
    });
  });
});

/** https://github.com/blueboxgroup/ursula/issues/242, https://github.com/projectcalico/felix/issues/40 */
describe('replies that a client does not receive', () => {
  const hosts = {
    'net-1': {
      logs: { dhcp: [] },
      checksumRules: [{ namespace: 'qdhcp-7c0e4a10', fillsDhcp: false }],
    },
  };

  test('are found by answered requests far before the renewal, and offers that are not taken', async () => {
    const verdict = await askDhcp({ hosts: { 'net-1': deafClient }, cloud: cloudOfDeaf });

    expect(verdict.status).toBe('found');
    expect(verdict.faults).toEqual([`critical ${DEAF}`]);
    expect(verdict.text).toMatch(/5 requests in 55 s, then 3 offers were not taken up/);
    expect(verdict.text).toContain('4f1d0e6b-6a77-4c6e-b1a1-0f0f0f5c019a');
    expect(verdict.text).toMatch(/reboot/);
    expect(verdict.text).not.toMatch(/fa:16:3e:77:b0:02|restart.{0,20}agent|longer lease/i);
  });

  test('point to missing checksums, as likely, only if both are on one host', async () => {
    const known = { 'net-1': { ...hosts['net-1'], logs: { dhcp: syslogLines(deafClient) } } };
    const together = await askDhcp({ hosts: known, cloud: cloudOfDeaf });
    expect(together.text).toMatch(/Likely, not proven.*checksum/);

    const ports = [port('fa:16:3e:5c:01:9a', '10.61.0.14', 'cmp-60')];
    const apart = await askDhcp({ hosts: known, cloud: { ...cloudOfDeaf, ports } });
    expect(apart.faults).toEqual([`critical ${DEAF}`]);
    expect(apart.text).not.toMatch(/Likely/);
  });

  test('are found without a cloud, by the lease time in the log or by their shape', async () => {
    const range =
      'Nov 26 11:00:00 net-1 dnsmasq-dhcp[2210]: DHCP, static leases only on 10.61.0.0, lease time 2m\n';
    for (const text of [deafClient, range + deafClient.trim()]) {
      const { faults } = await askDhcp({ hosts: { 'net-1': text } });
      expect(faults).toEqual([`critical ${DEAF}`]);
    }
  });

  test('are read once if the journal and a collected log have the same lines', async () => {
    const { faults, text } = await askDhcp({
      hosts: { 'net-1': deafClient },
      collected: deafClient.replaceAll(' net-1 ', ' net-1.example.internal '),
      cloud: cloudOfDeaf,
    });
    expect(faults).toEqual([`critical ${DEAF}`]);
    expect(text).toMatch(/5 requests in 55 s, then 3 offers/);
  });

  test('are found in collected logs alone', async () => {
    const { faults, status } = await askDhcp({ collected: deafClient, cloud: cloudOfDeaf });
    expect({ faults, status }).toEqual({ faults: [`critical ${DEAF}`], status: 'found' });
  });

  test('of several clients of one network are one finding', async () => {
    const macs = Array.from({ length: 40 }, (_, at) => `fa:16:3e:aa:00:${(at + 16).toString(16)}`);
    const text = macs
      .map((mac, at) =>
        syslog(
          { mac },
          `11:40:00 DISCOVER\n11:40:00 OFFER 10.61.1.${at + 10}\n11:40:04 DISCOVER\n11:40:04 OFFER 10.61.1.${at + 10}\n11:40:11 DISCOVER\n11:40:11 OFFER 10.61.1.${at + 10}\n11:40:24 DISCOVER\n11:40:24 OFFER 10.61.1.${at + 10}`,
        ),
      )
      .join('\n');
    const { report, faults } = await askDhcp({
      hosts: { 'net-1': text },
      cloud: {
        dhcpAgents: [dhcpAgent('net-1')],
        ports: macs.map((mac, at) => port(mac, `10.61.1.${at + 10}`, 'cmp-1')),
      },
    });
    expect(faults).toEqual(['critical net-1 tap7c0e4a10-aa']);
    expect(report.findings[0]?.targets).toHaveLength(40);
  });

  test.each([
    ['a lease of one hour', 3_600, '11:00:00 11:11:00 11:16:30 11:19:15 11:20:40 11:22:00'],
    ['a lease of ten minutes', 600, '11:40:00 11:40:20 11:40:41 11:41:10'],
  ])('are found with %s', async (_, leaseSeconds, times) => {
    const asked = times.split(' ').map((time) => `${time} REQUEST 10.61.0.14\n${time} ACK 10.61.0.14`);
    const then = ['11:45:10', '11:45:14', '11:45:22'].map(
      (time) => `${time} DISCOVER\n${time} OFFER 10.61.0.14`,
    );
    const text = syslog({ mac: 'fa:16:3e:5c:01:9a' }, [...asked, ...then].join('\n'));
    const { faults } = await askDhcp({
      hosts: { 'net-1': text },
      cloud: { dhcpAgents: [dhcpAgent('net-1', leaseSeconds)] },
    });
    expect(faults).toEqual([`critical ${DEAF}`]);
  });
});

/** https://www.rfc-editor.org/rfc/rfc2131#section-4.4.5 */
describe('requests that are repeated for a long time', () => {
  const of = async (times: string, leaseSeconds?: number) => {
    const lines = times.split(' ').map((time) => `${time} REQUEST 10.61.0.14\n${time} ACK 10.61.0.14`);
    const { faults } = await askDhcp({
      hosts: { 'net-1': syslog({ mac: 'fa:16:3e:5c:01:9a' }, lines.join('\n')) },
      ...(leaseSeconds !== undefined && { cloud: { dhcpAgents: [dhcpAgent('net-1', leaseSeconds)] } }),
    });
    return faults;
  };

  test.each([
    [
      'longer and longer apart',
      '11:00:00 11:00:08 11:00:20 11:00:45 11:01:30 11:02:50 11:05:00 11:09:00 11:17:00 11:33:00 11:50:00',
      86_400,
    ],
    [
      'after half of the time that is left',
      '11:36:00 11:47:00 11:52:30 11:55:15 11:56:40 11:57:40 11:58:40',
      3_600,
    ],
  ])('are critical with a known lease: %s', async (_, times, leaseSeconds) => {
    expect(await of(times, leaseSeconds)).toEqual([`critical ${DEAF}`]);
  });

  test('are a warning if the lease is unknown', async () => {
    expect(await of('11:55:00 11:55:04 11:55:12 11:55:27 11:55:55 11:56:50 11:58:30')).toEqual([
      `warning ${DEAF}`,
    ]);
  });

  test('are no fault at random times, as of a laptop that wakes up', async () => {
    expect(await of('10:10:00 10:31:00 10:40:00 11:20:00 11:30:00 11:55:00', 86_400)).toEqual([]);
  });

  test('are a warning if they succeed in the end each time: only the replies to unicasts get lost', async () => {
    const laps = Array.from({ length: 8 }, (_, lap) =>
      [0, 4, 12, 28, 45].map((second) =>
        new Date(Date.UTC(2026, 10, 26, 11, 44) + (lap * 105 + second) * 1_000).toISOString().slice(11, 19),
      ),
    );
    const until = [...laps.flat(), '11:58:00', '11:59:00'].join(' ');
    expect(await of(until, 120)).toEqual([`warning ${DEAF}`]);
    expect(await of(`${laps[0]?.join(' ')} 11:46:00 11:47:00 11:48:00 11:49:00 11:50:00`, 120)).toEqual([]);
  });
});

test('clients that all may be booting from the network are one finding', async () => {
  const text = ['14', '15', '16']
    .map((end) =>
      syslog(
        { mac: `52:54:00:01:02:${end}` },
        ['11:40:00', '11:40:04', '11:40:12', '11:40:28']
          .map((time) => `${time} DISCOVER\n${time} OFFER 10.61.0.${end}`)
          .join('\n'),
      ),
    )
    .join('\n');
  const { faults, report } = await askDhcp({ hosts: { 'net-1': text } });
  expect(faults).toEqual(['warning net-1 tap7c0e4a10-aa']);
  expect(report.findings[0]?.targets).toHaveLength(3);
});

describe('a client of a server that nobody reads', () => {
  const chose = (host: string, link: string) =>
    syslog(
      { host, link, mac: 'fa:16:3e:5c:01:9a' },
      '11:40:00 DISCOVER\n11:40:00 OFFER 10.61.0.14\n11:40:00 REQUEST 192.168.1.77\n11:40:00 NAK 192.168.1.77 wrong server-ID',
    );

  test('is a warning if all servers of the network were read', async () => {
    const { faults, text } = await askDhcp({
      hosts: { 'net-1': chose('net-1', 'tap1'), 'net-2': chose('net-2', 'tap2') },
      cloud: { dhcpAgents: [dhcpAgent('net-1'), dhcpAgent('net-2')] },
    });
    expect(faults).toEqual([`warning 10.61.0.14 fa:16:3e:5c:01:9a`]);
    expect(text).toMatch(/another DHCP server.*192\.168\.1\.77/);
  });

  test('does receive replies, however often it boots', async () => {
    const boots = ['11:40', '11:41', '11:42', '11:43']
      .map((time) => chose('net-1', 'tap1').replaceAll('11:40', time))
      .join('\n');
    const { faults } = await askDhcp({ hosts: { 'net-1': boots } });
    expect(faults).toEqual([`warning 10.61.0.14 fa:16:3e:5c:01:9a`]);
  });

  test('is unknown if a server was not read', async () => {
    const { status, faults } = await askDhcp({
      hosts: { 'net-1': chose('net-1', 'tap1') },
      cloud: { dhcpAgents: [dhcpAgent('net-1'), dhcpAgent('net-2')] },
    });
    expect({ status, faults }).toEqual({ status: 'unknown', faults: [] });
  });
});

describe('clients that only look as if they received nothing', () => {
  const outcomeOf = async (lines: string, leaseSeconds = 120) => {
    const text = syslog({ mac: 'fa:16:3e:5c:01:9a' }, lines);
    const { status, faults } = await askDhcp({
      hosts: { 'net-1': text },
      cloud: { dhcpAgents: [dhcpAgent('net-1', leaseSeconds)] },
    });
    return { status, faults };
  };
  const clear = { status: 'clear', faults: [] };
  const boot = (time: string) =>
    `${time} DISCOVER\n${time} OFFER 10.61.0.14\n${time} REQUEST 10.61.0.14\n${time} ACK 10.61.0.14`;

  test('renew every minute with a lease of two', async () => {
    expect(
      await outcomeOf(
        ['11:40', '11:41', '11:42', '11:43']
          .map((time) => `${time}:10 REQUEST 10.61.0.14\n${time}:10 ACK 10.61.0.14`)
          .join('\n'),
      ),
    ).toEqual(clear);
  });

  test('boot in stages', async () => {
    expect(
      await outcomeOf([boot('11:40:00'), boot('11:40:20'), boot('11:40:51')].join('\n'), 86_400),
    ).toEqual(clear);
  });

  test('succeed at the fourth attempt', async () => {
    const lost = ['11:40:00', '11:40:04', '11:40:12'].map(
      (time) => `${time} DISCOVER\n${time} OFFER 10.61.0.14`,
    );
    expect(await outcomeOf([...lost, boot('11:40:28')].join('\n'), 86_400)).toEqual(clear);
  });

  test('repeat a request three times, then have what they need for a day', async () => {
    expect(
      await outcomeOf(
        ['11:20:00', '11:20:04', '11:20:12', '11:20:28']
          .map((time) => `${time} REQUEST 10.61.0.14\n${time} ACK 10.61.0.14`)
          .join('\n'),
        86_400,
      ),
    ).toEqual(clear);
  });

  test('began before the window', async () => {
    expect(
      await outcomeOf('11:20:00 ACK 10.61.0.14\n11:21:00 REQUEST 10.61.0.14\n11:21:00 ACK 10.61.0.14'),
    ).toEqual(clear);
  });

  test('are a monitoring tool that sends DISCOVER every minute: a warning at most', async () => {
    const lines = Array.from(
      { length: 20 },
      (_, at) => `11:${at + 10}:00 DISCOVER\n11:${at + 10}:00 OFFER 10.61.0.99`,
    );
    const { faults } = await askDhcp({
      hosts: { 'net-1': syslog({ mac: '52:54:00:01:02:03' }, lines.join('\n')) },
    });
    expect(faults).toEqual(['warning 10.61.0.99 52:54:00:01:02:03']);
  });
});

/** https://bugs.launchpad.net/neutron/+bug/1345947 */
describe('a server that forgot its leases', () => {
  test('is one warning, and one critical finding about the client that did not come back', async () => {
    const verdict = await askDhcp({ hosts: { 'net-3': restarted } });

    expect(verdict.status).toBe('found');
    expect(verdict.faults).toEqual(['critical 10.62.0.13 fa:16:3e:10:00:03', 'warning net-3 network 5d0a']);
    expect(verdict.text).toMatch(/restarted at 11:14:02 UTC and forgot its leases: 6 of 6 renewals/);
    expect(verdict.text).toMatch(/5 clients came back with the same address, 1 hasn't come back/);
    expect(verdict.text).not.toMatch(/receive|restart the agent/i);
  });

  test('is a warning alone if all came back', async () => {
    const back = syslog(
      { host: 'net-3', link: 'tap03dd9e5f-c1', pid: 9914, mac: 'fa:16:3e:10:00:03' },
      '11:24:12 DISCOVER\n11:24:12 OFFER 10.62.0.13\n11:24:12 REQUEST 10.62.0.13\n11:24:12 ACK 10.62.0.13',
    );
    const refused = /.*DHCPNAK.*:10:00:03 lease not found\n/;
    const lines = restarted.replace(refused, (line) => `${line}${back}\n`);
    const { faults } = await askDhcp({ hosts: { 'net-3': lines } });
    expect(faults).toEqual(['warning net-3 network 5d0a']);
  });

  test('is recognized by its process id if its start was not logged', async () => {
    const lines = restarted
      .split('\n')
      .filter((line) => !/started, version/.test(line))
      .join('\n');
    const { faults, text } = await askDhcp({ hosts: { 'net-3': lines } });
    expect(faults).toEqual(['critical 10.62.0.13 fa:16:3e:10:00:03', 'warning net-3 network 5d0a']);
    expect(text).toMatch(/restarted at 11:16:00/);
  });

  test('restarts without harm if renewals are answered', async () => {
    const { status, faults } = await askDhcp({
      hosts: { 'net-3': restarted.replaceAll(/DHCPNAK(.*) lease not found/g, 'DHCPACK$1') },
    });
    expect({ status, faults }).toEqual({ status: 'clear', faults: [] });
  });
});

describe('refusals', () => {
  const of = async (lines: string) =>
    (await askDhcp({ hosts: { 'net-1': syslog({ mac: 'fa:16:3e:5c:01:9a' }, lines) } })).faults;

  test('of a client that has moved to another network are normal once', async () => {
    expect(
      await of(
        '11:40:00 REQUEST 10.9.0.7\n11:40:00 NAK 10.9.0.7 wrong network\n11:40:01 DISCOVER\n11:40:01 OFFER 10.61.0.14\n11:40:01 REQUEST 10.61.0.14\n11:40:01 ACK 10.61.0.14',
      ),
    ).toEqual([]);
    expect(await of('11:40:00 REQUEST 10.9.0.7\n11:40:00 NAK 10.9.0.7 wrong network')).toEqual([]);
  });

  test('because of its network are critical if it is a port of the cloud and does not come back', async () => {
    const text = syslog(
      { mac: 'fa:16:3e:5c:01:9a' },
      '11:40:00 REQUEST 10.9.0.7\n11:40:00 NAK 10.9.0.7 wrong network',
    );
    const { faults } = await askDhcp({
      hosts: { 'net-1': text },
      cloud: { dhcpAgents: [dhcpAgent('net-1')], ports: [port('fa:16:3e:5c:01:9a', '10.61.0.14', 'cmp-1')] },
    });
    expect(faults).toEqual(['critical 10.9.0.7 fa:16:3e:5c:01:9a']);
  });

  test('count although the request was logged before the window', async () => {
    expect(await of('10:00:00 NAK 10.61.0.14 lease not found')).toEqual([`critical ${DEAF}`]);
    expect(
      await of(
        '10:00:00 NAK 10.61.0.14 lease not found\n10:00:04 DISCOVER\n10:00:04 OFFER 10.61.0.14\n10:00:04 REQUEST 10.61.0.14\n10:00:04 ACK 10.61.0.14',
      ),
    ).toEqual([]);
  });

  test('again and again are critical', async () => {
    const laps = ['11:40', '11:41', '11:42', '11:43'].map(
      (time) =>
        `${time}:00 DISCOVER\n${time}:00 OFFER 10.61.0.14\n${time}:01 REQUEST 10.61.0.14\n${time}:01 NAK 10.61.0.14 address not available`,
    );
    expect(await of(laps.join('\n'))).toEqual([`critical ${DEAF}`]);
  });

  test('by the server that was not chosen are no refusals', async () => {
    const chosen = syslog(
      { mac: 'fa:16:3e:5c:01:9a' },
      '11:40:00 DISCOVER\n11:40:00 OFFER 10.61.0.14\n11:40:01 REQUEST 10.61.0.14\n11:40:01 ACK 10.61.0.14',
    );
    const other = syslog(
      { host: 'net-2', link: 'tap2', mac: 'fa:16:3e:5c:01:9a' },
      '11:40:00 DISCOVER\n11:40:00 OFFER 10.61.0.14\n11:40:01 REQUEST 10.61.0.14\n11:40:01 NAK 10.61.0.14 wrong server-ID',
    );
    const { status, faults } = await askDhcp({ hosts: { 'net-1': chosen, 'net-2': other } });
    expect({ status, faults }).toEqual({ status: 'clear', faults: [] });
  });
});

/** https://github.com/rackerlabs/understack/issues/1928, https://github.com/Mirantis/mos-integration-tests/issues/76 */
describe('two servers of one network', () => {
  test('are read as one: an offer that is not taken up is normal if the other one was', async () => {
    const { status, faults } = await askDhcp({ hosts: { 'net-4': chosenServer, 'net-5': otherServer } });
    expect({ status, faults }).toEqual({ status: 'clear', faults: [] });
  });

  test('are no fault, and unknown, if only the other one could be read', async () => {
    const tries = ['11:50:01', '11:50:05', '11:50:13', '11:50:25'].map(
      (time) => `${time} DISCOVER\n${time} OFFER 10.63.0.40`,
    );
    const text = syslog(
      { host: 'net-5', link: 'tapbb07d3e1-02', mac: 'fa:16:3e:9d:44:10' },
      tries.join('\n'),
    );
    const cloud = { dhcpAgents: [dhcpAgent('net-4'), dhcpAgent('net-5')] };
    const { status, faults } = await askDhcp({ hosts: { 'net-5': text }, cloud });
    expect({ status, faults }).toEqual({ status: 'unknown', faults: [] });
  });

  test('are compared although the clock of one is wrong', async () => {
    const late = syslogLines(otherServer).map((line) => ({
      ...line,
      at: new Date((line.at?.getTime() ?? 0) - 300_000),
    }));
    const { status, text } = await askDhcp({
      hosts: {
        'net-4': chosenServer,
        'net-5': { logs: { dhcp: late }, clock: { time: new Date('2026-11-26T11:55:00Z') } },
      },
    });
    expect(status).toBe('clear');
    expect(text).toMatch(/net-5: its clock is 5 minutes behind/);
  });

  test('may have clients with one MAC address in two networks', async () => {
    const mac = 'fa:16:3e:5c:01:9a';
    const fine = syslog(
      { host: 'net-2', link: 'tap2', mac },
      '11:43:30 DISCOVER\n11:43:30 OFFER 172.16.0.9\n11:43:30 REQUEST 172.16.0.9\n11:43:30 ACK 172.16.0.9',
    );
    const { faults } = await askDhcp({ hosts: { 'net-1': deafClient, 'net-2': fine }, cloud: cloudOfDeaf });
    expect(faults).toEqual([`critical ${DEAF}`]);
  });
});

describe('servers without an address', () => {
  test('name how many clients were refused', async () => {
    const text = ['01', '02', '03']
      .map((end) =>
        syslog(
          { mac: `52:54:00:00:00:${end}` },
          '11:40:00 DISCOVER no address available\n11:40:08 DISCOVER no address available',
        ),
      )
      .join('\n');
    const { faults, text: said } = await askDhcp({ hosts: { 'net-1': text } });
    expect(faults).toEqual(['critical net-1 tap7c0e4a10-aa']);
    expect(said).toMatch(/refused 3 clients.*no free address/);
  });

  test('are not exhausted if they only serve clients that they know', async () => {
    const text = `Nov 26 11:00:00 net-1 dnsmasq-dhcp[2210]: DHCP, static leases only on 10.61.0.0, lease time 1d\n${syslog({ mac: '52:54:00:00:00:01' }, '11:40:00 DISCOVER no address available')}`;
    const { text: said } = await askDhcp({ hosts: { 'net-1': text } });
    expect(said).toMatch(/only to clients that it knows/);
    expect(said).not.toMatch(/exhausted|no free/);
  });

  test('say which client has the reserved address', async () => {
    const text = `Nov 26 11:40:00 net-1 dnsmasq-dhcp[2210]: not using configured address 10.61.0.9 because it is leased to 52:54:00:00:00:09\n${syslog({ mac: '52:54:00:00:00:01' }, '11:40:00 DISCOVER no address available')}`;
    const { text: said } = await askDhcp({ hosts: { 'net-1': text } });
    expect(said).toMatch(/10\.61\.0\.9 it is leased to 52:54:00:00:00:09|reserved address is taken/);
  });

  test('say of a single client that it has none', async () => {
    const { text: said } = await askDhcp({
      hosts: { 'net-1': syslog({ mac: '52:54:00:00:00:01' }, '11:40:00 DISCOVER no address available') },
    });
    expect(said).toMatch(/it has no address\./);
  });

  test('give a client another address than its reserved one', async () => {
    const given = syslog(
      { mac: '52:54:00:00:00:01' },
      '11:40:00 DISCOVER\n11:40:00 OFFER 10.61.0.77\n11:40:00 REQUEST 10.61.0.77\n11:40:00 ACK 10.61.0.77',
    );
    const taken =
      'Nov 26 11:40:00 net-1 dnsmasq-dhcp[2210]: not using configured address 10.61.0.9 because it is leased to 52:54:00:00:00:09';
    const { faults, text: said } = await askDhcp({ hosts: { 'net-1': `${taken}\n${given}` } });
    expect(faults).toEqual(['warning 10.61.0.77 52:54:00:00:00:01']);
    expect(said).toMatch(/instead of 10\.61\.0\.9.*leased to 52:54:00:00:00:09/);
    const both = `${taken}\n${given}\n${given.replaceAll('00:00:01', '00:00:02').replaceAll('0.77', '0.78')}`;
    expect((await askDhcp({ hosts: { 'net-1': both } })).faults).toEqual([]);
  });

  test('ignore a port of the cloud, which is no more than a remark about other machines', async () => {
    const text = syslog({ mac: 'fa:16:3e:5c:01:9a' }, '11:40:00 DISCOVER ignored\n11:40:04 DISCOVER ignored');
    const ports = [port('fa:16:3e:5c:01:9a', '10.61.0.14', 'cmp-1')];
    const severities = await Promise.all(
      [ports, []].map(async (known) => {
        const { report } = await askDhcp({
          hosts: { 'net-1': text },
          cloud: { dhcpAgents: [dhcpAgent('net-1')], ports: known },
        });
        return report.findings.map(({ severity }) => severity);
      }),
    );
    expect(severities).toEqual([['warning'], ['info']]);
  });

  test('lack a range, which is not an exhausted pool', async () => {
    const line = 'dnsmasq-dhcp[2210]: no address range available for DHCP request via tap7c0e4a10-aa';
    const { faults, text } = await askDhcp({
      hosts: { 'net-1': `Nov 26 11:40:00 net-1 ${line}\nNov 26 11:40:08 net-1 ${line}` },
    });
    expect(faults).toEqual(['critical net-1 tap7c0e4a10-aa']);
    expect(text).toMatch(/the range is missing/);
  });

  test('of ISC are read the same way', async () => {
    const isc = (time: string, text: string) => `Nov 26 ${time} gw dhcpd[77]: ${text}`;
    const text = [
      isc('11:40:00', 'DHCPDISCOVER from 52:54:00:00:00:01 via eth0: network 10.0.0.0/24: no free leases'),
      isc('11:41:00', 'DHCPDISCOVER from 52:54:00:00:00:02 (lab) via eth0'),
      isc('11:41:00', 'DHCPOFFER on 10.0.0.7 to 52:54:00:00:00:02 (lab) via eth0'),
      isc('11:41:00', 'DHCPREQUEST for 10.0.0.7 (10.0.0.1) from 52:54:00:00:00:02 (lab) via eth0'),
      isc('11:41:00', 'DHCPACK on 10.0.0.7 to 52:54:00:00:00:02 (lab) via eth0'),
    ].join('\n');
    const { faults, report } = await askDhcp({ hosts: { gw: text } });
    expect(faults).toEqual(['critical gw eth0']);
    expect(report.verdict).toMatch(/1 of 2/);
  });
});

describe('a server that fails', () => {
  const healthy = syslog(
    { mac: '52:54:00:00:00:01' },
    '11:10:00 DISCOVER\n11:10:00 OFFER 10.61.0.7\n11:10:00 REQUEST 10.61.0.7\n11:10:00 ACK 10.61.0.7',
  );
  const of = async (...lines: readonly string[]) =>
    (
      await askDhcp({
        hosts: { 'net-1': [healthy, ...lines.map((line) => `Nov 26 11:40:00 net-1 ${line}`)].join('\n') },
      })
    ).faults;

  test('drops requests from a link without an address', async () => {
    expect(await of('dnsmasq-dhcp[99]: DHCP packet received on tapq which has no address')).toEqual([
      'critical net-1 tapq',
    ]);
    expect(await of('dnsmasq-dhcp[99]: DHCP packet received on eth1 which has no address')).toEqual([
      'warning net-1 eth1',
    ]);
  });

  test('cannot send replies', async () => {
    expect(
      await of('dnsmasq-dhcp[99]: Error sending DHCP packet to 10.61.0.7: Operation not permitted'),
    ).toEqual(['warning DHCP server on net-1']);
  });

  test('cannot start, unless it has started since', async () => {
    const failed = 'dnsmasq[99]: FAILED to start up';
    expect(await of(failed)).toEqual(['warning DHCP server on net-1']);
    const started = 'Nov 26 11:41:00 net-1 dnsmasq[98]: started, version 2.90 cachesize 150';
    const text = `${healthy}\nNov 26 11:40:00 net-1 ${failed}\n${started}`;
    expect((await askDhcp({ hosts: { 'net-1': text } })).faults).toEqual([]);
  });

  test('is silent although all its clients had to renew', async () => {
    const renewals = (end: number, from: number, to: number, host = 'net-1') =>
      syslog(
        { host, mac: `fa:16:3e:00:00:${end}` },
        Array.from(
          { length: to - from },
          (_, at) =>
            `11:${from + at}:${end} REQUEST 10.61.0.${end}\n11:${from + at}:${end} ACK 10.61.0.${end}`,
        ).join('\n'),
      );
    const cloud = { dhcpAgents: [dhcpAgent('net-1')] };
    const until = async (minutes: readonly number[], leaseSeconds = 120) =>
      (
        await askDhcp({
          hosts: { 'net-1': minutes.map((minute, at) => renewals(10 + at, 20, minute)).join('\n') },
          cloud: { dhcpAgents: [dhcpAgent('net-1', leaseSeconds)] },
        })
      ).faults;
    expect(await until([40, 40, 40, 40])).toEqual(['warning net-1 tap7c0e4a10-aa']);
    // One client is left, they were shut down one after another, or they have long leases.
    expect(await until([40, 40, 40, 60])).toEqual([]);
    expect(await until([30, 35, 40, 45])).toEqual([]);
    expect(await until([40, 40, 40, 40], 86_400)).toEqual([]);
    // Another server of the network has taken over.
    const { faults } = await askDhcp({
      hosts: {
        'net-1': [10, 11, 12].map((end) => renewals(end, 20, 40)).join('\n'),
        'net-2': [10, 11, 12].map((end) => renewals(end, 40, 60, 'net-2')).join('\n'),
      },
      cloud: { dhcpAgents: [...cloud.dhcpAgents, dhcpAgent('net-2')] },
    });
    expect(faults).toEqual([]);
  });
});

describe('what could not be seen', () => {
  test('is unknown if no server logged anything', async () => {
    const { status, text } = await askDhcp({ hosts: { 'cmp-1': '' } });
    expect(status).toBe('unknown');
    expect(text).toMatch(/no DHCP server logged anything in the last 2 hours.*quiet-dhcp/);
  });

  test('says that OVN has no servers with a log', async () => {
    const { status, text } = await askDhcp({ hosts: { 'cmp-1': '' }, cloud: {} });
    expect(status).toBe('unknown');
    expect(text).toMatch(/OVN/);
  });

  test('is a gap if lines have an unknown form', async () => {
    const { status, text } = await askDhcp({
      hosts: {
        'net-4': `${chosenServer.trim()}\nNov 26 11:55:00 net-4 dnsmasq-dhcp[771]: DHCPACK to nobody in particular`,
      },
    });
    expect(status).toBe('unknown');
    expect(text).toMatch(/1 DHCP line: of an unknown form/);
  });

  test('is a gap if another server has logged something', async () => {
    const kea =
      'Nov 26 11:40:00 gw kea-dhcp4[88]: INFO  [kea-dhcp4.leases.139] DHCP4_LEASE_ALLOC [hwtype=1 52:54:00:00:00:02], tid=0x1: lease 10.0.0.7 has been allocated';
    const { status, text } = await askDhcp({ collected: `${chosenServer.trim()}\n${kea}` });
    expect(status).toBe('unknown');
    expect(text).toMatch(/1 line of Kea: only the lines of dnsmasq and ISC dhcpd are read/);
  });

  test('is a gap if the log dropped lines of a server, and not of other programs', async () => {
    const dropped = async (line: string) =>
      (await askDhcp({ collected: `${chosenServer.trim()}\nNov 26 11:55:00 net-4 ${line}` })).status;
    expect(
      await dropped('systemd-journald[300]: Suppressed 12 messages from neutron-dhcp-agent.service'),
    ).toBe('unknown');
    expect(await dropped('rsyslogd[9]: imuxsock[pid 771]: begin to drop messages due to rate-limiting')).toBe(
      'unknown',
    );
    expect(await dropped('rsyslogd[9]: imuxsock[pid 772]: begin to drop messages due to rate-limiting')).toBe(
      'clear',
    );
    expect(await dropped('systemd-journald[300]: Suppressed 12 messages from kubelet.service')).toBe('clear');
  });

  test('needs hosts or logs', async () => {
    const { status, text } = await askDhcp({ cloud: {} });
    expect(status).toBe('unknown');
    expect(text).toMatch(/no source of hosts or logs/);
  });

  test('includes an agent that is down', async () => {
    const dhcpAgents = [dhcpAgent('net-4'), { ...dhcpAgent('net-5'), isAlive: false }];
    const { faults } = await askDhcp({
      hosts: { 'net-4': chosenServer, 'net-5': otherServer },
      cloud: { dhcpAgents },
    });
    expect(faults).toEqual(['warning DHCP agent on net-5']);
  });
});

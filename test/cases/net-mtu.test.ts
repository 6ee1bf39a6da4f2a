import { describe, expect, test } from 'vitest';
import { askCase } from './ask-case.ts';
import { type CaseFile, readCaseFile, type SpokenAnswer } from './case-file.ts';

/** Inputs rebuilt from public reports, and variations of them, through sshd and an API server. */

interface ListedLink {
  readonly ifname: string;
  readonly mtu: number;
  readonly flags: readonly string[];
  readonly operstate: string;
  readonly link?: string;
  readonly max_mtu?: number;
  readonly [other: string]: unknown;
}

/** A case with some links of a host changed, or of all hosts. */
async function withLinks(
  name: string,
  changes: Readonly<Record<string, Partial<ListedLink>>>,
  host?: string,
): Promise<CaseFile> {
  return withAnswers(name, (answer) =>
    answer.ask.includes('link show') && (host === undefined || answer.of === host)
      ? {
          ...answer,
          json: (answer.json as readonly ListedLink[]).map((link) => ({ ...link, ...changes[link.ifname] })),
        }
      : answer,
  );
}

async function withAnswers(
  name: string,
  change: (answer: SpokenAnswer) => SpokenAnswer | undefined,
): Promise<CaseFile> {
  const file = await readCaseFile(new URL(`net/${name}.json`, import.meta.url).pathname);
  return { ...file, spoken: (file.spoken ?? []).flatMap((answer) => change(answer) ?? []) };
}

const allOf = (mtu: number) => ({ eno1: { mtu }, eno2: { mtu }, bond0: { mtu } });
const down = { flags: ['BROADCAST', 'MULTICAST'], operstate: 'DOWN' };

/** https://github.com/libremesh/lime-packages/issues/580 and https://github.com/autotest/tp-qemu/issues/3883 */
describe('a VLAN on a VLAN', () => {
  test('is found on the one host that has it, with the setting that caused it', async () => {
    const verdict = await askCase('net/o01');
    expect(verdict).toMatchObject({ status: 'found', faults: ['critical cmp-12:tenant-881'], offers: [] });
    const text = verdict.about('cmp-12:tenant-881');
    expect(text).toMatch(/need 1504 bytes, but bond0 carries 1500/);
    expect(text).toMatch(/physical_interface_mappings = physnet1:inet/);
    expect(text).toMatch(/physical_interface_mappings = physnet1:bond0/);
    expect(text).toMatch(/as on cmp-11/);
    expect(text).toMatch(/Restart neutron-linuxbridge-agent on cmp-12/);
    expect(text).not.toMatch(/raise/i);
  });

  test('is found without the setting too, and the report says which file to look at', async () => {
    const verdict = await askCase(
      await withAnswers('o01', (answer) => (answer.ask.startsWith('cat ') ? undefined : answer)),
    );
    expect(verdict.faults).toEqual(['critical cmp-12:tenant-881']);
    expect(verdict.text).toMatch(/physical_interface_mappings.* in .*linuxbridge_agent\.ini/);
  });

  test('is found without Neutron', async () => {
    const verdict = await askCase(
      await withAnswers('o01', (answer) => (answer.of === 'neutron' ? undefined : answer)),
    );
    expect(verdict.faults).toEqual(['critical cmp-12:tenant-881']);
  });

  test('with 4 bytes of space is no fault, but is noted as another network', async () => {
    const verdict = await askCase(await withLinks('o01', allOf(1_504)));
    expect(verdict).toMatchObject({ status: 'clear', faults: [] });
    expect(verdict.report.notes?.join()).toMatch(/tenant-881 \(VLAN 881\) is on .* different networks/);
  });

  test('that is down is no fault', async () => {
    const verdict = await askCase(await withLinks('o01', { 'tenant-881': down }, 'cmp-12'));
    expect(verdict).toMatchObject({ status: 'clear', faults: [] });
  });

  test('that was made 4 bytes smaller to fit is too small for what Neutron announces', async () => {
    const verdict = await askCase(await withLinks('o01', { 'tenant-881': { mtu: 1_496 } }, 'cmp-12'));
    expect(verdict.faults).toEqual(['critical cmp-12:tenant-881']);
    expect(verdict.text).toMatch(/network blue announces an MTU of 1500/);
  });

  test('is found in the text of an `ip` without -j', async () => {
    const links = `1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN mode DEFAULT group default qlen 1000
    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00 promiscuity 0
2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc mq state UP mode DEFAULT group default qlen 1000
    link/ether 02:1c:00:00:02:06 brd ff:ff:ff:ff:ff:ff promiscuity 0
6: vlan20@eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP mode DEFAULT group default qlen 1000
    link/ether 02:1c:00:00:02:06 brd ff:ff:ff:ff:ff:ff promiscuity 0
    vlan protocol 802.1Q id 20 <REORDER_HDR>
7: vlan100@vlan20: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue master br100 state UP mode DEFAULT group default qlen 1000
    link/ether 02:1c:00:00:02:06 brd ff:ff:ff:ff:ff:ff promiscuity 1
    vlan protocol 802.1Q id 100 <REORDER_HDR>
    bridge_slave state forwarding priority 32 cost 2
8: br100: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP mode DEFAULT group default qlen 1000
    link/ether 02:1c:00:00:02:06 brd ff:ff:ff:ff:ff:ff promiscuity 0
    bridge forward_delay 1500 hello_time 200 max_age 2000
9: vnet0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue master br100 state UNKNOWN mode DEFAULT group default qlen 1000
    link/ether fe:16:3e:00:00:01 brd ff:ff:ff:ff:ff:ff promiscuity 1
    tun
    bridge_slave state forwarding priority 32 cost 2
`;
    const verdict = await askCase({
      case: 'old-ip',
      check: '/net mtu',
      now: '2026-11-26T12:00:00Z',
      answers: [],
      spoken: [
        { of: 'old-1', ask: 'ip -j -d link show', rc: 255, text: 'Option "-j" is unknown, try "ip -help".' },
        { of: 'old-1', ask: 'ip -d link show', rc: 0, text: links },
      ],
    });
    expect(verdict.faults).toEqual(['critical old-1:vlan100']);
  });
});

/** https://github.com/CumulusNetworks/ifupdown2/issues/74 */
describe('VLANs in a service VLAN', () => {
  test('with space for both tags are clear', async () => {
    const verdict = await askCase('net/o02');
    expect(verdict).toMatchObject({ status: 'clear', faults: [], offers: [] });
    expect(verdict.report.gaps).toEqual([]);
  });

  test('without space are one finding, and the outer VLAN may be raised', async () => {
    const verdict = await askCase(await withLinks('o02', { ...allOf(1_500), svc400: { mtu: 1_500 } }));
    expect(verdict.faults).toEqual(['critical gw-1:c17', 'critical gw-1:c18']);
    expect(verdict.report.findings).toHaveLength(1);
    expect(verdict.text).toMatch(/Raise bond0 and svc400 to 1504/);
  });

  test('with exactly enough space on the bond are clear', async () => {
    const verdict = await askCase(await withLinks('o02', allOf(1_504)));
    expect(verdict).toMatchObject({ status: 'clear', faults: [] });
  });
});

/** https://github.com/rcbops/ansible-lxc-rpc/issues/129, https://github.com/crowbar/crowbar-openstack/pull/411 and /313 */
describe('VXLAN', () => {
  test('is found on the one host whose underlay is too small', async () => {
    const verdict = await askCase('net/o03');
    expect(verdict).toMatchObject({ status: 'found', faults: ['critical cmp-22:vxlan-204'], offers: [] });
    const text = verdict.about('cmp-22:vxlan-204');
    expect(text).toMatch(/adds 50 bytes .*IPv4.* need 1550 bytes, but bond0\.77 carries 1500/);
    expect(text).toMatch(/green/);
    expect(text).toMatch(/1550 on cmp-22, and the switch ports to the same, as on cmp-21/);
    expect(text).toMatch(/--mtu 1450/);
    expect(text).not.toMatch(/stacked/);
  });

  test('over IPv6 needs 20 bytes more', async () => {
    const file = await withAnswers('o03', (answer) =>
      answer.ask.includes('link show')
        ? {
            ...answer,
            json: JSON.parse(
              JSON.stringify(answer.json).replaceAll('"local":"10.77.0.', '"local6":"2001:db8::'),
            ) as unknown,
          }
        : answer,
    );
    const verdict = await askCase(file);
    expect(verdict.faults).toEqual(['critical cmp-21:vxlan-204', 'critical cmp-22:vxlan-204']);
    expect(verdict.text).toMatch(/1570/);
  });

  test('with guests that have 50 bytes less is clear on both hosts', async () => {
    const mtu = 1_450;
    const file = await withLinks('o03', {
      'vxlan-204': { mtu },
      'brq4be2c7d0-11': { mtu },
      'tap9c40de77-21': { mtu },
      'tap9c40de77-22': { mtu },
    });
    const verdict = await askCase({
      ...file,
      spoken: (file.spoken ?? []).map((answer) =>
        answer.of === 'neutron'
          ? { ...answer, json: JSON.parse(JSON.stringify(answer.json).replace('1500', '1450')) as unknown }
          : answer,
      ),
    });
    expect(verdict.faults.filter((fault) => fault.startsWith('critical'))).toEqual([]);
    expect(verdict.text).not.toMatch(/vxlan-204/);
  });

  test('is not raised if the NICs refuse it', async () => {
    const verdict = await askCase(
      await withLinks('o03', { eno1: { max_mtu: 1_500 }, eno2: { max_mtu: 1_500 } }, 'cmp-22'),
    );
    expect(verdict.faults).toEqual(['critical cmp-22:vxlan-204']);
    expect(verdict.text).toMatch(/eno1 and eno2 allow no more than 1500/);
    expect(verdict.text).not.toMatch(/Raise bond0/);
  });
});

/** https://github.com/xcp-ng/xcp/issues/488, https://github.com/xcp-ng/xcp/issues/339 and https://github.com/xapi-project/xen-api/issues/7213 */
describe('jumbo frames', () => {
  test('that one host lacks are found, and its driver is the reason', async () => {
    const verdict = await askCase('net/o04');
    expect(verdict).toMatchObject({ status: 'found', faults: ['warning cmp-33:stor'], offers: [] });
    const text = verdict.about('cmp-33:stor');
    expect(text).toMatch(/1500 on cmp-33, but 9000 on 2 other hosts/);
    expect(text).toMatch(/allow no more than 1500/);
    expect(text).toMatch(/Invalid MTU 9000 requested/);
    expect(text).not.toMatch(/mgmt|(raise|set) .*9000/i);
  });

  test('can be set if the NICs allow them', async () => {
    const verdict = await askCase(
      await withLinks('o04', { eno1: { max_mtu: 9_500 }, eno2: { max_mtu: 9_500 } }, 'cmp-33'),
    );
    expect(verdict.faults).toEqual(['warning cmp-33:stor']);
    expect(verdict.text).toMatch(/On cmp-33, raise bond0 and stor to 9000/);
  });

  test('on one of two hosts name both, because either may be wrong', async () => {
    const verdict = await askCase(
      await withAnswers('o04', (answer) => (answer.of === 'cmp-32' ? undefined : answer)),
    );
    expect(verdict.faults).toEqual(['warning cmp-31:stor', 'warning cmp-33:stor']);
    expect(verdict.text).toMatch(/Which one is intended is not known/);
  });

  test('are not expected of a VLAN that is down', async () => {
    expect(await askCase(await withLinks('o04', { stor: down }, 'cmp-33'))).toMatchObject({
      status: 'clear',
      faults: [],
    });
  });
});

test('a host that cannot be read is a gap, and the others are still compared', async () => {
  const file = await withAnswers('o04', (answer) =>
    answer.of === 'cmp-31' && answer.ask.includes('link show')
      ? { ...answer, json: undefined, text: 'Segmentation fault', rc: 139 }
      : answer,
  );
  const verdict = await askCase(file);
  expect(verdict.status).toBe('found');
  expect(verdict.faults).toEqual(['warning cmp-32:stor', 'warning cmp-33:stor']);
  expect(verdict.report.gaps.map(({ what }) => what).join()).toMatch(/cmp-31/);
});

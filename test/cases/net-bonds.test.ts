import { describe, expect, test } from 'vitest';
import { askCase, type CaseVerdict } from './ask-case.ts';
import { readCaseFile, type SpokenAnswer } from './case-file.ts';

/** Inputs rebuilt from public reports, and variations of them, through the real sources: sshd, log files and a cloud on loopback. */

type Changed = (answer: SpokenAnswer) => SpokenAnswer | undefined;

/** A case with changed answers; undefined leaves one out. */
async function askVariation(name: string, change: Changed): Promise<CaseVerdict> {
  const path = new URL(`net/${name}.json`, import.meta.url).pathname;
  const file = await readCaseFile(path);
  return askCase({ ...file, spoken: (file.spoken ?? []).flatMap((one) => change(one) ?? []) });
}

function withText(change: (text: string, answer: SpokenAnswer) => string): Changed {
  return (answer) =>
    typeof answer.text === 'string' ? { ...answer, text: change(answer.text, answer) } : answer;
}

describe('BPDU guard whose messages have no source MAC address', () => {
  /** https://github.com/napalm-automation/napalm-logs/issues/293 and https://github.com/oVirt/ovirt-engine/issues/1127 */
  test('names the ports, and suspects the instances that were just created', async () => {
    const verdict = await askCase('net/o05');
    expect([verdict.status, verdict.faults]).toEqual([
      'found',
      ['critical cmp-41:bond0', 'critical cmp-42:bond0'],
    ]);
    expect(verdict.report.findings).toHaveLength(1);
    const text = verdict.about('cmp-41:bond0');
    for (const fact of [
      'leaf-a Ethernet1/41',
      'leaf-b Ethernet1/42',
      'fw-edge on cmp-41',
      'fw-edge-2 on cmp-42',
      'u-build-7',
    ])
      expect(text).toContain(fact);
    expect(text).toContain('not proven');
    expect(text.indexOf('01:80:c2:00:00:00')).toBeLessThan(text.indexOf('Ask the network team to re-enable'));
    expect(verdict.text).not.toMatch(/db-1|Ethernet1\/9\b|replace/i);
    expect(verdict.offers).toEqual([]);
  });

  test('joins a host by LLDP if there is no list of switch ports', async () => {
    const verdict = await askVariation('o05', (answer) => {
      if (answer.of === 'inventory') return undefined;
      if (!answer.ask.startsWith('lldpctl')) return answer;
      const text = JSON.stringify(answer.json).replaceAll('Ethernet1/43', 'Ethernet1/41');
      return { ...answer, of: 'cmp-41', json: JSON.parse(text) as unknown };
    });
    expect(verdict.faults).toEqual(['critical cmp-41:bond0', 'critical cmp-42:bond0']);
    expect(verdict.about('cmp-41:bond0')).toContain('LLDP');
    // By LLDP of another host, the numbers of hosts and ports are the same.
    expect(verdict.about('cmp-42:bond0')).toContain('its number (a guess)');
    expect(verdict.about('cmp-42:bond0')).toContain('BPDU guard');
  });

  test('suspects no one if all instances are old', async () => {
    const verdict = await askVariation('o05', (answer) =>
      answer.of === 'nova'
        ? {
            ...answer,
            json: JSON.parse(JSON.stringify(answer.json).replaceAll('2026-11-26T', '2026-10-01T')) as unknown,
          }
        : answer,
    );
    expect(verdict.faults).toEqual(['critical cmp-41:bond0', 'critical cmp-42:bond0']);
    expect(verdict.text).not.toMatch(/fw-edge|db-1/);
  });

  test('reports the bonds as down without any log', async () => {
    const verdict = await askVariation('o05', (answer) =>
      answer.of.startsWith('cmp-') ? answer : undefined,
    );
    expect(verdict.faults).toEqual(['critical cmp-41:bond0', 'critical cmp-42:bond0']);
    expect(verdict.text).toMatch(/ask the network team for the switch ports first/);
    expect(verdict.text).not.toMatch(/BPDU|replace/);
  });

  test('is clear once the ports and bonds are up again', async () => {
    const verdict = await askVariation(
      'o05',
      withText((text, { of }) =>
        of.startsWith('cmp-')
          ? text
              .replaceAll('MII Status: down', 'MII Status: up')
              .replace('Currently Active Slave: None', 'Currently Active Slave: ens1f0')
          : text,
      ),
    );
    expect([verdict.status, verdict.faults]).toEqual(['clear', []]);
  });
});

describe('BPDU guard whose messages have a source MAC address', () => {
  /** https://github.com/openshift/openshift-docs/issues/55686 */
  test("blames the host's own bridge, and no instance", async () => {
    const verdict = await askCase('net/o06');
    expect([verdict.status, verdict.faults]).toEqual(['found', ['critical net-2:bond1']]);
    const text = verdict.about('net-2:bond1');
    expect(text).toContain("host's own bridge br-prov");
    expect(text).toContain('stp_state 0');
    expect(text).toContain('Port-Channel12');
    expect(verdict.text).not.toMatch(/instance|openstack|unknown/i);
  });

  test('names the instance if the address belongs to one', async () => {
    const mac = 'fa:16:3e:24:e7:22';
    const port = {
      id: '7c0e4a10-aa51-4a0e-9d0f-2f1f0e5f7b11',
      mac_address: mac,
      device_id: 'i-1',
      device_owner: 'compute:nova',
    };
    const verdict = await askVariation('o06', (answer) => {
      if (answer.of === 'neutron')
        return {
          ...answer,
          ask: `GET /v2.0/ports?mac_address=${mac}`,
          json: { ports: [{ ...port, fixed_ips: [] }] },
        };
      return answer.of === 'syslog' && typeof answer.text === 'string'
        ? { ...answer, text: answer.text.replaceAll('02:1c:bb:00:02:01', mac) }
        : answer;
    });
    expect(verdict.faults).toEqual(['critical net-2:bond1']);
    expect(verdict.about('net-2:bond1')).toContain('the sender is instance i-1');
    expect(verdict.about('net-2:bond1')).not.toContain('br-prov');
  });

  test('says that the host sent the packets if its links cannot be read', async () => {
    const verdict = await askVariation('o06', (answer) =>
      answer.ask.startsWith('ip ') ? undefined : answer,
    );
    expect(verdict.faults).toEqual(['critical net-2:bond1']);
    expect(verdict.about('net-2:bond1')).toContain('The sender is the host itself');
  });
});

describe('bonds without link monitoring', () => {
  /** https://github.com/canonical/netplan/issues/411 and https://github.com/canonical/subiquity/issues/1195 */
  test('are critical with a dead active slave, and a warning before', async () => {
    const verdict = await askCase('net/o07');
    expect([verdict.status, verdict.faults]).toEqual([
      'found',
      ['critical cmp-51:bond0', 'warning cmp-52:bond0'],
    ]);
    expect(verdict.about('cmp-51:bond0')).toContain('eno1, which has no link');
    expect(verdict.about('cmp-51:bond0')).toContain('mii-monitor-interval: 100');
    expect(verdict.text).not.toMatch(/cmp-53|bond0 is up/);
  });

  test('are judged by the links alone', async () => {
    const verdict = await askVariation('o07', (answer) =>
      answer.ask.startsWith('cat') ? undefined : answer,
    );
    expect([verdict.status, verdict.faults]).toEqual([
      'found',
      ['critical cmp-51:bond0', 'warning cmp-52:bond0'],
    ]);
  });

  test('are never clear if nothing says whether their slaves have a link', async () => {
    const verdict = await askVariation('o07', (answer) =>
      answer.ask.startsWith('ip ') ? undefined : answer,
    );
    expect(verdict.status).toBe('found');
    expect(verdict.faults).toEqual(['warning cmp-51:bond0', 'warning cmp-52:bond0']);
    expect(verdict.report.gaps.map(({ what }) => what).toSorted()).toEqual(['cmp-51:bond0', 'cmp-52:bond0']);
    expect(verdict.text).toMatch(/`ip link show eno1` on cmp-51: the driver reports no speed/);
  });
});

describe('802.3ad', () => {
  /** https://github.com/systemd/systemd/issues/11635 and https://github.com/canonical/hotsos/issues/112 */
  test('reports a slave in another aggregator with another partner', async () => {
    const verdict = await askCase('net/o08');
    expect([verdict.status, verdict.faults]).toEqual(['found', ['warning cmp-54:bond0']]);
    const text = verdict.about('cmp-54:bond0');
    for (const fact of ['Only 1 of 2 slaves', 'ens2f1', '02:5a:00:00:00:7f', 'standby', 'cmp-55:bond0'])
      expect(text).toContain(fact);
    expect(verdict.text).not.toMatch(/is down|no LACP partner/);
  });

  const only = (change: (text: string) => string) =>
    askVariation('o08', (answer) => (answer.of === 'cmp-54' ? withText(change)(answer) : answer));

  test('reports a bond without a partner', async () => {
    const verdict = await only((text) => text.replaceAll(/02:5a:00:00:00:(6e|7f)/g, '00:00:00:00:00:00'));
    expect(verdict.faults).toEqual(['warning cmp-54:bond0']);
    expect(verdict.about('cmp-54:bond0')).toContain('has no LACP partner');
  });

  test('reports a slave that is down once, not as a split', async () => {
    const verdict = await only((text) => {
      const at = text.indexOf('Slave Interface: ens2f1');
      return text.slice(0, at) + text.slice(at).replace('MII Status: up', 'MII Status: down');
    });
    expect(verdict.faults).toEqual(['warning cmp-54:bond0']);
    expect(verdict.about('cmp-54:bond0')).toContain('without a link (ens2f1)');
  });

  test('is unknown if a file is cut off in the middle', async () => {
    const verdict = await askVariation(
      'o08',
      withText((text) => text.slice(0, text.indexOf('Slave Interface: ens2f1') + 26)),
    );
    expect(verdict.status).not.toBe('clear');
  });
});

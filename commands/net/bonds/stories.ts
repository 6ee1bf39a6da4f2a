import type { ports, Story } from '../../kit.ts';
import {
  bond,
  cloudFacts,
  factsOf,
  hostFacts,
  lacpBond,
  link,
  lost,
  NO_CARRIER,
  slave,
  switchFacts,
  switchLog,
} from './builders.ts';
import type { Facts } from './facts.ts';

const GUEST_MAC = 'fa:16:3e:24:e7:22';

/** What the two switches logged about one port channel, at one time. */
function blockedByArista(at: string, channel: string, server: string) {
  return ['SW-1', 'SW-2'].flatMap((name) =>
    [
      `%SPANTREE-4-BLOCK_BPDUGUARD: Received BPDU packet on ${channel} with BPDU guard enabled. Disabling interface. (source mac ${GUEST_MAC})`,
      `%ETH-4-ERRDISABLE: bpduguard error detected on ${channel}.`,
      `%LINEPROTO-5-UPDOWN: Line protocol on Interface ${channel} (${server}), changed state to down`,
    ].map((text) => [at, name, text] as const),
  );
}

const GUIDE =
  'https://github.com/openstack/openstack-manuals/blob/2603dc85e537086638648d7d31884df285029614/doc/ops-guide/source/app_crypt.rst, "The Valentine\'s Day Compute Node Massacre"';

function computeNode(name: string, isLost: boolean) {
  const slaves = ['eth2', 'eth3'].map((one) => (isLost ? lost(one) : slave(one)));
  return hostFacts(name, { bonds: [bond('bond0', slaves)] });
}

/** Both ports of a compute node were disabled in one second. Its owners ordered a new NIC, and an hour later the next node was cut off. */
export const valentinesDayMassacre: Story<Facts> = {
  title: 'An instance sends spanning tree packets, and the switches cut off its compute node',
  source: GUIDE,
  now: new Date('2013-02-15T03:00:00Z'),
  facts: factsOf(
    [computeNode('server35', true), computeNode('server36', true), computeNode('server37', false)],
    {
      switches: switchFacts({
        ports: switchLog([
          ...blockedByArista('2013-02-15T01:40:18Z', 'Port-Channel35', 'Server35'),
          ...blockedByArista('2013-02-15T02:41:02Z', 'Port-Channel36', 'Server36'),
        ]),
      }),
      cloud: cloudFacts({
        ports: [
          {
            id: '7c0e4a10-aa51-4a0e-9d0f-2f1f0e5f7b11',
            mac: GUEST_MAC,
            device: '5b7c4c6e-8a35-4d0c-9b7a-1d2f3c4b5a69',
            owner: 'compute:nova',
            host: 'server36',
            addresses: ['10.20.0.14'],
          },
        ],
        servers: [
          {
            id: '5b7c4c6e-8a35-4d0c-9b7a-1d2f3c4b5a69',
            name: 'centos-test',
            user: 'u-martin',
            project: 'p-research',
            host: 'server36',
            createdAt: new Date('2013-02-15T02:38:00Z'),
          },
        ],
      }),
    },
  ),
};

function blockedByNexus(at: string, port: string) {
  return ['leaf-1', 'leaf-2'].flatMap((name) =>
    [
      `%STP-2-BLOCK_BPDUGUARD: Received BPDU on port ${port} with BPDU Guard enabled. Disabling port.`,
      `%ETHPORT-5-IF_DOWN_ERROR_DISABLED: Interface ${port} is down (Error disabled. Reason:BPDUGuard)`,
    ].map((text) => [at, name, text] as const),
  );
}

function router(id: string, host: string, createdAt: string): ports.CloudServer {
  return {
    id,
    name: `router-${host}`,
    user: 'u-netlab',
    project: 'p-netlab',
    host,
    createdAt: new Date(createdAt),
  };
}

/** Switches that log no source MAC address: who did it can only be inferred. */
export const senderNotProven: Story<Facts> = {
  title: 'BPDU guard cuts off two hosts, and the switches do not log who sent the packets',
  source:
    'https://github.com/oVirt/ovirt-engine/issues/1127 (a guest takes its host off the network), with messages as in https://github.com/napalm-automation/napalm-logs/issues/293',
  now: new Date('2026-03-04T09:30:00Z'),
  facts: factsOf(
    ['kvm-1', 'kvm-2', 'kvm-3'].map((name) => {
      const slaves = ['ens3f0', 'ens3f1'].map((one) => (name === 'kvm-3' ? slave(one) : lost(one)));
      return hostFacts(name, { bonds: [bond('bond0', slaves)] });
    }),
    {
      switches: switchFacts({
        ports: switchLog([
          ...blockedByNexus('2026-03-04T08:02:11Z', 'Ethernet1/11'),
          ...blockedByNexus('2026-03-04T09:12:40Z', 'Ethernet1/12'),
        ]),
        connected: ['leaf-1', 'leaf-2'].flatMap((name) => [
          { switch: name, port: 'Eth1/11', host: 'kvm-1' },
          { switch: name, port: 'Eth1/12', host: 'kvm-2' },
        ]),
      }),
      cloud: cloudFacts({
        ports: [],
        servers: [
          router('1f0e5a8c-3f17-4a5e-b2a1-8d94be2b6c11', 'kvm-1', '2026-03-04T07:58:30Z'),
          router('2a9d7e61-7b1c-4d55-8a3e-5e0c9f7b2d12', 'kvm-2', '2026-03-04T09:09:58Z'),
          {
            id: '3c8b6f52-1e2d-4c3b-9a4f-6f1d8e5a3c13',
            name: 'mail',
            user: 'u-office',
            project: 'p-office',
            host: 'kvm-2',
            createdAt: new Date('2025-06-01T10:00:00Z'),
          },
        ],
        readHosts: ['kvm-1', 'kvm-2'],
      }),
    },
  ),
};

const BRIDGE_MAC = '02:42:7a:10:00:01';

/** No instance is involved: the host's own bridge takes part in spanning tree. */
export const bridgeSendsBpdus: Story<Facts> = {
  title: 'The bridge of a bare-metal host has STP on, and the switch has BPDU guard',
  source: 'https://github.com/openshift/openshift-docs/issues/55686',
  now: new Date('2023-02-14T15:20:00Z'),
  facts: factsOf(
    [
      hostFacts('worker-0', {
        bonds: [bond('bond0', [lost('eno1', { permanentMac: BRIDGE_MAC }), lost('eno2')])],
        links: [
          link('eno1', { flags: NO_CARRIER, master: 'bond0', permanentMac: BRIDGE_MAC }),
          link('eno2', { flags: NO_CARRIER, master: 'bond0' }),
          link('bond0', { kind: 'bond', flags: NO_CARRIER, master: 'br-ex', mac: BRIDGE_MAC }),
          link('br-ex', { kind: 'bridge', flags: NO_CARRIER, mac: BRIDGE_MAC, bridge: { hasStp: true } }),
        ],
      }),
      hostFacts('worker-1', { bonds: [bond('bond0', [slave('eno1'), slave('eno2')])] }),
    ],
    {
      switches: switchFacts({
        ports: switchLog([
          [
            '2023-02-14T15:02:41Z',
            'tor-1',
            `%SPANTREE-4-BLOCK_BPDUGUARD: Received BPDU packet on Port-Channel20 with BPDU guard enabled. Disabling interface. (source mac ${BRIDGE_MAC})`,
          ],
        ]),
        connected: [{ switch: 'tor-1', port: 'Port-Channel20', host: 'worker-0' }],
      }),
    },
  ),
};

function netplanHost(name: string, { isDead }: { readonly isDead: boolean }) {
  const flags = isDead ? { flags: NO_CARRIER } : {};
  const speed = isDead ? {} : { speedMbps: 10_000 };
  return hostFacts(name, {
    bonds: [
      bond('bond0', [{ name: 'eno1', miiStatus: 'up', linkFailures: 0, ...speed }, slave('eno2')], {
        miimonMs: 0,
      }),
    ],
    links: [
      link('eno1', { master: 'bond0', ...flags }),
      link('eno2', { master: 'bond0' }),
      link('bond0', { kind: 'bond' }),
    ],
  });
}

/** A cable was pulled, and nothing happened: the bond never looks. */
export const nobodyChecksLinks: Story<Facts> = {
  title: 'Bonds without link monitoring keep a dead slave in use',
  source: 'https://github.com/canonical/netplan/issues/411 (also canonical/subiquity#1195)',
  now: new Date('2023-10-12T07:45:00Z'),
  facts: factsOf([netplanHost('web-1', { isDead: true }), netplanHost('web-2', { isDead: false })]),
};

const LEFT = '02:5a:00:00:00:0a';
const RIGHT = '02:5a:00:00:00:0b';

/** All links are up, and half of the bandwidth is missing. */
export const twoPartners: Story<Facts> = {
  title: 'The slaves of an 802.3ad bond have two LACP partners',
  source: 'https://github.com/systemd/systemd/issues/11635 (also canonical/hotsos#112)',
  now: new Date('2024-05-06T12:00:00Z'),
  facts: factsOf([
    hostFacts('db-1', {
      bonds: [
        lacpBond(
          'bond0',
          [
            slave('ens2f0', { aggregatorId: 1, partnerMac: LEFT }),
            slave('ens2f1', {
              aggregatorId: 2,
              partnerMac: RIGHT,
              actorChurn: 'churned',
              partnerChurn: 'churned',
            }),
          ],
          { aggregator: { id: 1, ports: 1, partnerMac: LEFT } },
        ),
      ],
    }),
    hostFacts('db-2', {
      bonds: [
        lacpBond(
          'bond0',
          ['ens2f0', 'ens2f1'].map((name) => slave(name, { aggregatorId: 1, partnerMac: LEFT })),
          { aggregator: { id: 1, ports: 2, partnerMac: LEFT } },
        ),
      ],
    }),
  ]),
};

/** A failover that worked: one link failed once and is back. */
export const failedOver: Story<Facts> = {
  title: 'A bond that has switched to its other slave and back',
  source: 'https://docs.kernel.org/networking/bonding.html#proc-bonding-information',
  now: new Date('2024-05-06T12:00:00Z'),
  facts: factsOf([
    hostFacts('db-3', { bonds: [bond('bond0', [slave('eno1', { linkFailures: 1 }), slave('eno2')])] }),
    hostFacts('vm-1', { bonds: [], links: [link('ens3')] }),
  ]),
};

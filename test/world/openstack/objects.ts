import type { CloudObject } from './protocol.ts';

/** Objects as the services show them to an administrator. */

export function networkObject(name: string, fields: CloudObject = {}): CloudObject {
  return {
    id: `network-${name}`,
    name,
    project_id: 'p-ops',
    tenant_id: 'p-ops',
    status: 'ACTIVE',
    admin_state_up: true,
    shared: false,
    mtu: 1500,
    qinq: false,
    'provider:network_type': 'vlan',
    'provider:physical_network': 'physnet1',
    'provider:segmentation_id': 881,
    ...fields,
  };
}

export function portObject(mac: string, fields: CloudObject = {}): CloudObject {
  return {
    id: `port-${mac}`,
    mac_address: mac,
    network_id: 'network-blue',
    project_id: 'p-ops',
    device_id: '4f1d0e6b-6a77-4c6e-b1a1-0f0f0f5c019a',
    device_owner: 'compute:nova',
    'binding:host_id': 'cmp-1',
    'binding:vif_type': 'bridge',
    status: 'ACTIVE',
    fixed_ips: [{ subnet_id: 'subnet-blue', ip_address: '10.61.0.14' }],
    ...fields,
  };
}

export function agentObject(host: string, fields: CloudObject = {}): CloudObject {
  return {
    id: `agent-${host}`,
    agent_type: 'DHCP agent',
    binary: 'neutron-dhcp-agent',
    host,
    alive: true,
    admin_state_up: true,
    heartbeat_timestamp: '2026-11-26 11:59:48',
    configurations: { dhcp_lease_duration: 120, networks: 3 },
    ...fields,
  };
}

export function serverObject(name: string, fields: CloudObject = {}): CloudObject {
  return {
    id: `server-${name}`,
    name,
    status: 'ACTIVE',
    user_id: 'u-build-7',
    tenant_id: 'p-ops',
    created: '2026-11-26T10:28:40Z',
    updated: '2026-11-26T10:29:00Z',
    image: '',
    metadata: {},
    'OS-EXT-SRV-ATTR:host': 'cmp-1',
    'OS-EXT-SRV-ATTR:user_data': 'IyBjbG91ZC1jb25maWc=',
    'OS-EXT-STS:power_state': 1,
    'OS-EXT-STS:vm_state': 'active',
    ...fields,
  };
}

export function serviceObject(binary: string, host: string, fields: CloudObject = {}): CloudObject {
  return {
    id: `id-of-${binary}-${host}`,
    binary,
    host,
    zone: binary === 'nova-compute' ? 'nova' : 'internal',
    status: 'enabled',
    state: 'up',
    updated_at: '2026-11-26T11:59:51.000000',
    disabled_reason: null,
    forced_down: false,
    ...fields,
  };
}

export function imageObject(id: string, fields: CloudObject = {}): CloudObject {
  return {
    id,
    name: 'debian-12',
    status: 'active',
    visibility: 'private',
    owner: 'p-ops',
    size: 338_690_048,
    disk_format: 'qcow2',
    container_format: 'bare',
    ...fields,
  };
}

import type { CloudNetwork, CloudPort, DhcpAgent } from '../../ports/cloud.ts';
import type { ReadOptions } from '../../ports/read-options.ts';
import { SourceError } from '../../ports/source-error.ts';
import { asObject, type JsonObject, listIn, numberIn, textIn } from '../../wire/json-object.ts';
import { printable } from '../../wire/x509.ts';
import { incomplete, listItems } from './list-items.ts';
import { type CloudView, limitedView } from './view.ts';
import type { ServiceApi } from './service-api.ts';

const NETWORK_FIELDS = [
  'id',
  'name',
  'mtu',
  'qinq',
  'provider:network_type',
  'provider:physical_network',
  'provider:segmentation_id',
] as const;

/** Many addresses would make the URL too long. */
const MACS_PER_REQUEST = 50;

/** @throws {SourceError} also if the credential might not see all. */
export async function* listNetworks(
  neutron: ServiceApi,
  view: CloudView,
  options: ReadOptions,
): AsyncGenerator<readonly CloudNetwork[]> {
  const query = new URLSearchParams(NETWORK_FIELDS.map((field): [string, string] => ['fields', field]));
  let read = 0;
  for await (const page of listItems({
    ...options,
    api: neutron,
    path: '/networks',
    query,
    items: 'networks',
    itemsAre: 'networks',
  })) {
    read += page.length;
    yield page.map((one) => toNetwork(neutron.source, one));
  }
  const limit = limitedView(neutron.source, view, 'the networks of others are unknown');
  if (limit) throw incomplete(limit, 'networks', read);
}

/** @throws {SourceError} also if a MAC address might belong to a port that the credential doesn't see. */
export async function readPorts(
  neutron: ServiceApi,
  view: CloudView,
  { macs, ...options }: ReadOptions & { readonly macs: readonly string[] },
): Promise<readonly CloudPort[]> {
  const wanted = [...new Set(macs.map((mac) => mac.toLowerCase()))];
  const found: CloudPort[] = [];
  for (let at = 0; at < wanted.length; at += MACS_PER_REQUEST) {
    const batch = new Set(wanted.slice(at, at + MACS_PER_REQUEST));
    const query = new URLSearchParams([...batch].map((mac): [string, string] => ['mac_address', mac]));
    for await (const page of listItems({
      ...options,
      api: neutron,
      path: '/ports',
      query,
      items: 'ports',
      itemsAre: 'ports',
    }))
      found.push(...page.map((one) => toPort(neutron.source, one)).filter(({ mac }) => batch.has(mac)));
  }
  const missing = wanted.filter((mac) => !found.some((port) => port.mac === mac));
  const limit =
    missing.length > 0 &&
    limitedView(
      neutron.source,
      view,
      `the port with the MAC address ${missing[0]} may belong to another one`,
    );
  if (limit) throw limit;
  return found;
}

/** @throws {SourceError} also if the credential might not see any. */
export async function readDhcpAgents(
  neutron: ServiceApi,
  view: CloudView,
  options: ReadOptions,
): Promise<readonly DhcpAgent[]> {
  const agents: DhcpAgent[] = [];
  for await (const page of listItems({
    ...options,
    api: neutron,
    path: '/agents',
    query: new URLSearchParams({ agent_type: DHCP_AGENT }),
    items: 'agents',
    itemsAre: 'network agents',
  }))
    agents.push(
      ...page
        .filter((one) => one['agent_type'] === undefined || one['agent_type'] === DHCP_AGENT)
        .map((one) => toAgent(neutron.source, one)),
    );
  // Neutron hides agents, instead of refusing the list, from a role that may not see them.
  const limit = agents.length === 0 && limitedView(neutron.source, view, 'Neutron hides its agents');
  if (limit) throw limit;
  return agents;
}

const DHCP_AGENT = 'DHCP agent';

function toNetwork(source: string, network: JsonObject): CloudNetwork {
  const id = textIn(network, 'id');
  if (id === undefined) throw new SourceError(source, 'malformed', 'Neutron: a network has no id');
  const mtu = numberIn(network, 'mtu');
  const type = textIn(network, 'provider:network_type');
  const physicalNetwork = textIn(network, 'provider:physical_network');
  const segment = numberIn(network, 'provider:segmentation_id');
  const isQinq = network['qinq'];
  return {
    id: printable(id),
    name: printable(textIn(network, 'name') ?? id),
    ...(mtu !== undefined && mtu > 0 && { mtu }),
    ...(type !== undefined && { type: printable(type) }),
    ...(physicalNetwork !== undefined && { physicalNetwork: printable(physicalNetwork) }),
    ...(segment !== undefined && { segment }),
    ...(typeof isQinq === 'boolean' && { isQinq }),
  };
}

function toPort(source: string, port: JsonObject): CloudPort {
  const mac = textIn(port, 'mac_address')?.toLowerCase();
  if (mac === undefined || !/^[\da-f]{2}(?::[\da-f]{2}){5}$/.test(mac))
    throw new SourceError(source, 'malformed', 'Neutron: a port has no MAC address');
  const texts = {
    network: textIn(port, 'network_id'),
    device: textIn(port, 'device_id'),
    owner: textIn(port, 'device_owner'),
    host: textIn(port, 'binding:host_id'),
    status: textIn(port, 'status'),
  };
  const known = Object.entries(texts).flatMap(([name, text]) =>
    text === undefined ? [] : [[name, printable(text)] as const],
  );
  return {
    id: printable(textIn(port, 'id') ?? ''),
    mac,
    ...Object.fromEntries(known),
    addresses: listIn(port, 'fixed_ips').flatMap((one) => {
      const address = textIn(one, 'ip_address');
      return address === undefined ? [] : [printable(address)];
    }),
  };
}

function toAgent(source: string, agent: JsonObject): DhcpAgent {
  const host = textIn(agent, 'host');
  if (host === undefined) throw new SourceError(source, 'malformed', 'Neutron: an agent has no host');
  const { alive, admin_state_up: isEnabled } = agent;
  const leaseSeconds = numberIn(asObject(agent['configurations']), 'dhcp_lease_duration');
  return {
    host: printable(host),
    ...(typeof alive === 'boolean' && { isAlive: alive }),
    ...(typeof isEnabled === 'boolean' && { isEnabled }),
    // -1 is a lease without an end.
    ...(leaseSeconds !== undefined && leaseSeconds > 0 && { leaseSeconds }),
  };
}

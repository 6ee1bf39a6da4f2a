import type { ports } from '../../kit.ts';
import { bondsOf } from './bond-state.ts';
import type { DisabledPort } from './disabled-ports.ts';
import type { BondContext, CloudFacts, HostFacts } from './facts.ts';
import { foreignMacs, macsIn } from './sender.ts';

/**
 * Who may have sent the BPDUs: the ports with their source MAC addresses, or where switches don't log those, the instances of the hosts. Nothing is
 * read of a host that sent them itself.
 */
export async function readCloud(
  { read, signal, attempt }: BondContext,
  hosts: readonly HostFacts[],
  disabled: ReadonlyMap<string, readonly DisabledPort[]>,
): Promise<CloudFacts | undefined> {
  const clouds = read.cloud ?? [];
  const hit = hosts.flatMap((host) =>
    bondsOf(host).flatMap((bond) => {
      const ports = (disabled.get(bond.target) ?? []).filter((one) => one.disabled.by === 'bpdu-guard');
      return ports.length === 0
        ? []
        : [{ host, macs: foreignMacs(host, bond, ports), isUnnamed: macsIn(ports).length === 0 }];
    }),
  );
  const macs = [...new Set(hit.flatMap((one) => one.macs))].toSorted();
  const unnamed = [...new Set(hit.filter((one) => one.isUnnamed).map(({ host }) => host))];
  if (clouds.length === 0 || (macs.length === 0 && unnamed.length === 0)) return undefined;
  const answers = await Promise.all(
    clouds.map(async (cloud) => {
      const found =
        macs.length === 0
          ? []
          : await attempt(`${cloud.name}: ports of ${macs.join(', ')}`, undefined, () =>
              cloud.ports({ macs, signal }),
            );
      const owners = (found ?? []).filter(
        ({ owner, device }) => device !== undefined && (owner ?? 'compute:').startsWith('compute:'),
      );
      const servers = await Promise.all(
        owners.map(({ device = '' }) =>
          attempt(`${cloud.name}: instance ${device}`, undefined, () => cloud.server({ id: device, signal })),
        ),
      );
      const onHosts = await Promise.all(
        unnamed.map((host) =>
          attempt(`${cloud.name}: instances on ${host.name}`, undefined, () =>
            instancesOn(cloud, host, signal),
          ),
        ),
      );
      return {
        ports: found,
        servers: [...servers.filter((one) => one !== undefined), ...onHosts.flatMap((one) => one ?? [])],
        readHosts: unnamed.filter((_, at) => onHosts[at] !== undefined).map(({ name }) => name),
      };
    }),
  );
  return {
    ports: answers.flatMap((one) => one.ports ?? []),
    arePortsComplete: answers.every((one) => one.ports !== undefined),
    servers: answers.flatMap((one) => one.servers),
    readHosts: [...new Set(answers.flatMap((one) => one.readHosts))],
  };
}

/** A hypervisor may be registered by its short name or by its full one. */
async function instancesOn(
  cloud: ports.Cloud,
  { host, address }: HostFacts,
  signal: AbortSignal,
): Promise<readonly ports.CloudServer[]> {
  const names = [host, ...(address === undefined || /^[\d.]+$|:/.test(address) ? [] : [address])];
  for (const name of names) {
    const servers: ports.CloudServer[] = [];
    for await (const page of cloud.servers({ host: name, signal })) servers.push(...page);
    if (servers.length > 0) return servers;
  }
  return [];
}

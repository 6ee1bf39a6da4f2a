import type { EngineContainer } from '../../ports/engines.ts';
import { asObject, numberIn, textIn } from '../../wire/json-object.ts';
import { printable } from '../../wire/x509.ts';

type PublishedPort = NonNullable<EngineContainer['ports']>[number];

/**
 * The published ports of a container, from the list (`[{ IP, PrivatePort, PublicPort, Type }]`) or from its inspection
 * (`{ "80/tcp": [{ HostIp, HostPort }] }`). Entries that aren't published, or that can't be read, are left out.
 */
export function containerPorts(value: unknown): readonly PublishedPort[] {
  const all = Array.isArray(value) ? value.flatMap(listedPort) : inspectedPorts(value);
  const isForAll = ({ port, published, protocol }: PublishedPort): boolean =>
    all.some(
      (one) =>
        one.address === '0.0.0.0' &&
        one.port === port &&
        one.published === published &&
        one.protocol === protocol,
    );
  // Docker publishes a port for IPv4 and for IPv6.
  return all
    .filter((one) => one.address !== '::' || !isForAll(one))
    .toSorted((a, b) => a.port - b.port || a.published - b.published);
}

function listedPort(value: unknown): readonly PublishedPort[] {
  const item = asObject(value);
  return portOf({
    port: numberIn(item, 'PrivatePort'),
    published: numberIn(item, 'PublicPort'),
    address: textIn(item, 'IP'),
    protocol: textIn(item, 'Type'),
  });
}

function inspectedPorts(value: unknown): readonly PublishedPort[] {
  return Object.entries(asObject(value)).flatMap(([key, bindings]) => {
    const [, port, protocol] = /^(\d{1,5})\/(\w+)$/.exec(key) ?? [];
    if (port === undefined || !Array.isArray(bindings)) return [];
    return bindings.flatMap((binding) => {
      const { HostPort: published, HostIp: address } = asObject(binding);
      return portOf({
        port: Number(port),
        published:
          typeof published === 'string' && /^\d{1,5}$/.test(published) ? Number(published) : undefined,
        address: typeof address === 'string' ? address : undefined,
        protocol,
      });
    });
  });
}

function portOf({
  port,
  published,
  address,
  protocol = 'tcp',
}: {
  readonly port: number | undefined;
  readonly published: number | undefined;
  readonly address: string | undefined;
  readonly protocol: string | undefined;
}): readonly PublishedPort[] {
  if (!isPort(port) || !isPort(published)) return [];
  // Podman writes no address for all addresses.
  const on = address === undefined || address === '' ? '0.0.0.0' : printable(address);
  return [{ port, published, address: on, protocol: printable(protocol) }];
}

/** Docker writes 0 for a port that isn't published yet. */
export function isPort(value: number | undefined): value is number {
  return value !== undefined && Number.isInteger(value) && value >= 1 && value <= 65_535;
}

/** @param hostConfig of the list or of the inspection */
export function usesHostNetwork(hostConfig: unknown): boolean {
  return textIn(asObject(hostConfig), 'NetworkMode') === 'host';
}

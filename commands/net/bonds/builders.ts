import type { ports } from '../../kit.ts';
import type { CloudFacts, Facts, HostFacts, SwitchFacts } from './facts.ts';
import { portHistories, type PortHistory } from './switch-log.ts';

/** Builders for the stories and tests of this check. Nothing else imports them. */

export function factsOf(hosts: readonly HostFacts[], known: Partial<Facts> = {}): Facts {
  return { hosts, rejectedKeys: [], earlier: [], ...known };
}

export function hostFacts(host: string, known: Partial<HostFacts> = {}): HostFacts {
  return { name: host, source: 'hosts', host, ...known };
}

/** A slave with a link of 10 Gbit/s. */
export function slave(name: string, known: Partial<ports.BondSlave> = {}): ports.BondSlave {
  return { name, miiStatus: 'up', speedMbps: 10_000, duplex: 'full', linkFailures: 0, ...known };
}

/** A slave that has lost its link. */
export function lost(name: string, known: Partial<ports.BondSlave> = {}): ports.BondSlave {
  return { name, miiStatus: 'down', linkFailures: 1, ...known };
}

/** An active-backup bond that checks its links. */
export function bond(
  name: string,
  slaves: readonly ports.BondSlave[],
  known: Partial<ports.Bond> = {},
): ports.Bond {
  const active = slaves.find(({ miiStatus }) => miiStatus === 'up')?.name;
  return {
    name,
    mode: 'fault-tolerance (active-backup)',
    ...(active !== undefined && { activeSlave: active }),
    miiStatus: active === undefined ? 'down' : 'up',
    miimonMs: 100,
    slaves,
    ...known,
  };
}

/** An 802.3ad bond whose active aggregator is 1. */
export function lacpBond(
  name: string,
  slaves: readonly ports.BondSlave[],
  known: Partial<ports.Bond> = {},
): ports.Bond {
  return {
    name,
    mode: 'IEEE 802.3ad Dynamic link aggregation',
    miiStatus: 'up',
    miimonMs: 100,
    minLinks: 0,
    slaves,
    ...known,
  };
}

/** A NIC with a link, and what is built on it. */
export function link(name: string, known: Partial<ports.Link> = {}): ports.Link {
  return { name, type: 'ether', mtu: 1_500, flags: ['BROADCAST', 'MULTICAST', 'UP', 'LOWER_UP'], ...known };
}

export const NO_CARRIER: readonly string[] = ['NO-CARRIER', 'BROADCAST', 'MULTICAST', 'UP'];

/** What a switch logged about its ports, given as the switch logged it: `[time, switch, text]`, oldest first. */
export function switchLog(
  lines: readonly (readonly [at: string, host: string, text: string])[],
): readonly PortHistory[] {
  const { add, histories } = portHistories();
  for (const [at, host, text] of lines.toReversed()) add({ at: new Date(at), host, text });
  return histories();
}

export function switchFacts(known: Partial<SwitchFacts>): SwitchFacts {
  return { ports: [], connected: [], isComplete: true, ...known };
}

export function cloudFacts(known: Partial<CloudFacts>): CloudFacts {
  return { ports: [], servers: [], readHosts: [], arePortsComplete: true, ...known };
}

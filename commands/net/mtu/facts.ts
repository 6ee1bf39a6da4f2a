import type { ports, ReadContext, Remembered } from '../../kit.ts';
import type { RejectedHostKey } from '../../shared/host-survey.ts';
import type { MtuSample } from './samples.ts';

export type MtuContext = ReadContext<'hosts', 'cloud', MtuSample>;

/** The links of one host. */
export interface HostLinksFacts {
  /** As findings name it. */
  readonly name: string;
  /** The source, and the name that the host has there. */
  readonly source: string;
  readonly host: string;
  readonly links: readonly ports.Link[];
  /** Only read if a tunnel or a problem needs them. */
  readonly addresses?: readonly ports.LinkAddress[];
  /** Of Neutron's and Nova's agents. Only read if the host has a problem. */
  readonly settings?: readonly ports.HostSetting[];
  /** The last kernel messages about the MTU. Only read if a link of the host has a smaller MTU than on other hosts. */
  readonly kernelLines?: readonly string[];
}

/** The result of don't-fragment pings from one host to another. */
export interface Probe {
  readonly from: string;
  readonly to: string;
  /** The MTUs of the links at both ends, if they are known. */
  readonly fromMtu?: number;
  readonly toMtu?: number;
  /** Both ends are in one subnet: no router can report that a packet is too big. */
  readonly isDirect?: true;
  readonly result: ports.PathMtu;
}

export interface Facts {
  readonly hosts: readonly HostLinksFacts[];
  /** Of the clouds. Empty without one, and if none was needed. */
  readonly networks: readonly ports.CloudNetwork[];
  readonly probes: readonly Probe[];
  readonly rejectedKeys: readonly RejectedHostKey[];
  readonly earlier: readonly Remembered<MtuSample>[];
}

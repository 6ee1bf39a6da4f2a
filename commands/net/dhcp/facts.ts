import type { ports, ReadContext, Remembered } from '../../kit.ts';
import type { RejectedHostKey } from '../../shared/host-survey.ts';
import type { DhcpSample } from './samples.ts';

export type Context = ReadContext<never, 'hosts' | 'logs' | 'cloud', DhcpSample>;

export type MessageType = 'DISCOVER' | 'OFFER' | 'REQUEST' | 'ACK' | 'NAK' | 'DECLINE' | 'RELEASE' | 'INFORM';

/** One message of DHCPv4, as a server logged it. */
export interface DhcpMessage {
  /** By the common clock: the offset of a host whose clock is wrong is removed. */
  readonly at: Date;
  /** The host of the server. */
  readonly host: string;
  /** The server's link, or the address of the relay: `tap7c0e4a10-aa`. */
  readonly link: string;
  readonly pid?: number;
  readonly type: MessageType;
  /** In lower case. */
  readonly mac: string;
  readonly address?: string;
  /** Why it was refused or not answered, as the server writes it: `lease not found`. */
  readonly reason?: string;
}

/** What all servers of one network logged about one client, oldest first. */
export interface Conversation {
  readonly mac: string;
  readonly messages: readonly DhcpMessage[];
}

/** What a server logged about itself. */
export type ServerNews =
  | { readonly kind: 'started' }
  | { readonly kind: 'stopped' }
  /** Its files are in the folder of this network. */
  | { readonly kind: 'network'; readonly network: string }
  /** Only clients that it knows get an address. */
  | { readonly kind: 'static-only'; readonly leaseMs?: number }
  /** What it grants, from its range or from an option that it sent. */
  | { readonly kind: 'lease'; readonly leaseMs?: number; readonly renewMs?: number }
  | { readonly kind: 'no-range'; readonly via: string }
  /** It drops the requests from a link that has no address. */
  | { readonly kind: 'no-link-address'; readonly via: string }
  | { readonly kind: 'send-failed'; readonly to: string; readonly because: string }
  | { readonly kind: 'start-failed' }
  /** It can't give a client the address that is configured for it. */
  | { readonly kind: 'address-taken'; readonly address: string; readonly because: string };

export type ServerEvent = ServerNews & { readonly at: Date; readonly host: string; readonly pid?: number };

export interface Facts {
  readonly withinMs: number;
  readonly conversations: readonly Conversation[];
  readonly events: readonly ServerEvent[];
  /** Servers that logged anything: host and link. */
  readonly servers: readonly string[];
  /** Whether the lines of every server that may answer the same clients were read. */
  readonly areAllServersRead: boolean;
  readonly agents: readonly ports.DhcpAgent[];
  /** Of the clients that seem to have a fault. */
  readonly ports: readonly ports.CloudPort[];
  readonly instances: readonly ports.CloudServer[];
  /** Of the hosts on which both a server and a client that doesn't receive its replies run. */
  readonly checksums: readonly { readonly host: string; readonly rules: readonly ports.ChecksumRules[] }[];
  readonly rejectedKeys: readonly RejectedHostKey[];
  /** About servers whose lines were read, and clients that were asked about. */
  readonly earlier: readonly Remembered<DhcpSample>[];
}

/** The server that logged a message. */
export function serverOf({ host, link }: Pick<DhcpMessage, 'host' | 'link'>): string {
  return `${host} ${link}`;
}

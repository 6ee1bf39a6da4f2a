import { type DhcpMessage, serverOf } from './facts.ts';

/** One message of a client, with all answers to it. */
export interface Round {
  readonly at: Date;
  readonly asked: 'DISCOVER' | 'REQUEST' | 'DECLINE' | 'RELEASE' | 'INFORM';
  /** The servers that logged it. */
  readonly servers: readonly string[];
  readonly outcome: Outcome;
  /** Why it was refused or ignored. */
  readonly reason?: string;
  /** What the server offered or acknowledged, or what the client asked for. */
  readonly address?: string;
  /** The message that decided it, or the client's own. */
  readonly by: DhcpMessage;
}

/**
 * - `elsewhere`: the client has chosen another server
 * - `no address`: the server has none to offer
 * - `ignored`: the server doesn't answer this client, by its configuration
 */
export type Outcome =
  | 'offered'
  | 'acknowledged'
  | 'refused'
  | 'elsewhere'
  | 'no address'
  | 'ignored'
  | 'unanswered'
  | 'none expected';

/** One broadcast is logged by all servers of a network within this time. */
const SAME_BROADCAST_MS = 2_000;

interface OpenRound {
  readonly asked: Round['asked'];
  readonly messages: DhcpMessage[];
  readonly replies: DhcpMessage[];
  readonly servers: Set<string>;
}

const ASKS: ReadonlySet<string> = new Set(['DISCOVER', 'REQUEST', 'DECLINE', 'RELEASE', 'INFORM']);
const ANSWERS: Readonly<Record<string, readonly string[]>> = {
  OFFER: ['DISCOVER'],
  // To DISCOVER with the option rapid commit: https://www.rfc-editor.org/rfc/rfc4039
  ACK: ['REQUEST', 'DISCOVER', 'INFORM'],
  NAK: ['REQUEST'],
};

/** The messages of one client in order. An answer whose question is not in the window is left out, except a refusal: it counts by itself. */
export function toRounds(messages: readonly DhcpMessage[]): readonly Round[] {
  const rounds: OpenRound[] = [];
  for (const message of messages) {
    const server = serverOf(message);
    if (ASKS.has(message.type)) {
      const last = rounds.at(-1);
      if (last && isSameBroadcast(last, message, server)) {
        last.messages.push(message);
        last.servers.add(server);
      } else
        rounds.push({
          asked: message.type as Round['asked'],
          messages: [message],
          replies: [],
          servers: new Set([server]),
        });
    } else {
      const asked = rounds.findLast(
        (one) => one.servers.has(server) && ANSWERS[message.type]?.includes(one.asked),
      );
      if (asked) asked.replies.push(message);
      else if (message.type === 'NAK')
        rounds.push({
          asked: 'REQUEST',
          messages: [message],
          replies: [message],
          servers: new Set([server]),
        });
    }
  }
  return rounds.map(close);
}

function isSameBroadcast(
  { asked, messages, servers }: OpenRound,
  message: DhcpMessage,
  server: string,
): boolean {
  const [first] = messages;
  return (
    asked === message.type &&
    !servers.has(server) &&
    first !== undefined &&
    message.at.getTime() - first.at.getTime() <= SAME_BROADCAST_MS
  );
}

/** `static lease available` and similar come after a name, so only the known reasons decide. */
const NO_ADDRESS = /no address available|no free leases|no leases left|peer holds all free leases/i;
const IGNORED = /\bignored\b|load balance|unknown client|booting disallowed/i;

function close({ asked, messages, replies, servers }: OpenRound): Round {
  const [first] = messages as [DhcpMessage, ...DhcpMessage[]];
  const known = { at: first.at, asked, servers: [...servers] };
  const reply = (type: string, except?: RegExp) =>
    replies.find((one) => one.type === type && !except?.test(one.reason ?? ''));
  const decided = (outcome: Outcome, by: DhcpMessage): Round => {
    const address = by.address ?? first.address;
    return {
      ...known,
      outcome,
      by,
      ...(by.reason !== undefined && { reason: by.reason }),
      ...(address !== undefined && { address }),
    };
  };
  if (asked !== 'DISCOVER' && asked !== 'REQUEST') return decided('none expected', first);
  const ack = reply('ACK');
  if (ack) return decided('acknowledged', ack);
  const offer = reply('OFFER');
  if (offer) return decided('offered', offer);
  const nak = reply('NAK', /wrong server-ID/);
  if (nak) {
    const because = nak.reason ?? messages.find(({ reason }) => reason !== undefined)?.reason;
    const refused = because === undefined ? nak : { ...nak, reason: because };
    return decided(NO_ADDRESS.test(because ?? '') ? 'no address' : 'refused', refused);
  }
  const other = reply('NAK');
  if (other) return decided('elsewhere', other);
  const without = messages.find(({ reason = '' }) => NO_ADDRESS.test(reason));
  if (without) return decided('no address', without);
  const ignored = messages.find(({ reason = '' }) => IGNORED.test(reason));
  if (ignored) return decided('ignored', ignored);
  return decided('unanswered', first);
}

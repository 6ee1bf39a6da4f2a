import { type Conversation, type DhcpMessage, type Facts, serverOf } from './facts.ts';
import { type ClientState, judgeClient } from './judge.ts';
import { stillRefused } from './memory.ts';
import { type Round, toRounds } from './rounds.ts';
import { indexServers, type Servers } from './servers.ts';

/** One client in one network. */
export interface Client {
  /** As findings name it: `10.61.0.14 fa:16:3e:5c:01:9a`. */
  readonly name: string;
  readonly mac: string;
  /** The server that answered it most often, or logged its messages. */
  readonly server: string;
  readonly rounds: readonly Round[];
  readonly state: ClientState;
  readonly renewMs?: number;
  /** It was refused in an earlier run, and has sent nothing since. */
  readonly isRemembered?: true;
}

/** All clients with what became of them. */
export function examineClients(
  facts: Pick<Facts, 'conversations' | 'events' | 'agents' | 'ports' | 'earlier' | 'withinMs'>,
  now: Date,
): { readonly clients: readonly Client[]; readonly servers: Servers } {
  const servers = indexServers(facts);
  const clients = facts.conversations.map(({ mac, messages }): Client => {
    const rounds = toRounds(messages);
    const renewMs = servers.renewMsOf(messages);
    return {
      name: nameOf({ mac, messages }),
      mac,
      server: mainServer(messages),
      rounds,
      state: judgeClient(rounds, { now, renewMs }),
      ...(renewMs !== undefined && { renewMs }),
    };
  });
  const all = [...clients, ...stillRefused(facts, now)];
  return { clients: all.toSorted((a, b) => (a.name < b.name ? -1 : 1)), servers };
}

/** What their state is about: all rounds of a single client, the last of each of several. */
export function tellingRounds(group: readonly Pick<Client, 'state'>[]): readonly Round[] {
  const rounds = group.map(({ state }) => ('rounds' in state ? state.rounds : []));
  return rounds.length === 1 ? rounds.flat() : rounds.flatMap((all) => all.slice(-1));
}

const ANSWERS: ReadonlySet<string> = new Set(['OFFER', 'ACK', 'NAK']);

/** With the last address that it was given, or else asked for. */
function nameOf({ mac, messages }: Conversation): string {
  const given = messages.findLast(
    ({ type, address }) => type !== 'NAK' && ANSWERS.has(type) && address !== undefined,
  );
  const asked = given ?? messages.findLast(({ address }) => address !== undefined);
  return asked?.address === undefined ? mac : `${asked.address} ${mac}`;
}

function mainServer(messages: readonly DhcpMessage[]): string {
  const weights = new Map<string, number>();
  for (const message of messages) {
    const server = serverOf(message);
    const weight = message.type === 'ACK' ? 10_000 : ANSWERS.has(message.type) ? 100 : 1;
    weights.set(server, (weights.get(server) ?? 0) + weight);
  }
  const [[server] = ['']] = [...weights].toSorted(([a, one], [b, other]) => other - one || (a < b ? -1 : 1));
  return server;
}

/** Whether the lines of another server could explain what the client does. */
export function isUndecidedWithoutAllServers({ state }: Pick<Client, 'state'>): boolean {
  if (state.is === 'unanswered') return state.rounds.some(({ asked }) => asked === 'DISCOVER');
  if (state.is === 'served elsewhere') return true;
  return state.is === 'not receiving' && state.requests.length === 0 && !state.hadAddress;
}

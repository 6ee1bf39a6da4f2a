import type { ports } from '../../kit.ts';
import { type Conversation, type DhcpMessage, type ServerEvent, serverOf } from './facts.ts';
import { parseLine } from './parse-line.ts';

/** Limits memory: the newest lines are kept, because they decide how a conversation ended. */
const MAX_MESSAGES = 1_000_000;
const MAX_MESSAGES_OF_CLIENT = 500;
const MAX_EVENTS = 20_000;
const MAX_UNREADABLE = 3;
/** Servers of one network log the same broadcast within this time. */
const SAME_BROADCAST_MS = 2_000;

interface Gathered<T> {
  readonly item: T;
  readonly stream: number;
  /** In a stream, larger is older. */
  readonly order: number;
}

/** Sorts the lines of all servers by client, as they are read: newest first in each stream. */
export class Gatherer {
  readonly #clients = new Map<string, Gathered<DhcpMessage>[]>();
  readonly #perStream = new Map<string, number>();
  readonly #events: Gathered<ServerEvent>[] = [];
  readonly #servers = new Set<string>();
  readonly #unreadable: string[] = [];
  readonly #lossy: { readonly host: string; readonly pid?: number }[] = [];
  readonly #pids = new Set<string>();
  readonly #otherServers = new Map<string, number>();
  #unreadableCount = 0;
  #v6 = 0;
  #kept = 0;
  #dropped = 0;
  #streams = 0;
  #order = 0;

  /**
   * Adds the lines of one stream: the same line may be in the journal of a host and in a collected log. `hostOf` names the host of a line, by the
   * name it gives itself. Lines without a readable time get the time of the newer line next to them.
   */
  stream(hostOf: (named: string | undefined) => string): (lines: readonly ports.LogLine[]) => void {
    const stream = this.#streams++;
    let lastAt: Date | undefined;
    return (lines) => {
      for (const line of lines) {
        lastAt = line.at ?? lastAt;
        this.#add(line, stream, hostOf(line.host), lastAt);
      }
    };
  }

  #add(line: ports.LogLine, stream: number, host: string, at: Date | undefined): void {
    const parsed = parseLine(line);
    if (!parsed) return;
    if (parsed.kind === 'lost') {
      if (this.#lossy.length < MAX_EVENTS)
        this.#lossy.push({ host, ...(parsed.pid !== undefined && { pid: parsed.pid }) });
      return;
    }
    if (parsed.kind === 'other-server') {
      this.#otherServers.set(parsed.name, (this.#otherServers.get(parsed.name) ?? 0) + 1);
      return;
    }
    if (parsed.kind === 'v6') {
      this.#v6 += 1;
      return;
    }
    if (parsed.kind === 'unreadable' || at === undefined) {
      this.#unreadableCount += 1;
      if (this.#unreadable.length < MAX_UNREADABLE)
        this.#unreadable.push(`${host}: ${line.text.slice(0, 80)}`);
      return;
    }
    if (line.pid !== undefined) this.#pids.add(`${host} ${line.pid}`);
    const order = this.#order++;
    const origin = { at, host, ...(line.pid !== undefined && { pid: line.pid }) };
    if (parsed.kind === 'server') {
      this.#servers.add(host);
      if (this.#events.length < MAX_EVENTS)
        this.#events.push({ item: { ...parsed.news, ...origin }, stream, order });
      return;
    }
    const message: DhcpMessage = { ...parsed.message, ...origin };
    this.#servers.add(serverOf(message));
    const key = `${message.mac} ${stream}`;
    const count = this.#perStream.get(key) ?? 0;
    if (count >= MAX_MESSAGES_OF_CLIENT) return;
    if (this.#kept >= MAX_MESSAGES) {
      this.#dropped += 1;
      return;
    }
    this.#kept += 1;
    this.#perStream.set(key, count + 1);
    const known = this.#clients.get(message.mac);
    if (known) known.push({ item: message, stream, order });
    else this.#clients.set(message.mac, [{ item: message, stream, order }]);
  }

  /** `correct` corrects the times of hosts whose clocks are wrong. */
  result(correct?: (at: Date, host: string) => Date) {
    const corrected = <T extends { readonly at: Date; readonly host: string }>(all: readonly Gathered<T>[]) =>
      correct
        ? all.map(({ item, ...place }) => ({ item: { ...item, at: correct(item.at, item.host) }, ...place }))
        : all;
    const conversations = [...this.#clients].flatMap(([mac, gathered]) =>
      splitByNetwork(inOrder(withoutCopies(corrected(gathered), keyOfMessage))).map(
        (messages): Conversation => ({
          mac,
          messages,
        }),
      ),
    );
    const named = [...this.#servers];
    return {
      conversations,
      events: inOrder(withoutCopies(corrected(this.#events), keyOfEvent)),
      // A host whose server answered clients is named with its links only.
      servers: named.filter(
        (one) => one.includes(' ') || !named.some((other) => other.startsWith(`${one} `)),
      ),
      unreadable: { count: this.#unreadableCount, examples: this.#unreadable },
      /** Hosts whose logs say that they dropped lines. */
      lossy: [
        ...new Set(
          this.#lossy
            .filter(({ host, pid }) => pid === undefined || this.#pids.has(`${host} ${pid}`))
            .map(({ host }) => host),
        ),
      ].toSorted(),
      /** Lines of servers that are not read, by the name of the program. */
      otherServers: [...this.#otherServers],
      v6: this.#v6,
      dropped: this.#dropped,
    };
  }
}

function secondOf({ at }: { readonly at: Date }): number {
  return Math.floor(at.getTime() / 1_000);
}

function keyOfMessage(one: DhcpMessage): string {
  return [secondOf(one), one.host, one.link, one.type, one.address ?? ''].join(' ');
}

function keyOfEvent(one: ServerEvent): string {
  return JSON.stringify({ ...one, pid: undefined, at: secondOf(one) });
}

/** Keeps one stream for each second and kind of message: the one that has it most often. */
function withoutCopies<T>(
  gathered: readonly Gathered<T>[],
  keyOf: (item: T) => string,
): readonly Gathered<T>[] {
  if (gathered.every(({ stream }) => stream === gathered[0]?.stream)) return gathered;
  return [...Map.groupBy(gathered, ({ item }) => keyOf(item)).values()].flatMap((copies) => {
    const byStream = [...Map.groupBy(copies, ({ stream }) => stream).values()];
    return byStream.reduce((most, one) => (one.length > most.length ? one : most));
  });
}

function inOrder<T extends { readonly at: Date }>(gathered: readonly Gathered<T>[]): readonly T[] {
  return gathered
    .toSorted((a, b) => a.item.at.getTime() - b.item.at.getTime() || a.stream - b.stream || b.order - a.order)
    .map(({ item }) => item);
}

/**
 * A MAC address is unique in one network only. Servers belong to one network if they log the same broadcast, or give the client addresses of one
 * range.
 */
function splitByNetwork(messages: readonly DhcpMessage[]): readonly (readonly DhcpMessage[])[] {
  const byServer = [...Map.groupBy(messages, serverOf).values()];
  if (byServer.length < 2) return [messages];
  const groups: DhcpMessage[][] = [];
  for (const one of byServer) {
    const same = groups.filter((group) => areOneNetwork(group, one));
    for (const group of same) groups.splice(groups.indexOf(group), 1);
    groups.push([...same.flat(), ...one]);
  }
  if (groups.length === 1) return [messages];
  const groupOf = new Map(groups.flatMap((group) => group.map((message) => [message, group] as const)));
  return [...Map.groupBy(messages, (message) => groupOf.get(message)).values()];
}

function areOneNetwork(some: readonly DhcpMessage[], others: readonly DhcpMessage[]): boolean {
  const ranges = new Set(some.flatMap(rangeOf));
  if (others.flatMap(rangeOf).some((range) => ranges.has(range))) return true;
  const broadcasts = some.filter(({ type }) => type === 'DISCOVER').map(({ at }) => at.getTime());
  return others.some(
    ({ type, at }) =>
      type === 'DISCOVER' && broadcasts.some((ms) => Math.abs(ms - at.getTime()) <= SAME_BROADCAST_MS),
  );
}

/** Only what a server gave: a client that has moved asks for its old address. */
function rangeOf({ type, address }: DhcpMessage): readonly string[] {
  return address !== undefined && (type === 'OFFER' || type === 'ACK')
    ? [address.slice(0, address.lastIndexOf('.'))]
    : [];
}

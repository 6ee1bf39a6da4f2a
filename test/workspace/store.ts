import { randomUUID } from 'node:crypto';
import type { Channel, Draft, Message, StoredFile, User, UserGroup } from './model.ts';
import { readEffects } from './read-effects.ts';

export interface StoredView {
  readonly id: string;
  readonly hash: string;
  readonly user: string;
  readonly view: Readonly<Record<string, unknown>>;
}

/** The state of the workspace, in memory. Every change notifies listeners. */
export interface Store {
  readonly users: readonly User[];
  readonly channels: () => readonly Channel[];
  readonly channel: (id: string) => Channel | undefined;
  /** The direct messages of the bot and a person. */
  readonly direct: (userId: string) => Channel | undefined;
  readonly userGroups: readonly UserGroup[];
  /**
   * Deactivates a user, makes them a guest, or moves them to another workspace. @throws Error if there is
   * no such user.
   */
  readonly setUser: (userId: string, changes: Omit<Partial<User>, 'id'>) => void;
  /** Sets the members of a user group, and creates the group if needed. */
  readonly setGroup: (groupId: string, userIds: readonly string[]) => void;
  readonly setBotMembership: (channelId: string, isMember: boolean) => void;
  readonly add: (draft: Draft) => Message;
  readonly find: (channelId: string, ts: string) => Message | undefined;
  readonly change: (message: Message, changes: Partial<Message>) => Message;
  readonly remove: (message: Message) => void;
  /** As in the channel: roots and broadcast replies, oldest first; no ephemerals. */
  readonly roots: (channelId: string) => readonly Message[];
  /** The root and its replies, oldest first; no ephemerals. */
  readonly thread: (channelId: string, ts: string) => readonly Message[];
  readonly ephemerals: (userId: string, channelId: string) => readonly Message[];
  /** The posts that notified this person, by name or through a user group. */
  readonly mentions: (userId: string) => readonly Message[];
  readonly files: Map<string, StoredFile>;
  readonly views: Map<string, StoredView>;
  readonly onChange: (listener: () => void) => () => void;
  readonly touch: () => void;
}

export interface StoreSeeds {
  readonly users: readonly User[];
  readonly channels: readonly Channel[];
  readonly userGroups: readonly UserGroup[];
}

export function createStore(seeds: StoreSeeds): Store {
  const channels = new Map(seeds.channels.map((channel) => [channel.id, channel]));
  const users = new Map(seeds.users.map((user) => [user.id, user]));
  const groups = new Map(seeds.userGroups.map((group) => [group.id, group]));
  const messages = new Map<string, Message>();
  const listeners = new Set<() => void>();
  const nextTs = createClock();
  const key = (channelId: string, ts: string) => `${channelId} ${ts}`;
  const touch = () => {
    for (const listener of listeners) listener();
  };
  const select = (wanted: (message: Message) => boolean) => [...messages.values()].filter(wanted);
  const put = (message: Message) => {
    messages.set(key(message.channel, message.ts), message);
    touch();
    return message;
  };

  return {
    get users() {
      return [...users.values()];
    },
    channels: () => [...channels.values()],
    channel: (id) => channels.get(id),
    direct: (userId) => {
      const user = users.get(userId);
      if (!user) return undefined;
      const id = `D${userId.slice(1)}`;
      const direct = { id, name: user.name, isPrivate: true, botIsMember: true, members: [userId] };
      channels.set(id, channels.get(id) ?? direct);
      return channels.get(id);
    },
    get userGroups() {
      return [...groups.values()];
    },
    setUser: (userId, changes) => {
      const user = users.get(userId);
      if (!user) throw new Error(`no user ${userId}`);
      users.set(userId, { ...user, ...changes });
      touch();
    },
    setGroup: (groupId, userIds) => {
      const group = groups.get(groupId) ?? { id: groupId, handle: groupId.toLowerCase(), name: groupId };
      groups.set(groupId, { ...group, users: [...userIds] });
      touch();
    },
    setBotMembership: (channelId, botIsMember) => {
      const channel = channels.get(channelId);
      if (channel) channels.set(channelId, { ...channel, botIsMember });
      touch();
    },
    add: (draft) =>
      put({
        files: [],
        ...draft,
        ts: nextTs(),
        revision: 1,
        ...readEffects(draft, [...users.values()]),
        notified: readEffects(draft, [...users.values()]).notifies,
      } as Message),
    find: (channelId, ts) => messages.get(key(channelId, ts)),
    change: (message, changes) => {
      const changed = { ...message, ...changes, revision: message.revision + 1 };
      return put({ ...changed, ...readEffects(changed, [...users.values()]) });
    },
    remove: (message) => {
      messages.delete(key(message.channel, message.ts));
      touch();
    },
    roots: (channelId) =>
      select((m) => m.channel === channelId && !m.ephemeralTo && (!m.threadTs || m.isBroadcast === true)),
    thread: (channelId, ts) =>
      select((m) => m.channel === channelId && !m.ephemeralTo && (m.ts === ts || m.threadTs === ts)),
    ephemerals: (userId, channelId) => select((m) => m.channel === channelId && m.ephemeralTo === userId),
    mentions: (userId) => {
      const isTheirs = (who: string) => who === userId || groups.get(who)?.users.includes(userId) === true;
      return select((m) => !m.ephemeralTo && m.user !== userId && m.notified.some(isTheirs));
    },
    files: new Map(),
    views: new Map(),
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    touch,
  };
}

/** `ts` is a message's identity in its channel: seconds, a dot, six digits; never the same twice. */
function createClock(): () => string {
  let lastMicros = 0;
  return () => {
    lastMicros = Math.max(Date.now() * 1000, lastMicros + 1);
    return `${Math.floor(lastMicros / 1e6)}.${String(lastMicros % 1e6).padStart(6, '0')}`;
  };
}

/** Slack's ids: a letter for the kind, then capitals and digits. */
export function newId(kind: 'F' | 'V'): string {
  return `${kind}0${randomUUID().replaceAll('-', '').slice(0, 9).toUpperCase()}`;
}

/** The plain data of a workspace. Names follow Slack's own where Slack has one; the Web API's snake_case stays at its edge. */

export interface User {
  readonly id: string;
  readonly name: string;
  readonly realName: string;
  readonly title?: string;
  readonly isBot?: boolean;
  /** Deactivated. */
  readonly isDeleted?: boolean;
  /** A guest of several channels. */
  readonly isRestricted?: boolean;
  /** A guest of one channel; Slack calls them restricted too. */
  readonly isUltraRestricted?: boolean;
  /** Another workspace than this one: somebody in a channel that both share. */
  readonly teamId?: string;
  /** Of another workspace and in no channel that the app can see. Who shares a channel with it is none, for Slack. */
  readonly isStranger?: boolean;
  /** The organization of their workspace, where it belongs to one. */
  readonly enterpriseId?: string;
}

/** An organization (Enterprise Grid) that the app is installed in as a whole. */
export interface Enterprise {
  readonly id: string;
  readonly name: string;
}

export interface Channel {
  readonly id: string;
  readonly name: string;
  readonly topic?: string;
  readonly isPrivate?: boolean;
  readonly isArchived?: boolean;
  readonly botIsMember: boolean;
  /** Defaults to everybody. */
  readonly members?: readonly string[];
}

export interface UserGroup {
  readonly id: string;
  readonly handle: string;
  readonly name: string;
  readonly users: readonly string[];
  readonly isDisabled?: boolean;
}

export type Block = { readonly type: string } & Readonly<Record<string, unknown>>;

export interface Attachment extends Readonly<Record<string, unknown>> {
  readonly blocks?: readonly Block[];
}

export interface Metadata {
  readonly event_type: string;
  readonly event_payload: Readonly<Record<string, unknown>>;
}

export interface StoredFile {
  readonly id: string;
  readonly name: string;
  readonly title: string;
  readonly bytes: Buffer;
}

/** What a caller says of a message; the store adds the rest. */
export interface Draft {
  readonly channel: string;
  readonly user: string;
  readonly text: string;
  readonly blocks?: readonly Block[] | undefined;
  readonly attachments?: readonly Attachment[] | undefined;
  readonly metadata?: Metadata | undefined;
  readonly threadTs?: string | undefined;
  readonly isBroadcast?: boolean | undefined;
  readonly files?: readonly StoredFile[] | undefined;
  /** Only this user sees it. */
  readonly ephemeralTo?: string | undefined;
  readonly unfurlsLinks?: boolean | undefined;
  /** Names such as `@ada` in plain text mention people (`link_names`, `parse=full`). */
  readonly linksNames?: boolean | undefined;
}

export interface Message extends Draft {
  readonly ts: string;
  readonly files: readonly StoredFile[];
  /** When it was last changed, and by whom, where Slack shows "(edited)". */
  readonly edited?: { readonly user: string; readonly ts: string } | undefined;
  readonly isDeleted?: boolean | undefined;
  /** Grows with each change; pages and tests compare it. */
  readonly revision: number;
  /** Whom the message would disturb: `@channel`, `@here`, `@everyone`, user ids, user group ids. */
  readonly notifies: readonly string[];
  /** Whom it disturbed when it was posted: an edit disturbs nobody. */
  readonly notified: readonly string[];
  /** Every address a reader could follow out of it. */
  readonly links: readonly string[];
}

export const TEAM = { id: 'T0123DEMO', domain: 'demo', name: 'Demo platform' } as const;
export const APP = { id: 'A0123WRENCH', botId: 'B0123WRENCH', botUserId: 'U0123WRENCH' } as const;
/** Speaks for Slack itself, as when a command times out. */
export const SLACKBOT = 'USLACKBOT';

export const defaultUsers: readonly User[] = [
  { id: 'U0123ADA', name: 'ada', realName: 'Ada Lovelace', title: 'On call' },
  { id: 'U0123GRACE', name: 'grace', realName: 'Grace Hopper', title: 'Platform lead' },
  { id: 'U0123KATE', name: 'kate', realName: 'Katherine Johnson', title: 'Platform engineer' },
];

export const defaultChannels: readonly Channel[] = [
  { id: 'C0123INCIDENT', name: 'incident', topic: 'One incident at a time', botIsMember: true },
  { id: 'C0123PLATFORM', name: 'platform', topic: 'Certificates, nodes, queues', botIsMember: true },
  { id: 'C0123RANDOM', name: 'random', topic: 'Wrench is not in here', botIsMember: false },
  { id: 'C0123SECRET', name: 'secret', topic: 'Post-mortems', isPrivate: true, botIsMember: false },
];

export const defaultUserGroups: readonly UserGroup[] = [
  { id: 'S0123PLATFORM', handle: 'platform-leads', name: 'Platform leads', users: ['U0123GRACE'] },
];

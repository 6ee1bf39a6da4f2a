/** The plain data of a workspace. Names follow Slack's; only the Web API uses snake_case. */

export interface User {
  readonly id: string;
  readonly name: string;
  readonly realName: string;
  readonly title?: string;
  readonly isBot?: boolean;
  /** Deactivated. */
  readonly isDeleted?: boolean;
  /** A multi-channel guest. */
  readonly isRestricted?: boolean;
  /** A single-channel guest; Slack calls them restricted too. */
  readonly isUltraRestricted?: boolean;
  /** Another workspace than this one: someone in a channel that both share. */
  readonly teamId?: string;
  /**
   * From another workspace and in no channel that the app can see. Someone who shares a channel with it is
   * not a stranger to Slack.
   */
  readonly isStranger?: boolean;
  /** The organization of their workspace, if it belongs to one. */
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
  /** Defaults to everyone. */
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

/** What a caller sets; the store adds the rest. */
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
  /** When it was last changed, and by whom, if Slack shows "(edited)". */
  readonly edited?: { readonly user: string; readonly ts: string } | undefined;
  readonly isDeleted?: boolean | undefined;
  /** Grows with each change; pages and tests compare it. */
  readonly revision: number;
  /** Whom the message would notify: `@channel`, `@here`, `@everyone`, user ids, user group ids. */
  readonly notifies: readonly string[];
  /** Whom it notified when it was posted: an edit notifies no one. */
  readonly notified: readonly string[];
  /** Every URL that a reader could follow from it. */
  readonly links: readonly string[];
}

export const TEAM = { id: 'T0123DEMO', domain: 'demo', name: 'Demo platform' } as const;
export const APP = { id: 'A0123WRENCH', botId: 'B0123WRENCH', botUserId: 'U0123WRENCH' } as const;
/** Speaks for Slack itself, for example if a command times out. */
export const SLACKBOT = 'USLACKBOT';

export const defaultUsers: readonly User[] = [
  { id: 'U0123ADA', name: 'ada', realName: 'Ada Lovelace', title: 'On call' },
  { id: 'U0123GRACE', name: 'grace', realName: 'Grace Hopper', title: 'Platform lead' },
  { id: 'U0123KATE', name: 'kate', realName: 'Katherine Johnson', title: 'Platform engineer' },
];

export const defaultChannels: readonly Channel[] = [
  { id: 'C0123INCIDENT', name: 'incident', topic: 'One incident at a time', botIsMember: true },
  { id: 'C0123PLATFORM', name: 'platform', topic: 'Certificates, nodes, queues', botIsMember: true },
  { id: 'C0123RANDOM', name: 'random', topic: 'Wrench is not a member', botIsMember: false },
  { id: 'C0123SECRET', name: 'secret', topic: 'Post-mortems', isPrivate: true, botIsMember: false },
];

export const defaultUserGroups: readonly UserGroup[] = [
  { id: 'S0123PLATFORM', handle: 'platform-leads', name: 'Platform leads', users: ['U0123GRACE'] },
];

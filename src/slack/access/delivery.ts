/** Anything that Slack delivered, in the terms of the access pipeline. Nothing in it is verified yet. */
export interface SlackDelivery {
  readonly kind: 'command' | 'click' | 'modal' | 'event';
  /** What the person did, for people: `/certs`, `a click on approve`. */
  readonly what: string;
  /** The button that was clicked, or that opened the form: `approve`. */
  readonly action?: string;
  readonly userId?: string;
  readonly isBot: boolean;
  /** The person's own workspace and organization. In a shared channel they may differ from the delivery's. */
  readonly userTeamId?: string;
  readonly userEnterpriseId?: string;
  /** The installation that the delivery is for. */
  readonly teamId?: string;
  readonly enterpriseId?: string;
  readonly isEnterpriseInstall: boolean;
  readonly channelId?: string;
  readonly threadTs?: string;
  /** The message that an event is about. */
  readonly messageTs?: string;
  /** Identifies the delivery: a repeated delivery has the same id. */
  readonly triggerId?: string;
  /** When it happened, in milliseconds since the epoch. Slack sends no time with commands and modal submissions. */
  readonly atMs?: number;
}

/**
 * Reads what Slack sent. Never throws: a field that is missing or has the wrong type is left out, and the pipeline decides what that means.
 * Shapes: https://docs.slack.dev/reference/interaction-payloads and https://docs.slack.dev/apis/events-api
 */
export function readDelivery(kind: SlackDelivery['kind'], body: unknown): SlackDelivery {
  const read = READERS[kind](body);
  return Object.fromEntries(
    Object.entries({ kind, ...read }).filter(([, value]) => value !== undefined),
  ) as unknown as SlackDelivery;
}

type Fields = { readonly [K in Exclude<keyof SlackDelivery, 'kind'>]?: SlackDelivery[K] | undefined } & {
  readonly what: string;
  readonly isBot: boolean;
  readonly isEnterpriseInstall: boolean;
};

const READERS: Readonly<Record<SlackDelivery['kind'], (body: unknown) => Fields>> = {
  command: (body) => ({
    what: textAt(body, 'command') ?? 'a command',
    userId: textAt(body, 'user_id'),
    isBot: false,
    userTeamId: textAt(body, 'team_id'),
    teamId: textAt(body, 'team_id'),
    enterpriseId: textAt(body, 'enterprise_id'),
    isEnterpriseInstall: isTrue(valueAt(body, 'is_enterprise_install')),
    channelId: textAt(body, 'channel_id'),
    triggerId: textAt(body, 'trigger_id'),
  }),
  click: (body) => ({
    ...interaction(body),
    what: `a click on ${actionOf(textAt(body, 'actions', 0, 'action_id'))}`,
    action: actionOf(textAt(body, 'actions', 0, 'action_id')),
    channelId: textAt(body, 'channel', 'id') ?? textAt(body, 'container', 'channel_id'),
    threadTs:
      textAt(body, 'message', 'thread_ts') ??
      textAt(body, 'container', 'thread_ts') ??
      textAt(body, 'message', 'ts'),
    atMs: epochMsOf(valueAt(body, 'actions', 0, 'action_ts')),
  }),
  modal: (body) => {
    const opened = parseMetadata(textAt(body, 'view', 'private_metadata'));
    return {
      ...interaction(body),
      what: `the form of ${actionOf(textAt(opened, 'button'))}`,
      action: actionOf(textAt(opened, 'button')),
      channelId: textAt(opened, 'channelId'),
      threadTs: textAt(opened, 'threadTs'),
    };
  },
  event: (body) => {
    // The installation that an event is for is in `authorizations`; `team_id` is where the event happened.
    const isAuthorized = valueAt(body, 'authorizations', 0) !== undefined;
    const where = isAuthorized ? valueAt(body, 'authorizations', 0) : body;
    return {
      what: eventInWords(textAt(body, 'event', 'type')),
      userId: textAt(body, 'event', 'user') ?? textAt(body, 'event', 'user', 'id'),
      isBot: textAt(body, 'event', 'bot_id') !== undefined,
      // Of the author, who may be from another workspace in a shared channel.
      userTeamId:
        textAt(body, 'event', 'user_team') ??
        textAt(body, 'event', 'source_team') ??
        textAt(body, 'event', 'team'),
      teamId: textAt(where, 'team_id'),
      enterpriseId: textAt(where, 'enterprise_id'),
      isEnterpriseInstall: isTrue(valueAt(where, 'is_enterprise_install')),
      channelId: textAt(body, 'event', 'channel') ?? textAt(body, 'event', 'channel', 'id'),
      threadTs: textAt(body, 'event', 'thread_ts'),
      messageTs: textAt(body, 'event', 'ts'),
      triggerId: textAt(body, 'event_id'),
      atMs: epochMsOf(valueAt(body, 'event_time')),
    };
  },
};

/** What clicks and modal submissions have in common. */
function interaction(body: unknown) {
  return {
    userId: textAt(body, 'user', 'id'),
    isBot: isTrue(valueAt(body, 'user', 'is_bot')),
    userTeamId: textAt(body, 'user', 'team_id'),
    userEnterpriseId: textAt(body, 'user', 'enterprise_id'),
    teamId: textAt(body, 'team', 'id'),
    enterpriseId: textAt(body, 'enterprise', 'id') ?? textAt(body, 'team', 'enterprise_id'),
    isEnterpriseInstall: isTrue(valueAt(body, 'is_enterprise_install')),
    triggerId: textAt(body, 'trigger_id'),
  };
}

function eventInWords(type = 'without a type'): string {
  if (type === 'app_mention') return 'a mention';
  return type === 'message' ? 'a direct message' : `the event ${type}`;
}

/** `wrench:approve` is `approve`, and `wrench:ask-2` is `ask`. */
function actionOf(id: string | undefined): string {
  return (
    id
      ?.replace(/^wrench:/, '')
      .replace(/^ask-\d$/, 'ask')
      .slice(0, 60) ?? 'an unnamed button'
  );
}

/** The metadata with which Wrench opened a form. */
function parseMetadata(json: string | undefined): unknown {
  try {
    return json === undefined ? undefined : JSON.parse(json);
  } catch {
    return undefined;
  }
}

/** In slash commands Slack writes booleans as text. */
function isTrue(value: unknown): boolean {
  return value === true || value === 'true';
}

/** Seconds since the epoch, with or without microseconds, as text or as a number. */
function epochMsOf(value: unknown): number | undefined {
  const text = typeof value === 'number' ? String(value) : value;
  return typeof text === 'string' && /^\d{9,11}(\.\d{1,9})?$/.test(text)
    ? Math.floor(Number(text) * 1_000)
    : undefined;
}

/** Identifies a delivery across workspaces. */
export function deliveryIdOf({
  teamId = '',
  triggerId = '',
}: Pick<SlackDelivery, 'teamId' | 'triggerId'>): string {
  return `${teamId} ${triggerId}`;
}

function textAt(value: unknown, ...path: readonly (string | number)[]): string | undefined {
  const found = valueAt(value, ...path);
  return typeof found === 'string' && found !== '' ? found : undefined;
}

function valueAt(value: unknown, ...path: readonly (string | number)[]): unknown {
  let at = value;
  for (const step of path) {
    if (at === null || typeof at !== 'object' || !Object.hasOwn(at, step)) return undefined;
    at = (at as Readonly<Record<PropertyKey, unknown>>)[step];
  }
  return at;
}

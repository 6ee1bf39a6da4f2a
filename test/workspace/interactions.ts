import { randomUUID } from 'node:crypto';
import { ApiError } from './api-error.ts';
import type { Ack, Forgery, HttpDelivery } from './deliver.ts';
import { describeMessage, teamOf, withIds } from './describe.ts';
import type { FaultPlan } from './faults.ts';
import { APP, SLACKBOT, TEAM, type Channel, type Enterprise, type Message, type User } from './model.ts';
import { describeView } from './methods-views.ts';
import { textOf } from './read-args.ts';
import type { Origin, ResponseUrls } from './response-urls.ts';
import type { SocketMode } from './socket-mode.ts';
import type { Store } from './store.ts';
import type { Triggers } from './triggers.ts';

export type Payload = Readonly<Record<string, unknown>>;

export interface Delivered extends Ack {
  readonly payload: Payload;
}

export interface CommandInput {
  readonly userId: string;
  readonly channelId: string;
  /** With its slash: `/certs`. */
  readonly command: string;
  readonly text: string;
  readonly triggerId?: string;
  /**
   * Fields of the payload that replace the usual ones, such as another workspace or an old time. Undefined
   * removes a field.
   */
  readonly changed?: Payload;
  readonly forgery?: Forgery;
}

export interface ClickInput {
  readonly userId: string;
  readonly channelId: string;
  readonly messageTs: string;
  readonly actionId: string;
  /** Which one, if several elements have the action id; for a select: the value to choose. */
  readonly value?: string;
  /**
   * Sends the click even if the message no longer offers it, or never did: a client with an old message, a
   * replayed or forged value.
   */
  readonly evenIfGone?: boolean;
  /** As for a command. */
  readonly changed?: Payload;
  /** When the button was clicked, in Slack's format. Default: now. */
  readonly actionTs?: string;
  readonly forgery?: Forgery;
}

export interface WriteInput {
  readonly userId: string;
  readonly channelId: string;
  /** As Slack sends it: `<@U0123WRENCH> certs expiring`. */
  readonly text: string;
  readonly threadTs?: string;
  /** Fields of the event that replace the usual ones. Undefined removes a field. */
  readonly changed?: Payload;
  /** The same for the payload around the event. */
  readonly changedAround?: Payload;
  readonly forgery?: Forgery;
}

export interface Written {
  readonly message: Message;
  /** The event, if the message is for the app. */
  readonly delivered?: Delivered;
}

export interface SubmitInput {
  readonly userId: string;
  readonly viewId: string;
  /**
   * By block, then by action; the others keep what the form showed first. Several checked options are
   * separated by commas; an empty text leaves an input empty.
   */
  readonly values: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly changed?: Payload;
}

export interface Interactions {
  /** Types a slash command and waits for its acknowledgement, which is shown to that user. */
  readonly command: (input: CommandInput) => Promise<Delivered>;
  /** Writes a message. The app gets an event if the message mentions it in a channel that it is in, or is a direct message to it. */
  readonly write: (input: WriteInput) => Promise<Written>;
  /** Delivers a payload again, unchanged, several times at once; the user does not see the responses. */
  readonly redeliver: (payload: Payload, times: number) => Promise<readonly Ack[]>;
  /** Clicks a button or picks an option. @throws Error if no one could have clicked it. */
  readonly click: (input: ClickInput) => Promise<Delivered>;
  /**
   * Fills in a modal and submits it. It closes unless the acknowledgement contains errors
   * (`response_action: errors`).
   * @throws Error if it is not open for that person.
   */
  readonly submit: (input: SubmitInput) => Promise<Delivered>;
}

export interface InteractionParts {
  readonly store: Store;
  readonly triggers: Triggers;
  readonly responseUrls: ResponseUrls;
  readonly faults: FaultPlan;
  readonly enterprise: Enterprise | undefined;
  /** The scopes of the bot token: without them the app gets no events. */
  readonly scopes: readonly string[];
  /** One of them is how the app receives requests. */
  readonly http: HttpDelivery | undefined;
  readonly socket: SocketMode | undefined;
}

export function createInteractions(parts: InteractionParts): Interactions {
  const { store, triggers, responseUrls, faults } = parts;

  const deliver = async (
    payload: Payload,
    origin: Origin,
    what: string,
    forgery?: Forgery,
  ): Promise<Delivered> => {
    const extra = Array.from({ length: faults.deliveries() - 1 }, () => post(parts, payload, forgery));
    const ack = await post(parts, payload, forgery);
    if (ack.failure) {
      const text = `${what} failed with the error "${ack.failure}"`;
      store.add({ channel: origin.channelId, user: SLACKBOT, text, ephemeralTo: origin.userId });
    } else showAck(parts, origin, ack.body);
    await Promise.all(extra);
    return { ...ack, payload };
  };

  return {
    command: async ({ userId, channelId, command, text, triggerId, changed, forgery }) => {
      const { user, channel } = present(store, userId, channelId);
      const origin: Origin = { userId, channelId, typed: `${command} ${text}`.trim() };
      const payload = withChanges(
        {
          token: 'not-a-secret-verification-token',
          ...channelAndUserFields(channel, user),
          command,
          text,
          api_app_id: APP.id,
          is_enterprise_install: String(parts.enterprise !== undefined),
          ...(parts.enterprise && {
            enterprise_id: parts.enterprise.id,
            enterprise_name: parts.enterprise.name,
          }),
          response_url: responseUrls.issue(origin),
          trigger_id: triggers.issue(userId, triggerId),
        },
        changed,
      );
      return deliver(payload, origin, command, forgery);
    },
    write: async ({ userId, channelId, text, threadTs, changed, changedAround, forgery }) => {
      const { user, channel } = present(store, userId, channelId);
      const message = store.add({ user: user.id, channel: channel.id, text, threadTs });
      const event = eventOf(parts, message, channel);
      if (!event) return { message };
      const payload = withChanges(
        { ...eventEnvelope(parts), event: withChanges(event, changed) },
        changedAround,
      );
      const extra = Array.from({ length: faults.deliveries() - 1 }, () => post(parts, payload, forgery));
      const [ack] = await Promise.all([post(parts, payload, forgery), ...extra]);
      return { message, delivered: { ...ack, payload } };
    },
    redeliver: (payload, times) => Promise.all(Array.from({ length: times }, () => post(parts, payload))),
    click: async (input) => {
      const { user, channel } = present(store, input.userId, input.channelId);
      const message = store.find(channel.id, input.messageTs);
      if (!message || (message.ephemeralTo && message.ephemeralTo !== user.id))
        throw new Error('no such message');
      const action = findAction(message, input);
      const origin: Origin = { userId: user.id, channelId: channel.id, original: message };
      const payload = withChanges(
        {
          ...describeClick(user, channel, message, store),
          ...installationOf(parts),
          actions: [input.actionTs === undefined ? action : { ...action, action_ts: input.actionTs }],
          response_url: responseUrls.issue(origin),
          trigger_id: triggers.issue(user.id),
        },
        input.changed,
      );
      return deliver(payload, origin, 'This action', input.forgery);
    },
    submit: async ({ userId, viewId, values, changed }) => {
      const stored = store.views.get(viewId);
      const user = store.users.find(({ id }) => id === userId);
      if (!stored || !user || stored.user !== userId)
        throw new Error(`no view ${viewId} is open for ${userId}`);
      const payload = withChanges(
        {
          type: 'view_submission',
          user: { id: user.id, username: user.name, name: user.name, team_id: teamOf(user) },
          api_app_id: APP.id,
          token: 'not-a-secret-verification-token',
          trigger_id: triggers.issue(userId),
          view: { ...describeView(stored), state: { values: inputsOf(values, stored.view) } },
          response_urls: [],
          ...installationOf(parts),
        },
        changed,
      );
      const extra = Array.from({ length: faults.deliveries() - 1 }, () => post(parts, payload));
      const ack = await post(parts, payload);
      await Promise.all(extra);
      const { response_action: action } = (ack.body ?? {}) as { response_action?: string };
      if (!ack.failure && action === undefined) {
        store.views.delete(viewId);
        store.touch();
      }
      return { ...ack, payload };
    },
  };
}

function post({ http, socket }: InteractionParts, payload: Payload, forgery?: Forgery): Promise<Ack> {
  const isCommand = payload['command'] !== undefined;
  const isEvent = payload['type'] === 'event_callback';
  if (socket) {
    const type = isCommand ? 'slash_commands' : isEvent ? 'events_api' : 'interactive';
    return socket.send({ type, payload });
  }
  if (!http) throw new Error('the app cannot be reached');
  if (isEvent) return http.sendJson(payload, forgery);
  return http.send(
    isCommand ? (payload as Record<string, string>) : { payload: JSON.stringify(payload) },
    forgery,
  );
}

/**
 * The event of a message, if the app gets one. Keys as recorded in slackapi/java-slack-sdk: json-logs/samples/events.
 * https://docs.slack.dev/reference/events/app_mention https://docs.slack.dev/reference/events/message.im
 */
function eventOf(
  { scopes, store }: InteractionParts,
  message: Message,
  channel: Channel,
): Payload | undefined {
  const { user: userId, text, ts, threadTs } = message;
  const team = teamOf(store.users.find(({ id }) => id === userId) ?? { id: userId, name: '', realName: '' });
  const root = threadTs === undefined ? undefined : store.find(channel.id, threadTs);
  const common = {
    user: userId,
    text,
    ts,
    client_msg_id: randomUUID(),
    team,
    channel: channel.id,
    event_ts: ts,
    ...(threadTs !== undefined && { thread_ts: threadTs, parent_user_id: root?.user }),
    ...(team === TEAM.id ? {} : { user_team: team, source_team: team }),
  };
  if (channel.id.startsWith('D'))
    return scopes.includes('im:history') ? { type: 'message', channel_type: 'im', ...common } : undefined;
  const isMentioned = text.includes(`<@${APP.botUserId}`) && channel.botIsMember;
  return isMentioned && scopes.includes('app_mentions:read') ? { type: 'app_mention', ...common } : undefined;
}

function eventEnvelope({ enterprise }: InteractionParts): Payload {
  const team = enterprise ? enterprise.id : TEAM.id;
  return {
    token: 'not-a-secret-verification-token',
    team_id: TEAM.id,
    api_app_id: APP.id,
    type: 'event_callback',
    event_id: `Ev${randomUUID().replaceAll('-', '').slice(0, 9).toUpperCase()}`,
    event_time: Math.floor(Date.now() / 1_000),
    authorizations: [
      {
        enterprise_id: enterprise?.id ?? null,
        team_id: team,
        user_id: APP.botUserId,
        is_bot: true,
        is_enterprise_install: enterprise !== undefined,
      },
    ],
    is_ext_shared_channel: false,
  };
}

function showAck({ store, responseUrls }: InteractionParts, origin: Origin, body: unknown): void {
  if (body === undefined || body === '') return;
  const given = typeof body === 'string' ? { text: body } : (body as Payload);
  try {
    responseUrls.show(origin, given);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const text = `Slack could not show the response: ${error.code} ${JSON.stringify(error.details['errors'] ?? '')}`;
    store.add({ channel: origin.channelId, user: SLACKBOT, text, ephemeralTo: origin.userId });
  }
}

function withChanges(payload: Payload, changed: Payload = {}): Payload {
  return Object.fromEntries(
    Object.entries({ ...payload, ...changed }).filter(([, value]) => value !== undefined),
  );
}

/** The origin of an interaction: for an organization-wide installation Slack names no workspace. */
function installationOf({ enterprise }: InteractionParts): Record<string, unknown> {
  return enterprise
    ? { team: null, enterprise: { ...enterprise }, is_enterprise_install: true }
    : { team: { id: TEAM.id, domain: TEAM.domain }, enterprise: null, is_enterprise_install: false };
}

/**
 * What Slack sends for each input of a form: the typed text, or the chosen options. @throws Error if the form
 * has no such option.
 */
function inputsOf(values: SubmitInput['values'], view: Payload): Record<string, unknown> {
  const blocks = (view['blocks'] as readonly Payload[] | undefined) ?? [];
  const elements = new Map(
    blocks
      .filter(({ type }) => type === 'input')
      .map((block) => [textOf(block['block_id']), block['element'] as Payload]),
  );
  const shown = [...elements].map(([block, element]): [string, Record<string, string>] => [
    block,
    { [textOf(element['action_id'])]: initialValue(element) },
  ]);
  return Object.fromEntries(
    Object.entries({ ...Object.fromEntries(shown), ...values }).map(([block, actions]) => [
      block,
      Object.fromEntries(
        Object.entries(actions).map(([action, value]) => [action, inputOf(elements.get(block), value)]),
      ),
    ]),
  );
}

function initialValue(element: Payload): string {
  const options = (element['initial_options'] as readonly Payload[] | undefined) ?? [];
  const option = element['initial_option'] as Payload | undefined;
  return textOf(element['initial_value'] ?? option?.['value'] ?? options.map(({ value }) => value).join(','));
}

function inputOf(element: Payload | undefined, value: string): Payload {
  const type = textOf(element?.['type'], 'plain_text_input');
  const options = (element?.['options'] as readonly Payload[] | undefined) ?? [];
  const pick = (wanted: string) => {
    const chosen = options.find((option) => option['value'] === wanted);
    if (!chosen) throw new Error(`the form has no option ${wanted}`);
    return chosen;
  };
  if (type === 'checkboxes') return { type, selected_options: value.split(',').filter(Boolean).map(pick) };
  if (type === 'static_select' || type === 'radio_buttons')
    return { type, selected_option: value === '' ? null : pick(value) };
  return { type, value: value === '' ? null : value };
}

function present(store: Store, userId: string, channelId: string): { user: User; channel: Channel } {
  const user = store.users.find(({ id }) => id === userId);
  const channel = store.channel(channelId);
  if (!user) throw new Error(`no user ${userId}`);
  if (!channel) throw new Error(`no channel ${channelId}`);
  return { user, channel };
}

/** Keys of a slash command as recorded in slackapi/java-slack-sdk: json-logs/samples/app-backend/slash-commands. */
function channelAndUserFields(channel: Channel, user: User): Record<string, string> {
  return {
    team_id: teamOf(user),
    team_domain: TEAM.domain,
    channel_id: channel.id,
    // Slack hides the names of private channels from apps that are not in them.
    channel_name: channelName(channel),
    user_id: user.id,
    user_name: user.name,
  };
}

function channelName({ id, name, isPrivate }: Channel): string {
  if (id.startsWith('D')) return 'directmessage';
  return isPrivate ? 'privategroup' : name;
}

function describeClick(
  user: User,
  channel: Channel,
  message: Message,
  store: Store,
): Record<string, unknown> {
  return {
    type: 'block_actions',
    user: { id: user.id, username: user.name, name: user.name, team_id: teamOf(user) },
    api_app_id: APP.id,
    token: 'not-a-secret-verification-token',
    container: {
      type: 'message',
      message_ts: message.ts,
      channel_id: channel.id,
      is_ephemeral: message.ephemeralTo !== undefined,
      ...(message.threadTs ? { thread_ts: message.threadTs } : {}),
    },
    channel: { id: channel.id, name: channelName(channel) },
    // For an ephemeral message Slack sends no content.
    ...(message.ephemeralTo
      ? {}
      : { message: describeMessage(message, store.thread(channel.id, message.threadTs ?? message.ts)) }),
    state: { values: {} },
  };
}

type Element = Readonly<Record<string, unknown>>;

function findAction(message: Message, input: ClickInput): Record<string, unknown> {
  const offered = offeredAction(message, input);
  if (offered) return { ...offered, action_ts: slackTime() };
  const { actionId, value, evenIfGone } = input;
  if (!evenIfGone) throw new Error(`nothing to click: ${actionId}`);
  return {
    type: 'button',
    action_id: actionId,
    block_id: `gone-${message.revision}`,
    text: { type: 'plain_text', text: 'Gone', emoji: true },
    ...(value === undefined ? {} : { value }),
    action_ts: slackTime(),
  };
}

/** Seconds, a dot, six digits. */
function slackTime(): string {
  return (Date.now() / 1_000).toFixed(6);
}

function offeredAction(
  message: Message,
  { actionId, value }: ClickInput,
): Record<string, unknown> | undefined {
  for (const block of withIds(message)) {
    const elements = [...((block['elements'] as Element[] | undefined) ?? []), block['accessory'] as Element];
    for (const element of elements) {
      if (element?.['action_id'] !== actionId) continue;
      const option = pickOption(element, value);
      const isOther =
        value !== undefined && !option && element['value'] !== undefined && element['value'] !== value;
      if (isOther) continue;
      const { options: _, option_groups: __, placeholder: ___, ...said } = element;
      return {
        ...said,
        block_id: block['block_id'],
        ...(option ? { selected_option: option } : {}),
      };
    }
  }
  return undefined;
}

function pickOption(element: Element, value: string | undefined): Element | undefined {
  const options = element['options'] as Element[] | undefined;
  return options?.find((option) => option['value'] === value);
}

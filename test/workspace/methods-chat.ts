import { ApiError } from './api-error.ts';
import { APP, type Attachment, type Block, type Channel, type Message, type Metadata } from './model.ts';
import { describeMessage } from './describe.ts';
import { isTrue, textOf } from './read-args.ts';
import type { Store } from './store.ts';
import { validateMessage } from './validate-blocks.ts';
import type { Args, Caller, Methods } from './web-api.ts';

/**
 * Longer text is truncated, not rejected.
 * https://docs.slack.dev/reference/methods/chat.postMessage#truncating
 */
const TEXT_TRUNCATED_ABOVE = 40_000;
/**
 * Slack rejects an update with more bytes of UTF-8 than this; it documents characters.
 * https://github.com/openclaw/openclaw/pull/115027
 */
const UPDATE_TEXT_BYTES = 4_000;
/** Slack publishes no limit; this one keeps metadata to ids. */
const METADATA_BYTES = 2_048;

export function chatMethods(
  store: Store,
  permalink: (channel: string, ts: string) => string,
  dropsRepeats: () => boolean,
): Methods {
  const posted = new Map<string, string>();
  const write = { needs: ['chat:write'] };
  return {
    'chat.postMessage': {
      ...write,
      answer: (args, caller) => postOnce(store, args, caller, posted, dropsRepeats()),
    },
    'chat.postEphemeral': { ...write, answer: (args, caller) => postEphemeral(store, args, caller) },
    'chat.update': { ...write, answer: (args, caller) => update(store, args, caller) },
    'chat.delete': { ...write, answer: (args) => remove(store, args) },
    'chat.getPermalink': {
      answer: (args) => {
        const channel = openChannel(store, args);
        const ts = textOf(args['message_ts']);
        if (!store.find(channel.id, ts)) throw new ApiError('message_not_found');
        return { channel: channel.id, permalink: permalink(channel.id, ts) };
      },
    },
  };
}

/** `posted`: the `ts` of posts with a `client_msg_id`, by channel and id. */
function postOnce(store: Store, args: Args, caller: Caller, posted: Map<string, string>, isOn: boolean) {
  const id = textOf(args['client_msg_id']);
  const key = `${textOf(args['channel'])} ${id}`;
  const before = isOn && id !== '' ? posted.get(key) : undefined;
  if (before !== undefined) {
    const message = store.find(textOf(args['channel']), before);
    if (!message) throw new ApiError('duplicate_message_not_found');
    return { channel: message.channel, ts: message.ts, message: describeMessage(message) };
  }
  const answer = postMessage(store, args, caller);
  if (id !== '') posted.set(key, answer.ts);
  return answer;
}

function postMessage(store: Store, args: Args, caller: Caller) {
  const channel = writableChannel(store, args, caller);
  const content = readContent(args);
  const threadTs = readThread(store, channel, args);
  const message = store.add({
    channel: channel.id,
    user: APP.botUserId,
    ...content,
    threadTs,
    isBroadcast: threadTs !== undefined && isTrue(args['reply_broadcast']),
  });
  const isCut = message.text.length < textOf(args['text']).length;
  return {
    channel: channel.id,
    ts: message.ts,
    message: describeMessage(message),
    ...(isCut ? { response_metadata: { warnings: ['message_truncated'] } } : {}),
  };
}

function postEphemeral(store: Store, args: Args, caller: Caller) {
  const channel = writableChannel(store, args, caller);
  const user = store.users.find(({ id }) => id === args['user']);
  if (!user || (channel.members && !channel.members.includes(user.id)))
    throw new ApiError('user_not_in_channel');
  const message = store.add({
    channel: channel.id,
    user: APP.botUserId,
    ...readContent(args),
    threadTs: readThread(store, channel, args),
    ephemeralTo: user.id,
  });
  return { message_ts: message.ts };
}

function update(store: Store, args: Args, caller: Caller) {
  const channel = writableChannel(store, args, caller);
  const message = ownMessage(store, channel, args, 'cant_update_message');
  if (Buffer.byteLength(textOf(args['text'])) > UPDATE_TEXT_BYTES) throw new ApiError('msg_too_long');
  const content = readContent(args);
  const changed = store.change(message, {
    text: content.text,
    // Text alone removes the blocks; attachments stay unless new ones are sent.
    blocks: content.blocks,
    ...(args['attachments'] === undefined ? {} : { attachments: content.attachments }),
    ...(args['metadata'] === undefined ? {} : { metadata: content.metadata }),
    edited: content.blocks
      ? message.edited
      : { user: APP.botUserId, ts: `${Math.floor(Date.now() / 1000)}.000000` },
  });
  return { channel: channel.id, ts: changed.ts, text: changed.text, message: describeMessage(changed) };
}

function remove(store: Store, args: Args) {
  const channel = openChannel(store, args);
  const message = ownMessage(store, channel, args, 'cant_delete_message');
  const hasReplies = store.thread(channel.id, message.ts).length > 1;
  if (hasReplies) {
    // A root with replies leaves a tombstone.
    const gone = { text: 'This message was deleted.', blocks: undefined, attachments: undefined };
    store.change(message, { ...gone, metadata: undefined, files: [], isDeleted: true });
  } else store.remove(message);
  return { channel: channel.id, ts: message.ts };
}

/** A private channel without the bot does not exist for it; names are not ids. */
export function openChannel(store: Store, args: Args): Channel {
  const id = textOf(args['channel'] ?? args['channel_id']);
  // A user id means the direct messages with that user.
  const channel = id.startsWith('U') ? store.direct(id) : store.channel(id);
  if (!channel || (channel.isPrivate && !channel.botIsMember)) throw new ApiError('channel_not_found');
  return channel;
}

export function writableChannel(store: Store, args: Args, caller: Caller): Channel {
  const channel = openChannel(store, args);
  if (channel.isArchived) throw new ApiError('is_archived');
  if (!channel.botIsMember && !caller.scopes.includes('chat:write.public'))
    throw new ApiError('not_in_channel');
  return channel;
}

export function readThread(store: Store, channel: Channel, args: Args): string | undefined {
  const threadTs = args['thread_ts'];
  if (threadTs === undefined || threadTs === '') return undefined;
  const root = store.find(channel.id, textOf(threadTs));
  if (!root || root.ephemeralTo) throw new ApiError('thread_not_found');
  if (root.threadTs) throw new ApiError('cannot_reply_to_message');
  return root.ts;
}

export interface Content {
  readonly text: string;
  readonly blocks: readonly Block[] | undefined;
  readonly attachments: readonly Attachment[] | undefined;
  readonly metadata: Metadata | undefined;
  readonly unfurlsLinks: boolean;
  readonly linksNames: boolean;
}

/** @throws ApiError with Slack's error for the problems that `validateMessage` finds. */
export function readContent(args: Args): Content {
  refuseInvalid(args);
  const blocks = args['blocks'] as readonly Block[] | undefined;
  return {
    text: textOf(args['text']).slice(0, TEXT_TRUNCATED_ABOVE),
    blocks: blocks?.length ? blocks : undefined,
    attachments: args['attachments'] as readonly Attachment[] | undefined,
    metadata: readMetadata(args['metadata']),
    unfurlsLinks: args['unfurl_links'] === undefined || isTrue(args['unfurl_links']),
    linksNames: isTrue(args['link_names']) || args['parse'] === 'full',
  };
}

function refuseInvalid(args: Args): void {
  const problems = validateMessage(args);
  const first = problems[0];
  if (!first) return;
  const special = problems.find(({ code }) => code !== 'invalid_blocks');
  const errors = problems.map(({ message, pointer }) => `${message} [json-pointer:${pointer}]`);
  throw new ApiError(special?.code ?? first.code, {
    errors,
    response_metadata: { messages: errors.map((error) => `[ERROR] ${error}`) },
  });
}

function readMetadata(given: unknown): Metadata | undefined {
  if (given === undefined || given === '') return undefined;
  const metadata = given as Metadata;
  if (typeof metadata.event_type !== 'string' || typeof metadata.event_payload !== 'object') {
    throw new ApiError('invalid_metadata_format');
  }
  if (Buffer.byteLength(JSON.stringify(metadata)) > METADATA_BYTES) throw new ApiError('metadata_too_large');
  return metadata;
}

function ownMessage(store: Store, channel: Channel, args: Args, otherwise: string): Message {
  const message = store.find(channel.id, textOf(args['ts']));
  if (!message || message.ephemeralTo || message.isDeleted) throw new ApiError('message_not_found');
  if (message.user !== APP.botUserId) throw new ApiError(otherwise);
  return message;
}

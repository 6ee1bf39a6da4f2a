import { randomBytes } from 'node:crypto';
import { textOf } from './read-args.ts';
import type { Store } from './store.ts';
import { ApiError } from './api-error.ts';
import { APP, type Block, type Message } from './model.ts';
import { readContent, type Content } from './methods-chat.ts';
import { validateMessage } from './validate-blocks.ts';

/** https://docs.slack.dev/interactivity/handling-user-interaction#message_responses */
const USES = 5;
const LIFE_MS = 30 * 60_000;

export interface ResponseUrls {
  readonly issue: (origin: Origin) => string;
  /** Executes a post to a response_url. Returns status and body like Slack. */
  readonly use: (id: string, given: Readonly<Record<string, unknown>>) => { status: number; body: unknown };
  /**
   * Shows an app's response to a command or click: an acknowledgement's body or a post to its response_url.
   */
  readonly show: (origin: Origin, given: Readonly<Record<string, unknown>>) => Message | undefined;
}

/** Where a response belongs: to whom, where, and which message `replace_original` means. */
export interface Origin {
  readonly userId: string;
  readonly channelId: string;
  original?: { readonly ts: string } | undefined;
  /** What the user typed, for `in_channel`. */
  readonly typed?: string;
  hasShownTyped?: boolean;
}

export function createResponseUrls(
  store: Store,
  urlOf: (id: string) => string,
  now = () => Date.now(),
): ResponseUrls {
  const issued = new Map<string, { origin: Origin; at: number; uses: number }>();
  const show: ResponseUrls['show'] = (origin, given) => answerInto(store, origin, given);
  return {
    issue: (origin) => {
      const id = `${TEAM_PATH}/${now()}/${randomBytes(12).toString('base64url')}`;
      issued.set(id, { origin, at: now(), uses: 0 });
      return urlOf(id);
    },
    use: (id, given) => {
      const entry = issued.get(id);
      if (!entry) return { status: 404, body: { ok: false, error: 'invalid_url' } };
      if (now() - entry.at > LIFE_MS) return { status: 404, body: { ok: false, error: 'expired_url' } };
      if (entry.uses >= USES) return { status: 404, body: { ok: false, error: 'used_url' } };
      try {
        show(entry.origin, given);
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        return { status: 400, body: { ok: false, error: error.code, ...error.details } };
      }
      entry.uses += 1;
      return { status: 200, body: 'ok' };
    },
    show,
  };
}

const TEAM_PATH = 'T0123DEMO';

/** Membership does not matter here: a response_url can post to a channel without the bot. */
function answerInto(
  store: Store,
  origin: Origin,
  given: Readonly<Record<string, unknown>>,
): Message | undefined {
  const original = origin.original && store.find(origin.channelId, origin.original.ts);
  if (given['delete_original'] === true) {
    if (original) store.remove(original);
    return undefined;
  }
  const isInChannel = given['response_type'] === 'in_channel';
  if (isInChannel && origin.typed && !origin.hasShownTyped) {
    origin.hasShownTyped = true;
    store.add({ channel: origin.channelId, user: origin.userId, text: origin.typed });
  }
  if (given['text'] === undefined && given['blocks'] === undefined) return undefined;

  const content = readAnswer(given);
  if (given['replace_original'] === true && original) {
    return store.change(original, {
      text: content.text,
      blocks: content.blocks,
      attachments: content.attachments,
    });
  }
  const threadTs = given['thread_ts'] === undefined ? undefined : textOf(given['thread_ts']);
  const message = store.add({
    channel: origin.channelId,
    user: APP.botUserId,
    ...content,
    threadTs,
    ephemeralTo: isInChannel ? undefined : origin.userId,
  });
  origin.original ??= message;
  return message;
}

/** The total text of all blocks is not limited here; every other rule applies (slackapi/bolt-js#2867). */
function readAnswer(given: Readonly<Record<string, unknown>>): Content {
  const problems = validateMessage(given);
  if (problems.length > 0 && problems.every(({ code }) => code === 'msg_blocks_too_long')) {
    return { ...readContent({ text: given['text'] }), blocks: given['blocks'] as readonly Block[] };
  }
  return readContent(given);
}

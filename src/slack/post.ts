import { setTimeout as sleep } from 'node:timers/promises';
import type { WebClient } from '@slack/web-api';
import type { Pace } from '../memory/pace.ts';
import type { Thread, Threads } from '../memory/threads.ts';
import { Later } from '../queue/work.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Attachment, Message } from './render/message.ts';
import { callSlack, SlackRefused } from './slack-call.ts';

export interface Posting {
  readonly client: WebClient;
  readonly threads: Threads;
  readonly pace: Pace;
  readonly metrics: Metrics;
  readonly log: Log;
}

/** Where a part of a run's answer goes. */
export interface Place {
  readonly runId: string;
  readonly channelId: string;
  readonly threadTs?: string;
}

/** Runbook links would unfurl into pages of their own. */
const QUIET = { unfurl_links: false, unfurl_media: false } as const;
const EVENT = 'wrench_post';
/** A turn further away than this is waited for in the queue, where it blocks nobody. */
const WAIT_HERE_MS = 1_200;

/**
 * Posts one part of an answer unless it has been posted; gives its `ts` where it is posted now.
 * After a lost answer it is looked for in the channel before it is posted again, where the scopes allow that.
 */
export async function postOnce(
  posting: Posting,
  thread: Thread,
  part: string,
  place: Place,
  message: Message,
): Promise<string | undefined> {
  const { client, threads } = posting;
  if (thread.part(part) === 'posted') return undefined;
  const key = `${place.runId}/${part}`;
  const before = thread.part(part) === 'maybe' ? await findPosted(posting, place, key) : undefined;
  const ts = before ?? (await onceMore());
  await threads.done(place.runId, part, { channelId: place.channelId, ts });
  return ts;

  async function onceMore(): Promise<string> {
    await takeTurn(posting, 'chat.postMessage', place.channelId);
    await threads.begin(place.runId, part);
    const posted = await forgetIfRefused(posting, place.runId, part, () =>
      callSlack('chat.postMessage', posting, () =>
        client.chat.postMessage({
          channel: place.channelId,
          ...(place.threadTs !== undefined && { thread_ts: place.threadTs }),
          ...shown(message),
          ...QUIET,
          metadata: { event_type: EVENT, event_payload: { key } },
        }),
      ),
    );
    return String(posted.ts);
  }
}

/** Edits a message in place; the same edit twice is the same message. */
export async function edit(
  posting: Posting,
  root: { channelId: string; ts: string },
  message: Message,
): Promise<void> {
  await takeTurn(posting, 'chat.update', `update:${root.channelId}`);
  await callSlack('chat.update', posting, () =>
    posting.client.chat.update({ channel: root.channelId, ts: root.ts, ...shown(message) }),
  );
}

/** Attaches a file to the thread unless it has been. */
export async function attachOnce(
  posting: Posting,
  thread: Thread,
  part: string,
  place: Place & { readonly threadTs: string },
  { filename, title, content }: Attachment,
): Promise<void> {
  if (thread.part(part) === 'posted') return;
  await posting.threads.begin(place.runId, part);
  await forgetIfRefused(posting, place.runId, part, () =>
    callSlack('files.uploadV2', posting, () =>
      posting.client.files.uploadV2({
        channel_id: place.channelId,
        thread_ts: place.threadTs,
        filename,
        title,
        content,
      }),
    ),
  );
  await posting.threads.done(place.runId, part, { channelId: place.channelId, ts: 'file' });
}

/** An edit without `blocks` takes the old ones away, which is what plain text wants. */
function shown({ text, blocks }: Message): { text: string; blocks?: Message['blocks'] } {
  return blocks.length > 0 ? { text, blocks } : { text };
}

async function forgetIfRefused<T>(
  { threads }: Posting,
  runId: string,
  part: string,
  call: () => Promise<T>,
): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof SlackRefused || error instanceof Later) await threads.refused(runId, part);
    throw error;
  }
}

async function takeTurn({ pace }: Posting, method: string, channelId: string): Promise<void> {
  for (;;) {
    const waitMs = await pace.turn(method, channelId);
    if (waitMs === 0) return;
    if (waitMs > WAIT_HERE_MS) throw new Later(waitMs);
    await sleep(waitMs);
  }
}

/** Needs `channels:history`, which Wrench does not ask for; without it the part is posted again rather than lost. */
async function findPosted({ client, log }: Posting, place: Place, key: string): Promise<string | undefined> {
  const asked = { channel: place.channelId, include_all_metadata: true, limit: 200 };
  try {
    const { messages = [] } =
      place.threadTs === undefined
        ? await client.conversations.history(asked)
        : await client.conversations.replies({ ...asked, ts: place.threadTs });
    return messages.find(({ metadata }) => isKeyed(metadata?.event_payload, key))?.ts;
  } catch (error) {
    log.debug({ err: error, key }, 'could not look whether it was posted');
    return undefined;
  }
}

function isKeyed(payload: object | undefined, key: string): boolean {
  return payload !== undefined && 'key' in payload && payload.key === key;
}

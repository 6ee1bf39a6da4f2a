import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WebClient } from '@slack/web-api';
import type { Lane, ChannelOrder } from '../../store/thread/channel-order.ts';
import {
  type ThreadLease,
  ROOT_PART,
  type PostedThread,
  type Threads,
  type MessageLocation,
} from '../../store/thread/threads.ts';
import { RetryLater, QUICK_ATTEMPTS } from '../../queue/workers.ts';
import type { Log } from '../../telemetry/log.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import { messageIdOf } from './message-id.ts';
import type { Attachment, Message } from '../render/message.ts';
import type { IsSlackUrl } from './response-url.ts';
import { sendOrFallBackToText, type OutgoingMessage } from './send-or-fall-back-to-text.ts';
import { callSlack, SlackApiError } from './slack-call.ts';

export interface PostDeps {
  readonly client: WebClient;
  readonly threads: Threads;
  readonly channelOrder: ChannelOrder;
  /** Whether Slack drops repeated posts, as tested by `wrench doctor --prove-posting`. */
  readonly dropsDuplicates: () => Promise<boolean>;
  /** Which response_urls may be posted to. */
  readonly isSlackUrl: IsSlackUrl;
  readonly metrics: Metrics;
  readonly log: Log;
}

/** The attempt of the outbox job that a call is made for. */
export interface OutboxAttempt {
  /** From 1. */
  readonly attempt: number;
  readonly queuedAtMs: number;
  /** When the command was sent. */
  readonly askedAtMs: number;
}

/** Where a part of a run's answer goes. */
export interface PostTarget {
  readonly runId: string;
  readonly channelId: string;
  readonly threadTs?: string;
  readonly job: OutboxAttempt;
  /** Someone waits for it in the thread: it is sent with the verdicts, in the order of the requests. */
  readonly isAwaited?: true;
  /** It is part of the answer itself, and isn't posted once the run is closed. */
  readonly isAnswer?: true;
  /** A progress message that another job posts later, if it can't be posted now. */
  readonly onlyNow?: true;
}

/** Runbook links would unfurl into previews. */
const NO_UNFURL = { unfurl_links: false, unfurl_media: false } as const;
const METADATA_EVENT = 'wrench_post';
/** A call waits at most this long for its turn; then it waits in the queue, where it blocks no other call. */
const MAX_WAIT_IN_PROCESS_MS = 1_200;
/** Shortest wait in the queue. */
const MIN_WAIT_IN_QUEUE_MS = 250;
/** How long to wait while another process calls Slack for the same run. */
const RETRY_WHILE_LEASED_MS = 200;
/** A call that failed more often than this lets those behind it go first until its next attempt. It keeps its place. */
const MAX_ATTEMPTS_IN_FRONT = QUICK_ATTEMPTS;

/** Whether a progress message is still wanted, by the state of its run. */
export type IsWanted = (thread: PostedThread) => Promise<boolean>;

/**
 * Posts one part of a run's answer unless it has been posted.
 * If Slack's reply to an earlier attempt was lost, the part is posted again. If Slack was proven to drop repeated posts, it appears once;
 * otherwise it may appear twice. Nothing depends on reading the channel's history.
 * @returns its `ts`.
 * @throws {RetryLater} if it is not its turn yet, {SlackApiError} if Slack refuses, anything else if it is unknown whether it was posted.
 */
export async function postOnce(
  deps: PostDeps,
  part: string,
  target: PostTarget,
  message: OutgoingMessage,
): Promise<string> {
  return (await postPart(deps, part, target, message)) ?? '';
}

/** {@link postOnce}, unless the message is no longer wanted at its turn. @returns its `ts`; undefined if it wasn't posted. */
export function postIfWanted(
  deps: PostDeps,
  part: string,
  target: PostTarget,
  message: OutgoingMessage,
  isWanted: IsWanted,
): Promise<string | undefined> {
  return postPart(deps, part, target, message, { isWanted, isProgress: false });
}

/** {@link postOnce} for a progress message: posted at most once, even if Slack's reply is lost, and only while `isWanted`. */
export async function postProgress(
  deps: PostDeps,
  part: string,
  target: PostTarget,
  message: Message,
  isWanted: IsWanted,
): Promise<void> {
  await postPart(deps, part, target, message, { isWanted, isProgress: true });
}

interface PostCondition {
  readonly isWanted: IsWanted;
  readonly isProgress: boolean;
}

/** A message that is no longer wanted at its turn. */
class Dropped extends Error {
  override readonly name = 'Dropped';
  readonly state: ReturnType<PostedThread['part']>;

  constructor(state: ReturnType<PostedThread['part']>) {
    super('no longer wanted');
    this.state = state;
  }
}

/** Leaves the lane, unless the part is a progress message that isn't posted: then the place is kept for the answer. */
async function leaveLane(
  { channelOrder }: PostDeps,
  lane: Lane,
  place: string,
  { state, isProgress }: { readonly state: ReturnType<PostedThread['part']>; readonly isProgress: boolean },
): Promise<undefined> {
  if (state === 'posted' || !isProgress) await channelOrder.leave(lane, place);
}

/** The lane and the place of a run's first message, whether that is its progress or its answer. */
export function rootPlaceOf(runId: string, channelId: string): readonly [Lane, string] {
  return [{ method: 'chat.postMessage', channelId }, `${runId}/${ROOT_PART}`];
}

async function postPart(
  deps: PostDeps,
  part: string,
  target: PostTarget,
  message: OutgoingMessage,
  condition?: PostCondition,
): Promise<string | undefined> {
  const { threads } = deps;
  const isProgress = condition?.isProgress ?? false;
  const { runId, channelId } = target;
  const lane: Lane = { method: 'chat.postMessage', channelId };
  const key = `${runId}/${part}`;
  const isDropped = async (thread: PostedThread) =>
    condition !== undefined &&
    ((isProgress && thread.part(part) !== 'unposted') || !(await condition.isWanted(thread)));
  const before = await threads.read(runId);
  retryIfClosed(before, target);
  if (await isDropped(before)) return leaveLane(deps, lane, key, { state: before.part(part), isProgress });
  const posted = before.locationOf(part);
  if (posted) {
    // The process that posted it may have died before it left the lane.
    await deps.channelOrder.leave(lane, key);
    return posted.ts;
  }
  const sending = callInTurn(deps, lane, key, target, async (lease) => {
    const thread = await threads.read(runId);
    retryIfClosed(thread, target);
    if (await isDropped(thread)) throw new Dropped(thread.part(part));
    const isThere = thread.locationOf(part);
    if (isThere) return isThere.ts;
    const isMaybe = thread.part(part) === 'maybe';
    const id = (await deps.dropsDuplicates()) ? messageIdOf(key) : undefined;
    if (isMaybe) deps.metrics.unconfirmed.inc({ outcome: id === undefined ? 'repeated' : 'recognized' });
    if (!(await lease.beginPost(part))) throw new RetryLater(RETRY_WHILE_LEASED_MS);
    try {
      const ts = await post(deps, lease, key, target, message, id);
      // Slack may have dropped it as a duplicate of the progress message.
      await lease.recordPosted(part, { channelId, ts }, isMaybe ? undefined : contentHash(message));
      return ts;
    } catch (error) {
      if (error instanceof SlackApiError || error instanceof RetryLater) await lease.recordRefused(part);
      else if (isProgress) return countUnconfirmed(deps, runId, error);
      throw error;
    }
  });
  return sending.catch((error: unknown) => {
    if (error instanceof Dropped) return leaveLane(deps, lane, key, { state: error.state, isProgress });
    throw error;
  });
}

/** While this process was paused, another one may have posted the whole answer, and the record of what was posted may have expired. */
function retryIfClosed({ isClosed }: PostedThread, { isAnswer }: PostTarget): void {
  if (isAnswer && isClosed) throw new RetryLater(RETRY_WHILE_LEASED_MS);
}

/** Counts a progress message that may or may not be in the channel. The answer is posted in any case. */
function countUnconfirmed({ metrics, log }: PostDeps, runId: string, error: unknown): undefined {
  metrics.unconfirmed.inc({ outcome: 'left' });
  log.warn(
    { event: 'progress-unconfirmed', err: error, runId },
    "Slack's response to a progress message was lost; the message may stay in the channel",
  );
}

async function post(
  deps: PostDeps,
  { fence }: ThreadLease,
  key: string,
  { channelId, threadTs }: PostTarget,
  message: OutgoingMessage,
  id: string | undefined,
): Promise<string> {
  const { ts } = await callSlack('chat.postMessage', deps, () =>
    deps.client.chat.postMessage({
      channel: channelId,
      ...(threadTs !== undefined && { thread_ts: threadTs }),
      ...(id !== undefined && { client_msg_id: id }),
      ...messageBody(message),
      ...NO_UNFURL,
      ...(!message.withoutMetadata && {
        metadata: { event_type: METADATA_EVENT, event_payload: { key, fence } },
      }),
    }),
  );
  return String(ts);
}

/** Makes what a message is to show, from the state as it is at the time of the call. */
export type Render = () => Message | Promise<Message>;

/**
 * Edits a message in place, unless it already shows this and `isForced` is not set. While this edit waits for its turn, another process may show
 * a later state in the same message. So it is rendered again once it has the lease, and an earlier state never replaces a later one.
 */
export async function edit(
  deps: PostDeps,
  target: PostTarget,
  { channelId, ts }: MessageLocation,
  render: Render,
  { isForced = false } = {},
): Promise<void> {
  const { threads, channelOrder } = deps;
  const { runId } = target;
  const lane: Lane = { method: 'chat.update', channelId };
  const place = `${runId}/${ts}`;
  const content = contentHash(await render());
  if (!isForced && (await threads.read(runId)).shows(ts, content)) return channelOrder.leave(lane, place);
  await callInTurn(deps, lane, place, target, async (lease) => {
    const message = await render();
    await lease.recordContent(ts, undefined);
    await sendOrFallBackToText(deps, target, message, async (outgoing) => {
      if (!(await lease.isHeld())) throw new RetryLater(RETRY_WHILE_LEASED_MS);
      await callSlack('chat.update', deps, () =>
        deps.client.chat.update({ channel: channelId, ts, ...messageBody(outgoing) }),
      ).catch(async (error: unknown) => {
        if (!(error instanceof SlackApiError || error instanceof RetryLater))
          await threads.saveText(runId, unconfirmedEdit(ts), String(Date.now()));
        throw error;
      });
    });
    await lease.recordContent(ts, contentHash(message));
  });
}

/** Slack applies an edit whose reply was lost within this time, or never. */
export const LATE_EDIT_MS = 60_000;

/** Name of the saved text with the time of an edit whose reply was lost, in milliseconds since the epoch; empty if there is none. */
const unconfirmedEdit = (ts: string): string => `edit-${ts}`;

/**
 * If the reply to an edit was lost, Slack may apply it after a later one, and show an earlier state. So the last state of a message is written again
 * once that can no longer happen. A message that is gone or no longer editable by then needs no correction.
 */
export async function rewriteAfterLostEdit(
  deps: PostDeps,
  target: PostTarget,
  where: MessageLocation,
  render: Render,
): Promise<void> {
  const { threads, log } = deps;
  const { runId } = target;
  const name = unconfirmedEdit(where.ts);
  const sinceMs = Number((await threads.read(runId)).savedText(name) ?? '');
  if (sinceMs === 0) return;
  const leftMs = sinceMs + LATE_EDIT_MS - Date.now();
  if (leftMs > 0) throw new RetryLater(leftMs);
  await edit(deps, target, where, render, { isForced: true }).catch((error: unknown) => {
    if (!(error instanceof SlackApiError)) throw error;
    log.debug(
      { event: 'state-not-rewritten', err: error, runId },
      "Couldn't rewrite a message after a lost edit",
    );
  });
  await threads.saveText(runId, name, '');
}

function contentHash(message: Message): string {
  return createHash('sha256').update(JSON.stringify(message)).digest('base64url').slice(0, 16);
}

/** Name of the saved text with the time since which a progress edit is unconfirmed, in milliseconds since the epoch; empty if none is. */
export const PROGRESS_EDIT = 'progress-edit';

/**
 * {@link edit} for a progress message: dropped unless it is wanted and can be made immediately. If Slack's reply is lost, {@link PROGRESS_EDIT}
 * stays: Slack may apply the edit later, and replace what the message shows by then.
 */
export async function editProgress(
  deps: PostDeps,
  target: PostTarget,
  { channelId, ts }: MessageLocation,
  message: Message,
  isWanted: IsWanted,
): Promise<void> {
  const { channelOrder, threads, log } = deps;
  const place = `${target.runId}/progress`;
  const lane: Lane = { method: 'chat.update', channelId };
  if ((await threads.read(target.runId)).shows(ts, contentHash(message))) return;
  const waitMs = await channelOrder.requestTurn(lane, place);
  await channelOrder.leave(lane, place);
  const lease = waitMs === 0 ? await threads.acquireLease(target.runId) : undefined;
  if (!lease) return;
  try {
    if (!(await isWanted(await threads.read(target.runId)))) return;
    await lease.recordContent(ts, undefined);
    await threads.saveText(target.runId, PROGRESS_EDIT, String(Date.now()));
    if (await lease.isHeld())
      await callSlack('chat.update', deps, () =>
        deps.client.chat.update({ channel: channelId, ts, ...messageBody(message) }),
      );
    await threads.saveText(target.runId, PROGRESS_EDIT, '');
    await lease.recordContent(ts, contentHash(message));
  } catch (error) {
    if (error instanceof SlackApiError || error instanceof RetryLater)
      await threads.saveText(target.runId, PROGRESS_EDIT, '');
    log.debug(
      { event: 'progress-not-shown', err: error, runId: target.runId },
      "Couldn't update a progress message",
    );
  } finally {
    await lease.release();
  }
}

/** Attaches a file to the thread, once. */
export async function attachOnce(
  deps: PostDeps,
  part: string,
  target: PostTarget & { readonly threadTs: string },
  { filename, title, content }: Attachment,
): Promise<void> {
  const { threads, client } = deps;
  const { runId, channelId } = target;
  if ((await threads.read(runId)).locationOf(part)) return;
  await withLease(threads, runId, async (lease) => {
    const thread = await threads.read(runId);
    retryIfClosed(thread, target);
    if (thread.locationOf(part)) return;
    if (!(await lease.beginPost(part))) throw new RetryLater(RETRY_WHILE_LEASED_MS);
    try {
      await callSlack('files.uploadV2', deps, () =>
        client.files.uploadV2({
          channel_id: channelId,
          thread_ts: target.threadTs,
          filename,
          title,
          content,
        }),
      );
      await lease.recordPosted(part, { channelId, ts: 'file' });
    } catch (error) {
      if (error instanceof SlackApiError || error instanceof RetryLater) await lease.recordRefused(part);
      throw error;
    }
  });
}

/** An edit without `blocks` removes the old ones, as plain text needs. */
function messageBody({ text, blocks }: Message): { text: string; blocks?: Message['blocks'] } {
  return blocks.length > 0 ? { text, blocks } : { text };
}

/** Makes one call when it is its turn. The lease is taken only for the call, not while waiting. */
async function callInTurn<T>(
  { channelOrder, threads }: PostDeps,
  lane: Lane,
  place: string,
  { runId, threadTs, job, isAwaited, onlyNow }: PostTarget,
  call: (lease: ThreadLease) => Promise<T>,
): Promise<T> {
  // Its holder may have died. Others in the lane must not wait until the lease expires, and no turn may be used up.
  if (await threads.isLeased(runId)) {
    if (onlyNow) throw new Dropped('unposted');
    await channelOrder.stepAside(lane, place);
    throw new RetryLater(RETRY_WHILE_LEASED_MS);
  }
  // Verdicts and the cards of fixes are sent in the order of their requests, before the details in threads.
  const isAhead = isAwaited ?? threadTs === undefined;
  const sinceMs = isAhead ? job.askedAtMs : undefined;
  // Its place stays: the job that posts it later has the same one.
  if (onlyNow && (await channelOrder.requestTurn(lane, place, sinceMs)) > 0) throw new Dropped('unposted');
  if (!onlyNow) await waitForTurn(channelOrder, lane, place, sinceMs);
  try {
    const done = await withLease(threads, runId, call);
    await channelOrder.leave(lane, place);
    return done;
  } catch (error) {
    const isFirst = job.attempt <= MAX_ATTEMPTS_IN_FRONT;
    if (error instanceof SlackApiError) await channelOrder.leave(lane, place);
    else if (!isFirst && !(error instanceof RetryLater || error instanceof Dropped))
      await channelOrder.stepAside(lane, place);
    throw error;
  }
}

async function withLease<T>(
  threads: Threads,
  runId: string,
  work: (lease: ThreadLease) => Promise<T>,
): Promise<T> {
  const lease = await threads.acquireLease(runId);
  if (!lease) throw new RetryLater(RETRY_WHILE_LEASED_MS);
  try {
    return await work(lease);
  } finally {
    await lease.release();
  }
}

/**
 * Each wait is short if a call ahead isn't ready yet, such as the answer of a slow check. The total must be short as well: the call ahead may itself
 * need a slot of the queue.
 */
async function waitForTurn(
  channelOrder: ChannelOrder,
  lane: Lane,
  place: string,
  sinceMs: number | undefined,
): Promise<void> {
  const untilMs = performance.now() + MAX_WAIT_IN_PROCESS_MS;
  for (;;) {
    const waitMs = await channelOrder.requestTurn(lane, place, sinceMs);
    if (waitMs === 0) return;
    if (performance.now() + waitMs > untilMs) throw new RetryLater(Math.max(waitMs, MIN_WAIT_IN_QUEUE_MS));
    await sleep(waitMs);
  }
}

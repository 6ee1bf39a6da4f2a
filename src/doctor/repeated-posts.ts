import { randomUUID } from 'node:crypto';
import type { DeduplicationProof, PostDeduplication } from '../store/thread/post-deduplication.ts';
import type { CallSlack } from './call-slack.ts';
import { errorText, failed, type DoctorLine, ok } from './line.ts';

const ABOUT = 'Slack';
const TEXT = 'Wrench is testing whether Slack drops repeated messages. It will delete this message.';

/** Reports the last test of whether Slack drops repeated posts. */
export async function checkRepeatedPosts(read: PostDeduplication['read']): Promise<DoctorLine> {
  const proof = await read().catch(() => undefined);
  if (!proof)
    return ok(
      ABOUT,
      'not tested whether it drops repeated posts; to test it, run `wrench doctor --prove-posting C0123ABC` with a channel that the bot is in',
    );
  return lineOf(proof);
}

/** Posts the same message twice in a channel, compares the responses, deletes what was posted, and saves the result. */
export async function testRepeatedPosts(
  call: CallSlack,
  channel: string,
  save: PostDeduplication['save'],
): Promise<DoctorLine> {
  const post = () => call<{ ts: string }>('chat.postMessage', { channel, text: TEXT, client_msg_id: id });
  const id = randomUUID();
  const posted = new Set<string>();
  try {
    const responses = [await post(), await post()];
    for (const { ts } of responses) if (ts !== undefined) posted.add(ts);
    const refusal = responses.find(({ ok }) => !ok);
    if (refusal)
      return testFailed(`rejected the test message in ${channel} (${refusal.error ?? 'no reason given'})`);
    const proof = { drops: posted.size === 1, at: new Date().toISOString() };
    await save(proof);
    return lineOf(proof);
  } catch (error) {
    return testFailed(`couldn't test repeated posts: ${errorText(error)}`);
  } finally {
    for (const ts of posted) await call('chat.delete', { channel, ts }).catch(() => undefined);
  }
}

function lineOf({ drops, at }: DeduplicationProof): DoctorLine {
  const tested = `tested on ${at.slice(0, 10)}`;
  return ok(
    ABOUT,
    drops
      ? `drops repeated posts (${tested}): a message whose confirmation was lost appears once`
      : `does not drop repeated posts (${tested}): a message whose confirmation was lost may appear twice`,
  );
}

function testFailed(message: string): DoctorLine {
  return failed(ABOUT, message, 'Try again with the id of a channel that the bot is in');
}

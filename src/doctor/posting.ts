import { randomUUID } from 'node:crypto';
import type { CallSlack } from './call-slack.ts';
import { because, ill, type Line, well } from './line.ts';

/** Whether Slack drops a repeated post, and when that was tested. */
export interface Proof {
  readonly drops: boolean;
  /** ISO 8601. */
  readonly at: string;
}

/** Where the proof is kept. Each may throw while Redis is away. */
export interface Repeats {
  readonly read: () => Promise<Proof | undefined>;
  readonly save: (proof: Proof) => Promise<void>;
}

const ABOUT = 'Slack';
const TEXT = 'Wrench is testing whether Slack drops a repeated message. This message will be deleted.';

/** Whether it was proven that Slack drops repeated posts. */
export async function examinePosting(read: Repeats['read']): Promise<Line> {
  const proof = await read().catch(() => undefined);
  if (!proof)
    return well(
      ABOUT,
      'not tested yet: whether it drops a repeated post (`wrench doctor --prove-posting C0123ABC`, in a channel that the bot is in)',
    );
  return lineOf(proof);
}

/** Posts the same message twice in a channel, compares the two, deletes what is there, and remembers the result. */
export async function provePosting(call: CallSlack, channel: string, save: Repeats['save']): Promise<Line> {
  const post = () => call<{ ts: string }>('chat.postMessage', { channel, text: TEXT, client_msg_id: id });
  const id = randomUUID();
  const posted = new Set<string>();
  try {
    const answers = [await post(), await post()];
    for (const { ts } of answers) if (ts !== undefined) posted.add(ts);
    const refusal = answers.find(({ ok }) => !ok);
    if (refusal)
      return failed(`did not take the test message in ${channel} (${refusal.error ?? 'no reason given'})`);
    const proof = { drops: posted.size === 1, at: new Date().toISOString() };
    await save(proof);
    return lineOf(proof);
  } catch (error) {
    return failed(`could not be tested: ${because(error)}`);
  } finally {
    for (const ts of posted) await call('chat.delete', { channel, ts }).catch(() => undefined);
  }
}

function lineOf({ drops, at }: Proof): Line {
  const tested = `tested on ${at.slice(0, 10)}`;
  return well(
    ABOUT,
    drops
      ? `drops a repeated post (${tested}): a message whose confirmation is lost is posted once`
      : `posts a repeated message twice (${tested}): a message whose confirmation is lost may be doubled`,
  );
}

function failed(said: string): Line {
  return ill(ABOUT, said, 'Name the id of a channel that the bot is in, and try again');
}

import { count, list } from '../text/wording.ts';
import type { CallSlack } from './call-slack.ts';
import { errorText, warning, type DoctorLine, ok } from './line.ts';
import { keysOf, type IdsByKey } from './people.ts';

const ABOUT = 'Slack';
/** No message has this time. */
const NO_MESSAGE = '1.000000';

/**
 * Checks that the channels in the configuration exist. An `askFrom` that names only unknown channels refuses every command.
 * Calls `chat.getPermalink`, which needs no scope and returns `message_not_found` for a channel that exists.
 * https://docs.slack.dev/reference/methods/chat.getPermalink
 */
export async function checkChannels(call: CallSlack, named: IdsByKey): Promise<readonly DoctorLine[]> {
  const ids = [...new Set(Object.values(named).flat())];
  const unasked: { readonly id: string; readonly why: string }[] = [];
  const unknown = await Promise.all(
    ids.map(async (id) => {
      try {
        return (await isKnown(call, id)) ? undefined : id;
      } catch (error) {
        unasked.push({ id, why: errorText(error) });
        return undefined;
      }
    }),
  );
  const lines = [
    ...unknown
      .filter((id) => id !== undefined)
      .map((id) =>
        warning(
          ABOUT,
          `the bot cannot see a channel ${id} (${keysOf(named, id)})`,
          'Correct the id; if the channel is private, invite the bot',
        ),
      ),
    ...(unasked.length > 0
      ? [
          warning(
            ABOUT,
            `could not be asked about ${list(unasked.map(({ id }) => id))} (${unasked[0]?.why})`,
            'Run the doctor again',
          ),
        ]
      : []),
  ];
  if (lines.length > 0 || ids.length === 0) return lines;
  return [ok(ABOUT, `knows every channel in the configuration: ${count(ids.length, 'channel')}`)];
}

async function isKnown(call: CallSlack, channel: string): Promise<boolean> {
  const { ok, error } = await call('chat.getPermalink', { channel, message_ts: NO_MESSAGE });
  if (ok || error === 'message_not_found') return true;
  if (error === 'channel_not_found') return false;
  throw new Error(error ?? 'no reason given');
}

import { count, list } from '../text/wording.ts';
import type { CallSlack } from './call-slack.ts';
import { errorText, warning, type DoctorLine, ok } from './line.ts';
import { keysOf, type IdsByKey } from './people.ts';

const ABOUT = 'Slack';
/** The timestamp of no message. */
const NO_MESSAGE = '1.000000';

/**
 * Checks that the channels in the configuration exist. An `askFrom` with only unknown channels refuses every command.
 * Calls `chat.getPermalink`, which needs no scope and returns `message_not_found` for a channel that exists.
 * https://docs.slack.dev/reference/methods/chat.getPermalink
 */
export async function checkChannels(call: CallSlack, named: IdsByKey): Promise<readonly DoctorLine[]> {
  const ids = [...new Set(Object.values(named).flat())];
  const unchecked: { readonly id: string; readonly why: string }[] = [];
  const unknown = await Promise.all(
    ids.map(async (id) => {
      try {
        return (await isKnown(call, id)) ? undefined : id;
      } catch (error) {
        unchecked.push({ id, why: errorText(error) });
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
          `the bot can't find channel ${id} (${keysOf(named, id)})`,
          'Correct the id. If the channel is private, invite the bot',
        ),
      ),
    ...(unchecked.length > 0
      ? [
          warning(
            ABOUT,
            `couldn't check ${list(unchecked.map(({ id }) => id))} (${unchecked[0]?.why})`,
            'Run `wrench doctor` again',
          ),
        ]
      : []),
  ];
  if (lines.length > 0 || ids.length === 0) return lines;
  return [ok(ABOUT, `found every channel in the configuration: ${count(ids.length, 'channel')}`)];
}

async function isKnown(call: CallSlack, channel: string): Promise<boolean> {
  const { ok, error } = await call('chat.getPermalink', { channel, message_ts: NO_MESSAGE });
  if (ok || error === 'message_not_found') return true;
  if (error === 'channel_not_found') return false;
  throw new Error(error ?? 'no reason given');
}

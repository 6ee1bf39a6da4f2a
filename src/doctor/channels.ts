import { count, list } from '../text/wording.ts';
import type { CallSlack } from './call-slack.ts';
import { because, doubtful, type Line, well } from './line.ts';
import { keysOf, type Named } from './people.ts';

const ABOUT = 'Slack';
/** No message has this time. */
const NO_MESSAGE = '1.000000';

/**
 * Whether the channels that the configuration names exist. An `askFrom` of unknown channels alone refuses every command.
 * Asked with `chat.getPermalink`, which needs no scope and answers `message_not_found` for a channel that exists.
 * https://docs.slack.dev/reference/methods/chat.getPermalink
 */
export async function examineChannels(call: CallSlack, named: Named): Promise<readonly Line[]> {
  const ids = [...new Set(Object.values(named).flat())];
  const unasked: { readonly id: string; readonly why: string }[] = [];
  const unknown = await Promise.all(
    ids.map(async (id) => {
      try {
        return (await isKnown(call, id)) ? undefined : id;
      } catch (error) {
        unasked.push({ id, why: because(error) });
        return undefined;
      }
    }),
  );
  const lines = [
    ...unknown
      .filter((id) => id !== undefined)
      .map((id) =>
        doubtful(
          ABOUT,
          `the bot cannot see a channel ${id} (${keysOf(named, id)})`,
          'Correct the id; if the channel is private, invite the bot',
        ),
      ),
    ...(unasked.length > 0
      ? [
          doubtful(
            ABOUT,
            `could not be asked about ${list(unasked.map(({ id }) => id))} (${unasked[0]?.why})`,
            'Run the doctor again',
          ),
        ]
      : []),
  ];
  if (lines.length > 0 || ids.length === 0) return lines;
  return [well(ABOUT, `knows every channel in the configuration: ${count(ids.length, 'channel')}`)];
}

async function isKnown(call: CallSlack, channel: string): Promise<boolean> {
  const { ok, error } = await call('chat.getPermalink', { channel, message_ts: NO_MESSAGE });
  if (ok || error === 'message_not_found') return true;
  if (error === 'channel_not_found') return false;
  throw new Error(error ?? 'no reason given');
}

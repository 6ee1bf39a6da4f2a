import type { Config } from '../../src/config/read-config.ts';
import type { Message } from '../workspace/model.ts';
import { ADA, INCIDENT, openToAll, type Stage } from './harness.ts';

type Action = 'request' | 'approve' | 'reject' | 'pause';

/** Messages have it in names, so that Slack makes no links of them. */
const ZERO_WIDTH_SPACE = '\u200B';

/** One run of a check: its message in the channel, and the thread below it. */
export interface AskedCheck {
  /** Waits for a message in the thread, and returns it. */
  readonly posted: (words: string) => Promise<Message>;
  /** The text of the whole thread, with what is only in blocks. */
  readonly shown: () => string;
  readonly hasButton: (action: Action) => boolean;
  /** Waits for the first button of this kind and clicks it. */
  readonly press: (userId: string, action: Action) => Promise<void>;
}

/** Types a command as Ada, and waits until its message in the channel has these words. */
export async function ask(
  { workspace }: Stage,
  [command, text]: readonly [string, string],
  verdict: string,
): Promise<AskedCheck> {
  const at = workspace.messages(INCIDENT).length;
  await workspace.command({ userId: ADA, channelId: INCIDENT, command, text });
  const root = await workspace
    .waitFor(() => workspace.messages(INCIDENT).find((one, index) => index >= at && says(one, verdict)))
    .catch((error: unknown) => {
      const found = workspace.messages(INCIDENT).slice(at);
      throw new Error(`no "${verdict}" in: ${JSON.stringify(found.map((one) => one.text))}`, {
        cause: error,
      });
    });
  const thread = (): readonly Message[] => workspace.thread(INCIDENT, root.ts);
  const withButton = (action: Action): Message | undefined =>
    thread().find(({ blocks }) => JSON.stringify(blocks ?? []).includes(`"wrench:${action}"`));
  return {
    posted: (words) =>
      workspace
        .waitFor(() => thread().find((one) => says(one, words)))
        .catch((error: unknown) => {
          const texts = thread().map((one) => one.text);
          throw new Error(`no "${words}" in: ${texts.join('\n---\n')}`, { cause: error });
        }),
    shown: () => JSON.stringify(thread()),
    hasButton: (action) => withButton(action) !== undefined,
    press: async (userId, action) => {
      const { ts } = await workspace.waitFor(() => withButton(action));
      await workspace.click({
        userId,
        channelId: INCIDENT,
        messageTs: ts,
        actionId: `wrench:${action}`,
      });
    },
  };
}

function says({ text }: Message, words: string): boolean {
  return text.replaceAll(ZERO_WIDTH_SPACE, '').includes(words);
}

/** The configuration of one source or several, with these destructive fixes on, which one person approves. */
export function withSources(
  sources: Config['environments'][string]['sources'],
  ...destructive: Config['remediations']['destructive']
): Partial<Config> {
  return {
    environments: { prod: { sources } },
    remediations: {
      ...openToAll.remediations,
      destructive,
      approvals: { disruptive: 1, destructive: 1 },
    },
  };
}

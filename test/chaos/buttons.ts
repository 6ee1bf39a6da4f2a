import type { Message } from '../workspace/model.ts';
import type { Workspace } from '../workspace/start-workspace.ts';

export type Button = 'request' | 'approve' | 'reject' | 'look';

/** A click as a person made it. */
export interface RecordedClick {
  readonly userId: string;
  readonly channelId: string;
  readonly button: Button;
  readonly value: string;
  /** How often the workspace delivered it. */
  readonly deliveries: number;
  /** Milliseconds of the epoch. */
  readonly atMs: number;
  /** A value that the message never offered. */
  readonly isForged: boolean;
  /** Whether the bot acknowledged it within 3 s. */
  readonly isAcknowledged: boolean;
}

export interface Buttons {
  /** Clicks a button, delivered up to four times, with any value, even if the message does not offer it. */
  readonly press: (
    userId: string,
    message: Pick<Message, 'channel' | 'ts'>,
    button: Button,
    value: string,
    how?: { readonly deliveries?: number; readonly isForged?: boolean },
  ) => Promise<void>;
  readonly clicks: readonly RecordedClick[];
}

export function openButtons(workspace: Workspace): Buttons {
  const clicks: RecordedClick[] = [];
  return {
    clicks,
    press: async (userId, { channel, ts }, button, value, { deliveries = 1, isForged = false } = {}) => {
      // Read immediately by the following click.
      const atMs = Date.now();
      workspace.faults.deliverTimes(deliveries);
      const delivered = workspace.click({
        userId,
        channelId: channel,
        messageTs: ts,
        actionId: `wrench:${button}`,
        value,
        evenIfGone: true,
      });
      workspace.faults.deliverTimes(1);
      const { failure } = await delivered;
      clicks.push({
        userId,
        channelId: channel,
        button,
        value,
        deliveries,
        atMs,
        isForged,
        isAcknowledged: failure === undefined,
      });
    },
  };
}

export interface ShownButton {
  readonly button: string;
  readonly value: string;
}

/** The fix buttons of a message. */
export function buttonsOf({ blocks }: Pick<Message, 'blocks'>): readonly ShownButton[] {
  const found: ShownButton[] = [];
  JSON.stringify(blocks ?? [], (_, part: unknown) => {
    const { action_id: action, value } = (part ?? {}) as { action_id?: unknown; value?: unknown };
    const button = /^wrench:(request|approve|reject|look)$/.exec(
      typeof action === 'string' ? action : '',
    )?.[1];
    if (button !== undefined) found.push({ button, value: String(value) });
    return part;
  });
  return found;
}

const CARD = /^:[a-z_]+: ([A-Z ]+) · /;

/** The state that a card shows, and its remediation; undefined for any other message. */
export function readCard({
  text,
  blocks,
}: Pick<Message, 'text' | 'blocks'>): { readonly word: string; readonly id: string } | undefined {
  const word = CARD.exec(text)?.[1];
  const id = /\bm[0-9a-f]{16}\b/.exec(
    JSON.stringify((blocks ?? []).filter(({ type }) => type === 'context')),
  )?.[0];
  return word !== undefined && id !== undefined ? { word, id } : undefined;
}

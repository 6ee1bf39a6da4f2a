import type { Receiver } from '@slack/bolt';

/** How Slack reaches us: over a port, or over a socket that we open. */
export interface Way {
  readonly receiver: Receiver;
  /** Begins to hear Slack. */
  readonly start: () => Promise<{ readonly port?: number }>;
  readonly stop: () => Promise<void>;
  /** True while Slack can reach us, else why not. */
  readonly ready: () => true | string;
}

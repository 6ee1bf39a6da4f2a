import type { Receiver } from '@slack/bolt';

/** How Slack reaches the bot: HTTP requests on a port, or Socket Mode. */
export interface Transport {
  readonly receiver: Receiver;
  /** Starts to receive from Slack. */
  readonly start: () => Promise<{ readonly port?: number }>;
  readonly stop: () => Promise<void>;
  /** True while Slack can reach the bot, otherwise why not. */
  readonly ready: () => true | string;
}

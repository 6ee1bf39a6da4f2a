import type { Blocks } from './blocks.ts';

/** One post. `text` has the whole conclusion: screen readers and notifications use nothing else. */
export interface Message {
  readonly text: string;
  readonly blocks: Blocks;
}

/** A file for the thread. */
export interface Attachment {
  readonly filename: string;
  readonly title: string;
  readonly content: string;
}

/** The messages and files of a thread: the root in the channel, the rest in the thread. */
export interface ThreadContent {
  readonly root: Message;
  readonly replies: readonly Message[];
  readonly attachments: readonly Attachment[];
}

/** Who requested a report, and how. */
export interface ReportRequest {
  /** A Slack user id. Anything else is shown as plain text. */
  readonly by: string;
  /** ISO 8601. */
  readonly at: string;
  /** The id of the job, as in the log. */
  readonly runId: string;
  /** As typed, if known: `/certs expiring 14d`. Without it all arguments are written out. */
  readonly command?: string;
}

/** A request whose report isn't ready yet. */
export interface PendingRequest extends ReportRequest {
  /** `certs/expiring` */
  readonly check: string;
  readonly environment: string;
  /** Written out if no `command` is known. */
  readonly args?: Readonly<Record<string, string>>;
}

import type { Blocks } from './blocks.ts';

/** What one post says. `text` carries the whole conclusion: screen readers and notifications read nothing else. */
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

/** Who asked for a report, and how. */
export interface ReportRequest {
  /** A Slack user id; anything else is shown as plain text. */
  readonly by: string;
  /** ISO 8601. */
  readonly at: string;
  /** The job, as the log names it. */
  readonly runId: string;
  /** As typed, where that is known: `/certs expiring 14d`. Without it all arguments are written out. */
  readonly command?: string;
}

/** A request whose report is still to come. */
export interface PendingRequest extends ReportRequest {
  /** `certs/expiring` */
  readonly check: string;
  readonly environment: string;
  /** Written out where no `command` is known. */
  readonly args?: Readonly<Record<string, string>>;
  /** What the check looks for, from its declaration. */
  readonly title?: string;
}

import { z } from 'zod';
import type { Log } from '../../telemetry/log.ts';
import { type IsSlackUrl, warnOfForeignUrl } from '../delivery/response-url.ts';
import { slackId, slackTs } from '../transport/payload.ts';

/** The fields of a slash command that we read in addition to those of every delivery. */
export interface SlashCommand {
  readonly command: string;
  readonly text: string;
  readonly team_domain?: string;
  readonly channel_id: string;
  /** Of commands that were not typed as a slash command, which Slack doesn't accept in a thread. */
  readonly thread_ts?: string;
  readonly response_url?: string;
}

const commandSchema = z.object({
  command: z.string().regex(/^\/\S{1,100}$/),
  // May be empty, and is limited to the length of a message.
  text: z.string().max(40_000).default(''),
  channel_id: slackId,
  thread_ts: slackTs.nullish(),
  team_domain: z.string().max(500).nullish(),
  response_url: z.string().max(4_000).nullish(),
});

/**
 * The fields of a slash command that we read, or the names of those that are missing or malformed.
 * A `response_url` that is not Slack's is dropped here, with a warning.
 */
export function readCommand(
  body: unknown,
  { isSlackUrl, log }: { readonly isSlackUrl: IsSlackUrl; readonly log: Log },
): SlashCommand | { readonly malformed: readonly string[] } {
  const { success, data, error } = commandSchema.safeParse(body);
  if (!success) return { malformed: [...new Set(error.issues.map(({ path }) => String(path[0] ?? 'body')))] };
  const { team_domain: domain, response_url: url, thread_ts: threadTs, ...command } = data;
  const isForeign = url !== undefined && url !== null && !isSlackUrl(url);
  if (isForeign) warnOfForeignUrl(log, url);
  return {
    ...command,
    ...(threadTs && { thread_ts: threadTs }),
    ...(domain && /^[a-z0-9-]+$/.test(domain) && { team_domain: domain }),
    ...(url && !isForeign && { response_url: url }),
  };
}

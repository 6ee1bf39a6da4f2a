import { WebClient } from '@slack/web-api';
import type { Workspace } from '../../store/access/workspace.ts';
import type { Log } from '../../telemetry/log.ts';
import { boltLogger } from '../transport/bolt-log.ts';
import { SlackApiError } from '../delivery/slack-call.ts';

/** The installation that the bot token belongs to, and the bot's ids in it. */
export interface Installation {
  readonly workspace: Workspace;
  readonly botId?: string;
  readonly botUserId?: string;
}

const TIMEOUT_MS = 10_000;

/**
 * Looks up which installation the token belongs to: once, at startup, so that no delivery waits for it.
 * @throws {SlackApiError} if the token is refused.
 */
export async function readInstallation(
  token: string,
  apiUrl: string | undefined,
  log: Log,
): Promise<Installation> {
  const client = new WebClient(token, {
    ...(apiUrl !== undefined && { slackApiUrl: apiUrl }),
    retryConfig: { retries: 2 },
    timeout: TIMEOUT_MS,
    logger: boltLogger(log),
  });
  const answer = await client.auth.test().catch((error: unknown) => {
    throw explainTokenError(error);
  });
  const { team_id: teamId, enterprise_id: enterpriseId, user_id: botUserId, bot_id: botId } = answer;
  const isEnterpriseInstall = answer.is_enterprise_install ?? false;
  if (isEnterpriseInstall ? !enterpriseId : !teamId)
    throw new Error("Slack didn't say where the app is installed (auth.test)");
  return {
    workspace: {
      teamId: teamId ?? '',
      ...(enterpriseId !== undefined && { enterpriseId }),
      isEnterpriseInstall,
    },
    ...(botId !== undefined && { botId }),
    ...(botUserId !== undefined && { botUserId }),
  };
}

/** Errors that only an operator can fix. Others may be temporary. */
const TOKEN_REFUSED = new Set([
  'invalid_auth',
  'not_authed',
  'account_inactive',
  'token_revoked',
  'token_expired',
  'missing_scope',
  'not_allowed_token_type',
]);

/** Explains an error at startup if Slack refused the token. */
export function explainTokenError(error: unknown): unknown {
  const code = (error as { data?: { error?: unknown } }).data?.error;
  if (typeof code !== 'string' || !TOKEN_REFUSED.has(code)) return error;
  return new SlackApiError(
    code,
    ' at startup: check SLACK_BOT_TOKEN and SLACK_APP_TOKEN, or run `wrench doctor` for details',
  );
}

import { startBot } from '../../src/app/bot.ts';
import { TOKENS } from '../e2e/harness.ts';
import { serveRole } from './serve-role.ts';

/** The real bot in a separate process, listening for Slack on a free port. It logs to stdout. */
await serveRole('bot', startBot, {
  slackBotToken: TOKENS.bot,
  slackSigningSecret: TOKENS.signing,
  secrets: Object.values(TOKENS),
});

import { startBot } from '../../src/app/bot.ts';
import { TOKENS } from '../e2e/harness.ts';
import { serveRole } from './serve-role.ts';

/** The product's own bot, in a process of its own, listening for Slack on a free port. What it logs goes to stdout. */
await serveRole('bot', startBot, {
  slackBotToken: TOKENS.bot,
  slackSigningSecret: TOKENS.signing,
  secrets: Object.values(TOKENS),
});

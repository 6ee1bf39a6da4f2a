import type { ProcessSettings } from '../config/read-config.ts';
import { type CallSlack, makeCallSlack, type SlackApiResponse } from './call-slack.ts';
import { errorText, warning, failed, type DoctorLine, ok } from './line.ts';
import { checkChannels } from './channels.ts';
import type { ConfiguredIds } from './configured-ids.ts';
import { checkPeople, type BotWorkspace } from './people.ts';

const ABOUT = 'Slack';
const SLACK_API_URL = 'https://slack.com/api/';

/** The scopes that the bot needs, and what for. The manifest requests the same. */
export const REQUIRED_SCOPES: Readonly<Record<string, string>> = {
  commands: 'to receive slash commands',
  'chat:write': 'to post',
  'files:write': 'to attach long lists as CSV',
  'usergroups:read': 'to look up the members of user groups',
  'users:read': 'to recognize guests, people from other workspaces and deactivated accounts',
};

/** Optional scopes, and what for. */
export const OPTIONAL_SCOPES: Readonly<Record<string, string>> = {
  'chat:write.public': 'to post in public channels without an invitation',
  'app_mentions:read': 'to receive messages that mention it',
  'im:history': 'to receive direct messages',
};

/** What to do about a missing optional scope, after adding it or instead. */
const OPTIONAL_HINTS: Readonly<Record<string, string>> = {
  'chat:write.public': ', or invite the bot to the channels where it is used',
  'app_mentions:read': '; also subscribe to the event app_mention',
  'im:history': '; also subscribe to the event message.im, and allow messages under "App Home"',
};

/** Checks that the tokens are set, are accepted and have the scopes that the bot needs, and that Slack knows the people, groups and channels in the configuration. */
export async function checkSlack(
  settings: ProcessSettings,
  named: ConfiguredIds,
  timeoutMs: number,
): Promise<readonly DoctorLine[]> {
  const { slackBotToken, slackAppToken, slackSigningSecret } = settings;
  if (slackBotToken === undefined)
    return [
      failed(
        ABOUT,
        'no bot token is set',
        'Set SLACK_BOT_TOKEN to the "Bot User OAuth Token" of the app, under "OAuth & Permissions"',
      ),
    ];
  const callWith = (token: string) => openSlackApi(settings, token, timeoutMs);
  const [botLines, transportLines] = await Promise.all([
    checkBotToken(callWith(slackBotToken), named),
    slackAppToken === undefined
      ? [checkHttp(slackSigningSecret, settings.port)]
      : checkAppToken(callWith(slackAppToken)),
  ]);
  return [...botLines, ...transportLines];
}

/** Calls the Web API of the configured workspace. */
export function openSlackApi(
  { slackApiUrl }: Pick<ProcessSettings, 'slackApiUrl'>,
  token: string,
  timeoutMs: number,
): CallSlack {
  return makeCallSlack(slackApiUrl ?? SLACK_API_URL, token, timeoutMs);
}

interface AuthTestResponse extends BotWorkspace {
  readonly user: string;
  readonly team: string;
}

async function checkBotToken(call: CallSlack, named: ConfiguredIds): Promise<readonly DoctorLine[]> {
  const response = await responseOrLine(() => call<AuthTestResponse>('auth.test'));
  if ('level' in response) return [response];
  if (!response.ok) return [tokenRejected('the bot token', response.error, 'SLACK_BOT_TOKEN')];
  const known = ok(ABOUT, `the bot token is valid: @${response.user ?? '?'} in ${response.team ?? '?'}`);
  const [people, channels] = await Promise.all([
    checkPeople(call, named.people, response),
    checkChannels(call, named.channels),
  ]);
  return [known, ...checkScopes(response.scopes), ...people, ...channels];
}

function checkScopes(given: readonly string[] | undefined): readonly DoctorLine[] {
  if (given === undefined)
    return [
      warning(
        ABOUT,
        "didn't report the scopes of the bot token",
        'Compare them with deploy/slack-manifest.yaml',
      ),
    ];
  const missing = (scopes: Readonly<Record<string, string>>) =>
    Object.entries(scopes).filter(([scope]) => !given.includes(scope));
  const add = (scope: string) => `Add ${scope} under "OAuth & Permissions" and reinstall the app`;
  const lines = [
    ...missing(REQUIRED_SCOPES).map(([scope, why]) => failed(ABOUT, missingScope(scope, why), add(scope))),
    ...missing(OPTIONAL_SCOPES).map(([scope, why]) =>
      warning(ABOUT, missingScope(scope, why), `${add(scope)}${OPTIONAL_HINTS[scope] ?? ''}`),
    ),
  ];
  return lines.length > 0 ? lines : [ok(ABOUT, 'the bot token has all required scopes')];
}

function missingScope(scope: string, why: string): string {
  return `the scope ${scope} is missing; the bot needs it ${why}`;
}

async function checkAppToken(call: CallSlack): Promise<readonly DoctorLine[]> {
  const response = await responseOrLine(() => call('apps.connections.open'));
  if ('level' in response) return [response];
  if (response.ok) return [ok(ABOUT, 'the app token opens Socket Mode')];
  if (response.error === 'missing_scope' || response.error === 'not_allowed_token_type')
    return [
      failed(
        ABOUT,
        `the app token isn't allowed to open Socket Mode (${response.error})`,
        'Create an app-level token with the scope connections:write, under "Basic Information"',
      ),
    ];
  return [tokenRejected('the app token', response.error, 'SLACK_APP_TOKEN')];
}

function checkHttp(signingSecret: string | undefined, port: number): DoctorLine {
  return signingSecret === undefined
    ? failed(
        ABOUT,
        "neither an app token nor a signing secret is set, so the bot can't receive requests",
        'Set SLACK_APP_TOKEN for Socket Mode, or SLACK_SIGNING_SECRET for HTTP',
      )
    : ok(ABOUT, `the bot receives requests over HTTP on port ${port} and verifies their signatures`);
}

function tokenRejected(what: string, error = 'no reason given', variable: string): DoctorLine {
  return failed(
    ABOUT,
    `rejected ${what} (${error})`,
    `Set ${variable} to the current token of the app. If it was revoked, reinstall the app`,
  );
}

async function responseOrLine<T extends SlackApiResponse>(call: () => Promise<T>): Promise<T | DoctorLine> {
  try {
    return await call();
  } catch (error) {
    const hint =
      'Allow HTTPS to slack.com from here. Behind a proxy, set HTTPS_PROXY and NODE_USE_ENV_PROXY=1';
    return failed(ABOUT, `the Web API doesn't respond: ${errorText(error)}`, hint);
  }
}

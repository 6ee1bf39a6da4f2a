import type { ProcessSettings } from '../config/read-config.ts';
import { type CallSlack, makeCallSlack, type SlackApiResponse } from './call-slack.ts';
import { errorText, warning, failed, type DoctorLine, ok } from './line.ts';
import { checkChannels } from './channels.ts';
import type { ConfiguredIds } from './configured-ids.ts';
import { checkPeople, type BotWorkspace } from './people.ts';

const ABOUT = 'Slack';
const SLACK_API_URL = 'https://slack.com/api/';

/** The scopes that the bot needs, with the reason; the manifest requests the same. */
export const REQUIRED_SCOPES: Readonly<Record<string, string>> = {
  commands: 'to be asked with slash commands',
  'chat:write': 'to post',
  'files:write': 'to attach long lists as CSV',
  'usergroups:read': 'to know who is in the groups that may approve fixes',
  'users:read': 'to know guests, strangers and deactivated accounts',
};

/** Scopes that the bot can do without, with what they add. */
export const OPTIONAL_SCOPES: Readonly<Record<string, string>> = {
  'chat:write.public': 'to post in public channels that it was not invited to',
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
        'there is no bot token',
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
  const answer = await responseOrLine(() => call<AuthTestResponse>('auth.test'));
  if ('level' in answer) return [answer];
  if (!answer.ok) return [tokenRefused('the bot token', answer.error, 'SLACK_BOT_TOKEN')];
  const known = ok(ABOUT, `the bot token is @${answer.user ?? '?'} of ${answer.team ?? '?'}`);
  const [people, channels] = await Promise.all([
    checkPeople(call, named.people, answer),
    checkChannels(call, named.channels),
  ]);
  return [known, ...checkScopes(answer.scopes), ...people, ...channels];
}

function checkScopes(given: readonly string[] | undefined): readonly DoctorLine[] {
  if (given === undefined)
    return [
      warning(
        ABOUT,
        'did not tell the scopes of the bot token',
        'Compare them with deploy/slack-manifest.yaml',
      ),
    ];
  const missing = (scopes: Readonly<Record<string, string>>) =>
    Object.entries(scopes).filter(([scope]) => !given.includes(scope));
  const add = (scope: string) => `Add ${scope} under "OAuth & Permissions" and install the app again`;
  const lines = [
    ...missing(REQUIRED_SCOPES).map(([scope, why]) =>
      failed(ABOUT, `the scope ${scope} is missing: ${why}`, add(scope)),
    ),
    ...missing(OPTIONAL_SCOPES).map(([scope, why]) =>
      warning(
        ABOUT,
        `the scope ${scope} is missing: ${why}`,
        `${add(scope)}, or invite the bot where it is asked`,
      ),
    ),
  ];
  return lines.length > 0 ? lines : [ok(ABOUT, 'the bot token has every scope that is needed')];
}

async function checkAppToken(call: CallSlack): Promise<readonly DoctorLine[]> {
  const answer = await responseOrLine(() => call('apps.connections.open'));
  if ('level' in answer) return [answer];
  if (answer.ok) return [ok(ABOUT, 'Socket Mode opens with the app token')];
  if (answer.error === 'missing_scope' || answer.error === 'not_allowed_token_type')
    return [
      failed(
        ABOUT,
        `the app token may not open Socket Mode (${answer.error})`,
        'Make an app-level token with the scope connections:write, under "Basic Information"',
      ),
    ];
  return [tokenRefused('the app token', answer.error, 'SLACK_APP_TOKEN')];
}

function checkHttp(signingSecret: string | undefined, port: number): DoctorLine {
  return signingSecret === undefined
    ? failed(
        ABOUT,
        'there is neither an app token nor a signing secret, so that nothing can be heard',
        'Set SLACK_APP_TOKEN for Socket Mode, or SLACK_SIGNING_SECRET for HTTP',
      )
    : ok(ABOUT, `requests are heard over HTTP on port ${port}, and their signatures checked`);
}

function tokenRefused(what: string, error = 'no reason given', variable: string): DoctorLine {
  return failed(
    ABOUT,
    `${what} is refused (${error})`,
    `Put the current token of the app into ${variable}; install the app again if it was revoked`,
  );
}

async function responseOrLine<T extends SlackApiResponse>(call: () => Promise<T>): Promise<T | DoctorLine> {
  try {
    return await call();
  } catch (error) {
    const cure =
      'Allow https to slack.com from here; behind a proxy set HTTPS_PROXY and NODE_USE_ENV_PROXY=1';
    return failed(ABOUT, `the Web API does not answer: ${errorText(error)}`, cure);
  }
}

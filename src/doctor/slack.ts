import type { ProcessSettings } from '../config/read-config.ts';
import { type CallSlack, makeCallSlack, type SlackAnswer } from './call-slack.ts';
import { because, doubtful, ill, type Line, well } from './line.ts';
import { examineChannels } from './channels.ts';
import type { NamedIds } from './named-ids.ts';
import { examinePeople, type Home } from './people.ts';

const ABOUT = 'Slack';
const SLACK = 'https://slack.com/api/';

/** What the bot asks of a workspace; the manifest asks for the same. */
export const NEEDED_SCOPES: Readonly<Record<string, string>> = {
  commands: 'to be asked with slash commands',
  'chat:write': 'to post',
  'files:write': 'to attach long lists as CSV',
  'usergroups:read': 'to know who is in the groups that may approve fixes',
  'users:read': 'to know guests, strangers and deactivated accounts',
};

/** What it does without, at a price. */
export const WISHED_SCOPES: Readonly<Record<string, string>> = {
  'chat:write.public': 'to post in public channels that it was not invited to',
};

/** Whether the tokens are set, are accepted, and may do what the bot does; and whether Slack knows the people, groups and channels in the configuration. */
export async function examineSlack(
  settings: ProcessSettings,
  named: NamedIds,
  timeoutMs: number,
): Promise<readonly Line[]> {
  const { slackBotToken, slackAppToken, slackSigningSecret } = settings;
  if (slackBotToken === undefined)
    return [
      ill(
        ABOUT,
        'there is no bot token',
        'Set SLACK_BOT_TOKEN to the "Bot User OAuth Token" of the app, under "OAuth & Permissions"',
      ),
    ];
  const callWith = (token: string) => callSlack(settings, token, timeoutMs);
  const [botLines, wayLines] = await Promise.all([
    examineBotToken(callWith(slackBotToken), named),
    slackAppToken === undefined
      ? [examineHttp(slackSigningSecret, settings.port)]
      : examineAppToken(callWith(slackAppToken)),
  ]);
  return [...botLines, ...wayLines];
}

/** Calls the Web API of the configured workspace. */
export function callSlack(
  { slackApiUrl }: Pick<ProcessSettings, 'slackApiUrl'>,
  token: string,
  timeoutMs: number,
): CallSlack {
  return makeCallSlack(slackApiUrl ?? SLACK, token, timeoutMs);
}

interface Greeting extends Home {
  readonly user: string;
  readonly team: string;
}

async function examineBotToken(call: CallSlack, named: NamedIds): Promise<readonly Line[]> {
  const answer = await attempt(() => call<Greeting>('auth.test'));
  if ('level' in answer) return [answer];
  if (!answer.ok) return [refused('the bot token', answer.error, 'SLACK_BOT_TOKEN')];
  const known = well(ABOUT, `the bot token is @${answer.user ?? '?'} of ${answer.team ?? '?'}`);
  const [people, channels] = await Promise.all([
    examinePeople(call, named.people, answer),
    examineChannels(call, named.channels),
  ]);
  return [known, ...examineScopes(answer.scopes), ...people, ...channels];
}

function examineScopes(given: readonly string[] | undefined): readonly Line[] {
  if (given === undefined)
    return [
      doubtful(
        ABOUT,
        'did not tell the scopes of the bot token',
        'Compare them with deploy/slack-manifest.yaml',
      ),
    ];
  const lacking = (scopes: Readonly<Record<string, string>>) =>
    Object.entries(scopes).filter(([scope]) => !given.includes(scope));
  const add = (scope: string) => `Add ${scope} under "OAuth & Permissions" and install the app again`;
  const lines = [
    ...lacking(NEEDED_SCOPES).map(([scope, why]) =>
      ill(ABOUT, `the scope ${scope} is missing: ${why}`, add(scope)),
    ),
    ...lacking(WISHED_SCOPES).map(([scope, why]) =>
      doubtful(
        ABOUT,
        `the scope ${scope} is missing: ${why}`,
        `${add(scope)}, or invite the bot where it is asked`,
      ),
    ),
  ];
  return lines.length > 0 ? lines : [well(ABOUT, 'the bot token has every scope that is needed')];
}

async function examineAppToken(call: CallSlack): Promise<readonly Line[]> {
  const answer = await attempt(() => call('apps.connections.open'));
  if ('level' in answer) return [answer];
  if (answer.ok) return [well(ABOUT, 'Socket Mode opens with the app token')];
  if (answer.error === 'missing_scope' || answer.error === 'not_allowed_token_type')
    return [
      ill(
        ABOUT,
        `the app token may not open Socket Mode (${answer.error})`,
        'Make an app-level token with the scope connections:write, under "Basic Information"',
      ),
    ];
  return [refused('the app token', answer.error, 'SLACK_APP_TOKEN')];
}

function examineHttp(signingSecret: string | undefined, port: number): Line {
  return signingSecret === undefined
    ? ill(
        ABOUT,
        'there is neither an app token nor a signing secret, so that nothing can be heard',
        'Set SLACK_APP_TOKEN for Socket Mode, or SLACK_SIGNING_SECRET for HTTP',
      )
    : well(ABOUT, `requests are heard over HTTP on port ${port}, and their signatures checked`);
}

function refused(what: string, error = 'no reason given', variable: string): Line {
  return ill(
    ABOUT,
    `${what} is refused (${error})`,
    `Put the current token of the app into ${variable}; install the app again if it was revoked`,
  );
}

async function attempt<T extends SlackAnswer>(call: () => Promise<T>): Promise<T | Line> {
  try {
    return await call();
  } catch (error) {
    const cure =
      'Allow https to slack.com from here; behind a proxy set HTTPS_PROXY and NODE_USE_ENV_PROXY=1';
    return ill(ABOUT, `the Web API does not answer: ${because(error)}`, cure);
  }
}

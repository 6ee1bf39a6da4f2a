import { z } from 'zod';
import type { Variables } from './variables.ts';

const port = (byDefault: number) =>
  z.coerce
    .number({ error: 'must be a port number' })
    .int({ error: 'must be a port number' })
    .min(0, { error: 'must be a port number' })
    .max(65_535, { error: 'must be a port number' })
    .default(byDefault);

/** The environment variables of a process. `.env.example` and docs/configuration.md are generated from them. */
export const settingsSchema = z.object({
  SLACK_BOT_TOKEN: z
    .string()
    .regex(/^(xoxe\.)?xoxb-/, {
      error:
        'must begin with `xoxb-`: use the "Bot User OAuth Token" of the app, under "OAuth & Permissions"',
    })
    .exactOptional()
    .meta({
      description:
        'The bot token of the Slack app, `xoxb-…`. Required for the bot; a worker must not have it.',
      secret: true,
    }),
  SLACK_APP_TOKEN: z
    .string()
    .regex(/^xapp-/, {
      error:
        'must begin with `xapp-`: use an app-level token with the scope `connections:write`, under "Basic Information"',
    })
    .exactOptional()
    .meta({
      description:
        'The app-level token of the Slack app, `xapp-…`. If set, the bot connects to Slack over Socket Mode and opens no port for it.',
      secret: true,
    }),
  SLACK_SIGNING_SECRET: z
    .string()
    .min(8, { error: 'is too short: use the "Signing Secret" of the app, under "Basic Information"' })
    .exactOptional()
    .meta({
      description: 'The signing secret of the Slack app. Required if Slack sends requests over HTTP.',
      secret: true,
    }),
  PORT: port(3_000).meta({ description: 'The port that receives requests from Slack over HTTP.' }),
  SLACK_API_URL: z
    .url({ protocol: /^https?$/, error: 'must be an http or https address such as https://slack.com/api/' })
    // The Web API client requires the trailing slash.
    .overwrite((url) => url.replace(/\/*$/, '/'))
    .exactOptional()
    .meta({
      description: 'The address of the Slack Web API, if it is not the public one. For tests and proxies.',
    }),
  REDIS_URL: z
    .url({
      protocol: /^(rediss?|unix)$/,
      error: 'must be an address such as redis://host:6379 or rediss://user:password@host:6380/0',
    })
    .exactOptional()
    .meta({
      description:
        'The Redis that stores the queue and all state, `redis://` or `rediss://`. For Sentinel or Cluster, set `redis` in wrench.yaml instead. Without either, Wrench starts a private Redis.',
      secret: true,
    }),
  WRENCH_CONFIG: z
    .string()
    .default('./wrench.yaml')
    .meta({ description: 'The path of the configuration file.' }),
  WRENCH_DATA: z.string().default('./.wrench').meta({
    description:
      'The folder where the private Redis stores its data. The bot also stores there, in `audit-head`, the last audit head that it has seen, unless `audit.copyTo` is a file.',
  }),
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
    .default('info')
    .meta({ description: 'The log level: trace, debug, info, warn, error, fatal or silent.' }),
  HEALTH_PORT: port(8_080).meta({ description: 'The port that serves /healthz, /readyz and /metrics.' }),
  HEALTH_HOST: z
    .union([z.ipv4(), z.ipv6(), z.literal('localhost')], {
      error: 'must be an IP address such as 127.0.0.1 or 0.0.0.0',
    })
    .default('127.0.0.1')
    .meta({
      description:
        'The IP address that serves /healthz, /readyz and /metrics. Set it to 0.0.0.0 in containers, or if a probe or scraper runs on another host.',
    }),
});

type ParsedSettings = z.output<typeof settingsSchema>;

/** The setting that each variable is read as. */
const NAMES = {
  SLACK_BOT_TOKEN: 'slackBotToken',
  SLACK_APP_TOKEN: 'slackAppToken',
  SLACK_SIGNING_SECRET: 'slackSigningSecret',
  PORT: 'port',
  SLACK_API_URL: 'slackApiUrl',
  REDIS_URL: 'redisUrl',
  WRENCH_CONFIG: 'configPath',
  WRENCH_DATA: 'dataPath',
  LOG_LEVEL: 'logLevel',
  HEALTH_PORT: 'healthPort',
  HEALTH_HOST: 'healthHost',
} as const satisfies Record<keyof ParsedSettings, string>;

type NamedSettings = {
  readonly [Variable in keyof ParsedSettings as (typeof NAMES)[Variable]]: ParsedSettings[Variable];
};

export interface ProcessSettings extends NamedSettings {
  /** Values that must not appear in any output. */
  readonly secrets: readonly string[];
}

export function toSettings(parsed: ParsedSettings): ProcessSettings {
  const named = Object.fromEntries(
    Object.entries(NAMES)
      .filter(([variable]) => variable in parsed)
      .map(([variable, name]) => [name, parsed[variable as keyof ParsedSettings]]),
  ) as NamedSettings;
  return { ...named, secrets: settingSecrets(parsed) };
}

/** The values of the secret variables, valid or not. In a URL, only the password is secret. */
export function settingSecrets(variables: Variables | ParsedSettings): readonly string[] {
  const { SLACK_BOT_TOKEN, SLACK_APP_TOKEN, SLACK_SIGNING_SECRET, REDIS_URL } = variables as Variables;
  const given = [SLACK_BOT_TOKEN, SLACK_APP_TOKEN, SLACK_SIGNING_SECRET, ...passwordsIn(REDIS_URL)];
  return given.filter((value) => value !== undefined).filter((value) => value !== '');
}

function passwordsIn(address: string | undefined): readonly string[] {
  if (address === undefined || !URL.canParse(address)) return [];
  const { password } = new URL(address);
  return password === '' ? [] : [...new Set([password, decodeOrKeep(password)])];
}

function decodeOrKeep(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

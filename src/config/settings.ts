import { z } from 'zod';
import type { Variables } from './variables.ts';

const port = (byDefault: number) =>
  z.coerce
    .number({ error: 'must be a port number' })
    .int({ error: 'must be a port number' })
    .min(0, { error: 'must be a port number' })
    .max(65_535, { error: 'must be a port number' })
    .default(byDefault);

/** What is secret or about this process, by the usual names. `.env.example` and the README are generated from it. */
export const settingsSchema = z.object({
  SLACK_BOT_TOKEN: z
    .string()
    .regex(/^(xoxe\.)?xoxb-/, {
      error: 'must begin with `xoxb-`: the "Bot User OAuth Token" of the app, under "OAuth & Permissions"',
    })
    .exactOptional()
    .meta({
      description: 'The bot token of the Slack app, `xoxb-…`. The bot needs it; a worker must not have it.',
      secret: true,
    }),
  SLACK_APP_TOKEN: z
    .string()
    .regex(/^xapp-/, {
      error:
        'must begin with `xapp-`: an app-level token with the scope `connections:write`, under "Basic Information"',
    })
    .exactOptional()
    .meta({
      description:
        'The app-level token, `xapp-…`. Where it is set, Slack is heard over Socket Mode and no port is opened to it.',
      secret: true,
    }),
  SLACK_SIGNING_SECRET: z
    .string()
    .min(8, { error: 'is too short: it is the "Signing Secret" under "Basic Information"' })
    .exactOptional()
    .meta({
      description: 'The signing secret of the Slack app: needed where Slack is heard over HTTP.',
      secret: true,
    }),
  PORT: port(3_000).meta({ description: 'The port on which Slack is heard over HTTP.' }),
  SLACK_API_URL: z
    .url({ protocol: /^https?$/, error: 'must be an http or https address such as https://slack.com/api/' })
    // The client of the Web API requires the slash at the end.
    .overwrite((url) => url.replace(/\/*$/, '/'))
    .exactOptional()
    .meta({ description: 'Another address of the Slack Web API, for tests and proxies.' }),
  REDIS_URL: z
    .url({
      protocol: /^(rediss?|unix)$/,
      error: 'must be an address such as redis://host:6379 or rediss://user:password@host:6380/0',
    })
    .exactOptional()
    .meta({
      description:
        'The Redis of queue and memory, `redis://` or `rediss://`. Sentinel and Cluster are set in the file. Without any, Wrench starts a private one.',
      secret: true,
    }),
  WRENCH_CONFIG: z.string().default('./wrench.yaml').meta({ description: 'The configuration file.' }),
  WRENCH_DATA: z.string().default('./.wrench').meta({
    description:
      'The folder in which the private Redis keeps its data. The bot keeps the last head of the audit that it has seen there, in `audit-head`, unless `audit.copyTo` is a file.',
  }),
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
    .default('info')
    .meta({ description: 'How much is logged: trace, debug, info, warn, error, fatal or silent.' }),
  HEALTH_PORT: port(8_080).meta({ description: 'The port of /healthz, /readyz and /metrics.' }),
  HEALTH_HOST: z
    .union([z.ipv4(), z.ipv6(), z.literal('localhost')], {
      error: 'must be an IP address such as 127.0.0.1 or 0.0.0.0',
    })
    .default('127.0.0.1')
    .meta({
      description:
        'The IP address that /healthz, /readyz and /metrics listen on. Default: loopback. Set 0.0.0.0 in containers, or if a probe or scraper runs on another host.',
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
  /** Values that no output may show. */
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

/** The secret variables, valid or not. In a URL only the password is secret. */
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

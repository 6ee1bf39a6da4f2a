import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { loadCatalogue } from '../../src/request/catalogue.ts';
import { REQUIRED_SCOPES } from '../../src/doctor/slack.ts';
import { REQUEST_URL } from '../../scripts/generate/manifest.ts';
import { generated } from './generated.ts';
import { readText } from './tree.ts';

/** Slack's limits: https://docs.slack.dev/reference/app-manifest and slackapi/manifest-schema, manifest.schema.1.0.0.json. */
const slashCommand = z.strictObject({
  command: z
    .string()
    .regex(/^\/[a-z0-9_-]+$/)
    .min(2)
    .max(32),
  description: z.string().min(1).max(2_000),
  usage_hint: z.string().max(1_000),
  url: z.url().optional(),
  should_escape: z.boolean(),
});
const manifestSchema = z.strictObject({
  _metadata: z.strictObject({ major_version: z.literal(1), minor_version: z.literal(1) }),
  display_information: z.strictObject({
    name: z.string().min(1).max(35),
    description: z.string().min(1).max(140),
    background_color: z.string().regex(/^#[0-9a-f]{6}$/),
    long_description: z.string().min(175).max(4_000).optional(),
  }),
  features: z.strictObject({
    app_home: z.strictObject({
      home_tab_enabled: z.boolean(),
      messages_tab_enabled: z.boolean(),
      messages_tab_read_only_enabled: z.boolean(),
    }),
    bot_user: z.strictObject({
      display_name: z.string().regex(/^[\w .-]{1,80}$/),
      always_online: z.boolean(),
    }),
    slash_commands: z.array(slashCommand).min(1).max(50),
  }),
  oauth_config: z.strictObject({ scopes: z.strictObject({ bot: z.array(z.string()).min(1).max(255) }) }),
  settings: z.strictObject({
    event_subscriptions: z.strictObject({
      request_url: z.url().optional(),
      bot_events: z.array(z.string()).max(100),
    }),
    interactivity: z.strictObject({ is_enabled: z.boolean(), request_url: z.url().optional() }),
    org_deploy_enabled: z.boolean(),
    socket_mode_enabled: z.boolean(),
    token_rotation_enabled: z.boolean(),
  }),
});

const SOCKET = 'deploy/slack-manifest.yaml';
const HTTP = 'deploy/slack-manifest.http.yaml';

function read(path: string): z.infer<typeof manifestSchema> {
  return manifestSchema.parse(parse(readText(path)));
}

test.each([SOCKET, HTTP])('%s is up to date with the commands (npm run generate)', async (path) => {
  const { is, shouldBe } = await generated(path);

  expect(is).toBe(shouldBe);
});

test.each([SOCKET, HTTP])(
  "%s respects Slack's limits and declares /wrench and each area's command once",
  async (path) => {
    const { commands } = await loadCatalogue();
    const offered = read(path).features.slash_commands.map(({ command }) => command);

    expect(offered.toSorted()).toEqual([...commands.keys(), 'wrench'].map((area) => `/${area}`).toSorted());
  },
);

test.each([SOCKET, HTTP])('%s requests the scopes that the doctor checks', (path) => {
  expect(read(path).oauth_config.scopes.bot).toEqual(expect.arrayContaining(Object.keys(REQUIRED_SCOPES)));
  // Reading a channel's history needs approval in many workspaces, and Wrench does not need it.
  expect(read(path).oauth_config.scopes.bot).not.toContain('channels:history');
});

/** The scope that Slack requires for each event. https://docs.slack.dev/reference/events */
const EVENT_SCOPES: Readonly<Record<string, string>> = {
  app_mention: 'app_mentions:read',
  'message.im': 'im:history',
};

test.each([SOCKET, HTTP])('%s subscribes to mentions and direct messages only, with their scopes', (path) => {
  const { settings, oauth_config: oauth, features } = read(path);
  const events = settings.event_subscriptions.bot_events;

  expect(events.toSorted()).toEqual(Object.keys(EVENT_SCOPES).toSorted());
  expect(oauth.scopes.bot).toEqual(expect.arrayContaining(Object.values(EVENT_SCOPES)));
  expect(oauth.scopes.bot.filter((scope) => scope.endsWith(':history'))).toEqual(['im:history']);
  expect(features.app_home).toMatchObject({
    messages_tab_enabled: true,
    messages_tab_read_only_enabled: false,
  });
  expect(settings.event_subscriptions.request_url).toBe(path === HTTP ? REQUEST_URL : undefined);
});

test('commands have a URL over HTTP and none in Socket Mode, as Slack requires', () => {
  expect(read(SOCKET).settings.socket_mode_enabled).toBe(true);
  expect(read(SOCKET).features.slash_commands.every(({ url }) => url === undefined)).toBe(true);
  expect(read(HTTP).settings.socket_mode_enabled).toBe(false);
  expect(read(HTTP).features.slash_commands.every(({ url }) => url === REQUEST_URL)).toBe(true);
});

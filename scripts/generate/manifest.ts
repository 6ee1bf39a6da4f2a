import { ADMIN_COMMANDS } from '../../src/request/parse.ts';
import { stringify } from 'yaml';
import type { Catalogue } from '../../src/request/catalogue.ts';
import { REQUIRED_SCOPES, OPTIONAL_SCOPES } from '../../src/doctor/slack.ts';

/** The placeholder address in the HTTP manifest. */
export const REQUEST_URL = 'https://wrench.example.com/slack/events';

interface SlashCommand {
  readonly command: string;
  readonly description: string;
  readonly usage_hint: string;
  /** Slack then sends links and mentions as markup, so typed look-alikes can be detected. */
  readonly should_escape: true;
  readonly url?: string;
}

/** The app manifest. Over HTTP commands, events and interactions have an address; in Socket Mode none has. */
export function makeManifest(catalogue: Catalogue, mode: 'socket' | 'http') {
  return {
    _metadata: { major_version: 1, minor_version: 1 },
    display_information: {
      name: 'Wrench',
      description: "Ask your platform what's wrong, and fix it with a colleague's approval",
      background_color: '#1f2933',
    },
    features: {
      // Without it people can't write direct messages to the bot.
      app_home: {
        home_tab_enabled: false,
        messages_tab_enabled: true,
        messages_tab_read_only_enabled: false,
      },
      bot_user: { display_name: 'Wrench', always_online: true },
      slash_commands: slashCommands(catalogue).map((command) =>
        mode === 'http' ? { ...command, url: REQUEST_URL } : command,
      ),
    },
    oauth_config: {
      scopes: { bot: [...Object.keys(REQUIRED_SCOPES), ...Object.keys(OPTIONAL_SCOPES)].toSorted() },
    },
    settings: {
      event_subscriptions: {
        ...(mode === 'http' && { request_url: REQUEST_URL }),
        bot_events: ['app_mention', 'message.im'],
      },
      interactivity: {
        is_enabled: true,
        ...(mode === 'http' && { request_url: REQUEST_URL }),
      },
      org_deploy_enabled: false,
      socket_mode_enabled: mode === 'socket',
      token_rotation_enabled: false,
    },
  };
}

export function writeManifest(catalogue: Catalogue, mode: 'socket' | 'http'): string {
  const head = [
    '# Generated from commands/ by `npm run generate`. At https://api.slack.com/apps, choose "Create New App", then "From a manifest".',
    ...(mode === 'http' ? [`# Replace ${REQUEST_URL} with the address where Slack can reach the bot.`] : []),
  ];
  return `${head.join('\n')}\n${stringify(makeManifest(catalogue, mode), { lineWidth: 0 })}`;
}

/** Apps share one namespace of commands: if two apps declare the same one, the last installed wins. `/wrench` can run everything. */
function slashCommands({ commands, checks }: Catalogue): readonly SlashCommand[] {
  const areas = [...commands].map(([area, { title }]) => {
    const names = [...checks.keys()]
      .filter((name) => name.startsWith(`${area}/`))
      .map((name) => name.slice(area.length + 1));
    return slashCommand(area, title, [...names, 'help'].join(' | '));
  });
  const first = [...checks.keys()][0]?.replace('/', ' ');
  return [
    ...areas,
    slashCommand(
      'wrench',
      'Run any check, and manage fixes, digests and silences',
      [first, ...Object.keys(ADMIN_COMMANDS), 'help'].filter(Boolean).join(' | '),
    ),
  ];
}

function slashCommand(name: string, description: string, hint: string): SlashCommand {
  return { command: `/${name}`, description, usage_hint: hint.slice(0, 1_000), should_escape: true };
}

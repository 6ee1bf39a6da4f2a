import { ADMIN_COMMANDS } from '../../src/request/parse.ts';
import { stringify } from 'yaml';
import type { Catalogue } from '../../src/request/catalogue.ts';
import { REQUIRED_SCOPES, OPTIONAL_SCOPES } from '../../src/doctor/slack.ts';

/** The address in the HTTP manifest, to be replaced by one's own. */
export const REQUEST_URL = 'https://wrench.example.com/slack/events';

interface SlashCommand {
  readonly command: string;
  readonly description: string;
  readonly usage_hint: string;
  /** Then links and names arrive marked up, and a forged one can be told from a real one. */
  readonly should_escape: true;
  readonly url?: string;
}

/** The app as Slack is told of it: in Socket Mode without addresses, over HTTP with one for each command. */
export function makeManifest(catalogue: Catalogue, mode: 'socket' | 'http') {
  return {
    _metadata: { major_version: 1, minor_version: 1 },
    display_information: {
      name: 'Wrench',
      description: 'Asks the real infrastructure from an incident channel',
      background_color: '#1f2933',
    },
    features: {
      bot_user: { display_name: 'Wrench', always_online: true },
      slash_commands: slashCommands(catalogue).map((command) =>
        mode === 'http' ? { ...command, url: REQUEST_URL } : command,
      ),
    },
    oauth_config: {
      scopes: { bot: [...Object.keys(REQUIRED_SCOPES), ...Object.keys(OPTIONAL_SCOPES)].toSorted() },
    },
    settings: {
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
    '# Generated from commands/ by `npm run generate`. At https://api.slack.com/apps choose "Create New App", "From a manifest".',
    ...(mode === 'http' ? [`# Replace ${REQUEST_URL} by the address at which Slack reaches the bot.`] : []),
  ];
  return `${head.join('\n')}\n${stringify(makeManifest(catalogue, mode), { lineWidth: 0 })}`;
}

/** Commands are not apart between apps: where a name collides, the last app installed wins. `/wrench` reaches everything. */
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
      'Everything that Wrench can be asked',
      [first, ...Object.keys(ADMIN_COMMANDS), 'help'].filter(Boolean).join(' | '),
    ),
  ];
}

function slashCommand(name: string, description: string, hint: string): SlashCommand {
  return { command: `/${name}`, description, usage_hint: hint.slice(0, 1_000), should_escape: true };
}

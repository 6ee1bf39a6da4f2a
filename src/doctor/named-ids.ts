import type { Config } from '../config/read-config.ts';
import type { Named } from './people.ts';

/** The Slack ids in a configuration, by the key that names them. */
export interface NamedIds {
  /** People and user groups. */
  readonly people: Named;
  readonly channels: Named;
}

export function namedIn({
  roles,
  environments,
  commands,
  audit,
}: Pick<Config, 'roles' | 'environments' | 'commands' | 'audit'>): NamedIds {
  const rules = [
    ...Object.entries(environments).map(([name, { askFrom }]) => ({ key: `environments.${name}`, askFrom })),
    ...Object.entries(commands).map(([name, { askFrom }]) => ({ key: `commands.${name}`, askFrom })),
  ];
  const listed = (what: 'groups' | 'channels'): Named =>
    Object.fromEntries(
      rules.flatMap(({ key, askFrom }) => {
        const ids = askFrom?.[what];
        return ids ? [[`${key}.askFrom.${what}`, ids]] : [];
      }),
    );
  return {
    people: {
      ...Object.fromEntries(Object.entries(roles).map(([role, ids]) => [`roles.${role}`, ids])),
      ...listed('groups'),
    },
    channels: {
      ...listed('channels'),
      ...(audit.channel !== undefined && { 'audit.channel': [audit.channel] }),
    },
  };
}

import type { Config } from '../config/read-config.ts';
import { ALSO_NOTIFIED, type IdsByKey } from './people.ts';

/** The Slack ids in a configuration, by the key that names them. */
export interface ConfiguredIds {
  /** People and user groups. */
  readonly people: IdsByKey;
  readonly channels: IdsByKey;
}

export function configuredIdsIn({
  roles,
  environments,
  commands,
  audit,
  digests,
  remediations,
}: Pick<Config, 'roles' | 'environments' | 'commands' | 'audit' | 'digests'> & {
  readonly remediations: Pick<Config['remediations'], 'remind'>;
}): ConfiguredIds {
  const rules = [
    ...Object.entries(environments).map(([name, { askFrom }]) => ({ key: `environments.${name}`, askFrom })),
    ...Object.entries(commands).map(([name, { askFrom }]) => ({ key: `commands.${name}`, askFrom })),
  ];
  const idsInRules = (what: 'groups' | 'channels'): IdsByKey =>
    Object.fromEntries(
      rules.flatMap(({ key, askFrom }) => {
        const ids = askFrom?.[what];
        return ids ? [[`${key}.askFrom.${what}`, ids]] : [];
      }),
    );
  return {
    people: {
      ...Object.fromEntries(Object.entries(roles).map(([role, ids]) => [`roles.${role}`, ids])),
      ...idsInRules('groups'),
      [ALSO_NOTIFIED]: remediations.remind.alsoNotify,
    },
    channels: {
      ...idsInRules('channels'),
      ...(audit.channel !== undefined && { 'audit.channel': [audit.channel] }),
      ...Object.fromEntries(
        Object.entries(digests).map(([name, { channel }]) => [`digests.${name}.channel`, [channel]]),
      ),
    },
  };
}

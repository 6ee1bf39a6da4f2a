import type { Instance, RestartPermission } from '../../ports/processes.ts';
import type { BoshConfig } from './config.ts';
import { restartsOneInstance } from './info.ts';

/** What decides over a restart, of what is known of an instance. */
type InstanceFacts = Pick<Instance, 'group' | 'desired' | 'ignored' | 'state' | 'processes'> & {
  readonly isErrand: boolean;
};

/** Whether an instance may be restarted: by our configuration, and by what a director would refuse or do differently than meant. */
export function restartPermission(
  config: BoshConfig,
  directorVersion: string,
  known: InstanceFacts,
): RestartPermission {
  const because = forbiddenBecause(config, known.group) ?? whyNotRestartable(known);
  if (because !== undefined) return { allowed: false, because };
  return {
    allowed: true,
    scope: 'instance',
    processes: known.processes.map(({ name }) => name),
    sideEffects: [
      skipsDrain(config, known.group)
        ? 'Its drain scripts are not run'
        : 'Its drain scripts run first, for as long as they take',
      ...(restartsOneInstance(directorVersion)
        ? []
        : [
            `The whole stored manifest is deployed: this director (${directorVersion}) cannot restart one instance alone, ` +
              'so all pending changes (manifest, stemcell, cloud config) are rolled out too',
          ]),
    ],
  };
}

/** Why the configuration does not let a group be restarted; asked again before anything is sent. */
export function forbiddenBecause(
  { allow: { restart }, name }: BoshConfig,
  group: string,
): string | undefined {
  if (!restart) return `\`allow.restart\` is not configured for the source ${name}`;
  if (matches(restart.groups, group)) return undefined;
  return `${group} is not one of the instance groups that can be restarted (\`allow.restart.groups\`: ${restart.groups.join(', ')})`;
}

export function skipsDrain({ allow: { restart } }: BoshConfig, group: string): boolean {
  return matches(restart?.skipDrain ?? [], group);
}

function whyNotRestartable({ ignored, isErrand, desired, state }: InstanceFacts): string | undefined {
  if (isErrand) return 'it is an errand, which only runs on request';
  if (ignored) return 'it is ignored (`bosh ignore`)';
  if (desired !== 'started') return `it should be ${desired}, but a restart would start it`;
  if (state === 'absent') return 'it has no VM';
  if (state === 'unresponsive') return "its agent isn't responding, and a restart goes through the agent";
  return undefined;
}

function matches(patterns: readonly string[], name: string): boolean {
  return patterns.some((pattern) => {
    const parts = pattern.split('*').map((part) => part.replaceAll('.', String.raw`\.`));
    return new RegExp(`^${parts.join('.*')}$`).test(name);
  });
}

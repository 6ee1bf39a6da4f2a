import type { Refusal } from './refusal.ts';

/** Who may run checks, and in which channels, by Slack ids. Each list that is set must match. */
export interface AskFromRule {
  readonly channels?: readonly string[] | undefined;
  readonly groups?: readonly string[] | undefined;
}

/** The `askFrom` rules of the configuration. */
export interface AskFromRules {
  readonly environments: Readonly<Record<string, { readonly askFrom?: AskFromRule | undefined }>>;
  readonly commands: Readonly<Record<string, { readonly askFrom?: AskFromRule | undefined }>>;
}

/** What the rules apply to. */
export interface AskFromScope {
  readonly environment: string;
  /** The command's area: `certs`. */
  readonly area: string;
}

export interface Asker {
  readonly userId: string;
  readonly channelId?: string;
}

/** Every user group that a rule names, once each. */
export function groupsInRules({ environments, commands }: AskFromRules): readonly string[] {
  return [
    ...new Set(
      [...Object.values(environments), ...Object.values(commands)].flatMap(
        ({ askFrom }) => askFrom?.groups ?? [],
      ),
    ),
  ];
}

/**
 * Whether a person may run a check here. The rule of the environment and the rule of the command must both allow it. `members` returns the members
 * of a group, or undefined if they are unknown or too old.
 * @returns undefined if they may; otherwise a refusal, or the groups whose members must be looked up first.
 */
export function checkAskFrom(
  rules: AskFromRules,
  { environment, area }: AskFromScope,
  { userId, channelId }: Asker,
  members: (groupId: string) => readonly string[] | undefined,
): Refusal | { readonly lookUp: readonly string[] } | undefined {
  const named = [
    { name: `environments.${environment}.askFrom`, rule: ruleOf(rules.environments, environment) },
    { name: `commands.${area}.askFrom`, rule: ruleOf(rules.commands, area) },
  ];
  const lookUp: string[] = [];
  for (const { name, rule } of named) {
    if (rule?.channels && !(channelId !== undefined && rule.channels.includes(channelId)))
      return {
        rule: `${name}.channels`,
        because: `${name}.channels doesn't include this channel`,
        askIn: rule.channels,
      };
  }
  for (const { name, rule } of named) {
    const groups = rule?.groups;
    if (!groups || groups.some((id) => members(id)?.includes(userId))) continue;
    const unknown = groups.filter((id) => members(id) === undefined);
    if (unknown.length === 0)
      return {
        rule: `${name}.groups`,
        because: `needs a user group of ${name}.groups`,
        toPerson: `you aren't in any of the user groups in ${name}.groups; ask someone who is`,
      };
    lookUp.push(...unknown);
  }
  return lookUp.length > 0 ? { lookUp: [...new Set(lookUp)] } : undefined;
}

/** The refusal if the members of groups couldn't be looked up: people who can't be recognized are refused. */
export function refuseUnknown(
  rules: AskFromRules,
  { environment, area }: AskFromScope,
  groups: readonly string[],
): Refusal {
  const inEnvironment = ruleOf(rules.environments, environment)?.groups?.some((id) => groups.includes(id));
  const name = inEnvironment ? `environments.${environment}.askFrom` : `commands.${area}.askFrom`;
  return {
    rule: `${name}.groups`,
    because: `couldn't check ${name}.groups: Slack didn't return the members of ${groups.join(', ')}. Try again in a minute`,
  };
}

function ruleOf(
  rules: Readonly<Record<string, { readonly askFrom?: AskFromRule | undefined }>>,
  name: string,
): AskFromRule | undefined {
  return Object.hasOwn(rules, name) ? rules[name]?.askFrom : undefined;
}

import type { WebClient } from '@slack/web-api';
import { groupsIn } from '../memory/people.ts';
import type { People } from '../memory/people.ts';
import type { Policy, RoleOf } from '../memory/policy.ts';
import type { Person } from '../memory/who-may.ts';
import { whoMay } from '../memory/who-may.ts';
import type { Log } from '../telemetry/log.ts';

/** Who people are and which groups they are in, asked of Slack and kept in memory with its age, for both roles to judge by. */
export interface Directory {
  /** Looks people up anew. Whoever Slack cannot be asked about keeps the age that is known, and grows stale. */
  readonly lookUp: (userIds: readonly string[]) => Promise<void>;
  /** Looks somebody up, and says whether they have one of the roles now; else why not, for that person. */
  readonly may: (roles: readonly RoleOf[], userId: string) => Promise<true | string>;
  /** The workspace that the app is installed in. @throws where Slack does not say. */
  readonly workspace: () => Promise<string>;
  readonly close: () => void;
}

export interface DirectoryOptions {
  readonly client: WebClient;
  readonly people: People;
  readonly policy: Policy;
  readonly clock: () => Promise<number>;
  readonly log: Log;
}

/**
 * Asks with `users.info` and `usergroups.users.list`, at each click and for the groups in the background, so that somebody who is taken out
 * of a group between the click and the deed is known to be out.
 */
export function openDirectory(options: DirectoryOptions): Directory {
  const { client, people, policy, clock, log } = options;
  let refreshing: Promise<unknown> | undefined;
  let home: string | undefined;
  const workspace = async (): Promise<string> => {
    if (home !== undefined) return home;
    const { team_id: teamId } = await client.auth.test();
    if (teamId === undefined) throw new Error('Slack does not say which workspace the app is installed in');
    await people.saveWorkspace(teamId);
    return (home = teamId);
  };
  const askGroups = async () => {
    await Promise.all(
      groupsIn(policy.roles).map(async (id) => {
        const { users = [] } = await client.usergroups.users.list({ usergroup: id });
        await people.saveGroup({ id, users, atMs: await clock() });
      }),
    );
  };
  /** Clicks of one moment ask once. */
  const refreshGroups = () => {
    refreshing ??= askGroups().finally(() => (refreshing = undefined));
    return refreshing;
  };
  const refreshPerson = async (id: string) => {
    const { user } = await client.users.info({ user: id });
    if (user) await people.savePerson(toPerson(id, user, await clock()));
  };
  const tolerate = (work: Promise<unknown>) =>
    work.catch((error: unknown) => log.warn({ err: error }, 'Slack could not be asked who somebody is'));
  const lookUp: Directory['lookUp'] = async (userIds) => {
    await Promise.all([
      ...[...new Set(userIds)].map((id) => tolerate(refreshPerson(id))),
      tolerate(refreshGroups()),
    ]);
  };
  const timer = setInterval(() => void tolerate(refreshGroups()), (policy.membershipSeconds * 1_000) / 10);
  return {
    lookUp,
    workspace,
    may: async (roles, userId) => {
      await lookUp([userId]);
      const known = await people.know(userId, policy.roles);
      return whoMay(roles, { userId, teamId: await workspace() }, known, policy, await clock());
    },
    close: () => clearInterval(timer),
  };
}

type SlackUser = NonNullable<Awaited<ReturnType<WebClient['users']['info']>>['user']>;

function toPerson(id: string, user: SlackUser, atMs: number): Person {
  return {
    id,
    teamId: user.team_id ?? '',
    isDeleted: user.deleted ?? false,
    isBot: user.is_bot ?? false,
    isGuest: (user.is_restricted ?? false) || (user.is_ultra_restricted ?? false),
    isStranger: (user as { is_stranger?: boolean }).is_stranger ?? false,
    atMs,
  };
}

import type { WebClient } from '@slack/web-api';
import { groupsIn, type People, type Person } from '../../store/access/people.ts';
import type { Policy, AccessRole } from '../../store/remediation/policy.ts';
import { authorize, type Denial } from '../../store/access/authorize.ts';
import type { Workspace } from '../../store/access/workspace.ts';
import type { Log } from '../../telemetry/log.ts';

/** People and their user groups, read from Slack and stored in Redis with their age, so that both roles can authorize with them. */
export interface UserDirectory {
  /** Looks people up again. If Slack doesn't respond, the stored entry stays and becomes stale. */
  readonly lookUp: (userIds: readonly string[]) => Promise<void>;
  /** Looks a person up. @returns true if they have one of the roles now, or belong to the workspace for `anyone`; otherwise why not. */
  readonly authorize: (roles: readonly AccessRole[] | 'anyone', userId: string) => Promise<true | Denial>;
  /** The members of a group, as this process last read them; undefined if that is too long ago. Calls neither Slack nor Redis. */
  readonly members: (groupId: string) => readonly string[] | undefined;
  /** The members of a group, read from Slack if they aren't known; undefined if Slack doesn't say. */
  readonly membersOf: (groupId: string) => Promise<readonly string[] | undefined>;
  /** Reads the members of groups from Slack. A group that can't be read stays unknown. */
  readonly lookUpGroups: (groupIds: readonly string[]) => Promise<void>;
  readonly close: () => void;
}

export interface UserDirectoryOptions {
  readonly client: WebClient;
  readonly people: People;
  readonly policy: Policy;
  /** The workspace that the app is installed in. */
  readonly workspace: Workspace;
  /** More groups to keep fresh: those of `askFrom`. */
  readonly alsoGroups?: readonly string[];
  readonly clock: () => Promise<number>;
  readonly log: Log;
}

/**
 * Calls `users.info` and `usergroups.users.list` at each click, and reads the groups in the background too. So a person who is removed from a group
 * after the click loses the role before the fix is applied.
 */
export function openUserDirectory(options: UserDirectoryOptions): UserDirectory {
  const { client, people, policy, workspace, alsoGroups = [], clock, log } = options;
  const pending = new Map<string, Promise<void>>();
  const inMemory = new Map<string, { readonly users: readonly string[]; readonly readMs: number }>();
  let isWorkspaceSaved = false;
  const saveWorkspace = async () => {
    if (!isWorkspaceSaved) await people.saveWorkspace(workspace);
    isWorkspaceSaved = true;
  };
  const fetchGroup = async (id: string) => {
    const askedMs = performance.now();
    const { users = [] } = await client.usergroups.users.list({ usergroup: id });
    inMemory.set(id, { users, readMs: askedMs });
    await people.saveGroup({ id, users, atMs: await clock() });
  };
  /** Calls that overlap share one request per group. */
  const refreshGroup = (id: string) => {
    const asked = pending.get(id) ?? fetchGroup(id).finally(() => pending.delete(id));
    pending.set(id, asked);
    return asked;
  };
  const logFailure = (work: Promise<unknown>) =>
    work.catch((error: unknown) =>
      log.warn({ event: 'user-not-looked-up', err: error }, "Couldn't look up a user or user group in Slack"),
    );
  const lookUpGroups: UserDirectory['lookUpGroups'] = async (ids) => {
    await Promise.all([...new Set(ids)].map((id) => logFailure(refreshGroup(id))));
  };
  const refreshPerson = async (id: string) => {
    const { user } = await client.users.info({ user: id });
    if (user) await people.savePerson(toPerson(id, user, await clock()));
  };
  const lookUp: UserDirectory['lookUp'] = async (userIds) => {
    await Promise.all([
      ...[...new Set(userIds)].map((id) => logFailure(refreshPerson(id))),
      lookUpGroups(groupsIn(policy.roles)),
    ]);
  };
  const all = [...groupsIn(policy.roles), ...alsoGroups];
  const timer = setInterval(() => void lookUpGroups(all), (policy.membershipSeconds * 1_000) / 10);
  void lookUpGroups(all);
  const members: UserDirectory['members'] = (id) => {
    const known = inMemory.get(id);
    const isFresh = known && performance.now() - known.readMs <= policy.membershipSeconds * 1_000;
    return isFresh ? known.users : undefined;
  };
  return {
    lookUp,
    lookUpGroups,
    members,
    membersOf: async (id) => {
      if (members(id) === undefined) await lookUpGroups([id]);
      return members(id);
    },
    authorize: async (roles, userId) => {
      const lookedUp = roles === 'anyone' ? logFailure(refreshPerson(userId)) : lookUp([userId]);
      await Promise.all([lookedUp, saveWorkspace()]);
      const known = await people.readIdentity(userId, policy.roles);
      return authorize(roles, { userId, workspace }, known, policy, await clock());
    },
    close: () => clearInterval(timer),
  };
}

type SlackUser = NonNullable<Awaited<ReturnType<WebClient['users']['info']>>['user']>;

function toPerson(id: string, user: SlackUser, atMs: number): Person {
  const enterpriseId = user.enterprise_user?.enterprise_id;
  return {
    id,
    teamId: user.team_id ?? '',
    ...(enterpriseId !== undefined && { enterpriseId }),
    isDeleted: user.deleted ?? false,
    isBot: user.is_bot ?? false,
    isGuest: (user.is_restricted ?? false) || (user.is_ultra_restricted ?? false),
    isStranger: (user as { is_stranger?: boolean }).is_stranger ?? false,
    atMs,
  };
}

import { count, list } from '../text/wording.ts';
import type { CallSlack } from './call-slack.ts';
import { errorText, warning, type DoctorLine, ok } from './line.ts';

/** Slack ids, by the key of the configuration that names them: `roles.requester`, `environments.prod.askFrom.groups`. */
export type IdsByKey = Readonly<Record<string, readonly string[]>>;

/** The key of the people and groups who are only notified. They need no role. */
export const ALSO_NOTIFIED = 'remediations.remind.alsoNotify';

/** The workspace and organization of the bot token, from `auth.test`. */
export interface BotWorkspace {
  readonly team_id?: string;
  readonly enterprise_id?: string;
  readonly is_enterprise_install?: boolean;
}

const ABOUT = 'Slack';
const REMOVE_ID = 'Remove or correct the id';

interface SlackUser {
  readonly user: {
    readonly team_id?: string;
    readonly deleted?: boolean;
    readonly is_bot?: boolean;
    readonly is_restricted?: boolean;
    readonly is_ultra_restricted?: boolean;
    readonly is_stranger?: boolean;
    readonly enterprise_user?: { readonly enterprise_id?: string };
  };
}

/**
 * Checks that Slack knows the people and groups in `roles`, `askFrom` and `remind`, and that they can use Wrench. Otherwise they are refused or not
 * notified each time, and no operator notices.
 */
export async function checkPeople(
  call: CallSlack,
  named: IdsByKey,
  home: BotWorkspace,
): Promise<readonly DoctorLine[]> {
  const ids = [...new Set(Object.values(named).flat())];
  const unchecked: { readonly id: string; readonly why: string }[] = [];
  const results = await Promise.all(
    ids.map(async (id) => {
      try {
        return isGroup(id) ? await checkGroup(call, named, id) : await checkPerson(call, named, id, home);
      } catch (error) {
        unchecked.push({ id, why: errorText(error) });
        return undefined;
      }
    }),
  );
  const lines = results.filter((line) => line !== undefined);
  if (unchecked.length > 0)
    return [
      ...lines,
      warning(
        ABOUT,
        `couldn't check ${list(unchecked.map(({ id }) => id))} (${unchecked[0]?.why})`,
        'Run `wrench doctor` again. Looking up people and groups needs the scopes users:read and usergroups:read',
      ),
    ];
  if (lines.length > 0 || ids.length === 0) return lines;
  const groups = ids.filter(isGroup).length;
  const counts = [
    ...(ids.length > groups ? [count(ids.length - groups, 'person', 'people')] : []),
    ...(groups > 0 ? [count(groups, 'user group')] : []),
  ];
  return [ok(ABOUT, `found everyone in the configuration: ${counts.join(' and ')}`)];
}

async function checkPerson(
  call: CallSlack,
  named: IdsByKey,
  id: string,
  home: BotWorkspace,
): Promise<DoctorLine | undefined> {
  const { ok, error, user } = await call<SlackUser>('users.info', { user: id });
  if (!ok && !/^users?_not_(found|visible)$/.test(error ?? '')) throw new Error(error ?? 'no reason given');
  const isReachable = ok && user?.deleted !== true;
  if (isOnlyNotified(named, id) && isReachable) return undefined;
  const problem = ok && user ? personProblem(user, home) : "doesn't exist in this workspace";
  const effect = isOnlyNotified(named, id) ? "won't be notified" : 'will be refused';
  return problem === undefined
    ? undefined
    : warning(ABOUT, `${id} ${problem} and ${effect} (${keysOf(named, id)})`, REMOVE_ID);
}

function isOnlyNotified(named: IdsByKey, id: string): boolean {
  return Object.entries(named).every(([key, ids]) => key === ALSO_NOTIFIED || !ids.includes(id));
}

function personProblem(user: SlackUser['user'], home: BotWorkspace): string | undefined {
  if (user.deleted) return 'is deactivated';
  if (user.is_bot) return 'is a bot';
  if (isFromOtherWorkspace(user, home)) return 'is from another workspace';
  return user.is_restricted || user.is_ultra_restricted ? 'is a guest' : undefined;
}

function isFromOtherWorkspace(
  { is_stranger: isStranger, team_id: teamId, enterprise_user: enterprise }: SlackUser['user'],
  home: BotWorkspace,
): boolean {
  if (home.is_enterprise_install) return enterprise?.enterprise_id !== home.enterprise_id;
  return (
    isStranger === true || (teamId !== undefined && home.team_id !== undefined && teamId !== home.team_id)
  );
}

/** The bot reads only the members of enabled groups, so a disabled group has none. */
async function checkGroup(call: CallSlack, named: IdsByKey, id: string): Promise<DoctorLine | undefined> {
  const listUsers = (fields: Readonly<Record<string, string>>) =>
    call<{ readonly users: readonly string[] }>('usergroups.users.list', { usergroup: id, ...fields });
  const { ok, error, users = [] } = await listUsers({});
  const groupWarning = (what: string, hint: string) =>
    warning(ABOUT, `the user group ${id} ${what} (${keysOf(named, id)})`, hint);
  if (ok && users.length > 0) return undefined;
  if (ok) return groupWarning('has no members', 'Add members in Slack, under "User groups"');
  if (error !== 'no_such_subteam' && error !== 'subteam_not_found')
    throw new Error(error ?? 'no reason given');
  const all = await listUsers({ include_disabled: 'true' });
  const effect = isOnlyNotified(named, id) ? "won't be notified" : 'will be refused';
  return all.ok
    ? groupWarning(`is disabled, so its members ${effect}`, 'Enable it in Slack, under "User groups"')
    : groupWarning("doesn't exist in this workspace", REMOVE_ID);
}

function isGroup(id: string): boolean {
  return id.startsWith('S');
}

/** `roles.requester, roles.approver` */
export function keysOf(named: IdsByKey, id: string): string {
  return Object.entries(named)
    .flatMap(([key, ids]) => (ids.includes(id) ? [key] : []))
    .join(', ');
}

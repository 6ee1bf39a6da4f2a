import { count, list } from '../check/wording.ts';
import type { CallSlack } from './call-slack.ts';
import { because, doubtful, type Line, well } from './line.ts';

/** Ids of people and user groups, by role, as the configuration has them. */
export type Roles = Readonly<Record<'requester' | 'approver' | 'auditor', readonly string[]>>;

const ABOUT = 'Slack';
const REMOVE = 'Take the id out of `roles`, or put in the one that is meant';

interface SlackUser {
  readonly user: {
    readonly team_id?: string;
    readonly deleted?: boolean;
    readonly is_bot?: boolean;
    readonly is_restricted?: boolean;
    readonly is_ultra_restricted?: boolean;
    readonly is_stranger?: boolean;
  };
}

/** Whether Slack knows whom the roles name, and whether they can make use of it: others are refused at each click, without a word to the operator. */
export async function examinePeople(
  call: CallSlack,
  roles: Roles,
  homeTeam: string | undefined,
): Promise<readonly Line[]> {
  const ids = [...new Set(Object.values(roles).flat())];
  const unasked: { readonly id: string; readonly why: string }[] = [];
  const examined = await Promise.all(
    ids.map(async (id) => {
      try {
        return isGroup(id)
          ? await examineGroup(call, roles, id)
          : await examinePerson(call, roles, id, homeTeam);
      } catch (error) {
        unasked.push({ id, why: because(error) });
        return undefined;
      }
    }),
  );
  const lines = examined.filter((line) => line !== undefined);
  if (unasked.length > 0)
    return [
      ...lines,
      doubtful(
        ABOUT,
        `could not be asked about ${list(unasked.map(({ id }) => id))} (${unasked[0]?.why})`,
        'Ask the doctor again; without the scopes users:read and usergroups:read nobody can be told apart',
      ),
    ];
  if (lines.length > 0 || ids.length === 0) return lines;
  const groups = ids.filter(isGroup).length;
  const named = [
    ...(ids.length > groups ? [count(ids.length - groups, 'person', 'people')] : []),
    ...(groups > 0 ? [count(groups, 'user group')] : []),
  ];
  return [well(ABOUT, `knows whom the roles name: ${named.join(' and ')}`)];
}

async function examinePerson(
  call: CallSlack,
  roles: Roles,
  id: string,
  homeTeam: string | undefined,
): Promise<Line | undefined> {
  const { ok, error, user } = await call<SlackUser>('users.info', { user: id });
  if (!ok && !/^users?_not_(found|visible)$/.test(error ?? '')) throw new Error(error ?? 'no reason given');
  const wrong = ok && user ? wrongWith(user, homeTeam) : 'is nobody whom this workspace knows';
  return wrong === undefined
    ? undefined
    : doubtful(ABOUT, `${id} ${wrong}, and is refused (${rolesOf(roles, id)})`, REMOVE);
}

function wrongWith(user: SlackUser['user'], homeTeam: string | undefined): string | undefined {
  if (user.deleted) return 'is deactivated';
  if (user.is_bot) return 'is a bot';
  if (user.is_stranger || (user.team_id !== undefined && homeTeam !== undefined && user.team_id !== homeTeam))
    return 'is of another workspace';
  return user.is_restricted || user.is_ultra_restricted ? 'is a guest' : undefined;
}

/** The bot asks for the members of enabled groups alone, so a disabled one has none for it. */
async function examineGroup(call: CallSlack, roles: Roles, id: string): Promise<Line | undefined> {
  const ask = (fields: Readonly<Record<string, string>>) =>
    call<{ readonly users: readonly string[] }>('usergroups.users.list', { usergroup: id, ...fields });
  const { ok, error, users = [] } = await ask({});
  const said = (what: string, cure: string) =>
    doubtful(ABOUT, `the user group ${id} ${what} (${rolesOf(roles, id)})`, cure);
  if (ok && users.length > 0) return undefined;
  if (ok) return said('has no members', 'Add members in Slack, under "User groups"');
  if (error !== 'no_such_subteam' && error !== 'subteam_not_found')
    throw new Error(error ?? 'no reason given');
  const all = await ask({ include_disabled: 'true' });
  return all.ok
    ? said('is disabled, and its members are refused', 'Enable it in Slack, under "User groups"')
    : said('is none that this workspace knows', REMOVE);
}

function isGroup(id: string): boolean {
  return id.startsWith('S');
}

/** `roles.requester, roles.approver` */
function rolesOf(roles: Roles, id: string): string {
  return Object.entries(roles)
    .flatMap(([role, ids]) => (ids.includes(id) ? [`roles.${role}`] : []))
    .join(', ');
}

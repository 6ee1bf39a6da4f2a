import type { Policy, AccessRole } from '../remediation/policy.ts';
import type { Identity, Person } from './people.ts';
import type { Workspace } from './workspace.ts';

/** Why a person is denied something. */
export interface Denial {
  /** For others, such as readers of the audit: `needs the approver role`. */
  readonly because: string;
  /** For the person, if that differs: `you need the approver role; ask someone who has it`. */
  readonly toPerson?: string;
}

/**
 * Whether a person has one of the roles now. Roles list the ids of users and user groups; names and e-mail addresses don't count. Memberships
 * that are unknown or out of date count as no. `anyone` is every person of the workspace, guests included.
 * @returns true, or why not.
 */
export function authorize(
  roles: readonly AccessRole[] | 'anyone',
  by: { readonly userId: string; readonly workspace: Workspace },
  { person, groups }: Identity,
  policy: Pick<Policy, 'roles' | 'membershipSeconds'>,
  nowMs: number,
): true | Denial {
  const freshSinceMs = nowMs - policy.membershipSeconds * 1_000;
  if (!person) return { because: "couldn't look up the account in Slack; try again" };
  if (person.atMs < freshSinceMs)
    return {
      because: `the account was last looked up in Slack ${ageOf(person.atMs, nowMs)} ago, which is too long ago; try again`,
    };
  const wrong = accountProblem(person, by.workspace);
  if (wrong) return wrong;
  if (roles === 'anyone') return true;
  if (person.isGuest) return { because: "guests can't do this" };
  const named = roles.flatMap((role) => policy.roles[role]);
  if (named.includes(by.userId)) return true;
  const theirs = groups.filter(({ id }) => named.includes(id));
  if (theirs.some(({ users, atMs }) => atMs >= freshSinceMs && users.includes(by.userId))) return true;
  const stale = theirs.filter(({ atMs }) => atMs < freshSinceMs);
  const unknown = named.filter((id) => id.startsWith('S') && !theirs.some((group) => group.id === id));
  if (stale.length + unknown.length > 0)
    return {
      because: `the members of ${[...stale.map(({ id }) => id), ...unknown].join(', ')} are unknown or out of date; try again`,
    };
  const role = `the ${roles.join(' or ')} role`;
  return { because: `needs ${role}`, toPerson: `you need ${role}; ask someone who has it` };
}

function accountProblem(person: Person, workspace: Workspace): Denial | undefined {
  if (person.isDeleted)
    return { because: 'the account is deactivated', toPerson: 'your account is deactivated' };
  if (person.isBot) return { because: "bots can't do this" };
  if (!belongsTo(person, workspace)) return { because: "people from other workspaces can't do this" };
  return undefined;
}

/** In an organization-wide installation people may belong to any of its workspaces. */
function belongsTo(person: Person, { teamId, enterpriseId, isEnterpriseInstall }: Workspace): boolean {
  if (!isEnterpriseInstall) return !person.isStranger && person.teamId === teamId;
  return enterpriseId !== undefined && person.enterpriseId === enterpriseId;
}

function ageOf(atMs: number, nowMs: number): string {
  const seconds = Math.round((nowMs - atMs) / 1_000);
  return seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}

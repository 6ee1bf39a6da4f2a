import type { Policy, AccessRole } from '../remediation/policy.ts';
import type { Identity, Person } from './people.ts';
import type { Workspace } from './workspace.ts';

const ROLE_WORDS: Readonly<Record<AccessRole, string>> = {
  requester: 'ask for remediations',
  approver: 'approve remediations',
  auditor: 'read the audit',
};

/**
 * Whether a person has one of the roles now, by user id or user group id, never by a name or an address. Unknown or outdated memberships count
 * as no.
 * @returns true, or the reason why not, in words for that person.
 */
export function authorize(
  roles: readonly AccessRole[],
  by: { readonly userId: string; readonly workspace: Workspace },
  { person, groups }: Identity,
  policy: Pick<Policy, 'roles' | 'membershipSeconds'>,
  nowMs: number,
): true | string {
  const freshSinceMs = nowMs - policy.membershipSeconds * 1_000;
  if (!person) return 'Slack could not be asked who this is; try again';
  if (person.atMs < freshSinceMs)
    return `who this is was last looked up ${ageOf(person.atMs, nowMs)} ago, which is too long; try again`;
  const wrong = accountProblem(person, by.workspace);
  if (wrong) return wrong;
  const named = roles.flatMap((role) => policy.roles[role]);
  if (named.includes(by.userId)) return true;
  const theirs = groups.filter(({ id }) => named.includes(id));
  if (theirs.some(({ users, atMs }) => atMs >= freshSinceMs && users.includes(by.userId))) return true;
  const stale = theirs.filter(({ atMs }) => atMs < freshSinceMs);
  const unknown = named.filter((id) => id.startsWith('S') && !theirs.some((group) => group.id === id));
  if (stale.length + unknown.length > 0)
    return `the members of ${[...stale.map(({ id }) => id), ...unknown].join(', ')} are not known freshly enough; try again`;
  return `no role that may ${roles.map((role) => ROLE_WORDS[role]).join(' or ')} includes them`;
}

function accountProblem(person: Person, workspace: Workspace): string | undefined {
  if (person.isDeleted) return 'the account is deactivated';
  if (person.isBot) return 'a bot may not do this';
  if (!belongsTo(person, workspace)) return 'people of another workspace may not do this';
  if (person.isGuest) return 'guests may not do this';
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

import type { SourcePermission } from '../ports/source.ts';
import { list } from '../text/wording.ts';
import { type DoctorLine, failed, ok, warning } from './line.ts';

/**
 * Lines for missing permissions with the checks and fixes that need them, or one line if none is missing. Also warns about excess permissions.
 * Permissions with the same reason and hint share a line.
 * @param usersOf returns the checks and fixes that use a method.
 */
export function permissionLines(
  about: string,
  reported: readonly SourcePermission[],
  usersOf: (method: string) => readonly string[],
): readonly DoctorLine[] {
  const permissions = onceEach(reported, usersOf);
  const missing = permissions.filter(({ allowed, users }) => !allowed && users.length > 0);
  const excess = permissions.filter(
    ({ allowed, isNeeded, alsoAllows }) => allowed && (!isNeeded || alsoAllows !== undefined),
  );
  const users = [...new Set(permissions.flatMap((one) => one.users))].toSorted();
  return [
    ...inGroups(missing, whoNeeds).map(({ who, what, why, hint }) =>
      failed(
        about,
        `${who}isn't allowed to ${what}, which ${why}`,
        hint ?? 'Grant this to the credential of the source',
      ),
    ),
    ...(missing.length === 0 && users.length > 0
      ? [ok(about, `has all permissions that ${whoNeeds({ users })}`)]
      : []),
    ...inGroups(excess, whyTooMuch).map(({ who, what, why, hint }) =>
      warning(
        about,
        `${who}is allowed to ${what}, which ${why}`,
        hint ?? 'Remove this permission from the credential of the source',
      ),
    ),
  ];
}

interface ReportedPermission extends Omit<SourcePermission, 'method'> {
  /** Whether something in the configuration needs it. */
  readonly isNeeded: boolean;
  readonly users: readonly string[];
}

/** Each permission once per credential, with all its users. */
function onceEach(
  reported: readonly SourcePermission[],
  usersOf: (method: string) => readonly string[],
): readonly ReportedPermission[] {
  const same = Map.groupBy(reported, ({ method, permission, allowed, credential }) =>
    JSON.stringify([permission, allowed, credential, method === undefined]),
  );
  return [...same.values()].flatMap((all) => {
    const methods = all.flatMap(({ method }) => method ?? []);
    const users = [...new Set(methods.flatMap(usersOf))];
    return all.slice(0, 1).map((permission) => ({ ...permission, isNeeded: methods.length > 0, users }));
  });
}

interface PermissionGroup {
  /** Empty for the credential for reading. */
  readonly who: string;
  readonly what: string;
  readonly why: string;
  readonly hint: string | undefined;
}

function inGroups(
  permissions: readonly ReportedPermission[],
  reasonOf: (permission: ReportedPermission) => string,
): readonly PermissionGroup[] {
  const groups = Map.groupBy(permissions, (one) => JSON.stringify([one.credential, reasonOf(one), one.hint]));
  return [...groups.values()].flatMap((all) => {
    const names = all.map(({ permission }) => permission);
    return all.slice(0, 1).map((one) => ({
      who: one.credential === undefined ? '' : `the credential of \`${one.credential}\` `,
      what: list(names, Infinity),
      why: reasonOf(one),
      hint: one.hint,
    }));
  });
}

function whoNeeds({ users }: Pick<ReportedPermission, 'users'>): string {
  return `${list(users, Infinity)} ${users.length === 1 ? 'needs' : 'need'}`;
}

function whyTooMuch({ isNeeded, alsoAllows }: ReportedPermission): string {
  return isNeeded ? `also lets it ${alsoAllows}` : 'nothing in the configuration needs';
}

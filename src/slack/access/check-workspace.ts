import type { Workspace } from '../../store/access/workspace.ts';
import type { SlackDelivery } from './delivery.ts';
import type { Refusal } from './refusal.ts';

const OTHER_INSTALLATION: Refusal = {
  rule: 'workspace',
  because: 'this Wrench is installed in another workspace, so nothing was done',
};

/**
 * Refuses a delivery for another installation. In an organization-wide installation only the organization is compared, because `team_id` is
 * any of its workspaces, or null.
 */
export function checkWorkspace(delivery: SlackDelivery, workspace: Workspace): Refusal | undefined {
  const { teamId, enterpriseId } = delivery;
  if (workspace.isEnterpriseInstall)
    return enterpriseId !== undefined && enterpriseId === workspace.enterpriseId
      ? undefined
      : OTHER_INSTALLATION;
  if (teamId !== workspace.teamId) return OTHER_INSTALLATION;
  const isOtherEnterprise =
    enterpriseId !== undefined &&
    workspace.enterpriseId !== undefined &&
    enterpriseId !== workspace.enterpriseId;
  return isOtherEnterprise ? OTHER_INSTALLATION : undefined;
}

const OTHER_WORKSPACE: Refusal = {
  rule: 'workspace',
  because: "people from other workspaces can't do this",
};

/** Refuses people from other workspaces, as far as the delivery names them: in a shared channel they can click buttons too. */
export function checkUserWorkspace(
  { userTeamId, userEnterpriseId }: SlackDelivery,
  { teamId, enterpriseId, isEnterpriseInstall }: Workspace,
): Refusal | undefined {
  if (isEnterpriseInstall)
    return userEnterpriseId === undefined || userEnterpriseId === enterpriseId ? undefined : OTHER_WORKSPACE;
  return userTeamId === undefined || userTeamId === teamId ? undefined : OTHER_WORKSPACE;
}

/**
 * Whether a delivery is known to be from a person of the workspace, if {@link checkUserWorkspace} doesn't refuse it. Slack delivers commands only from
 * such people, and says with clicks and forms of which workspace a person is. Events may be from anyone in a shared channel, and from bots.
 */
export function saysWhoIsInside(
  { kind, userTeamId, userEnterpriseId }: SlackDelivery,
  { isEnterpriseInstall }: Workspace,
): boolean {
  if (kind === 'command') return true;
  if (kind === 'event') return false;
  return (isEnterpriseInstall ? userEnterpriseId : userTeamId) !== undefined;
}

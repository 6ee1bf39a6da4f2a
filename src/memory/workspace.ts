import { z } from 'zod';

/** Where the app is installed: in one workspace, or in all workspaces of an organization. */
export interface Workspace {
  readonly teamId: string;
  /** The organization (Enterprise Grid), where there is one. */
  readonly enterpriseId?: string;
  /** Installed for the whole organization: deliveries come from any of its workspaces, or name none. */
  readonly isEnterpriseInstall: boolean;
}

const workspaceSchema: z.ZodType<Workspace> = z.strictObject({
  teamId: z.string(),
  enterpriseId: z.string().exactOptional(),
  isEnterpriseInstall: z.boolean(),
});

/** As Redis keeps it. A single workspace is its plain id, which earlier versions wrote and a worker of theirs still reads. */
export function writeWorkspace(workspace: Workspace): string {
  return workspace.isEnterpriseInstall ? JSON.stringify(workspace) : workspace.teamId;
}

export function parseWorkspace(kept: string | undefined): Workspace | undefined {
  if (kept === undefined) return undefined;
  return kept.startsWith('{')
    ? workspaceSchema.parse(JSON.parse(kept))
    : { teamId: kept, isEnterpriseInstall: false };
}

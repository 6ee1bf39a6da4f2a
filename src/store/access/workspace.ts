import { z } from 'zod';

/** Where the app is installed: in one workspace, or in a whole organization. */
export interface Workspace {
  readonly teamId: string;
  /** The organization (Enterprise Grid), if any. */
  readonly enterpriseId?: string;
  /** Installed for the whole organization: deliveries come from any of its workspaces, or name none. */
  readonly isEnterpriseInstall: boolean;
}

const workspaceSchema: z.ZodType<Workspace> = z.strictObject({
  teamId: z.string(),
  enterpriseId: z.string().exactOptional(),
  isEnterpriseInstall: z.boolean(),
});

/** The form stored in Redis. A single workspace is stored as its plain id, which workers of earlier versions can read. */
export function writeWorkspace(workspace: Workspace): string {
  return workspace.isEnterpriseInstall ? JSON.stringify(workspace) : workspace.teamId;
}

export function parseWorkspace(kept: string | undefined): Workspace | undefined {
  if (kept === undefined) return undefined;
  return kept.startsWith('{')
    ? workspaceSchema.parse(JSON.parse(kept))
    : { teamId: kept, isEnterpriseInstall: false };
}

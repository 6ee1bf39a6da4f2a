import { z } from 'zod';

const workspaceSchema = z.strictObject({
  teamId: z.string(),
  /** The organization (Enterprise Grid), if any. */
  enterpriseId: z.string().exactOptional(),
  /** Installed for the whole organization: deliveries come from any of its workspaces, or name none. */
  isEnterpriseInstall: z.boolean(),
});

/** Where the app is installed: in one workspace, or in a whole organization. */
export type Workspace = z.infer<typeof workspaceSchema>;

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

import { SourceError } from '../../ports/source-error.ts';
import type { OpenStackConfig } from './config.ts';
import type { KeystoneToken } from './login.ts';

/** What a credential sees. Without the view of all projects, services leave out what belongs to others without saying so. */
export interface CloudView {
  readonly isOfAllProjects: boolean;
  /** Has the role `admin`. */
  readonly isOfAdmin: boolean;
  readonly project: string | undefined;
}

export function viewOf({ seesAllProjects }: OpenStackConfig, { roles, project }: KeystoneToken): CloudView {
  const isOfAdmin = roles.some((role) => role.toLowerCase() === 'admin');
  return { isOfAllProjects: seesAllProjects || isOfAdmin, isOfAdmin, project };
}

/** The error for a result that would only be complete with the view of all projects. */
export function limitedView(
  source: string,
  { isOfAllProjects, project }: CloudView,
  because: string,
): SourceError | undefined {
  if (isOfAllProjects) return undefined;
  const own = project === undefined ? 'its own project' : `the project ${project}`;
  return new SourceError(
    source,
    'refused',
    `the credential sees only ${own}, so ${because}: give it the role \`admin\`, limited to reading by access rules`,
  );
}

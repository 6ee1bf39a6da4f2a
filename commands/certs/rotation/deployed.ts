import type { ports } from '../../kit.ts';
import type { SurveyedDirector } from '../../shared/survey-directors.ts';

/** A version of a certificate that the last successful deploy of a deployment uses. */
export interface DeployedVersion {
  readonly deployment: string;
  readonly version: string;
  readonly notAfter?: Date;
}

export interface DeployedIndex {
  readonly of: (name: string) => readonly DeployedVersion[];
  /** Deployments that couldn't be read. */
  readonly unread: number;
  /** The last successful task that changed a deployment. */
  readonly lastChange: (deployment: string) => ports.DirectorTask | undefined;
}

export function indexDeployed(directors: readonly SurveyedDirector[]): DeployedIndex {
  const lists = directors.flatMap(({ deployed }) => deployed);
  const entries = lists.flatMap(({ deployment, certificates }) =>
    certificates.map(({ name, ...one }) => ({ name: name.toLowerCase(), deployment, ...one })),
  );
  const byName = Map.groupBy(entries, ({ name }) => name);
  const tasks = Map.groupBy(
    directors.flatMap((one) => one.tasks).filter(({ state }) => state === 'done'),
    ({ deployment }) => deployment,
  );
  return {
    of: (name) => byName.get(name.toLowerCase()) ?? [],
    unread: lists.filter(({ error }) => error !== undefined).length,
    lastChange: (deployment) => tasks.get(deployment)?.[0],
  };
}

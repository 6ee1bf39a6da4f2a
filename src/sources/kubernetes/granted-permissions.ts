import type { SourcePermission } from '../../ports/source.ts';
import { isAllowed } from './access-review.ts';
import type { ActingConnections } from './acting.ts';
import type { KubernetesConfig } from './config.ts';
import type { ClusterConnection } from './connection.ts';
import { accessReviews, reportOf } from './needed-access.ts';

/**
 * Which of the permissions that the credentials of a source need, and which of those that they should not have, RBAC grants. Each is reviewed once,
 * with the credential that would use it.
 * @throws {SourceError}
 */
export async function readGrantedPermissions(
  config: KubernetesConfig,
  { reading, acting }: { readonly reading: ClusterConnection; readonly acting: ActingConnections },
  signal: AbortSignal,
): Promise<readonly SourcePermission[]> {
  const reviews = accessReviews(config);
  const answers = await Promise.all(
    reviews.map(({ credential, rule, namespace }) =>
      isAllowed(credential === 'reading' ? reading : (acting[credential] ?? reading), rule, {
        signal,
        ...(namespace !== undefined && { namespace }),
      }),
    ),
  );
  return reportOf(reviews, answers);
}

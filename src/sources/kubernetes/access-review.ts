import { SourceError } from '../../ports/source-error.ts';
import { asObject } from '../../wire/json-object.ts';
import type { ClusterConnection } from './connection.ts';
import { errorOfAnswer, objectIn } from './explain-answer.ts';
import type { AccessRule } from './permissions.ts';

export interface ReviewOptions {
  readonly signal: AbortSignal;
  /** Default: all namespaces. */
  readonly namespace?: string;
}

/**
 * Whether RBAC grants a permission, or every verb on every resource, to the credential of a connection. Sends a SelfSubjectAccessReview, which every
 * authenticated user may create.
 * @throws {SourceError}
 */
export async function isAllowed(
  connection: ClusterConnection,
  rule: AccessRule | 'anything',
  { signal, namespace }: ReviewOptions,
): Promise<boolean> {
  const attributes = rule === 'anything' ? { verb: '*', group: '*', resource: '*' } : rule;
  const spec =
    'path' in attributes
      ? { nonResourceAttributes: { verb: attributes.verb, path: attributes.path } }
      : {
          resourceAttributes: {
            verb: attributes.verb,
            group: attributes.group,
            resource: attributes.resource,
            ...('subresource' in attributes && { subresource: attributes.subresource }),
            ...('name' in attributes && { name: attributes.name }),
            ...(namespace !== undefined && { namespace }),
          },
        };
  const { answer, context } = await connection.send({
    make: ({ authorization }) =>
      authorization.createSelfSubjectAccessReview({
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectAccessReview',
        spec,
      }),
    rule: {
      verb: 'create',
      group: 'authorization.k8s.io',
      resource: 'selfsubjectaccessreviews',
    },
    what: 'a review of its permissions',
    signal,
  });
  if (answer.status !== 200 && answer.status !== 201) throw errorOfAnswer(context, answer);
  const { allowed } = asObject(objectIn(context, answer)['status']);
  if (typeof allowed !== 'boolean')
    throw new SourceError(
      context.source,
      'malformed',
      `${context.host} did not return whether a permission is granted`,
    );
  return allowed;
}

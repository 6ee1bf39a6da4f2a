import type { ObjectPath, Resource } from './resources.ts';

/**
 * A response: an object is sent as JSON, a string unchanged, and bytes as serialized JSON that is not
 * compressed.
 */
export interface ApiAnswer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Details {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly [field: string]: unknown;
}

/** An error of the API server, with the reasons of https://github.com/kubernetes/kubernetes/blob/v1.33.0/staging/src/k8s.io/apimachinery/pkg/apis/meta/v1/types.go. */
export function failure(
  code: number,
  reason: string,
  message: string,
  more: { readonly details?: Details; readonly metadata?: object } = {},
): ApiAnswer {
  const { details, metadata = {} } = more;
  const body = { kind: 'Status', apiVersion: 'v1', metadata, status: 'Failure', message, reason };
  return { status: code, body: { ...body, ...(details && { details }), code } };
}

/** `nodes`, `daemonsets.apps`. */
function groupResource({ plural, group }: Resource): string {
  return group === '' ? plural : `${plural}.${group}`;
}

function detailsOf({ resource, name }: ObjectPath): Details {
  return {
    ...(name !== undefined && { name }),
    ...(resource.group !== '' && { group: resource.group }),
    kind: resource.plural,
  };
}

export function badRequest(message: string): ApiAnswer {
  return failure(400, 'BadRequest', message);
}

export const UNAUTHORIZED: ApiAnswer = failure(401, 'Unauthorized', 'Unauthorized');

export function notFound(path: ObjectPath): ApiAnswer {
  return failure(404, 'NotFound', `${groupResource(path.resource)} "${path.name}" not found`, {
    details: detailsOf(path),
  });
}

/** The response for a path without a handler. */
export const NO_SUCH_PATH: ApiAnswer = { status: 404, body: '404 page not found\n' };

export function forbidden(user: string, verb: string, path: ObjectPath): ApiAnswer {
  const { resource, name, namespace, subresource } = path;
  const target = `${groupResource(resource)}${name === undefined ? '' : ` "${name}"`}`;
  const asked = `${resource.plural}${subresource === undefined ? '' : `/${subresource}`}`;
  const scope = namespace === undefined ? 'at the cluster scope' : `in the namespace "${namespace}"`;
  const message = `${target} is forbidden: User "${user}" cannot ${verb} resource "${asked}" in API group "${resource.group}" ${scope}`;
  return failure(403, 'Forbidden', message, { details: detailsOf(path) });
}

export function forbiddenPath(user: string, verb: string, path: string): ApiAnswer {
  return failure(403, 'Forbidden', `forbidden: User "${user}" cannot ${verb} path "${path}"`, {
    details: {},
  });
}

export function conflict(path: ObjectPath, because: string): ApiAnswer {
  const message = `Operation cannot be fulfilled on ${groupResource(path.resource)} "${path.name}": ${because}`;
  return failure(409, 'Conflict', message, { details: detailsOf(path) });
}

export function invalid(
  path: ObjectPath,
  field: string,
  because: string,
  reason = 'FieldValueInvalid',
): ApiAnswer {
  const { resource, name } = path;
  const kind = `${resource.kind}${resource.group === '' ? '' : `.${resource.group}`}`;
  return failure(422, 'Invalid', `${kind} "${name}" is invalid: ${field}: ${because}`, {
    details: {
      name: name ?? '',
      ...(resource.group !== '' && { group: resource.group }),
      kind: resource.kind,
      causes: [{ reason, message: because, field }],
    },
  });
}

import type { ApiObject, ObjectPath } from './resources.ts';
import { type ApiAnswer, badRequest } from './status.ts';

/** The logs of previous containers, by `namespace/pod/container`. */
export type PreviousLogs = ReadonlyMap<string, string>;

/**
 * A kubelet's response to a request for a log, through the API server:
 * https://github.com/kubernetes/kubernetes/blob/v1.33.0/pkg/registry/core/pod/strategy.go (`LogLocation`) and `validateContainerLogStatus` in the kubelet.
 * The log of a current container is empty.
 */
export function answerLog(
  { namespace = '' }: ObjectPath,
  pod: ApiObject,
  query: URLSearchParams,
  logs: PreviousLogs,
): ApiAnswer {
  const { name } = pod.metadata;
  const names = containersOf(pod);
  const asked = query.get('container') ?? '';
  if (asked === '' && names.length !== 1)
    return badRequest(
      `a container name must be specified for pod ${name}, choose one of: [${names.join(' ')}]`,
    );
  const container = asked === '' ? names[0]! : asked;
  if (!names.includes(container)) return badRequest(`container ${container} is not valid for pod ${name}`);
  if (query.get('previous') !== 'true') return { status: 200, body: '' };
  const log = logs.get(`${namespace}/${name}/${container}`);
  if (log === undefined)
    return badRequest(`previous terminated container "${container}" in pod "${name}" not found`);
  return { status: 200, body: partOf(log, query), headers: { 'content-type': 'text/plain' } };
}

function containersOf({ spec }: ApiObject): readonly string[] {
  const { initContainers = [], containers = [] } = (spec ?? {}) as {
    readonly initContainers?: readonly { readonly name: string }[];
    readonly containers?: readonly { readonly name: string }[];
  };
  return [...initContainers, ...containers].map(({ name }) => name);
}

/** Starts at the first of the last `tailLines`, and stops after `limitBytes`. */
function partOf(log: string, query: URLSearchParams): string {
  const lines = log.split(/(?<=\n)/);
  const tail = lines.slice(-Number(query.get('tailLines') ?? lines.length)).join('');
  const limit = query.get('limitBytes');
  return limit === null ? tail : Buffer.from(tail).subarray(0, Number(limit)).toString();
}

import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { type ApiObject, isCustom, type ObjectPath } from './resources.ts';
import { type ApiAnswer, badRequest, conflict, failure, invalid } from './status.ts';

const PATCH_TYPES = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
] as const;

type Json = unknown;
type JsonObject = Readonly<Record<string, Json>>;

const operation = z.object({
  op: z.enum(['add', 'remove', 'replace', 'move', 'copy', 'test']),
  path: z.string(),
  from: z.string().optional(),
  value: z.unknown(),
});

/** The object with a patch applied, or the error response to an invalid patch. Nothing is saved. */
export function patched(
  path: ObjectPath,
  current: ApiObject,
  contentType: string,
  text: string,
): { readonly object: ApiObject } | { readonly answer: ApiAnswer } {
  const type = PATCH_TYPES.find((known) => known === contentType.split(';')[0]!.trim());
  // Custom resources have no merge keys.
  const isUnsupported = type === 'application/strategic-merge-patch+json' && isCustom(path.resource);
  if (!type || isUnsupported) return { answer: unsupportedType() };
  let patch: Json;
  try {
    patch = JSON.parse(text) as Json;
  } catch (error) {
    return { answer: badRequest(`error decoding patch: ${(error as Error).message}`) };
  }
  const changed =
    type === 'application/json-patch+json'
      ? applyOperations(current, patch)
      : applyMerge(current, patch, type === 'application/strategic-merge-patch+json');
  if ('answer' in changed) return changed;
  const object = changed.object as ApiObject;
  const refused = refusal(path, current, object);
  return refused ? { answer: refused } : { object };
}

function unsupportedType(): ApiAnswer {
  const accepted = [...PATCH_TYPES, 'application/apply-patch+yaml'].join(', ');
  return failure(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted}`,
  );
}

type Changed = { readonly object: Json } | { readonly answer: ApiAnswer };

/** RFC 6902. */
function applyOperations(current: ApiObject, patch: Json): Changed {
  if (!Array.isArray(patch))
    return {
      answer: badRequest('json: cannot unmarshal object into Go value of type jsonpatch.Patch'),
    };
  const operations = z.array(operation).safeParse(patch);
  if (!operations.success) return { answer: badRequest('error decoding patch: unexpected kind: unknown') };
  let object: Json = current;
  try {
    for (const one of operations.data) object = applyOperation(object, one);
    return { object };
  } catch {
    // The API server's whole message:
    // https://github.com/kubernetes/kubernetes/blob/v1.33.0/staging/src/k8s.io/apiserver/pkg/endpoints/handlers/patch.go
    return {
      answer: failure(422, 'Invalid', 'the server rejected our request due to an error in our request'),
    };
  }
}

function applyOperation(object: Json, { op, path, from, value }: z.output<typeof operation>): Json {
  const at = pointer(path);
  if (op === 'test') {
    if (!isDeepStrictEqual(read(object, at), value)) throw new Error(`testing value ${path} failed`);
    return object;
  }
  if (op === 'add') return write(object, at, value);
  if (op === 'copy') return write(object, at, read(object, pointer(from ?? '')));
  if (op === 'move') {
    const moved = read(object, pointer(from ?? ''));
    return write(write(object, pointer(from ?? ''), undefined), at, moved);
  }
  if (read(object, at) === undefined) throw new Error(`nothing at ${path}`);
  return write(object, at, op === 'remove' ? undefined : value);
}

function pointer(path: string): readonly string[] {
  return path
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function read(object: Json, path: readonly string[]): Json {
  return path.reduce<Json>((at, key) => (at as JsonObject | undefined)?.[key], object);
}

/** A copy with one value replaced, or removed if it is undefined. Its parent must exist. */
function write(object: Json, [key, ...rest]: readonly string[], value: Json): Json {
  if (key === undefined) return value;
  if (typeof object !== 'object' || object === null) throw new Error(`no parent of ${key}`);
  if (Array.isArray(object)) {
    const items: Json[] = [...object];
    const index = key === '-' ? items.length : Number(key);
    if (rest.length > 0) items[index] = write(items[index], rest, value);
    else if (value === undefined) items.splice(index, 1);
    else items.splice(index, 0, value);
    return items;
  }
  const { [key]: old, ...others } = object as JsonObject;
  const made = rest.length > 0 ? write(old, rest, value) : value;
  return made === undefined ? others : { ...others, [key]: made };
}

function applyMerge(current: ApiObject, patch: Json, strategic: boolean): Changed {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch))
    return {
      answer: badRequest(
        'error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}',
      ),
    };
  return { object: merge(current, patch as JsonObject, strategic) };
}

/** The keys by which a strategic merge patch merges lists of objects: the `patchMergeKey` tags in https://github.com/kubernetes/kubernetes/blob/v1.33.0/staging/src/k8s.io/api/core/v1/types.go. */
export const MERGE_KEYS: Readonly<Record<string, string>> = {
  taints: 'key',
  containers: 'name',
  initContainers: 'name',
  volumes: 'name',
  env: 'name',
  conditions: 'type',
  ownerReferences: 'uid',
};

/** RFC 7386; with `strategic`, lists that have a merge key are merged by it. */
function merge(current: Json, patch: JsonObject, strategic: boolean): Json {
  const merged: Record<string, Json> = isObject(current) ? { ...current } : {};
  for (const [key, value] of Object.entries(patch)) {
    const mergeKey = MERGE_KEYS[key];
    if (value === null) delete merged[key];
    else if (isObject(value)) merged[key] = merge(merged[key], value, strategic);
    else if (strategic && mergeKey !== undefined && Array.isArray(value))
      merged[key] = mergeList(merged[key], value as readonly JsonObject[], mergeKey);
    else merged[key] = value;
  }
  return merged;
}

function mergeList(current: Json, patch: readonly JsonObject[], mergeKey: string): readonly Json[] {
  const items = Array.isArray(current) ? [...(current as JsonObject[])] : [];
  for (const item of patch) {
    const index = items.findIndex((one) => one[mergeKey] === item[mergeKey]);
    if (item['$patch'] === 'delete') {
      if (index !== -1) items.splice(index, 1);
    } else if (index === -1) items.push(item);
    else items[index] = merge(items[index], item, true) as JsonObject;
  }
  return items;
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const NAME = /^([\w.-]+\/)?[A-Za-z0-9]([\w.-]*[A-Za-z0-9])?$/;

/** Why the API server rejects the changed object. */
function refusal(path: ObjectPath, before: ApiObject, after: ApiObject): ApiAnswer | undefined {
  const { metadata } = after;
  if (metadata?.uid !== before.metadata.uid)
    return invalid(path, 'metadata.uid', `Invalid value: "${String(metadata?.uid)}": field is immutable`);
  if (metadata.name !== before.metadata.name)
    return badRequest(
      `the name of the object (${metadata.name}) does not match the name on the URL (${before.metadata.name})`,
    );
  if (metadata.resourceVersion !== before.metadata.resourceVersion)
    return conflict(
      path,
      'the object has been modified; please apply your changes to the latest version and try again',
    );
  const badKey = Object.keys(metadata.annotations ?? {}).find((key) => !NAME.test(key));
  if (badKey !== undefined)
    return invalid(
      path,
      'metadata.annotations',
      `Invalid value: "${badKey}": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character`,
    );
  const badValue = Object.entries(metadata.annotations ?? {}).find(([, value]) => typeof value !== 'string');
  if (badValue) return mistyped(path, `ObjectMeta.metadata.annotations`, 'string');
  const { unschedulable } = (after['spec'] ?? {}) as JsonObject;
  if (path.resource.plural === 'nodes' && !['undefined', 'boolean'].includes(typeof unschedulable))
    return mistyped(path, 'NodeSpec.spec.unschedulable', 'bool');
  if (path.resource.plural === 'pods') return podRefusal(path, before, after);
  return path.resource.group === 'apps' ? templateRefusal(path, after) : undefined;
}

/** Of the fields of a probe, these must be at least 1. */
const POSITIVE = ['periodSeconds', 'timeoutSeconds', 'failureThreshold', 'successThreshold'];

/** Why the pods of a workload could not be created. */
function templateRefusal(path: ObjectPath, workload: ApiObject): ApiAnswer | undefined {
  const spec = at(workload, 'spec', 'template', 'spec');
  for (const list of ['initContainers', 'containers'])
    for (const [index, container] of ((spec[list] ?? []) as readonly JsonObject[]).entries()) {
      const field = `spec.template.spec.${list}[${index}]`;
      if (typeof container['image'] !== 'string') return invalid(path, `${field}.image`, 'Required value');
      for (const probe of ['livenessProbe', 'readinessProbe', 'startupProbe'])
        for (const [key, value] of Object.entries(at(container, probe))) {
          if (!key.endsWith('Seconds') && !key.endsWith('Threshold')) continue;
          if (!Number.isInteger(value)) return mistyped(path, `Probe.${field}.${probe}.${key}`, 'int32');
          const least = POSITIVE.includes(key) ? 1 : 0;
          if ((value as number) < least)
            return invalid(
              path,
              `${field}.${probe}.${key}`,
              `Invalid value: ${String(value)}: must be greater than or equal to ${least}`,
            );
        }
    }
  return undefined;
}

function at(object: Json, ...path: readonly string[]): JsonObject {
  const found = read(object, path);
  return isObject(found) ? found : {};
}

function mistyped(path: ObjectPath, field: string, type: string): ApiAnswer {
  return invalid(
    path,
    'patch',
    `Invalid value: json: cannot unmarshal into Go struct field ${field} of type ${type}`,
  );
}

const CHANGEABLE = ['activeDeadlineSeconds', 'tolerations', 'terminationGracePeriodSeconds'];

/** Only a few fields in the spec of a pod can be changed. */
function podRefusal(path: ObjectPath, before: ApiObject, after: ApiObject): ApiAnswer | undefined {
  return isDeepStrictEqual(fixedSpec(before), fixedSpec(after))
    ? undefined
    : invalid(
        path,
        'spec',
        'Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
        'FieldValueForbidden',
      );
}

function fixedSpec(pod: ApiObject): Json {
  const spec = Object.entries((pod['spec'] ?? {}) as JsonObject).filter(([key]) => !CHANGEABLE.includes(key));
  return spec.map(([key, value]) =>
    ['containers', 'initContainers'].includes(key)
      ? [key, (value as readonly JsonObject[]).map(({ image: _image, ...rest }) => rest)]
      : [key, value],
  );
}

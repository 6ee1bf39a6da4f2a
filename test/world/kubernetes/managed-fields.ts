import { isDeepStrictEqual } from 'node:util';
import { MERGE_KEYS } from './patch.ts';
import { type ApiObject, apiVersionOf, type ObjectPath } from './resources.ts';

type Fields = { readonly [key: string]: Fields };

interface ManagedFields {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  readonly time: string;
  readonly fieldsType: 'FieldsV1';
  readonly fieldsV1: Fields;
}

/** Who changes an object, and when. */
export interface Change {
  /** `fieldManager` in the query. */
  readonly manager: string;
  readonly now: Date;
}

/**
 * The changed workload with its new `generation`, and with the changed fields owned by whoever changed them:
 * https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
 */
export function trackChange(
  { resource }: ObjectPath,
  before: ApiObject,
  after: ApiObject,
  { manager, now }: Change,
): ApiObject {
  const changed = changedFields(withoutMetadata(before), withoutMetadata(after));
  if (!changed) return after;
  const held = (before.metadata['managedFields'] ?? []) as readonly ManagedFields[];
  const isOwn = (one: ManagedFields) => one.manager === manager && one.operation === 'Update';
  const own: ManagedFields = {
    manager,
    operation: 'Update',
    apiVersion: apiVersionOf(resource),
    time: `${now.toISOString().slice(0, 19)}Z`,
    fieldsType: 'FieldsV1',
    fieldsV1: union(held.find(isOwn)?.fieldsV1 ?? {}, changed),
  };
  const others = held
    .filter((one) => !isOwn(one))
    .map((one) => ({ ...one, fieldsV1: difference(one.fieldsV1, changed) }))
    .filter(({ fieldsV1 }) => Object.keys(fieldsV1).length > 0);
  const isSpecChanged = !isDeepStrictEqual(before['spec'], after['spec']);
  const generation = Number(before.metadata['generation'] ?? 1) + (isSpecChanged ? 1 : 0);
  return { ...after, metadata: { ...after.metadata, generation, managedFields: [...others, own] } };
}

/** The fields of an object, all owned by one manager. */
export function ownedBy(
  manager: string,
  object: ApiObject,
  {
    operation = 'Update',
    time = '2026-09-27T12:00:00Z',
  }: { readonly operation?: 'Apply' | 'Update'; readonly time?: string } = {},
): ApiObject {
  const fieldsV1 = changedFields({}, { spec: object['spec'] }) ?? {};
  const managedFields: readonly ManagedFields[] = [
    { manager, operation, apiVersion: 'apps/v1', time, fieldsType: 'FieldsV1', fieldsV1 },
  ];
  return { ...object, metadata: { ...object.metadata, managedFields } };
}

function withoutMetadata({
  metadata: { labels, annotations },
  status: _status,
  ...object
}: ApiObject): object {
  return { ...object, metadata: { labels, annotations } };
}

/** Undefined if nothing has changed. A list without a merge key is one field. */
function changedFields(before: unknown, after: unknown, name?: string): Fields | undefined {
  if (isDeepStrictEqual(before, after)) return undefined;
  const mergeKey = name === undefined ? undefined : MERGE_KEYS[name];
  if (Array.isArray(after) && mergeKey !== undefined) {
    const earlier = Array.isArray(before) ? (before as readonly Item[]) : [];
    return fieldsOf(
      (after as readonly Item[]).map((item) => [
        `k:${JSON.stringify({ [mergeKey]: item[mergeKey] })}`,
        changedFields(
          earlier.find((one) => one[mergeKey] === item[mergeKey]),
          item,
        ),
      ]),
    );
  }
  if (!isItem(after)) return {};
  const earlier = isItem(before) ? before : {};
  return fieldsOf(
    Object.keys({ ...earlier, ...after }).map((key) => [
      `f:${key}`,
      changedFields(earlier[key], after[key], key),
    ]),
  );
}

type Item = Readonly<Record<string, unknown>>;

function isItem(value: unknown): value is Item {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function fieldsOf(entries: readonly (readonly [string, Fields | undefined])[]): Fields {
  return Object.fromEntries(entries.filter((entry): entry is readonly [string, Fields] => !!entry[1]));
}

function union(a: Fields, b: Fields): Fields {
  const keys = Object.keys({ ...a, ...b });
  return Object.fromEntries(keys.map((key) => [key, union(a[key] ?? {}, b[key] ?? {})]));
}

/** Without the leaves of `b`, and without what is empty then. */
function difference(a: Fields, b: Fields): Fields {
  return fieldsOf(
    Object.entries(a).map(([key, fields]) => {
      const removed = b[key];
      if (!removed) return [key, fields];
      if (Object.keys(removed).length === 0 || Object.keys(fields).length === 0) return [key, undefined];
      const rest = difference(fields, removed);
      return [key, Object.keys(rest).length > 0 ? rest : undefined];
    }),
  );
}

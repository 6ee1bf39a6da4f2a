import type { ApiObject } from './resources.ts';

/** Objects of one kind, in the order in which they are listed. */
export interface Collection {
  /** The last index plus 1, including deleted objects. */
  readonly size: number;
  /** Undefined if it was deleted. */
  readonly at: (index: number) => ApiObject | undefined;
  readonly find: (namespace: string | undefined, name: string) => ApiObject | undefined;
  /** Adds an object, or replaces the one with the same name. */
  readonly put: (object: ApiObject) => void;
  readonly remove: (object: ApiObject) => void;
}

/** Objects that are created on each request and not kept in memory. They cannot be changed. */
export interface MadeObjects {
  readonly count: number;
  readonly make: (index: number) => ApiObject;
}

export type Objects = readonly ApiObject[] | MadeObjects;

export function collectionOf(objects: Objects = []): Collection {
  return 'make' in objects ? madeCollection(objects) : heldCollection(objects);
}

function heldCollection(given: readonly ApiObject[]): Collection {
  const objects: (ApiObject | undefined)[] = [...given];
  const indexOf = (namespace: string | undefined, name: string) =>
    objects.findIndex((one) => one?.metadata?.name === name && one.metadata.namespace === namespace);
  return {
    get size() {
      return objects.length;
    },
    at: (index) => objects[index],
    find: (namespace, name) => objects[indexOf(namespace, name)],
    put: (object) => {
      const index = indexOf(object.metadata.namespace, object.metadata.name);
      objects[index === -1 ? objects.length : index] = object;
    },
    remove: ({ metadata }) => {
      objects[indexOf(metadata.namespace, metadata.name)] = undefined;
    },
  };
}

function madeCollection({ count, make }: MadeObjects): Collection {
  const cannotChange = () => {
    throw new Error('objects that are made on demand cannot be changed');
  };
  return {
    size: count,
    at: make,
    find: (namespace, name) => {
      for (let index = 0; index < count; index++) {
        const object = make(index);
        if (object.metadata.name === name && object.metadata.namespace === namespace) return object;
      }
      return undefined;
    },
    put: cannotChange,
    remove: cannotChange,
  };
}

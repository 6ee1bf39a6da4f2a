import type { StoreReads } from './collect.ts';
import type { ExpectedInstance } from './expected.ts';
import type { Key } from './keys.ts';
import type { Service } from './services.ts';

/**
 * Where no source lists the instances: those that are registered and those that were. Directories do not expire,
 * so an empty one shows that an instance of that group once registered. The first of the service's roots counts.
 */
export function inferExpected(
  service: Service,
  stores: readonly StoreReads[],
  keys: readonly Key[],
): ExpectedInstance[] {
  const [root] = service.roots;
  const present = keys.flatMap(({ root: under, announced, leaf }): ExpectedInstance[] => {
    if (under !== root || !announced) return [];
    const { group = service.name, id = leaf.key, zone } = announced;
    return [toExpected({ group, id, ...(zone !== undefined && { zone }) })];
  });
  if (!root.hasGroups) return present;
  const paths = new Set(stores.flatMap(({ later = [] }) => later[0]?.directories ?? []));
  const empty = [...paths].flatMap((path): ExpectedInstance[] => {
    const [zone, group, ...rest] = path.slice(root.prefix.length).split('/').filter(Boolean);
    const isEmpty = !keys.some(({ leaf }) => leaf.key.startsWith(`${path}/`));
    if (zone === undefined || group === undefined || rest.length > 0 || !isEmpty) return [];
    return [toExpected({ group, id: '', zone })];
  });
  return [...present, ...empty];
}

function toExpected({ group, id, zone }: { group: string; id: string; zone?: string }): ExpectedInstance {
  return {
    name: id === '' ? group : `${group}/${id}`,
    group,
    id,
    ...(zone !== undefined && { zone }),
    ...(/^\d+$/.test(id) && { index: Number(id) }),
    addresses: [],
  };
}

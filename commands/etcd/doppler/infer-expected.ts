import type { StoreLook } from './collect.ts';
import type { Expected } from './expected.ts';
import type { Key } from './keys.ts';
import type { Service } from './services.ts';

/**
 * Where no source lists the instances: those that are registered and those that were. Directories do not expire,
 * so an empty one shows that an instance of that group once registered. The first of the service's roots counts.
 */
export function rosterOfKeys(
  service: Service,
  looks: readonly StoreLook[],
  keys: readonly Key[],
): Expected[] {
  const [root] = service.roots;
  const present = keys.flatMap(({ root: under, says, leaf }): Expected[] => {
    if (under !== root || !says) return [];
    const { group = service.name, id = leaf.key, zone } = says;
    return [known({ group, id, ...(zone !== undefined && { zone }) })];
  });
  if (!root.hasGroups) return present;
  const paths = new Set(looks.flatMap(({ later = [] }) => later[0]?.directories ?? []));
  const empty = [...paths].flatMap((path): Expected[] => {
    const [zone, group, ...rest] = path.slice(root.prefix.length).split('/').filter(Boolean);
    const isEmpty = !keys.some(({ leaf }) => leaf.key.startsWith(`${path}/`));
    if (zone === undefined || group === undefined || rest.length > 0 || !isEmpty) return [];
    return [known({ group, id: '', zone })];
  });
  return [...present, ...empty];
}

function known({ group, id, zone }: { group: string; id: string; zone?: string }): Expected {
  return {
    name: id === '' ? group : `${group}/${id}`,
    group,
    id,
    ...(zone !== undefined && { zone }),
    ...(/^\d+$/.test(id) && { index: Number(id) }),
    addresses: [],
  };
}

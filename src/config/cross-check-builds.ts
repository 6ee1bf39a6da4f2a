import { toArray, toObject } from './cross-check.ts';
import { hintForWord, type PlacedProblem } from './explain.ts';
import type { ConfigPath } from './problem.ts';

/** The kinds of sources that find replicas, and the key that names one. Without the key, all engines are asked. */
const FINDERS = {
  kubernetes: { kind: 'kubernetes', key: 'cluster', isOne: true },
  containers: { kind: 'docker', key: 'engines', isOne: false },
  swarm: { kind: 'docker', key: 'engines', isOne: false },
} as const;

/** Validates that the replicas of services can be found by a source of the same environment. */
export function crossCheckBuilds(value: unknown): readonly PlacedProblem[] {
  return Object.entries(toObject(toObject(value)['environments'])).flatMap(([environment, given]) => {
    const sources = toArray(toObject(given)['sources']).map(toObject);
    return sources.flatMap(({ kind, services }, index) =>
      kind === 'builds'
        ? toArray(services).flatMap((service, at) =>
            wrongFinder(
              ['environments', environment, 'sources', index, 'services', at, 'replicas'],
              toObject(toObject(service)['replicas']),
              sources,
            ),
          )
        : [],
    );
  });
}

function wrongFinder(
  path: ConfigPath,
  replicas: Readonly<Record<string, unknown>>,
  sources: readonly Readonly<Record<string, unknown>>[],
): readonly PlacedProblem[] {
  return Object.entries(FINDERS).flatMap(([location, { kind, key, isOne }]) => {
    if (replicas[location] === undefined) return [];
    const named = toObject(replicas[location])[key];
    const known = sources.flatMap(({ kind: one, name = kind }) =>
      one === kind && typeof name === 'string' ? [name] : [],
    );
    if (known.length === 0)
      return [
        {
          path: [...path, location],
          what: `there is no \`${kind}\` source in this environment`,
          hint: 'Add it, or list the replicas in `addresses`',
        },
      ];
    if (named === undefined && isOne && known.length > 1)
      return [
        {
          path: [...path, location],
          what: `needs \`${key}\`, because there are ${known.length} \`${kind}\` sources`,
          hint: `Available: ${known.map((name) => `\`${name}\``).join(', ')}`,
        },
      ];
    if (typeof named !== 'string' || known.includes(named)) return [];
    return [
      {
        path: [...path, location, key],
        what: `unknown \`${kind}\` source \`${named.slice(0, 60)}\``,
        hint: hintForWord(named, known),
      },
    ];
  });
}

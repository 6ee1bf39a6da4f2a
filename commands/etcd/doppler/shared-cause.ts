import { type Finding, wording } from '../../kit.ts';
import type { StoreLook } from './collect.ts';
import type { Service } from './services.ts';
import type { Judged, Standing } from './registration.ts';
import { field, overview } from './verdict.ts';

const GONE: readonly Standing[] = [
  'stuck',
  'heartbeat-stopped',
  'starting',
  'failing',
  'unresponsive',
  'unregistered',
];

/**
 * Whether something that all of them need is broken. Not if no machine responds, and not for a single instance,
 * unless it runs and nothing has ever registered.
 */
export function sharesACause(
  { expects }: Service,
  judged: readonly Judged[],
  looks: readonly StoreLook[],
): boolean {
  const isLost = isWiped(looks) && judged.every(({ standing }) => standing === 'stuck');
  const fewest = expects === 'one' || isLost ? 1 : 2;
  return (
    judged.length >= fewest &&
    judged.every(({ standing }) => GONE.includes(standing)) &&
    !judged.every(({ standing }) => standing === 'unresponsive')
  );
}

/** `None of the 3 dopplers is registered`. */
export function noneInWords({ name, expects }: Service, judged: readonly Judged[]): string {
  const isFading = judged.some(({ standing }) => standing === 'heartbeat-stopped');
  if (judged.length === 1)
    return `The only ${name} (${judged[0]?.expected.name}) ${isFading ? 'no longer refreshes its key' : 'is not registered'}`;
  const what = expects === 'one' ? 'leads' : 'is registered';
  return `None of the ${wording.count(judged.length, name)} ${isFading ? 'refreshes its key' : what}`;
}

/** All of them at once: restarting each in turn would fix nothing. */
export function allMissing(
  service: Service,
  judged: readonly Judged[],
  looks: readonly StoreLook[],
): Finding<never> {
  const { sharedCauses, roots, ended } = service;
  const states = Map.groupBy(judged, ({ process }) => process);
  const how = [...states].map(([state, those]) => `${those.length} ${state}`).join(', ');
  const nothing = `${roots.map(({ prefix }) => prefix).join(' and ')} ${roots.length === 1 ? 'does' : 'do'} not exist`;
  return {
    reason: 'all-missing',
    severity: 'critical',
    target: roots[0].prefix,
    summary: `${noneInWords(service, judged)} (${how}): look for a shared cause before restarting any`,
    evidence: [
      ...field(
        'Never registered',
        isWiped(looks)
          ? `${nothing}: the store was wiped, or nothing ever registered${ended ? ` (since ${ended.since} nothing does)` : ''}`
          : undefined,
      ),
      ...(sharedCauses.length > 0
        ? [{ kind: 'log' as const, lines: ['What to check:', ...sharedCauses.map((cause) => `- ${cause}`)] }]
        : []),
      overview(judged),
    ],
  };
}

function isWiped(looks: readonly StoreLook[]): boolean {
  return looks.length > 0 && looks.every(({ later }) => later?.every(({ exists }) => !exists) ?? false);
}

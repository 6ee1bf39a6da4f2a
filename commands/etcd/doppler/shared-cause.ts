import { type Finding, wording } from '../../kit.ts';
import { optionalField } from '../../shared/evidence.ts';
import type { StoreReads } from './collect.ts';
import type { Service } from './services.ts';
import type { Judged, RegistrationStatus } from './registration.ts';
import { overview } from './verdict.ts';

const NOT_REGISTERED: readonly RegistrationStatus[] = [
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
export function hasSharedCause(
  { expects }: Service,
  judged: readonly Judged[],
  stores: readonly StoreReads[],
): boolean {
  const isLost = isWiped(stores) && judged.every(({ status }) => status === 'stuck');
  const fewest = expects === 'one' || isLost ? 1 : 2;
  return (
    judged.length >= fewest &&
    judged.every(({ status }) => NOT_REGISTERED.includes(status)) &&
    !judged.every(({ status }) => status === 'unresponsive')
  );
}

/** `None of the 3 dopplers is registered`. */
export function describeNone({ name, expects }: Service, judged: readonly Judged[]): string {
  const isFading = judged.some(({ status }) => status === 'heartbeat-stopped');
  if (judged.length === 1)
    return `The only ${name} (${judged[0]?.expected.name}) ${isFading ? 'no longer refreshes its key' : 'is not registered'}`;
  const what = expects === 'one' ? 'leads' : 'is registered';
  return `None of the ${wording.count(judged.length, name)} ${isFading ? 'refreshes its key' : what}`;
}

/** All of them at once: restarting each in turn would fix nothing. */
export function allMissing(
  service: Service,
  judged: readonly Judged[],
  stores: readonly StoreReads[],
): Finding<never> {
  const { sharedCauses, roots, ended } = service;
  const states = Map.groupBy(judged, ({ process }) => process);
  const how = [...states].map(([state, those]) => `${those.length} ${state}`).join(', ');
  const nothing = `${roots.map(({ prefix }) => prefix).join(' and ')} ${roots.length === 1 ? 'does' : 'do'} not exist`;
  return {
    reason: 'all-missing',
    severity: 'critical',
    target: roots[0].prefix,
    summary: `${describeNone(service, judged)} (${how}): look for a shared cause before restarting any`,
    evidence: [
      ...optionalField(
        'Never registered',
        isWiped(stores)
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

function isWiped(stores: readonly StoreReads[]): boolean {
  return stores.length > 0 && stores.every(({ later }) => later?.every(({ exists }) => !exists) ?? false);
}

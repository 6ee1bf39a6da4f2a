import type { ports } from '../../kit.ts';
import type { Facts, WatchedDeployment } from './collect.ts';

/** Builders for stories: what a director reports about its instances. */

type State = ports.RunningProcess['state'];
type InstanceOverrides = Partial<Omit<ports.Instance, 'processes' | 'name' | 'group'>>;

/** `instance('doppler_z2/0', ['doppler', { metron_agent: 'unmonitored' }])`: a process given by name alone is running. */
export function instance(
  name: string,
  processes: readonly (string | Readonly<Record<string, State>>)[] = [],
  known: InstanceOverrides = {},
): ports.Instance {
  const [group = name, index = '0'] = name.split('/');
  const listed = processes.flatMap((one) =>
    typeof one === 'string'
      ? [{ name: one, state: 'running' as const, uptimeSeconds: 5_280 }]
      : Object.entries(one).map(([process, state]) => ({ name: process, state })),
  );
  return {
    group,
    id: idOf(name),
    index: Number(index),
    name,
    zone: /_(z\d+)$/.exec(group)?.[1] ?? 'z1',
    addresses: [`10.160.${55 + Number(index)}.${10 + (hash(group) % 240)}`],
    desired: 'started',
    ignored: false,
    state: listed.every(({ state }) => state === 'running') ? 'running' : 'failing',
    processes: listed,
    incarnation: `vm-${idOf(name).slice(0, 8)}`,
    restart: {
      allowed: true,
      scope: 'instance',
      processes: listed.map((process) => process.name),
      sideEffects: [],
    },
    ...known,
  };
}

export function deployment(
  instances: readonly ports.Instance[],
  known: Partial<WatchedDeployment> = {},
): WatchedDeployment {
  return { source: 'bosh', supervisor: 'director', name: 'cf', instances, ...known };
}

export function factsOf(instances: readonly ports.Instance[], known: Partial<WatchedDeployment> = {}): Facts {
  return { deployments: [deployment(instances, known)] };
}

/** A UUID derived from the name. */
export function idOf(name: string): string {
  const digits = [1, 2, 3, 4].map((salt) => hash(`${salt}${name}`).toString(16).padStart(8, '0')).join('');
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** FNV-1a */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const letter of text) value = Math.imul(value ^ letter.charCodeAt(0), 0x01000193) >>> 0;
  return value;
}

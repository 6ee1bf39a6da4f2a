import type { StoreReads } from './collect.ts';
import type { ExpectedInstance } from './expected.ts';
import type { Key } from './keys.ts';
import type { Service } from './services.ts';

/**
 * The status of one instance that should register.
 *
 * `registered` a live key that is refreshed; `legacy-only` only under the legacy root; `standby` another instance leads;
 * `heartbeat-stopped` a key that is no longer refreshed; `flapping` its key expired and came back;
 * `corrupt` an unusable key; without a key: `stuck` its process is running, `starting`, `failing` its process is not running,
 * `unresponsive` its machine does not respond, `unregistered` no source reports its process.
 */
export type RegistrationStatus =
  | 'registered'
  | 'legacy-only'
  | 'standby'
  | 'heartbeat-stopped'
  | 'flapping'
  | 'corrupt'
  | 'stuck'
  | 'starting'
  | 'failing'
  | 'unresponsive'
  | 'unregistered';

export interface Judged {
  readonly expected: ExpectedInstance;
  readonly status: RegistrationStatus;
  /** The best key, which decides the status. */
  readonly key?: Key;
  /** State of the process that should register, in words. */
  readonly process: string;
}

export function judge(
  service: Service,
  expected: ExpectedInstance,
  keys: readonly Key[],
  isLed: boolean,
): Judged {
  const process = describeProcess(service, expected);
  const usable = keys.filter(({ isLive, corrupt }) => isLive && corrupt === undefined);
  const key = usable.find(({ root }) => !root.isLegacy) ?? usable[0];
  if (key) return { expected, process, key, status: statusOfKey(service, key) };
  const corrupt = keys.find((one) => one.corrupt !== undefined && !one.root.isLegacy);
  if (corrupt) return { expected, process, key: corrupt, status: 'corrupt' };
  if (isLed) return { expected, process, status: 'standby' };
  return { expected, process, status: statusWithoutKey(service, expected) };
}

export function isRegistered({ status }: Judged): boolean {
  return ['registered', 'legacy-only', 'flapping', 'standby'].includes(status);
}

function statusOfKey({ heartbeatSeconds }: Service, { root, leaf, before }: Key): RegistrationStatus {
  if (before && before.createdIndex !== leaf.createdIndex) return 'flapping';
  if (before && heartbeatSeconds !== undefined && before.modifiedIndex === leaf.modifiedIndex)
    return 'heartbeat-stopped';
  return root.isLegacy ? 'legacy-only' : 'registered';
}

function statusWithoutKey(service: Service, { at }: ExpectedInstance): RegistrationStatus {
  if (!at) return 'unregistered';
  const { state, processes } = at.instance;
  if (state === 'unresponsive' || state === 'absent') return 'unresponsive';
  const process = processes.find(({ name }) => name === service.process);
  if (process?.state === 'running') return 'stuck';
  return process?.state === 'starting' || (!process && state === 'starting') ? 'starting' : 'failing';
}

function describeProcess(service: Service, { at }: ExpectedInstance): string {
  if (!at) return 'not known';
  const { state, processes } = at.instance;
  if (state === 'unresponsive') return 'agent is not responding';
  if (state === 'absent') return 'no VM';
  const found = processes.find(({ name }) => name === service.process);
  if (!found) return `not there (VM ${state})`;
  return found.state === 'unmonitored' ? 'not monitored' : found.state;
}

/** What the group's directory says where there is no key. Directories do not expire, so an empty one shows that something registered before. */
export function describeDirectory(
  { roots }: Service,
  stores: readonly StoreReads[],
  { group }: ExpectedInstance,
): string | undefined {
  const root = roots[0];
  if (!root.hasGroups) return undefined;
  const trees = stores.flatMap(({ later = [] }) => later.slice(0, 1));
  const directory = trees
    .flatMap(({ directories }) => directories)
    .find((path) => path.startsWith(`${root.prefix}/`) && path.endsWith(`/${group}`));
  if (directory === undefined)
    return `no ${group} under ${root.prefix}: nothing ever registered under that name, or the store was wiped`;
  const leaves = trees.flatMap((tree) => tree.leaves).filter(({ key }) => key.startsWith(`${directory}/`));
  if (leaves.some(({ ttlSeconds = 1 }) => ttlSeconds <= 0))
    return `${directory} has an expired key that etcd has not removed`;
  return leaves.length === 0
    ? `${directory} exists but is empty: something registered there before`
    : `${directory} has ${leaves.length === 1 ? 'a key of another instance' : `${leaves.length} keys of other instances`}`;
}

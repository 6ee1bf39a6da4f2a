import { describeProcessState } from '../../shared/instances.ts';
import type { StoreReads } from './collect.ts';
import { PROCESS } from './doppler.ts';
import type { Assigned, ExpectedInstance, Key } from './registrations.ts';

/**
 * The status of an instance that should register.
 *
 * `registered` a live key that is refreshed; `legacy-only` only under the legacy root; `heartbeat-stopped` a key that is no longer
 * refreshed; `flapping` its key expired and came back; `corrupt` an unusable key; without a key: `stuck` its process is running,
 * `starting`, `failing` its process is not running, `unresponsive` its machine does not respond, `unregistered` no source reports its
 * process.
 */
export type RegistrationStatus =
  | 'registered'
  | 'legacy-only'
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
  /** The best key. It decides the status. */
  readonly key?: Key;
  /** The state of the process that should register, in words. */
  readonly process: string;
}

/**
 * Judges every expected instance. If not all stores were read, an instance without a key is left out: its key may be in an unread store.
 */
export function judgeAll(
  stores: readonly StoreReads[],
  expected: readonly ExpectedInstance[],
  { byExpected }: Assigned,
): readonly Judged[] {
  const judged = expected.map((one) => judge(one, byExpected.get(one) ?? []));
  return wasAllRead(stores) ? judged : judged.filter(({ key }) => key !== undefined);
}

export function wasAllRead(stores: readonly StoreReads[]): boolean {
  return stores.length > 0 && stores.every(({ later }) => later !== undefined);
}

function judge(expected: ExpectedInstance, keys: readonly Key[]): Judged {
  const process = describeProcess(expected);
  const usable = keys.filter(({ isLive, corrupt }) => isLive && corrupt === undefined);
  const key = usable.find(({ root }) => !root.isLegacy) ?? usable[0];
  if (key) return { expected, process, key, status: statusOfKey(key) };
  const corrupt = keys.find((one) => one.corrupt !== undefined && !one.root.isLegacy);
  if (corrupt) return { expected, process, key: corrupt, status: 'corrupt' };
  return { expected, process, status: statusWithoutKey(expected) };
}

function statusOfKey({ root, leaf, before }: Key): RegistrationStatus {
  if (before && before.createdIndex !== leaf.createdIndex) return 'flapping';
  if (before && before.modifiedIndex === leaf.modifiedIndex) return 'heartbeat-stopped';
  return root.isLegacy ? 'legacy-only' : 'registered';
}

function statusWithoutKey({ at }: ExpectedInstance): RegistrationStatus {
  if (!at) return 'unregistered';
  const { state, processes } = at.instance;
  if (state === 'unresponsive' || state === 'absent') return 'unresponsive';
  const process = processes.find(({ name }) => name === PROCESS);
  if (process?.state === 'running') return 'stuck';
  return process?.state === 'starting' || (!process && state === 'starting') ? 'starting' : 'failing';
}

function describeProcess({ at }: ExpectedInstance): string {
  if (!at) return 'not known';
  const { state, processes } = at.instance;
  if (state === 'unresponsive') return 'agent is not responding';
  if (state === 'absent') return 'no VM';
  const found = processes.find(({ name }) => name === PROCESS);
  return found ? describeProcessState(found) : `not there (VM ${state})`;
}

export function isRegistered({ status }: Judged): boolean {
  return status === 'registered' || status === 'legacy-only' || status === 'flapping';
}

const NOT_REGISTERED: readonly RegistrationStatus[] = [
  'stuck',
  'heartbeat-stopped',
  'starting',
  'failing',
  'unresponsive',
  'unregistered',
];

/**
 * Whether all instances share a cause. false if no machine responds, and for a single instance, unless it runs and nothing ever registered.
 */
export function hasSharedCause(judged: readonly Judged[], stores: readonly StoreReads[]): boolean {
  const isLost = isWiped(stores) && judged.every(({ status }) => status === 'stuck');
  return (
    judged.length >= (isLost ? 1 : 2) &&
    judged.every(({ status }) => NOT_REGISTERED.includes(status)) &&
    !judged.every(({ status }) => status === 'unresponsive')
  );
}

/** Whether not even the directories exist, which never expire. */
export function isWiped(stores: readonly StoreReads[]): boolean {
  return stores.length > 0 && stores.every(({ later }) => later?.every(({ exists }) => !exists) ?? false);
}

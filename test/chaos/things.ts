import type { Disturbance, FakeAction, FixEvent } from './fix-log.ts';

/** The things of the fake system, all of them broken at first, and how they react to fixes. */

export interface BatchSettings {
  /** How many things a batch has, each with a finding of its own. */
  readonly thingsInBatch: number;
  /** One batch in this many is a rack: its things are one finding with many targets. 0 for none. */
  readonly rackEvery: number;
}

/** From few to many: some are larger than the caps allow. */
const RACK_SIZES = [5, 3, 12, 8, 4, 10, 6, 9, 7, 11] as const;

export function isRack(batch: string, { rackEvery }: BatchSettings): boolean {
  return rackEvery > 0 && Number(batch) % rackEvery === 1 % rackEvery;
}

/** `pump-<batch>-<at>`, or `valve-<batch>-<at>` in a rack. */
export function thingsOf(batch: string, settings: BatchSettings): readonly string[] {
  if (!isRack(batch, settings))
    return Array.from({ length: settings.thingsInBatch }, (_, at) => `pump-${batch}-${at}`);
  const rack = Math.floor(Number(batch) / settings.rackEvery);
  return Array.from({ length: RACK_SIZES[rack % RACK_SIZES.length] ?? 0 }, (_, at) => `valve-${batch}-${at}`);
}

function partsOf(thing: string): { readonly isValve: boolean; readonly batch: number; readonly at: number } {
  const [kind, batch, at] = thing.split('-');
  return { isValve: kind === 'valve', batch: Number(batch), at: Number(at) };
}

/**
 * Things that stay broken after they were mended, so that only the record of the remediation prevents it
 * from being applied again.
 */
export function isUnfixable(thing: string): boolean {
  const { isValve, batch, at } = partsOf(thing);
  return isValve ? batch % 3 === 0 && at === 1 : at % 5 === 0;
}

/** Valves on which a shield has no effect. */
function isUnshieldable(thing: string): boolean {
  const { isValve, batch, at } = partsOf(thing);
  return isValve && batch % 5 === 0 && at === 2;
}

/** Valves that cannot be changed: a fix fails before anything is applied. */
export function isStuck(thing: string): boolean {
  const { isValve, batch, at } = partsOf(thing);
  return isValve && (batch * 7 + at) % 17 === 4;
}

/** Things that take a while to recover after a fix. */
function isSlow(thing: string): boolean {
  return thing.endsWith('-2');
}

const SLOW_FIX_MS = 1_000;

export function isMended(thing: string, applied: readonly FixEvent[], nowMs: number): boolean {
  if (isUnfixable(thing)) return false;
  const afterMs = isSlow(thing) ? SLOW_FIX_MS : 0;
  return applied.some((fix) => fix.action === 'mend' && fix.thing === thing && fix.atMs + afterMs <= nowMs);
}

export function isShielded(thing: string, applied: readonly FixEvent[]): boolean {
  return !isUnshieldable(thing) && applied.some((fix) => fix.action === 'shield' && fix.thing === thing);
}

export function hasVanished(thing: string, disturbances: readonly Disturbance[]): boolean {
  return disturbances.some((one) => one.thing === thing && one.kind === 'vanish');
}

/**
 * Grows with each change of the thing and with each action on it: a plan for an earlier version must not be
 * applied. A pump has only one version.
 */
export function versionOf(
  thing: string,
  action: FakeAction,
  applied: readonly FixEvent[],
  disturbances: readonly Disturbance[],
): string {
  if (!partsOf(thing).isValve) return '0.0';
  const changes = disturbances.filter((one) => one.thing === thing && one.kind === 'change').length;
  return `${changes}.${applied.filter((fix) => fix.thing === thing && fix.action === action).length}`;
}

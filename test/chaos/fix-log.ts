import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Two clocks on one machine, each truncated to milliseconds. */
export const ROUNDING_MS = 5;

/**
 * What is done to the fake system, in files of one folder that several processes append to. Each event is
 * one line in one write (O_APPEND), so that a fix applied twice is recorded twice, whichever process
 * applied it and however it ended.
 */

/** What a fix does to a thing of the fake system. A shield eases the fault and does not remove it. */
export type FakeAction = 'mend' | 'shield';
/** Or to a container of an engine. */
export type Action = FakeAction | 'remove';

/** One line of a plan that a worker started, applied or failed to apply. A fix for one thing is one line. */
export interface FixEvent {
  readonly remediationId: string;
  /** Its place in the plan, from 1. */
  readonly line: number;
  readonly action: Action;
  readonly thing: string;
  /** The version of the thing in the plan that was applied. */
  readonly version: string;
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  /** When the applied plan was made; absent if another job made it. */
  readonly checkedAtMs?: number;
  readonly pid: number;
}

/** `removing`: Wrench's own code was called to remove a container. */
export type FixEventKind = 'started' | 'removing' | 'applied' | 'failed';

const fileOf = (folder: string, kind: FixEventKind | 'disturbances') => join(folder, `${kind}.jsonl`);

export function writeFixEvent(folder: string, kind: FixEventKind, event: FixEvent): void {
  append(fileOf(folder, kind), event);
}

export function readFixEvents(folder: string, kind: FixEventKind): readonly FixEvent[] {
  return readLines(fileOf(folder, kind)) as readonly FixEvent[];
}

/** The target of a plan: a thing of the fake system, or a container with its engine. */
export function targetOf(thing: string): string {
  return isContainer(thing) ? thing : `lab:${thing}`;
}

export function thingIn(target: string): string {
  return target.replace(/^lab:/, '');
}

/** `lab-2/happy_curie_0` */
export function isContainer(thing: string): boolean {
  return thing.includes('/');
}

/**
 * What happens to a thing without Wrench: it has vanished, or has changed since it was planned. A container
 * may have been started.
 */
export interface Disturbance {
  readonly thing: string;
  readonly kind: 'vanish' | 'change' | 'start';
}

export function readDisturbances(folder: string): readonly Disturbance[] {
  return readLines(fileOf(folder, 'disturbances')) as readonly Disturbance[];
}

/** A disturbance took effect between these two times, in milliseconds since the epoch. */
export interface InjectedDisturbance extends Disturbance {
  readonly fromMs: number;
  readonly untilMs: number;
}

export interface Disturbances {
  readonly inject: (disturbance: Disturbance) => void;
  readonly injected: readonly InjectedDisturbance[];
}

/** @param disturbContainer changes a container; changes of other things are in a file. */
export function openDisturbances(
  folder: string,
  disturbContainer: (disturbance: Disturbance) => void,
): Disturbances {
  const injected: InjectedDisturbance[] = [];
  return {
    injected,
    inject: (disturbance) => {
      const fromMs = Date.now();
      if (isContainer(disturbance.thing)) disturbContainer(disturbance);
      else append(fileOf(folder, 'disturbances'), disturbance);
      injected.push({ ...disturbance, fromMs, untilMs: Date.now() });
    },
  };
}

function append(path: string, value: object): void {
  appendFileSync(path, `${JSON.stringify(value)}\n`, { flag: 'a' });
}

function readLines(path: string): readonly unknown[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line): unknown => JSON.parse(line));
}

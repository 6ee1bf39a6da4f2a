import {
  type ContainerAction,
  type ContainerCommands,
  type ContainerReference,
  type ContainerStart,
  patternKey,
} from './container-commands.ts';
import type { Script } from './script.ts';

/** A script, its place among those of its scope, and what it does. */
export interface ScriptCommands extends ContainerCommands {
  readonly script: Script;
  readonly index: number;
}

export interface RemovalOf {
  readonly action: ContainerAction;
  readonly by: ScriptCommands;
}

/** The scripts of one scope, whose actions are found without a look at all of them for each start. */
export interface ScopeCommands {
  /** The actions that may be on the container of a start, in the order of the scripts. Of very many, those next to it. */
  readonly mayConcern: (start: ContainerStart, own: ScriptCommands) => readonly RemovalOf[];
  /** Whether a failure of one of the scripts from the first one on keeps the second one from running. */
  readonly mayFailBetween: (from: ScriptCommands, to: ScriptCommands) => boolean;
}

const MOST_BEFORE = 50;
const MOST_AFTER = 200;
/** Of those without a name, such as `docker rm $(docker ps -aq)`. */
const MOST_GENERAL = 300;

export function scopeCommands(scripts: readonly ScriptCommands[]): ScopeCommands {
  const named = new Map<string, RemovalOf[]>();
  const general: RemovalOf[] = [];
  /** How many scripts before each may fail and keep it from running. */
  const failing = [0];
  for (const by of scripts) {
    const { phase, isFailureIgnored } = by.script;
    failing.push(failing.at(-1)! + (phase === 'main' && !isFailureIgnored ? 1 : 0));
    for (const action of by.actions) {
      const keys = new Set(action.containers.map((one) => keyOfReference(one, by)));
      for (const key of keys) {
        if (key === undefined) {
          if (general.length < MOST_GENERAL) general.push({ action, by });
          continue;
        }
        const known = named.get(key);
        if (known) known.push({ action, by });
        else named.set(key, [{ action, by }]);
      }
    }
  }
  return {
    mayConcern: (start, own) => {
      const keys = [
        ...(start.name ? [`name ${patternKey(start.name)}`] : []),
        ...(start.storedIn === undefined ? [] : [`variable ${start.storedIn}`]),
        ...(own.script.outputIn === undefined ? [] : [`variable ${own.script.outputIn}`]),
        ...(start.cidFile ? [`file ${patternKey(start.cidFile)}`] : []),
        `start ${own.index} ${start.at}`,
      ];
      const found = new Set(keys.flatMap((key) => nextTo(named.get(key) ?? [], start, own)));
      const actions = new Map([...found, ...general].map((one) => [one.action, one]));
      return [...actions.values()].toSorted((a, b) => a.by.index - b.by.index || a.action.at - b.action.at);
    },
    mayFailBetween: (from, to) => {
      const first = Math.max(0, Math.ceil(from.index));
      const isOwn = first !== from.index && !from.script.isFailureIgnored;
      return isOwn || (failing[to.index] ?? 0) > (failing[first] ?? 0);
    },
  };
}

function keyOfReference(reference: ContainerReference, by: ScriptCommands): string | undefined {
  switch (reference.by) {
    case 'name':
      return reference.isPart ? undefined : `name ${patternKey(reference.name)}`;
    case 'variable':
      return `variable ${reference.variable}`;
    case 'cid-file':
      return `file ${patternKey(reference.file)}`;
    case 'start':
      return `start ${by.index} ${reference.at}`;
    default:
      return undefined;
  }
}

function nextTo(
  actions: readonly RemovalOf[],
  { at }: ContainerStart,
  { index }: ScriptCommands,
): readonly RemovalOf[] {
  if (actions.length <= MOST_BEFORE + MOST_AFTER) return actions;
  let low = 0;
  let high = actions.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const { action, by } = actions[middle]!;
    if (by.index < index || (by.index === index && action.at < at)) low = middle + 1;
    else high = middle;
  }
  return actions.slice(Math.max(0, low - MOST_BEFORE), low + MOST_AFTER);
}

/** Removals by name, for starts in other scopes. */
export function removalsByName(scripts: Iterable<ScriptCommands>): ReadonlyMap<string, readonly RemovalOf[]> {
  const found = new Map<string, RemovalOf[]>();
  for (const by of scripts) {
    for (const action of by.actions) {
      if (action.verb !== 'remove') continue;
      for (const one of action.containers) {
        if (one.by !== 'name' || one.isPart) continue;
        const key = patternKey(one.name);
        const known = found.get(key) ?? [];
        if (known.length < MOST_BEFORE) known.push({ action, by });
        found.set(key, known);
      }
    }
  }
  return found;
}

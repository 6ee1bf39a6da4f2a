import type { CommandBlock, ContainerAction, ContainerStart, Moment } from './container-commands.ts';

/**
 * `always`: in any case. `on-success`: unless a command fails, or the script exits before. `sometimes`: only under a condition, such as a branch.
 * `never`: it runs before, or in another branch.
 */
export type Reach = 'always' | 'on-success' | 'sometimes' | 'never';

const WORST: readonly Reach[] = ['always', 'on-success', 'sometimes', 'never'];

/**
 * Whether an action of the same script runs once the start has run. An exit trap also runs after a start that comes later.
 * @param expected how many commands between them are taken to succeed
 */
export function runsAfter(start: ContainerStart, action: ContainerAction, expected = 0): Reach {
  if (!start.moments?.length || !action.moments?.length) {
    return action.runs === 'trap' || action.at > start.at ? 'always' : 'never';
  }
  return worst(start.moments.map((from) => best(action.moments!.map((to) => reach(from, to, expected)))));
}

/** Whether an action runs each time its script runs: for starts in other scripts. */
export function runsInAnyCase(action: ContainerAction): Reach {
  return action.moments?.length ? best(action.moments.map((to) => reachWithin(undefined, to, 0))) : 'always';
}

/** Whether an action of the same script runs each time before the start. */
export function runsBefore(start: ContainerStart, action: ContainerAction): boolean {
  if (action.runs === 'trap') return false;
  if (!start.moments?.length || !action.moments?.length) return action.at < start.at;
  return start.moments.every((to) => action.moments!.some((from) => comesBefore(from, to)));
}

function comesBefore(from: Moment, to: Moment): boolean {
  if (from.order >= to.order) return false;
  const around = new Set<CommandBlock>();
  for (let at: CommandBlock | undefined = to.block; at; at = at.parent) around.add(at);
  for (let at: CommandBlock | undefined = from.block; at && !around.has(at); at = at.parent) {
    if (at.runs === 'sometimes') return false;
  }
  return true;
}

function reach(from: Moment, to: Moment, expected: number): Reach {
  if (to.order <= from.order) return 'never';
  let [a, b]: [CommandBlock, CommandBlock] = [from.block, to.block];
  let [belowA, belowB]: [CommandBlock?, CommandBlock?] = [];
  while (a !== b) {
    if (a.depth >= b.depth && a.parent) [belowA, a] = [a, a.parent];
    else if (b.parent) [belowB, b] = [b, b.parent];
    else return 'never';
  }
  if (belowA && belowB && belowA.choice !== undefined && belowA.choice === belowB.choice) return 'never';
  for (let depth = 0; depth <= b.depth; depth += 1) {
    if ((to.ends[depth] ?? 0) > (from.ends[depth] ?? 0) + expected)
      return worst(['on-success', reachWithin(b, to, expected)]);
  }
  return reachWithin(b, to, expected);
}

/** Whether `to` runs once the block around it runs; without one, once its script runs. */
function reachWithin(around: CommandBlock | undefined, { block, ends }: Moment, expected: number): Reach {
  let result: Reach = 'always';
  for (let at: CommandBlock | undefined = block; at && at !== around; at = at.parent) {
    result = worst([result, at.runs, (ends[at.depth] ?? 0) > expected ? 'on-success' : 'always']);
  }
  return result;
}

function worst(all: readonly Reach[]): Reach {
  return WORST[Math.max(...all.map((one) => WORST.indexOf(one)))] ?? 'never';
}

function best(all: readonly Reach[]): Reach {
  return WORST[Math.min(...all.map((one) => WORST.indexOf(one)))] ?? 'never';
}

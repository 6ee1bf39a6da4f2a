import type { Machine, Phase } from '../script.ts';
import type { GroovyText, GroovyVariable, PluginContainer } from './groovy-value.ts';

/** The steps of a Jenkinsfile that matter for containers, in the blocks that it has them in. */
export interface PipelineBlock {
  /** When it runs, compared with what is around it. */
  readonly runs: Phase;
  readonly stage?: string;
  /** Whether it has an agent of its own, and so maybe another machine. */
  hasAgent: boolean;
  machine?: Machine;
  /** Whether it may be skipped. */
  isConditional: boolean;
  readonly isPost: boolean;
  readonly items: Item[];
  /** Blocks `post { … }`, which run last. */
  readonly posts: PipelineBlock[];
}

type Item =
  | { readonly kind: 'block'; readonly block: PipelineBlock }
  /** `stage 'test'` without a block, for what follows. */
  | { readonly kind: 'stage'; readonly stage: string }
  | { readonly kind: 'step'; readonly step: ShellStep }
  | { readonly kind: 'call'; readonly call: MethodCall }
  | { readonly kind: 'run'; readonly container: PluginContainer }
  | { readonly kind: 'stop'; readonly container: PluginContainer };

/** `sh '…'` */
export interface ShellStep {
  readonly at: number;
  readonly end: number;
  readonly step: string;
  readonly text: GroovyText | undefined;
  readonly isRemote: boolean;
  readonly isMeantToStay: boolean;
  isFailureIgnored: boolean;
  /** The variable that gets its output. */
  readonly output?: { readonly variable: GroovyVariable; readonly isEnvironment: boolean };
  /** The environment variables that it may use, as they are at its place. */
  readonly environment: ReadonlyMap<string, GroovyVariable>;
}

/** A call of a method of the same file. */
export interface MethodCall {
  readonly method: string;
  readonly arguments: readonly (GroovyText | undefined)[];
}

export interface Method {
  readonly name: string;
  readonly block: PipelineBlock;
  readonly parameters: readonly GroovyVariable[];
  /** Its size in the file. */
  readonly chars: number;
}

export interface PipelineTree {
  readonly root: PipelineBlock;
  readonly methods: readonly Method[];
  readonly calls: readonly MethodCall[];
  /** Arguments that start a container, of methods that the file doesn't have. */
  readonly passed: readonly PassedCommand[];
}

export interface PassedCommand {
  readonly at: number;
  readonly method: string;
}

export interface Surroundings {
  readonly phase: Phase;
  readonly stage?: string;
  readonly scope: string;
  readonly machine: Machine;
  readonly conditions: readonly string[];
}

export interface Visitor {
  readonly step: (step: ShellStep, around: Surroundings) => void;
  readonly run: (container: PluginContainer, around: Surroundings) => void;
  readonly stop: (container: PluginContainer, around: Surroundings) => void;
}

/** When a block runs that is in another one. */
function combinePhases(around: Phase, own: Phase): Phase {
  if (own === 'main' || own === around) return around;
  if (around === 'main' || around === 'always') return own;
  return own === 'always' ? around : 'failure';
}

/** More of them around one step aren't distinguished. */
const MAX_CONDITIONS = 20;

/** Methods are visited once for each agent and phase, as long as that is not much more than the file. */
const MAX_REPEATED_CHARS = 200_000;

/** Visits the steps in the order in which they run, those of a method where it is called. */
export function visitSteps({ root, methods, calls }: PipelineTree, visitor: Visitor): void {
  const bodies = Map.groupBy(methods, ({ name }) => name);
  const chars = new Map(
    Array.from(bodies, ([name, all]) => [name, all.reduce((sum, one) => sum + one.chars, 0)]),
  );
  const called = new Set(calls.map(({ method }) => method));
  const visited = new Set<string>();
  const start: Surroundings = { phase: 'main', scope: 'file', machine: 'kept', conditions: [] };
  let scopes = 0;
  let conditions = 0;
  let repeatedChars = 0;
  visit(root, start);
  for (const isCalled of [false, true]) {
    for (const [name, all] of bodies) {
      if (called.has(name) !== isCalled || visited.has(name)) continue;
      visited.add(name);
      for (const { block } of all) visit(block, start);
    }
  }

  function isNewCall(method: string, { phase, scope }: Surroundings): boolean {
    const key = JSON.stringify([method, phase, scope]);
    if (visited.has(key)) return false;
    visited.add(key);
    if (visited.has(method)) repeatedChars += chars.get(method) ?? 0;
    visited.add(method);
    return repeatedChars <= MAX_REPEATED_CHARS;
  }

  function enter(block: PipelineBlock, around: Surroundings): Frame {
    const stage = block.stage ?? around.stage;
    return {
      items: block.items,
      posts: block.posts,
      next: 0,
      around: {
        phase: combinePhases(around.phase, block.runs),
        ...(stage !== undefined && { stage }),
        scope: block.hasAgent ? `agent ${(scopes += 1)}` : around.scope,
        machine: block.machine ?? (block.hasAgent ? 'kept' : around.machine),
        conditions:
          block.isConditional && around.conditions.length < MAX_CONDITIONS
            ? [...around.conditions, `condition ${(conditions += 1)}`]
            : around.conditions,
      },
    };
  }

  function visit(first: PipelineBlock, around: Surroundings): void {
    const stack = [enter(first, around)];
    for (let frame = stack.at(-1); frame; frame = stack.at(-1)) {
      const index = frame.next;
      frame.next += 1;
      const item = frame.items[index];
      const post = item ? undefined : frame.posts[index - frame.items.length];
      if (post) stack.push(enter(post, frame.around));
      else if (!item) stack.pop();
      else if (item.kind === 'block') stack.push(enter(item.block, frame.around));
      else if (item.kind === 'stage') frame.around = { ...frame.around, stage: item.stage };
      else if (item.kind === 'step') visitor.step(item.step, frame.around);
      else if (item.kind === 'run') visitor.run(item.container, frame.around);
      else if (item.kind === 'stop') visitor.stop(item.container, frame.around);
      else if (isNewCall(item.call.method, frame.around)) {
        const all = bodies.get(item.call.method) ?? [];
        for (const { block } of all.toReversed()) stack.push(enter(block, frame.around));
      }
    }
  }
}

interface Frame {
  readonly items: readonly Item[];
  readonly posts: readonly PipelineBlock[];
  next: number;
  around: Surroundings;
}

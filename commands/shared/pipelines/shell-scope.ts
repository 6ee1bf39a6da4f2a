import type {
  CommandBlock,
  ContainerAction,
  ContainerReference,
  ContainerStart,
  Moment,
} from './container-commands.ts';
import type { CompoundList, Function as FunctionNode, ParsedScript } from 'unbash';
import type { StartFacts } from './engine-commands.ts';
import type { Variable } from './script.ts';
import type { Environment } from './shell-environment.ts';
import type { SourceText } from './source-text.ts';

/** What is found while a script is read in the order in which it runs. */
export interface Reading {
  readonly starts: Map<number, StartFound>;
  readonly actions: Map<string, ContainerAction & { moments: Moment[] }>;
  readonly problems: { readonly at: number; readonly because: string }[];
  readonly functions: Map<string, OwnFunction>;
  readonly variables: ReadonlyMap<string, Variable>;
  /** The start that a command substitution contains. */
  readonly startIn: Map<ParsedScript, number>;
  latestStart: number | undefined;
  isLatestDetached: boolean;
  order: number;
  choices: number;
  /** Counts what concerns containers: starts, actions, traps, changes of variables and of the shell. */
  effects: number;
  /** Counts what may depend on variables and arguments: commands whose words matter, and assignments. */
  relevant: number;
  /** Commands read in calls of functions, which are limited. */
  called: number;
  /** Reads a script that is text of another one. */
  readonly readText: (source: SourceText, scope: Scope) => void;
  readonly readList: (list: CompoundList | FunctionNode['body'], scope: Scope) => boolean;
}

export type StartFound = StartFacts &
  Pick<ContainerStart, 'at' | 'end' | 'storedIn' | 'remote'> & {
    moments: Moment[];
    commandEnd: number;
  };

export interface OwnFunction {
  readonly node: FunctionNode;
  readonly source: SourceText;
  isRead: boolean;
  /** How often its body has been read for a call. */
  reads: number;
  /** What the first call did, as far as it concerns containers. */
  hasEffects: boolean;
  /** If nothing that it runs matters, whatever its arguments: how many functions there were then. */
  inertAmong?: number;
  mayExit: boolean;
}

/** The place that is being read. */
export interface Scope {
  readonly reading: Reading;
  readonly source: SourceText;
  readonly environment: Environment;
  readonly shell: Shell;
  readonly open: OpenBlock;
  /** Whether a failure is handled, as in the condition of an `if`. */
  readonly isGuarded: boolean;
  readonly isTrap: boolean;
  /** What the command gets from the one before it in a pipe. */
  readonly input?: (() => Printout) | undefined;
  readonly storedIn?: string | undefined;
  /** The call of the function that is being read. */
  readonly call?: { readonly at: number; readonly end: number; readonly commandEnd: number };
  readonly callees: readonly FunctionNode[];
  readonly depth: number;
}

/** What a command prints, as far as it matters. */
export interface Printout {
  readonly script?: SourceText;
  readonly containers?: readonly ContainerReference[];
}

export interface Shell {
  exitsOnError: boolean;
  /** By signal: `EXIT`. */
  readonly traps: Map<string, Trap>;
  readonly remote?: string;
}

interface Trap {
  readonly source: SourceText;
  readonly open: OpenBlock;
}

export interface OpenBlock {
  readonly block: CommandBlock;
  readonly around?: OpenBlock;
  readonly kind: 'shell' | 'function' | 'loop' | 'branch';
  ends: number;
}

export function openBlock(
  around: OpenBlock | undefined,
  kind: OpenBlock['kind'],
  runs: CommandBlock['runs'] = 'always',
  choice?: number,
): OpenBlock {
  const block: CommandBlock = {
    depth: around ? around.block.depth + 1 : 0,
    runs,
    ...(around && { parent: around.block }),
    ...(choice !== undefined && { choice }),
  };
  return { block, kind, ends: 0, ...(around && { around }) };
}

export function inBlock(
  scope: Scope,
  kind: OpenBlock['kind'],
  runs?: CommandBlock['runs'],
  choice?: number,
): Scope {
  return { ...scope, open: openBlock(scope.open, kind, runs, choice) };
}

export function momentIn(scope: Scope): Moment {
  const ends: number[] = [];
  for (let at: OpenBlock | undefined = scope.open; at; at = at.around) ends.push(at.ends);
  scope.reading.order += 1;
  return { order: scope.reading.order, block: scope.open.block, ends: ends.toReversed() };
}

/** The innermost block of a kind; the shell, if there is none. */
export function innermost(scope: Scope, kind: OpenBlock['kind']): OpenBlock {
  let at = scope.open;
  while (at.kind !== kind && at.kind !== 'shell' && at.around) at = at.around;
  return at;
}

/** What comes later in a block may not be reached. */
export function mayEnd(scope: Scope, kind: 'shell' | 'function' | 'loop'): void {
  let at = scope.open;
  while (at.kind !== kind && at.kind !== 'shell' && at.around) at = at.around;
  at.ends += 1;
}

/** A command may have failed, which ends the shell under `set -e`. */
export function mayFail(scope: Scope): void {
  if (scope.shell.exitsOnError && !scope.isGuarded && !scope.isTrap) mayEnd(scope, 'shell');
}

/** The block of a trap that is set here: it runs at the end of the shell, unless that ended before. */
export function trapBlock(scope: Scope, isSure: boolean): OpenBlock {
  let runs: CommandBlock['runs'] = isSure ? 'always' : 'sometimes';
  for (let at = scope.open; at.kind !== 'shell' && at.around; at = at.around) {
    if (at.block.runs !== 'always') runs = 'sometimes';
  }
  return openBlock(frozen(innermost(scope, 'shell')), 'branch', runs);
}

function frozen({ around, ...open }: OpenBlock): OpenBlock {
  return { ...open, ...(around && { around: frozen(around) }) };
}

const MAX_MOMENTS = 16;

export function addMoment(moments: Moment[], moment: Moment): void {
  if (moments.length < MAX_MOMENTS) moments.push(moment);
}

import type { ContainerCommands, ContainerStart } from './container-commands.ts';
import type { Script } from './script.ts';
import { outermostEnvironment, setByPipeline } from './shell-environment.ts';
import type { Reading, Scope, StartFound } from './shell-scope.ts';
import { inBlock, openBlock } from './shell-scope.ts';
import { runTraps, walkList, walkText } from './shell-walk.ts';
import { wholeScript } from './source-text.ts';

/** Every command that works with containers has one of these in its text, or in the value or the name of a variable. */
const MENTIONS = /docker|podman|nerdctl|finch|compose|(container|oci)_?(engine|runtime|cli|cmd|tool)/i;
const NOTHING: ContainerCommands = { starts: [], actions: [], unread: [] };
const MAX_PROBLEMS = 20;

/** What a shell script does with containers. */
export function readShell(
  script: Pick<Script, 'text' | 'variables'> & Partial<Pick<Script, 'exitsOnError'>>,
): ContainerCommands {
  const { text, variables } = script;
  if (!text.includes('docker') && !MENTIONS.test(text) && !mentionsInVariables(variables)) return NOTHING;
  const source = wholeScript(text);
  const environment = outermostEnvironment();
  setByPipeline(environment, variables);
  const reading: Reading = {
    starts: new Map(),
    actions: new Map(),
    problems: [],
    functions: new Map(),
    variables,
    startIn: new Map(),
    latestStart: undefined,
    isLatestDetached: false,
    order: 0,
    choices: 0,
    called: 0,
    effects: 0,
    relevant: 0,
    readText: walkText,
    readList: walkList,
  };
  const scope: Scope = {
    reading,
    source,
    environment,
    shell: {
      exitsOnError:
        script.exitsOnError === true || /^#!.*\s-\w*e/.test(text.slice(0, 200).split('\n', 1)[0]!),
      traps: new Map(),
    },
    open: openBlock(undefined, 'shell'),
    isGuarded: false,
    isTrap: false,
    callees: [],
    depth: 0,
  };
  walkText(source, scope);
  readTraps(scope);
  readUncalled(scope);
  const starts = [...reading.starts.values()].toSorted((a, b) => a.at - b.at);
  const kept = keptOnPurpose(text, starts);
  return {
    starts: starts.map((start) => toStart(start, kept.has(start.at))),
    actions: [...reading.actions.values()].toSorted((a, b) => a.at - b.at),
    unread: unreadStarts(text, reading),
  };
}

function mentionsInVariables(variables: Script['variables']): boolean {
  for (const [name, { values, shown = '' }] of variables) {
    if (
      MENTIONS.test(name) ||
      MENTIONS.test(shown) ||
      values.some((value) => value !== undefined && MENTIONS.test(value))
    )
      return true;
  }
  return false;
}

/** They run last, also after functions that the script itself doesn't call. */
function readTraps(scope: Scope): void {
  const { order } = scope.reading;
  scope.reading.order = Number.MAX_SAFE_INTEGER / 2;
  runTraps(scope);
  scope.reading.order = order;
}

/** Functions that the script doesn't call may be called by whoever reads it with `source`. */
function readUncalled(scope: Scope): void {
  for (const own of scope.reading.functions.values()) {
    if (own.isRead) continue;
    own.isRead = true;
    walkList(own.node.body, {
      ...inBlock(scope, 'function', 'sometimes'),
      source: own.source,
      environment: { below: scope.environment, changed: new Map(), local: new Set() },
      callees: [own.node],
    });
  }
}

function toStart(found: StartFound, isMeantToStay: boolean): ContainerStart {
  const { verbWord: _verbWord, ...start } = found;
  return { ...start, isMeantToStay };
}

const KEEP = /(^|[ \t])#[ \t]*[\w-]+:[ \t]*keep-container\b/gm;

/** The starts that a comment covers: at the end of their line, or alone on the line before. A comment covers one. */
function keptOnPurpose(text: string, starts: readonly StartFound[]): ReadonlySet<number> {
  const kept = new Set<number>();
  if (!text.includes('keep-container')) return kept;
  let next = 0;
  for (const { index } of text.matchAll(KEEP)) {
    const comment = text.indexOf('#', index);
    while (next < starts.length && starts[next]!.at < comment) next += 1;
    const lineStart = text.lastIndexOf('\n', comment) + 1;
    if (text.slice(lineStart, comment).trim() === '') {
      const lineEnd = endOfLine(text, comment);
      const after = starts[next];
      if (after && after.at < endOfLine(text, lineEnd + 1)) kept.add(after.at);
      continue;
    }
    const before = starts[next - 1];
    if (before && before.commandEnd > lineStart && /^[^'"]*$/.test(text.slice(before.commandEnd, comment)))
      kept.add(before.at);
  }
  return kept;
}

function endOfLine(text: string, from: number): number {
  const found = text.indexOf('\n', from);
  return found < 0 ? text.length : found;
}

const START = /\b(?:docker|podman|nerdctl|docker-compose)(?:\.exe)?[ \t][^\n#;|&]{0,300}?\b(?:run|create)\b/g;

/** Where the syntax can't be read, text that looks like a start is no proof that there is none. */
function unreadStarts(text: string, { problems, starts }: Reading): ContainerCommands['unread'] {
  if (problems.length === 0) return [];
  const first = Math.min(...problems.slice(0, 1000).map(({ at }) => at));
  const unread: { at: number; because: string }[] = [];
  for (const { index } of text.slice(first).matchAll(START)) {
    const at = first + index;
    if (starts.has(at) || unread.length >= MAX_PROBLEMS) continue;
    const problem = problems.findLast((one) => one.at <= at) ?? problems[0]!;
    unread.push({ at, because: problem.because });
  }
  return unread;
}

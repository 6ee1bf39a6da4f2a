import { blockHeaders, stageName, STATEMENTS } from './block-headers.ts';
import {
  declareClosure,
  declareLoop,
  declareParameters,
  declareSeveral,
  declareWithEnv,
} from './declare-names.ts';
import {
  endOfExpression,
  skipLineEnds,
  type StepArguments,
  stepArguments,
  type TokenRange,
} from './groovy-calls.ts';
import { afterToken, type EvaluatedFile, evaluateText, isSign, isWord } from './groovy-expression.ts';
import type { GroovyString } from './groovy-lexer.ts';
import { type GroovyVariable, isHole } from './groovy-value.ts';
import { agentIn } from './jenkins-agents.ts';
import { keepComments } from './keep-comments.ts';
import type {
  PipelineBlock,
  Method,
  MethodCall,
  PassedCommand,
  PipelineTree,
  ShellStep,
} from './pipeline-tree.ts';
import { pluginCallAt } from './plugin-calls.ts';

interface OpenBlock {
  readonly block: PipelineBlock;
  readonly name: string;
  /** The index of its closing bracket. */
  readonly closesAt: number;
  /** How many steps were read before it, for blocks that go on after a failure. */
  readonly stepsBefore: number;
}

type Phase = PipelineBlock['runs'];

/** https://www.jenkins.io/doc/book/pipeline/syntax/#post */
const POST_PHASES: ReadonlyMap<string, Phase> = new Map([
  ['always', 'always'],
  ['cleanup', 'always'],
  ['success', 'success'],
  ['fixed', 'success'],
  ...['changed', 'regression', 'aborted', 'failure', 'unstable', 'unsuccessful'].map(
    (name) => [name, 'failure'] as const,
  ),
]);

/** Reads what a Jenkinsfile runs, in one pass over its tokens. */
export function readPipeline(file: EvaluatedFile): PipelineTree {
  const { tokens, closes, names, content } = file;
  const headers = blockHeaders(file);
  const keeps = keepComments(file);
  const { methodNames, isDeclared } = headers;
  const root = newBlock({ runs: 'main' });
  const open: OpenBlock[] = [{ block: root, name: '', closesAt: tokens.length + 1, stepsBefore: 0 }];
  const methods: Method[] = [];
  const calls: MethodCall[] = [];
  const passed: PassedCommand[] = [];
  const steps: ShellStep[] = [];
  /** Which variable gets what begins at a token. */
  const assigned = new Map<number, NonNullable<ShellStep['output']>>();

  for (let index = 0; index < tokens.length; index += 1) {
    const token = tokens[index]!;
    if (token.kind === 'string') readString(token, index);
    else if (isSign(token, '{') || isSign(token, '${')) enterBlock(index);
    else if (isSign(token, '}')) leaveBlock(index);
    else if (token.kind === 'word') readWord(token.text, index);
  }
  return { root, methods, calls, passed };

  function current(): OpenBlock {
    return open.at(-1)!;
  }

  function enterBlock(index: number): void {
    const header = headers.of(index);
    const around = current();
    const block = blockOf(header, around);
    names.enter();
    open.push({ block, name: header.name, closesAt: closes[index]!, stepsBefore: steps.length });
    if (header.isMethod) {
      const parameters = header.arguments ? declareParameters(file, header.arguments) : [];
      const chars = (tokens[closes[index]!]?.at ?? content.length) - tokens[index]!.at;
      methods.push({ name: header.name, block, parameters, chars });
    } else if (block.isPost) around.block.posts.push(block);
    else around.block.items.push({ kind: 'block', block });
    if (header.name === 'when') around.block.isConditional = true;
    if (header.name === 'agent') {
      Object.assign(around.block, agentIn(file, { from: index, to: closes[index]! }));
    } else if (header.name === 'withEnv' && header.arguments) declareWithEnv(file, header.arguments);
    else if (!header.isMethod && header.arguments && /^(?:for|catch)$/.test(header.name)) {
      declareLoop(file, header.arguments);
    }
    declareClosure(file, index);
  }

  function leaveBlock(index: number): void {
    if (current().closesAt !== index) return;
    const { name, stepsBefore } = open.pop()!;
    names.leave();
    // With more steps, a failure of the first skips the others.
    const isOnlyStep = steps.length === stepsBefore + 1;
    if (isOnlyStep && /^(?:catchError|warnError)$/.test(name)) steps.at(-1)!.isFailureIgnored = true;
  }

  function blockOf({ name, ...header }: ReturnType<typeof headers.of>, around: OpenBlock): PipelineBlock {
    const runs = phaseOf(name, header.arguments !== undefined, around);
    const stage = name === 'stage' && header.arguments ? stageName(file, header.arguments) : undefined;
    const block = newBlock({ runs, ...(stage !== undefined && { stage }), isPost: name === 'post' });
    if (header.isMethod) return { ...block, runs: 'main' };
    block.isConditional = isConditional({ name, ...header });
    if (name === 'node') block.hasAgent = true;
    if (name === 'podTemplate' && header.arguments) {
      const { machine } = agentIn(file, header.arguments, true);
      if (machine) block.machine = machine;
    }
    if (name === 'node' && around.block.machine) block.machine = around.block.machine;
    return block;
  }

  /** Loops count as if they run, because they usually do. */
  function isConditional({ name, arguments: given }: ReturnType<typeof headers.of>): boolean {
    if (name === 'else') return true;
    if (!given || !/^(?:if|while|switch)$/.test(name)) return false;
    // There is a shell on every agent that has `sh`.
    return content.slice(tokens[given.from]?.at, tokens[given.to]?.at).trim() !== 'isUnix()';
  }

  function phaseOf(name: string, hasArguments: boolean, around: OpenBlock): Phase {
    if (around.block.isPost) return POST_PHASES.get(name) ?? 'main';
    if (name === 'finally' && !hasArguments) return 'always';
    return name === 'catch' ? 'failure' : 'main';
  }

  function readWord(word: string, index: number): void {
    const [before, next] = [tokens[index - 1], tokens[index + 1]];
    const isProperty = isSign(before, '.') || isSign(before, '?.');
    if (isSign(next, ':')) {
      // `sshTransfer(execCommand: '…')` of the plugin Publish Over SSH.
      if (word === 'execCommand')
        addStep(word, index, { from: index + 2, to: endOfExpression(file, index + 2, false) });
      return;
    }
    if (isProperty && word === 'stop') readStop(index);
    else if (word === 'def' && isSign(next, '(')) declareSeveral(file, index + 1);
    else if (isSign(next, '=')) readAssignment(word, index, isProperty);
    else if (/^(?:\+=|-=|<<=)$/.test(next?.kind === 'sign' ? next.text : '')) change(word, index);
    else if (word === 'def' && isWord(next) && tokens[index + 2]?.kind !== 'string')
      declareOnly(next.text, index);
    else if (isSign(next, '(') && methodNames.has(word) && isDeclared(index)) return;
    else if (word === 'sh') readShellStep(index, isProperty);
    else if (word === 'sshCommand' && !isProperty) readRemoteStep(index);
    else if (word === 'stage' && !isProperty) readStage(index);
    else if (word === 'agent' && isWord(next, 'any')) current().block.hasAgent = true;
    else if (isSign(next, '.') && !isProperty) readPluginCall(index);
    else if (methodNames.has(word) && !isProperty) readCall(word, index);
  }

  /** The first argument of a call that may run it. */
  function readString({ at, end, quote }: GroovyString, index: number): void {
    const start = at + quote.length;
    if (!STARTS_CONTAINER.test(content.slice(start, Math.min(end, start + MAX_WORDS_CHARS)))) return;
    const name = index - (isSign(tokens[index - 1], '(') ? 2 : 1);
    const [method, before] = [tokens[name], tokens[name - 1]];
    if (!isWord(method) || isSign(before, '.') || isSign(before, '?.')) return;
    if (method.text === 'sh' || STATEMENTS.has(method.text) || PRINTING_STEPS.has(method.text)) return;
    if (!methodNames.has(method.text)) passed.push({ at, method: method.text });
  }

  function declareOnly(name: string, index: number): void {
    const after = tokens[index + 2];
    if (!isSign(after, '(') && !isSign(after, '=')) names.declare(name);
  }

  function variableSet(word: string, index: number, isProperty: boolean): ShellStep['output'] | undefined {
    const owner = tokens[index - 2];
    if (isProperty) {
      if (!isWord(owner) || isSign(tokens[index - 3], '.')) return undefined;
      if (owner.text === 'env') return { variable: names.lookEnvironment(word), isEnvironment: true };
      return owner.text === 'this' ? { variable: names.look(word).groovy, isEnvironment: false } : undefined;
    }
    if (current().name === 'environment') {
      return { variable: names.declareEnvironment(word, true), isEnvironment: true };
    }
    const variable = isDeclared(index) ? names.declare(word) : names.look(word).groovy;
    return { variable, isEnvironment: false };
  }

  function readAssignment(word: string, index: number, isProperty: boolean): void {
    const from = index + 2;
    const to = endOfExpression(file, from, false);
    // What it is set to may use what the name meant before.
    const value = evaluateText(file, from, to);
    const set = variableSet(word, index, isProperty);
    if (!set) return;
    set.variable.isSet = true;
    set.variable.values.push(value);
    let start = from;
    while (start < to && (isSign(tokens[start], '(') || isSign(tokens[start], '\n'))) start += 1;
    assigned.set(start, set);
    if (isSign(tokens[start + 1], '.') && isWord(tokens[start + 2], 'sh')) assigned.set(start + 2, set);
  }

  function change(word: string, index: number): void {
    const before = tokens[index - 1];
    if (isSign(before, '.') && !isWord(tokens[index - 2], 'env')) return;
    const { groovy, environment } = names.look(word);
    const variable = isSign(before, '.') ? environment : groovy;
    variable.isSet = true;
    variable.values.push(undefined);
  }

  function readShellStep(index: number, isProperty: boolean): void {
    const next = tokens[index + 1];
    if (isProperty && !isSign(next, '(') && next?.kind !== 'string') return;
    const given = stepArguments(file, index);
    const script = given?.named.get('script') ?? given?.positional[0];
    if (given && script) addStep('sh', index, script, given);
  }

  function readRemoteStep(index: number): void {
    const given = stepArguments(file, index);
    const command = given?.named.get('command');
    if (given && command) addStep('sshCommand', index, command, given);
  }

  function addStep(step: string, index: number, { from, to }: TokenRange, given?: StepArguments): void {
    const text = evaluateText(file, from, to);
    const at = tokens[index]!.at;
    const end = given?.end ?? tokens[to - 1]?.end ?? at;
    const status = given?.named.get('returnStatus');
    const output = step === 'sh' ? assigned.get(index) : undefined;
    const read: ShellStep = {
      at,
      end,
      step,
      text,
      isRemote: step !== 'sh',
      isMeantToStay: keeps.covers(at, end),
      isFailureIgnored: status !== undefined && isWord(tokens[status.from], 'true'),
      ...(output && given?.named.has('returnStdout') && { output }),
      environment: environmentOf(text),
    };
    steps.push(read);
    const { block } = current();
    const condition = headers.conditionBefore(index);
    if (condition && isConditional(condition)) {
      const skipped = newBlock({ runs: 'main', isConditional: true, items: [{ kind: 'step', step: read }] });
      block.items.push({ kind: 'block', block: skipped });
    } else block.items.push({ kind: 'step', step: read });
  }

  function environmentOf(text: ShellStep['text']): ReadonlyMap<string, GroovyVariable> {
    const shell = (text ?? []).map((part) => (isHole(part) ? ' ' : part.text)).join('');
    return new Map(
      Array.from(shell.matchAll(SHELL_VARIABLES), ([, name]) => [name!, names.lookEnvironment(name!)]),
    );
  }

  function readStage(index: number): void {
    const name = tokens[index + 1];
    const isCall = isSign(name, '(');
    const after = isCall ? skipLineEnds(tokens, afterToken(file, index + 1)) : index + 2;
    if (isSign(tokens[after], '{')) return;
    const stage = stageName(
      file,
      isCall ? { from: index + 2, to: after - 1 } : { from: index + 1, to: index + 2 },
    );
    if (stage !== undefined) current().block.items.push({ kind: 'stage', stage });
  }

  function readPluginCall(index: number): void {
    const set = assigned.get(index)?.variable;
    const called = pluginCallAt(file, index, set);
    if (!called) return;
    const container = { ...called, isMeantToStay: keeps.covers(called.at, called.end) };
    if (set) set.container = container;
    current().block.items.push({ kind: 'run', container });
  }

  function readStop(index: number): void {
    const variable = tokens[index - 2];
    if (!isWord(variable) || !isSign(tokens[index + 1], '(')) return;
    const { container } = names.look(variable.text).groovy;
    if (container) current().block.items.push({ kind: 'stop', container });
  }

  function readCall(method: string, index: number): void {
    const given = stepArguments(file, index);
    if (!given) return;
    const call: MethodCall = {
      method,
      arguments: given.positional.map(({ from, to }) => evaluateText(file, from, to)),
    };
    calls.push(call);
    current().block.items.push({ kind: 'call', call });
  }
}

const STARTS_CONTAINER = /^\s{0,99}(?:sudo\s+)?(?:docker|podman|nerdctl)\s+(?:container\s+)?(?:run|create)\s/;
const MAX_WORDS_CHARS = 150;
/** They run nothing, or nothing in a shell of the agent. */
const PRINTING_STEPS = new Set([
  'bat',
  'build',
  'echo',
  'error',
  'if',
  'input',
  'parallel',
  'powershell',
  'print',
  'println',
  'pwsh',
  'stage',
  'string',
  'switch',
  'text',
  'timestamps',
  'unstable',
  'while',
]);

const SHELL_VARIABLES = /\$\{?([A-Za-z_]\w*)/g;

function newBlock(known: Pick<PipelineBlock, 'runs'> & Partial<PipelineBlock>): PipelineBlock {
  return { hasAgent: false, isConditional: false, isPost: false, items: [], posts: [], ...known };
}

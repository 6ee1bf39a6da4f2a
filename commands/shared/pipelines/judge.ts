import { type ports, wording } from '../../kit.ts';
import { type ContainerStart, patternKey } from './container-commands.ts';
import { fixOf } from './fix.ts';
import type { Leak, LeakReason } from './leak.ts';
import type { Positions } from './positions.ts';
import { actionsAfter, type Cases, casesTogether, type FollowingAction, replacementOf } from './removals.ts';
import type { RemovalOf, ScopeCommands, ScriptCommands } from './scope-commands.ts';
import { endInFile, type Machine, offsetInFile, type PluginRun, type Script } from './script.ts';

/** One start of a container, with what follows it in its scope. */
interface Started {
  readonly start: ContainerStart;
  readonly own: ScriptCommands;
  readonly content: string;
  readonly positions: Positions;
  readonly following: readonly FollowingAction[];
  readonly scope: ScopeCommands;
  readonly elsewhere: ReadonlyMap<string, readonly RemovalOf[]>;
  readonly kind: ports.PipelineKind;
}

/** What is wrong with one start, before it is placed in the file. */
type Judgement = Pick<Leak, 'reason' | 'severity' | 'because' | 'advice'> & { readonly isFixable: boolean };

/** @returns undefined if the container is removed when it exits, or kept on purpose */
export function judgeStart(
  start: ContainerStart,
  {
    own,
    scope,
    elsewhere,
    kind,
    content,
    positions,
  }: {
    readonly own: ScriptCommands;
    /** Of all scripts of the same scope. */
    readonly scope: ScopeCommands;
    /** Removals of all scopes. */
    readonly elsewhere: ReadonlyMap<string, readonly RemovalOf[]>;
    readonly kind: ports.PipelineKind;
    readonly content: string;
    readonly positions: Positions;
  },
): Leak | undefined {
  const { script } = own;
  if (start.isMeantToStay || (script.isMeantToStay && start === own.starts[0])) return undefined;
  const following = actionsAfter(start, own, scope);
  const judgement = judge({ start, own, scope, elsewhere, kind, content, positions, following });
  if (!judgement) return undefined;
  const { isFixable, ...known } = judgement;
  const at = offsetInFile(script.pieces, start.at);
  const fix = isFixable ? fixOf(start, script, positions) : undefined;
  const advice = known.advice ?? (isFixable && !fix ? 'Add `--rm` where the options are set' : undefined);
  return {
    at,
    ...positions.at(at),
    command: oneLine(content.slice(at, endInFile(script.pieces, start.commandEnd))),
    ...(script.job !== undefined && { job: script.job }),
    ...(script.stage !== undefined && { stage: script.stage }),
    ...(start.remote !== undefined && { remote: start.remote }),
    ...(machineOf(start, script) === 'discarded' && { isOnDiscardedMachine: true }),
    ...known,
    ...(advice !== undefined && { advice }),
    ...(fix && { fix }),
    ...(start.image && { image: start.image }),
    ...(start.name && { name: start.name }),
    labels: start.labels,
  };
}

function judge(started: Started): Judgement | undefined {
  const { start, own, following } = started;
  if (start.removes === 'yes') return start.isDetached ? composeVersion(start) : undefined;
  const removals = following.filter(({ action }) => action.verb === 'remove');
  const cases = casesTogether(removals.filter((one) => removesEvenIfRunning(one, started)));
  if (cases === 'always')
    return {
      reason: 'removed',
      severity: 'info',
      because: `${removedBy(removals, started)} in any case`,
      isFixable: false,
    };
  const { restart = 'no' } = start;
  if (restart !== 'no' && restart !== 'unknown')
    return {
      reason: 'long-lived',
      severity: 'info',
      because: `\`--restart ${restart}\` keeps it running, and can't be used together with \`--rm\``,
      isFixable: false,
    };
  if (start.removes === 'unknown')
    return {
      reason: 'depends-on-variable',
      severity: 'unknown',
      because: `This file doesn't say whether ${wording.list(start.deciding)} ${start.deciding.length === 1 ? 'contains' : 'contain'} \`--rm\``,
      isFixable: false,
    };
  if (restart === 'unknown')
    return {
      reason: 'depends-on-variable',
      severity: 'unknown',
      because: "A variable decides whether `--restart` keeps it running, and the file doesn't say",
      isFixable: false,
    };
  const replacement =
    start.isDetached && cases === undefined ? replacementOf(start, own, started.scope) : undefined;
  if (replacement)
    return {
      reason: 'long-lived',
      severity: 'info',
      because: `The next run replaces it: \`${replacement.action.word}\` on line ${lineOf(replacement, started)} removes the one before`,
      isFixable: false,
    };
  return onMachine(machineOf(start, own.script), left(started, removals, cases));
}

/** Version 1 of Compose ignores `--rm` in the background: https://github.com/docker/compose/issues/4306 */
function composeVersion({ composeAs }: ContainerStart): Judgement | undefined {
  if (composeAs !== 'docker-compose') return undefined;
  return {
    reason: 'depends-on-compose-version',
    severity: 'unknown',
    because: 'Version 1 of `docker-compose` ignores `--rm` together with `-d`, version 2 does not',
    advice: 'Use `docker compose`, or remove the container with `docker-compose rm`',
    isFixable: false,
  };
}

/** A container that nothing removes in every case. */
function left(
  started: Started,
  removals: readonly FollowingAction[],
  cases: Exclude<Cases, 'always'> | undefined,
): Judgement {
  const { start, following } = started;
  const stops = following.filter(({ action }) => action.verb === 'stop');
  const isStopped = casesTogether(stops) === 'always';
  const name = containerOf(start);
  const hasEnded = stops.length > 0 || following.some(({ action }) => ENDS.has(action.word));
  // One in the background is usually read while it runs.
  const reader =
    start.isDetached && !hasEnded
      ? undefined
      : following.find(({ action }) => READS_AFTER_EXIT.has(action.word));
  if (cases !== undefined)
    return {
      reason: cases === 'success' ? 'removed-on-success' : 'removed-sometimes',
      severity: start.verb === 'create' ? 'info' : 'warning',
      because: `${removedBy(removals, started)} ${ONLY[cases]}`,
      advice: `Remove it in any case: ${inAnyCase(name, started)}`,
      isFixable: false,
    };
  const runsOn = start.isDetached && !isStopped;
  if (start.verb === 'create' || reader)
    return {
      reason: 'left',
      severity: 'warning',
      because: reader
        ? `Nothing removes the container after \`${reader.action.word}\` on line ${lineOf(reader, started)}`
        : 'Nothing removes the container that it creates',
      advice: `Run \`${programOf(start)} rm ${name}\` after that. \`--rm\` would remove it too early`,
      isFixable: false,
    };
  if (runsOn && stops.length === 0) {
    const other = removedElsewhere(started);
    if (other) return other;
  }
  if (runsOn)
    return {
      reason: 'running',
      severity: 'warning',
      because:
        stops.length > 0
          ? `\`stop\` on line ${lineOf(stops[0]!, started)} doesn't remove it, and doesn't run if an earlier command fails`
          : 'It runs in the background, and nothing stops or removes it',
      advice: `Remove it in any case: ${inAnyCase(name, started)}`,
      isFixable: false,
    };
  return { reason: 'left', severity: 'warning', because: whyLeft(started), isFixable: true };
}

/** In another target or job, of which the file doesn't say whether it runs. */
function removedElsewhere(started: Started): Judgement | undefined {
  const { start, own, elsewhere, kind } = started;
  const found = start.name && elsewhere.get(patternKey(start.name));
  const other = found?.find(
    ({ action, by }) => by.script.scope !== own.script.scope && action.remote === start.remote,
  );
  if (!other) return undefined;
  const { job } = other.by.script;
  const removes = `\`${other.action.word}\` on line ${lineOf(other, started)} removes it`;
  // People start and stop such containers with targets of their own.
  if (kind === 'make')
    return {
      reason: 'removed-sometimes',
      severity: 'info',
      because: `${removes}, but only when the target \`${job}\` runs`,
      isFixable: false,
    };
  return {
    reason: 'removed-sometimes',
    severity: 'warning',
    because: `${removes} in another job, which may run on another machine or not at all`,
    advice: `Remove it in any case: ${inAnyCase(containerOf(start), started)}`,
    isFixable: false,
  };
}

/** What waits for its end, or starts one that has ended. */
const ENDS: ReadonlySet<string> = new Set(['wait', 'start']);

const ONLY = {
  success: 'only if no earlier command fails',
  failure: 'only after a failure',
  sometimes: 'only under a condition',
} as const;

/** What fails if the container is gone once it has exited. */
const READS_AFTER_EXIT: ReadonlySet<string> = new Set([
  'attach',
  'commit',
  'cp',
  'diff',
  'export',
  'inspect',
  'logs',
  'start',
  'wait',
]);

function whyLeft({ start, content, own: { script } }: Started): string {
  if (start.disabling)
    return `\`${oneLine(
      content.slice(
        offsetInFile(script.pieces, start.disabling.at),
        offsetInFile(script.pieces, start.disabling.end - 1) + 1,
      ),
    )}\` keeps the container after it exits`;
  const written = script.text.slice(start.at, start.commandEnd);
  return /(?:^|\s|=)--rm(?:$|[\s=])/.test(written)
    ? '`--rm` is the value of another option here, or an argument of the command, so the container stays after it exits'
    : 'Without `--rm`, the container stays after it exits';
}

/** Programs whose `ssh` leads into a virtual machine of the machine itself. */
const OWN_MACHINES: ReadonlySet<string> = new Set(['colima', 'minikube', 'vagrant']);

/** A host that a command is given to with ssh outlives the job. */
function machineOf({ remote }: ContainerStart, { machine }: Pick<Script, 'machine'>): Machine {
  return remote === undefined || OWN_MACHINES.has(remote) ? machine : 'kept';
}

/** A discarded machine takes its containers with it. */
function onMachine(machine: Machine, judgement: Judgement): Judgement {
  if (machine === 'kept' || judgement.severity !== 'warning') return judgement;
  if (machine === 'discarded')
    return {
      ...judgement,
      severity: 'info',
      because: `${judgement.because}, until its machine is discarded`,
    };
  return {
    ...judgement,
    reason: 'depends-on-machine' satisfies LeakReason,
    severity: 'unknown',
    because: `${judgement.because}, unless its machine is discarded after the job. The file doesn't say on which it runs`,
  };
}

/** A plain `docker rm` fails on a container that is still running. */
function removesEvenIfRunning({ action, cases }: FollowingAction, { start, following }: Started): boolean {
  if (!start.isDetached || action.isForced) return true;
  const hasEnded = following.some(
    (one) =>
      (one.action.verb === 'stop' || one.action.word === 'wait') &&
      (one.cases === 'always' || one.cases === cases),
  );
  return hasEnded && action.verb === 'remove';
}

function removedBy(removals: readonly FollowingAction[], started: Started): string {
  const best = removals.find(({ cases }) => cases === 'always') ?? removals[0];
  if (!best) return 'It is removed';
  const line = lineOf(best, started);
  return best.action.runs === 'trap'
    ? `The exit trap on line ${line} removes it`
    : `\`${best.action.word}\` on line ${line} removes it`;
}

function lineOf({ action, by }: RemovalOf, { positions }: Started): number {
  return positions.at(offsetInFile(by.script.pieces, action.at)).line;
}

/** How people refer to it in a command. */
function containerOf({ name, storedIn }: ContainerStart): string {
  if (name) return name.parts.map((part) => ('text' in part ? part.text : part.variable)).join('');
  return storedIn === undefined ? 'NAME' : `"$${storedIn}"`;
}

/** Compose has no command that removes one of its containers. */
function programOf({ program }: ContainerStart): string {
  return program === 'compose' ? 'docker' : program;
}

function inAnyCase(name: string, { start, own, kind }: Started): string {
  const command = `${programOf(start)} rm -f ${name}`;
  const remove = `\`${command}\``;
  // Each line of a recipe is a shell of its own.
  if (kind === 'make') return `${remove} in the same line of the recipe, after \`;\``;
  switch (own.script.pipeline) {
    case 'jenkins':
      return `${remove} in \`post { always { … } }\``;
    case 'gitlab':
      return `${remove} in \`after_script\``;
    case 'github':
      return `${remove} in a step with \`if: always()\``;
    default:
      // Another trap would replace it.
      return own.actions.some(({ runs }) => runs === 'trap')
        ? `${remove} in the exit trap`
        : `\`trap '${command}' EXIT\``;
  }
}

/** The container of Jenkins' Docker Pipeline plugin: https://plugins.jenkins.io/docker-workflow/ */
export function judgePluginRun(
  run: PluginRun,
  { own, scope, ...context }: Parameters<typeof judgeStart>[1],
): Leak | undefined {
  if (run.isMeantToStay) return undefined;
  const [start] = own.starts;
  const { content, positions } = context;
  const following = start ? actionsAfter(start, own, scope) : [];
  const { isFixable: _never, ...judgement } = judgePlugin(
    run,
    start && { start, own, scope, following, ...context },
  );
  return {
    at: run.at,
    ...positions.at(run.at),
    command: oneLine(content.slice(run.at, run.end)),
    ...(run.stage !== undefined && { stage: run.stage }),
    ...(run.command.machine === 'discarded' && { isOnDiscardedMachine: true }),
    ...(run.image && { image: run.image }),
    ...(start?.name && { name: start.name }),
    labels: start?.labels ?? [],
    ...judgement,
  };
}

function judgePlugin(run: PluginRun, started: Started | undefined): Judgement {
  if (run.stops === 'always')
    return {
      reason: 'removed',
      severity: 'info',
      because: '`stop()` removes it in any case',
      isFixable: false,
    };
  const judgement = started && judge(started);
  if (judgement && (judgement.reason === 'removed' || judgement.reason === 'long-lived')) return judgement;
  const advice =
    'Use `withRun { … }`, which removes it in any case. `--rm` in its arguments conflicts with the plugin';
  const own: Judgement =
    run.stops === 'no'
      ? {
          reason: 'running',
          severity: 'warning',
          because: '`run()` starts it in the background, and nothing calls `stop()`',
          isFixable: false,
        }
      : {
          reason: 'removed-on-success',
          severity: 'warning',
          because: '`stop()` removes it only if no earlier step fails',
          isFixable: false,
        };
  const isRemovedByScript =
    judgement?.reason === 'removed-on-success' || judgement?.reason === 'removed-sometimes';
  return { ...(isRemovedByScript ? judgement : onMachine(run.command.machine, own)), advice };
}

/** In one line, without the backslashes at the ends of lines. */
function oneLine(command: string): string {
  const lines = command.slice(0, MAX_READ_CHARS).split(/\r?\n/);
  const text = lines.map((line) => line.trim().replace(/[ \t]*\\+$/, '')).join(' ');
  return text.length > MAX_COMMAND_CHARS ? `${text.slice(0, MAX_COMMAND_CHARS - 1)}…` : text;
}

const MAX_READ_CHARS = 2_000;
const MAX_COMMAND_CHARS = 200;

import {
  type ContainerAction,
  type ContainerReference,
  type ContainerStart,
  isSamePattern,
  type Pattern,
  patternText,
} from './container-commands.ts';
import type { RemovalOf, ScopeCommands, ScriptCommands } from './scope-commands.ts';
import { runsAfter, runsBefore, runsInAnyCase } from './runs-after.ts';

/**
 * In which cases something happens to a container after its start. `success`: if nothing fails before. `failure`: if something fails. `sometimes`: under a
 * condition that the file doesn't decide.
 */
export type Cases = 'always' | 'success' | 'failure' | 'sometimes';

export interface FollowingAction {
  readonly action: ContainerAction;
  readonly by: ScriptCommands;
  readonly cases: Cases;
}

/** What is done with the container of a start after it, in its script and in others of the same scope. */
export function actionsAfter(
  start: ContainerStart,
  own: ScriptCommands,
  scope: ScopeCommands,
): readonly FollowingAction[] {
  const all = actionsOn(start, own, scope);
  const within = all.filter(({ by }) => by === own).map(({ action }) => action);
  return all.flatMap(({ action, by }) => {
    const cases = by === own ? casesWithin(start, action, within) : casesOf(action, by, own, scope);
    return cases === undefined ? [] : [{ action, by, cases }];
  });
}

/** What is done with the container of a start in its scope, in the order of the scripts. */
function actionsOn(start: ContainerStart, own: ScriptCommands, scope: ScopeCommands): readonly RemovalOf[] {
  return scope
    .mayConcern(start, own)
    .filter(
      ({ action: { remote, containers }, by }) =>
        remote === start.remote && containers.some((one) => isReferenceTo(start, own, one, by)),
    );
}

/** What is done with the container before, such as `docker logs`, seldom fails. */
function casesWithin(
  start: ContainerStart,
  action: ContainerAction,
  before: readonly ContainerAction[],
): Cases | undefined {
  const between = before.filter(({ at }) => at > start.at && at < action.at);
  const reach = runsAfter(start, action, between.length);
  if (reach === 'never') return undefined;
  return reach === 'on-success' ? 'success' : reach;
}

function casesOf(
  action: ContainerAction,
  by: ScriptCommands,
  own: ScriptCommands,
  scope: ScopeCommands,
): Cases | undefined {
  const { phase, conditions = [] } = by.script;
  if (phase === own.script.phase && by.index < own.index) return undefined;
  if (own.script.phase !== 'main' && phase === 'main') return undefined;
  const reach = runsInAnyCase(action);
  if (reach === 'never') return undefined;
  const around = own.script.conditions ?? [];
  if (reach === 'sometimes' || conditions.some((one) => !around.includes(one))) return 'sometimes';
  // In a script that cleans up, one removal seldom ends the script before the next.
  if (phase === 'always') return 'always';
  if (phase === 'failure') return 'failure';
  if (phase === 'success') return 'success';
  return reach === 'always' && !scope.mayFailBetween(own, by) ? 'always' : 'success';
}

/** A removal before the start of a container that has the same name in each run: of the one that the run before started. */
export function replacementOf(
  start: ContainerStart,
  own: ScriptCommands,
  scope: ScopeCommands,
): RemovalOf | undefined {
  if (!start.name || start.name.parts.some((part) => 'variable' in part && VARYING.test(part.variable)))
    return undefined;
  const around = own.script.conditions ?? [];
  const before = actionsOn(start, own, scope).filter(({ action, by }) => {
    if (!action.containers.some((one) => one.by === 'name' && isReferenceTo(start, own, one, by)))
      return false;
    if (by === own) return runsBefore(start, action);
    const { phase, conditions = [] } = by.script;
    const isEarlier = by.index < own.index && phase === 'main';
    return (
      isEarlier && conditions.every((one) => around.includes(one)) && runsInAnyCase(action) !== 'sometimes'
    );
  });
  const isStopped = before.some(({ action }) => action.verb === 'stop');
  return before.findLast(({ action }) => action.verb === 'remove' && (action.isForced || isStopped));
}

/** What has another value in each run. */
const VARYING =
  /build|commit|date|guid|hash|id\b|_id|job|number|pid|pipeline|random|ref|run|sha|tag|time|uuid|version|@|\$\$/i;

/** All cases in which one of the actions runs. */
export function casesTogether(following: readonly FollowingAction[]): Cases | undefined {
  const cases = new Set(following.map((one) => one.cases));
  if (cases.has('always') || (cases.has('success') && cases.has('failure'))) return 'always';
  return (['success', 'failure', 'sometimes'] as const).find((one) => cases.has(one));
}

function isReferenceTo(
  start: ContainerStart,
  own: ScriptCommands,
  reference: ContainerReference,
  by: ScriptCommands,
): boolean {
  // A list of running containers lacks those that have exited.
  if ('only' in reference && reference.only === 'running' && !start.isDetached) return false;
  switch (reference.by) {
    case 'name':
      return start.name !== undefined && isNamed(start.name, reference.name, reference.isPart === true);
    case 'variable':
      return by === own
        ? start.storedIn === reference.variable
        : own.script.outputIn !== undefined && own.script.outputIn === reference.variable;
    case 'cid-file':
      return start.cidFile !== undefined && isSamePattern(start.cidFile, reference.file);
    case 'label':
      return start.labels.some((label) => isLabeled(label, reference.label));
    case 'image':
      return start.image !== undefined && isOfImage(start.image, reference.image);
    case 'start':
      return by === own && start.at === reference.at;
    case 'compose':
      return start.program === 'compose' && start.composeAs === 'docker-compose';
    case 'all':
      return true;
    default:
      return false;
  }
}

function isNamed(name: Pattern, wanted: Pattern, isPart: boolean): boolean {
  if (isSamePattern(name, wanted)) return true;
  const text = literal(wanted);
  // The name may begin with a variable, and still has this part.
  return (
    isPart && text !== undefined && name.parts.some((part) => 'text' in part && part.text.includes(text))
  );
}

/** A filter without a value matches every value: `label=ci`. */
function isLabeled(label: Pattern, wanted: Pattern): boolean {
  const key = literal(wanted);
  return isSamePattern(label, wanted) || (key !== undefined && patternText(label).startsWith(`${key}=`));
}

/** A filter without a tag matches every tag. */
function isOfImage(image: Pattern, wanted: Pattern): boolean {
  const name = literal(wanted);
  return isSamePattern(image, wanted) || (name !== undefined && patternText(image).startsWith(`${name}:`));
}

function literal({ parts }: Pattern): string | undefined {
  const [only, ...more] = parts;
  return only && more.length === 0 && 'text' in only ? only.text : undefined;
}

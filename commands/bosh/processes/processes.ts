import { type Evidence, type ports, wording } from '../../kit.ts';
import { field } from '../../shared/evidence.ts';
import { be, say } from '../../shared/grammar.ts';
import {
  changesInstances,
  describeLock,
  describeProcessState,
  isBeingChanged,
  isDown,
  isShared,
  isUp,
  type ProcessSpread,
  severityOf,
} from '../../shared/instances.ts';
import { worstSeverity } from '../../shared/severity.ts';
import { hintFor } from './faults.ts';
import {
  byName,
  describeAfterTask,
  lockEvidence,
  nounsFor,
  type Problem,
  table,
  targetOf,
} from './problem.ts';
import { restartOffers } from './restart.ts';
import { isLastOf, isWhollyDown, type Survey } from './survey.ts';
import { sharedByInstances } from './whole-instances.ts';

/** How many processes of one instance a summary names. */
const MAX_STATES = 6;

type Severity = Problem['finding']['severity'];

/** Problems of processes: one finding for a process that is down on most instances that should run it, otherwise one for each instance. */
export function processProblems(survey: Survey): Problem[] {
  const shared = survey.processes.filter(({ down, on }) => isShared(down.length, on.length));
  const names = new Set(shared.map(({ name }) => name));
  const ownNames = ({ processes }: ports.Instance) =>
    processes.some((process) => isDown(process) && !names.has(process.name));
  const fallen = survey.reporting.filter((instance) => isWhollyDown(instance) && ownNames(instance));
  // A process that is down because its whole machine is down is reported with the machine.
  const causes = shared.filter(({ down }) => !down.every(({ instance }) => fallen.includes(instance)));
  const reported = new Set(causes.map(({ name }) => name));
  const each = survey.reporting
    .toSorted(byName)
    .flatMap((instance) => problemOfInstance(survey, instance, fallen.includes(instance), reported) ?? []);
  return [
    ...causes.toSorted((a, b) => b.down.length - a.down.length).map((one) => sharedProblem(survey, one)),
    ...each,
    ...unexplainedProblems(survey),
  ];
}

function sharedProblem(survey: Survey, spread: ProcessSpread): Problem {
  const { name, on, down } = spread;
  const { deployment } = survey;
  const machines = `${nounsFor(deployment).machine}s`;
  const isStarting = down.every(({ process }) => process.state === 'starting');
  const says = `${name} is ${isStarting ? 'still starting' : 'not running'} on ${down.length} of ${on.length} ${machines}`;
  const hint = hintFor(name, deployment);
  const severity = severityOf(spread, deployment.lock);
  const isOfTask = severity !== 'critical' && changesInstances(deployment.lock);
  const next = isOfTask
    ? describeAfterTask(deployment, 'it should run again')
    : `a single cause is likely${hint ? `; check ${hint.check}` : ''}`;
  const rows = down
    .toSorted((a, b) => byName(a.instance, b.instance))
    .map(({ instance, process }) => [instance.name, describeProcessState(process), instance.zone ?? '']);
  return {
    headline: says,
    within: deployment.name,
    finding: {
      reason: 'process-not-running-on-many',
      severity,
      target: `${targetOf(deployment)} ${name}`,
      summary: `${says}: ${next}`,
      evidence: [
        ...(hint
          ? [isOfTask ? field('Check', `${hint.check}: ${hint.because}`) : field('Because', hint.because)]
          : []),
        ...(new Set(rows.map(([, state]) => state)).size > 1 ? [field('States', describeStates(down))] : []),
        ...(down.some(({ process }) => isUnmonitored(process)) ? [unmonitoredNote([name])] : []),
        ...lockEvidence(deployment),
        ...table(['Instance', 'State', 'Zone'], rows, 'Instances'),
      ],
    },
  };
}

function describeStates(down: ProcessSpread['down']): string {
  return [...Map.groupBy(down, ({ process }) => describeProcessState(process))]
    .map(([state, these]) => `${state} on ${these.length}`)
    .join(', ');
}

/** monit does not restart unmonitored processes: https://mmonit.com/monit/documentation/monit.html#SERVICE-MONITORING-MODE */
function unmonitoredNote(names: readonly string[]): Evidence {
  return field('Not monitored', `monit won't restart ${wording.list(names, MAX_STATES)}`);
}

/** Problems of one instance, without those that have a shared cause. */
function problemOfInstance(
  survey: Survey,
  instance: ports.Instance,
  isFallen: boolean,
  reported: ReadonlySet<string>,
): Problem | undefined {
  // The processes of an instance on which nothing is running are one finding.
  const down = instance.processes.filter(
    (process) => isDown(process) && (isFallen || !reported.has(process.name)),
  );
  if (down.length === 0) return undefined;
  const own = down.filter(({ name }) => !reported.has(name));
  const { deployment } = survey;
  const isStarting = down.every(({ state }) => state === 'starting');
  const gone = isStarting ? [] : down.map(({ name }) => name).filter((name) => runsNowhere(survey, name));
  const { offers, evidence = [] } = isStarting ? {} : restartOffers(deployment, instance);
  const isChanging = changesInstances(deployment.lock);
  const isOfTask = isChanging && isBeingChanged(instance);
  const unmonitored = down.filter(isUnmonitored).map(({ name }) => name);
  const locked = isChanging && !isOfTask && gone.length > 0 ? describeLock(deployment) : undefined;
  return {
    counts: { kind: isStarting ? 'starting' : 'down', instance },
    finding: {
      reason: 'processes-not-running',
      severity: severityOfDown(survey, instance, own),
      target: targetOf(deployment, instance),
      summary: [
        `${instance.name}: ${isFallen ? describeAllDown(down) : wording.list(down.map(describeState), 4)}`,
        ...describeRunningNowhere(survey, gone),
        ...(isOfTask ? [describeAfterTask(deployment, 'it is expected back')] : []),
        ...(locked === undefined ? [] : [locked]),
      ].join('; '),
      evidence: [
        ...(unmonitored.length > 0 && !isOfTask ? [unmonitoredNote(unmonitored)] : []),
        ...down.flatMap(({ name }) => hintField(name, survey)),
        ...commonEvidence(survey, instance),
        ...evidence,
        ...processTable(instance),
      ],
      ...(offers && { offers }),
    },
  };
}

/** The severity of its worst process. A warning if the whole group is starting, because no instance is serving. */
function severityOfDown(
  survey: Survey,
  instance: ports.Instance,
  down: readonly ports.RunningProcess[],
): Severity {
  const { processes, deployment } = survey;
  const names = new Set(down.map(({ name }) => name));
  const severities = processes
    .filter(({ name }) => names.has(name))
    .map((spread) => severityOf(spread, deployment.lock));
  const worst = worstSeverity(severities);
  if (worst === 'critical' || worst === 'warning') return worst;
  return !isUp(instance) && isLastOf(survey, instance) ? 'warning' : 'info';
}

/** Mentions processes that run only on ignored instances, because those do not count. */
function describeRunningNowhere({ deployment, ignored }: Survey, gone: readonly string[]): readonly string[] {
  const runsOnIgnored = (name: string) =>
    ignored.some(({ processes }) => processes.some((one) => one.name === name && !isDown(one)));
  const nowhere = gone.filter((name) => !runsOnIgnored(name));
  const onIgnored = gone.filter(runsOnIgnored);
  return [
    ...(nowhere.length > 0 ? [say(nowhere, be(`not running anywhere in ${deployment.name}`))] : []),
    ...(onIgnored.length > 0
      ? [say(onIgnored, be(`running only on ignored instances of ${deployment.name}`))]
      : []),
  ];
}

function describeAllDown(down: readonly ports.RunningProcess[]): string {
  return `none of its ${down.length} processes is running (${wording.list(down.map(describeState), MAX_STATES)})`;
}

/**
 * Agents that report "failing" although every process that they list is running: they know more than they list. If most do, they are one
 * finding.
 */
function unexplainedProblems(survey: Survey): Problem[] {
  const { deployment, reporting } = survey;
  const hit = reporting.filter(isUnexplained).toSorted(byName);
  const failing = hit.filter(({ state }) => state !== 'starting');
  const isWide = isShared(failing.length, reporting.length);
  const each = isWide ? hit.filter(({ state }) => state === 'starting') : hit;
  return [
    ...(isWide
      ? [sharedByInstances(deployment, unexplainedText(failing, reporting), 'critical', failing)]
      : []),
    ...each.map((instance): Problem => {
      const isStarting = instance.state === 'starting';
      const said = isStarting
        ? 'is still starting'
        : `is failing, although ${describeListed([instance])}; ${SEE_MONIT}`;
      return {
        counts: { kind: isStarting ? 'starting' : 'failing', instance },
        finding: {
          reason: 'instance-failing',
          severity: isStarting ? 'info' : 'warning',
          target: targetOf(deployment, instance),
          summary: `${instance.name} ${said}`,
          evidence: [...commonEvidence(survey, instance), ...processTable(instance)],
        },
      };
    }),
  ];
}

const SEE_MONIT = 'run `monit summary` on it to see what else is monitored, such as a disk or a file';

/** Its agent reports that it is not running, but no process or other service explains why. */
function isUnexplained({ state, processes, faults = [] }: ports.Instance): boolean {
  return state !== 'running' && !processes.some(isDown) && !faults.some(({ failsInstance }) => failsInstance);
}

function unexplainedText(failing: readonly ports.Instance[], reporting: readonly ports.Instance[]) {
  return {
    reason: 'instances-failing',
    says: `${failing.length} of ${reporting.length} instances are failing, although ${describeListed(failing)}`,
    next: `a single cause is likely: ${SEE_MONIT}`,
  };
}

function describeListed(instances: readonly ports.Instance[]): string {
  return instances.some(({ processes }) => processes.length > 0)
    ? 'every listed process is running'
    : 'no process is listed';
}

function describeState(process: ports.RunningProcess): string {
  return `${process.name} is ${describeProcessState(process)}`;
}

function isUnmonitored({ state }: ports.RunningProcess): boolean {
  return state === 'unmonitored';
}

function runsNowhere({ processes }: Survey, process: string): boolean {
  return processes.some(({ name, on, down }) => name === process && on.length === down.length);
}

function hintField(name: string, { deployment }: Survey): Evidence[] {
  const hint = hintFor(name, deployment);
  return hint
    ? [field(name, `if it fails on other instances too, check ${hint.check}: ${hint.because}`)]
    : [];
}

function commonEvidence({ deployment }: Survey, { addresses, zone }: ports.Instance): Evidence[] {
  const at = [wording.list(addresses), zone].filter(Boolean).join(', zone ');
  return [...(at === '' ? [] : [field('Addresses', at)]), ...lockEvidence(deployment)];
}

/** Empty if the summary has the state of each, because none is running. */
function processTable({ processes }: ports.Instance): Evidence[] {
  if (processes.length <= MAX_STATES && processes.every(isDown)) return [];
  const worstFirst = processes.toSorted((a, b) => Number(isDown(b)) - Number(isDown(a)));
  const rows = worstFirst.map((process) => [
    process.name,
    describeProcessState(process),
    process.uptimeSeconds === undefined ? '' : wording.span(process.uptimeSeconds * 1_000),
  ]);
  return table(['Process', 'State', 'Up for'], rows, 'Processes');
}

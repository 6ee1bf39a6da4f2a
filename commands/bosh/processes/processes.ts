import { type ports, wording } from '../../kit.ts';
import { hintFor } from './hints.ts';
import { restartOffers } from './offer.ts';
import { isDown, isShared, isWhollyDown, type Spread, type Survey } from './survey.ts';
import {
  byName,
  type Evidence,
  field,
  lockEvidence,
  table,
  targetOf,
  type Trouble,
  wordsFor,
} from './trouble.ts';
import { severityOf } from './whole-instances.ts';

type State = ports.RunningProcess['state'];

const STATE: Record<State, string> = {
  running: 'running',
  failing: 'failing',
  starting: 'starting',
  unmonitored: 'not monitored',
};

/** Troubles of processes: one finding for a process that is down wherever it should run, else one for each instance. */
export function processTroubles(survey: Survey): Trouble[] {
  const shared = survey.processes.filter(({ down, on }) => isShared(down.length, on.length));
  const names = new Set(shared.map(({ name }) => name));
  const ownNames = ({ processes }: ports.Instance) =>
    processes.some((process) => isDown(process) && !names.has(process.name));
  const fallen = survey.telling.filter((instance) => isWhollyDown(instance) && ownNames(instance));
  // What is down because its whole machine is, is told with that machine.
  const causes = shared.filter(({ down }) => !down.every(({ instance }) => fallen.includes(instance)));
  const told = new Set(causes.map(({ name }) => name));
  const each = survey.telling.toSorted(byName).flatMap((instance) => oneOf(survey, instance, fallen, told));
  return [
    ...causes.toSorted((a, b) => b.down.length - a.down.length).map((one) => manyOf(survey, one)),
    ...each,
  ];
}

function manyOf(survey: Survey, { name, on, down }: Spread): Trouble {
  const { deployment } = survey;
  const machines = `${wordsFor(deployment).machine}s`;
  const isStarting = down.every(({ process }) => process.state === 'starting');
  const says = `${name} is ${isStarting ? 'still starting' : 'not running'} on ${down.length} of ${on.length} ${machines}`;
  const hint = hintFor(name, deployment);
  const rows = down
    .toSorted((a, b) => byName(a.instance, b.instance))
    .map(({ instance, process }) => [instance.name, STATE[process.state], instance.zone ?? '']);
  return {
    headline: says,
    within: deployment.name,
    finding: {
      reason: 'process-not-running-on-many',
      severity: isStarting ? 'info' : 'critical',
      target: `${targetOf(deployment)} ${name}`,
      summary: `${says}: one cause behind all of them is likely${hint ? `; look at ${hint.look}` : ''}`,
      evidence: [
        ...(hint ? [field('Look at', `${hint.look}: ${hint.because}`)] : []),
        field('States', statesOf(down)),
        ...sticky(down.map(({ process }) => process)),
        ...lockEvidence(deployment),
        ...table(['Instance', 'State', 'Zone'], rows, 'Instances'),
      ],
    },
  };
}

function statesOf(down: Spread['down']): string {
  return [...Map.groupBy(down, ({ process }) => process.state)]
    .map(([state, these]) => `${STATE[state]} on ${these.length}`)
    .join(', ');
}

/** Reference: cf-and-certificates.md section 3, "not monitored" is sticky. */
function sticky(processes: readonly ports.RunningProcess[]): Evidence[] {
  return processes.some(isUnmonitored)
    ? [
        field(
          'Not monitored',
          'monit no longer watches it: it does not come back by itself, only by a start or a restart',
        ),
      ]
    : [];
}

/** What is wrong on one instance, besides what one cause has done everywhere. */
function oneOf(
  survey: Survey,
  instance: ports.Instance,
  fallen: readonly ports.Instance[],
  told: ReadonlySet<string>,
): Trouble[] {
  const isFallen = fallen.includes(instance);
  const down = instance.processes.filter(
    (process) => isDown(process) && (isFallen || !told.has(process.name)),
  );
  if (down.length > 0) return [downOn(survey, instance, down, isFallen)];
  const isWell = instance.state === 'running' || instance.processes.some(isDown);
  return isWell ? [] : [ailing(survey, instance)];
}

function downOn(
  survey: Survey,
  instance: ports.Instance,
  down: readonly ports.RunningProcess[],
  isFallen: boolean,
): Trouble {
  const { deployment } = survey;
  const isStarting = down.every(({ state }) => state === 'starting');
  const gone = isStarting ? [] : down.map(({ name }) => name).filter((name) => runsNowhere(survey, name));
  const { offers, evidence } = isStarting
    ? { offers: [], evidence: [] }
    : restartOffers(deployment, instance);
  return {
    counts: isStarting ? 'starting' : 'down',
    finding: {
      reason: 'processes-not-running',
      severity: isStarting ? 'info' : severityOf(instance, gone.length > 0),
      target: targetOf(deployment, instance),
      summary: [
        `${instance.name}: ${isFallen ? allOf(down) : wording.list(down.map(stateOf), 4)}`,
        ...(gone.length > 0
          ? [`${wording.list(gone)} ${gone.length === 1 ? 'runs' : 'run'} nowhere in ${deployment.name}`]
          : []),
        ...(down.some(isUnmonitored) ? ['what is not monitored does not come back by itself'] : []),
      ].join('; '),
      evidence: [
        ...down.flatMap(({ name }) => hintField(name, survey)),
        ...common(survey, instance),
        ...evidence,
        ...processTable(instance),
      ],
      ...(offers.length > 0 && { offers }),
    },
  };
}

function allOf(down: readonly ports.RunningProcess[]): string {
  return `none of its ${down.length} processes runs (${wording.list(down.map(stateOf), 6)})`;
}

/** An agent that says "failing" though every process it tells of runs: it knows more than it tells. */
function ailing(survey: Survey, instance: ports.Instance): Trouble {
  const isStarting = instance.state === 'starting';
  const said = isStarting
    ? 'is still starting'
    : 'is failing, though every process that it tells of runs: `monit summary` there shows what else is watched, such as a disk or a file';
  return {
    counts: isStarting ? 'starting' : 'failing',
    finding: {
      reason: 'instance-failing',
      severity: isStarting || instance.ignored ? 'info' : 'warning',
      target: targetOf(survey.deployment, instance),
      summary: `${instance.name} ${said}`,
      evidence: [...common(survey, instance), ...processTable(instance)],
    },
  };
}

function stateOf({ name, state }: ports.RunningProcess): string {
  return `${name} is ${STATE[state]}`;
}

function isUnmonitored({ state }: ports.RunningProcess): boolean {
  return state === 'unmonitored';
}

function runsNowhere({ processes }: Survey, process: string): boolean {
  return processes.some(({ name, on, down }) => name === process && on.length === down.length);
}

function hintField(name: string, { deployment }: Survey): Evidence[] {
  const hint = hintFor(name, deployment);
  return hint ? [field(name, `look at ${hint.look} if more of them fall: ${hint.because}`)] : [];
}

function common({ deployment }: Survey, { addresses, zone, ignored }: ports.Instance): Evidence[] {
  const at = [wording.list(addresses), zone].filter(Boolean).join(', zone ');
  return [
    ...(at === '' ? [] : [field('Addresses', at)]),
    ...(ignored ? [field('Ignored', 'people told the director to leave it alone')] : []),
    ...lockEvidence(deployment),
  ];
}

function processTable({ processes }: ports.Instance): Evidence[] {
  const worstFirst = processes.toSorted((a, b) => Number(isDown(b)) - Number(isDown(a)));
  const rows = worstFirst.map(({ name, state, uptimeSeconds }) => [
    name,
    STATE[state],
    uptimeSeconds === undefined ? '' : wording.span(uptimeSeconds * 1_000),
  ]);
  return table(['Process', 'State', 'Up for'], rows, 'Processes');
}

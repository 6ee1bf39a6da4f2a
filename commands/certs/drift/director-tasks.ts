import { type ports, wording } from '../../kit.ts';
import type { CertificateSurvey } from '../../shared/certificate-survey.ts';

const RUNNING = new Set(['processing', 'queued', 'cancelling']);

/** The running task that works on one of these instances. */
export function taskOn(
  { directors }: Pick<CertificateSurvey, 'directors'>,
  hosts: readonly string[],
): ports.DirectorTask | undefined {
  const names = hosts.map((host) => host.split(' ')[0]);
  return directors
    .flatMap(({ tasks }) => tasks)
    .find(
      ({ state, step }) => RUNNING.has(state) && (step?.current ?? []).some((one) => names.includes(one)),
    );
}

/** The running task that has yet to reach one of these instances: it works on others of the same group, or has finished some. */
export function taskAhead(
  { directors }: Pick<CertificateSurvey, 'directors'>,
  hosts: readonly string[],
): ports.DirectorTask | undefined {
  const groupOf = (name: string) => name.replace(/\/.*$/, '');
  const groups = new Set(hosts.filter((host) => host.includes('/')).map(groupOf));
  return directors
    .flatMap(({ tasks }) => tasks)
    .find(
      ({ state, step }) =>
        RUNNING.has(state) &&
        [...(step?.current ?? []), ...(step?.finished ?? [])].some((one) => groups.has(groupOf(one))),
    );
}

/** The running task of a deployment. */
export function taskOf(
  tasks: readonly ports.DirectorTask[],
  deployment: string,
): ports.DirectorTask | undefined {
  return tasks.find((task) => RUNNING.has(task.state) && task.deployment === deployment);
}

/** The last task of a deployment that has ended successfully. */
export function lastTaskOf(
  tasks: readonly ports.DirectorTask[],
  deployment: string,
): ports.DirectorTask | undefined {
  return tasks.find((task) => task.state === 'done' && task.deployment === deployment);
}

/** `task 8841 (create deployment, cf) has been working on diego-cell/1b since 2026-11-26 11:03 UTC (57 minutes)` */
export function describeRunning(
  survey: Pick<CertificateSurvey, 'directors'>,
  hosts: readonly string[],
  now: Date,
): string | undefined {
  const task = taskOn(survey, hosts) ?? taskAhead(survey, hosts);
  return task && describeStep(task, now);
}

export function describeStep({ id, description, deployment, step }: ports.DirectorTask, now: Date): string {
  const of = [description, deployment].filter((one) => one !== undefined && one !== '').join(', ');
  const task = `task ${id}${of === '' ? '' : ` (${of})`}`;
  if (!step || step.current.length === 0) return `${task} is running`;
  const since = step.since
    ? ` since ${wording.utcTime(step.since)} (${wording.span(now.getTime() - step.since.getTime())})`
    : '';
  return `${task} has been working on ${wording.list(step.current)}${since}`;
}

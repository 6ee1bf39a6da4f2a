import { z } from 'zod';
import { defineRemediation, type ports, type ReadContext, SourceError, wording } from '../../kit.ts';
import { fitTitle } from '../../shared/title.ts';

const params = z.strictObject({
  source: z.string(),
  deployment: z.string(),
  group: z.string(),
  id: z.string(),
  /** As people call it; the rest says which one is meant. */
  name: z.string(),
  /** Where the source restarts processes alone: this one. */
  process: z.string().optional(),
});

export type RestartParams = z.output<typeof params>;

export const restart = defineRemediation({
  about: 'Restarts one instance, or one process of it where the source can do that',
  title,
  risk: 'disruptive',
  allow: 'restart',
  uses: ['processes'],
  params,
  plan: async (context, asked) => {
    const { deployment, instance } = await findInstance(context, asked);
    const permission = permissionFor(asked, deployment, instance);
    return {
      lines: [describeStep(asked, permission), ...permission.sideEffects],
      targets: [`${asked.source}:${asked.deployment}/${asked.group}/${asked.id}`],
      precondition: instance.incarnation === undefined ? {} : { incarnation: instance.incarnation },
    };
  },
  apply: async ({ write, applyContext, recordStep }, { name, ...asked }) => {
    const { source, deployment, group, id, process } = asked;
    const target = { deployment, group, id, ...(process !== undefined && { process }) };
    const { summary } = await write.processes(source).restart(target, applyContext);
    await recordStep(`${process === undefined ? name : `${process} on ${name}`} restarted: ${summary}`);
  },
  settlesWithinSeconds: 120,
});

function title({ name, process, id }: RestartParams): string {
  const say = (instance: string) =>
    `Restart ${process === undefined ? instance : `${process} on ${instance}`}`;
  return fitTitle(say(name), say(name.replace(id, id.slice(0, 8))));
}

interface Found {
  readonly deployment: ports.Deployment;
  readonly instance: ports.Instance;
}

async function findInstance(
  { read, signal }: ReadContext<'processes'>,
  asked: RestartParams,
): Promise<Found> {
  const supervisor = read.processes.find(({ name }) => name === asked.source);
  if (!supervisor)
    throw new SourceError(asked.source, 'missing', `the source ${asked.source} is no longer configured`);
  const deployments = await supervisor.deployments({ signal });
  const deployment = deployments.find(({ name }) => name === asked.deployment);
  if (!deployment) throw refused(asked, `the deployment ${asked.deployment} no longer exists`);
  const instance = deployment.instances.find(({ group, id }) => group === asked.group && id === asked.id);
  if (instance) return { deployment, instance };
  const [gap] = deployment.gaps ?? [];
  if (gap) throw gap.error;
  throw refused(asked, `${asked.name} no longer exists: it was deleted or recreated`);
}

type GrantedPermission = Extract<ports.RestartPermission, { readonly allowed: true }>;

/** @throws {SourceError} `refused`, where it may not be restarted now, saying why. */
function permissionFor(
  asked: RestartParams,
  { lock, name }: ports.Deployment,
  instance: ports.Instance,
): GrantedPermission {
  if (lock) {
    const task = `task ${lock.taskId}${lock.description === undefined ? '' : ` (${lock.description})`}`;
    throw refused(asked, `${name} is locked by ${task}: nothing else may change it until the task ends`);
  }
  if (instance.ignored) throw refused(asked, `${asked.name} is ignored (\`bosh ignore\`)`);
  if (instance.desired !== 'started')
    throw refused(asked, `${asked.name} is ${instance.desired} on purpose: a restart would start it`);
  const unreachable = UNREACHABLE[instance.state];
  if (unreachable !== undefined) throw refused(asked, `${asked.name} cannot be restarted: ${unreachable}`);
  const permission = instance.restart;
  if (!permission.allowed) throw refused(asked, `${asked.name} may not be restarted: ${permission.because}`);
  return requireSameScope(asked, permission);
}

const UNREACHABLE: Partial<Record<ports.Instance['state'], string>> = {
  absent: 'it has no VM',
  unresponsive: 'its agent is not responding',
  unknown: 'its agent responds, but its monit does not',
};

/** What was asked for may not turn into more, or less, because the configuration changed in between. */
function requireSameScope(asked: RestartParams, permission: GrantedPermission): GrantedPermission {
  const { name, process } = asked;
  if (process === undefined && permission.scope === 'process')
    throw refused(
      asked,
      `${asked.source} restarts single processes only, but the offer was for all of ${name}`,
    );
  if (process !== undefined && permission.scope === 'instance')
    throw refused(
      asked,
      `${asked.source} restarts whole instances only, but the offer was for ${process} alone`,
    );
  if (process !== undefined && !permission.processes.includes(process))
    throw refused(asked, `${process} is not among the processes that may be restarted on ${name}`);
  return permission;
}

/** Whether drain scripts run is a side effect, which the supervisor reports. */
function describeStep(
  { name, deployment, process }: RestartParams,
  { processes }: GrantedPermission,
): string {
  if (process !== undefined)
    return `Restart the process ${process} on ${name} of ${deployment}; no other process is affected`;
  const named = `${wording.count(processes.length, 'process', 'processes')} (${wording.list(processes.toSorted(), 12)})`;
  const what = processes.length === 0 ? 'its processes' : named;
  return `Restart ${name} of ${deployment}: ${what} ${processes.length === 1 ? 'stops and starts' : 'stop and start'} again`;
}

function refused({ source }: RestartParams, because: string): SourceError {
  return new SourceError(source, 'refused', because);
}

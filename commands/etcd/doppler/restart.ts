import { z } from 'zod';
import { defineRemediation, type ports, type ReadContext, SourceError } from '../../kit.ts';
import { fitTitle } from '../../shared/title.ts';
import { DOPPLER, type Service } from './services.ts';

const paramsSchema = z.strictObject({
  source: z.string(),
  deployment: z.string(),
  group: z.string(),
  id: z.string(),
  /** As people call it: `doppler_z2/0`. */
  name: z.string(),
  process: z.string(),
});

export type RestartParams = z.output<typeof paramsSchema>;

export type RestartOffer = { readonly remediation: 'restart'; readonly params: RestartParams };

/** Its dependents are watched by monit, whose cycle is 10 s, and were back after 30 s in the outage of December 2016. */
const SETTLES_WITHIN_SECONDS = 90;

export const restart = restartOf(DOPPLER);

/** Restarts an instance so that it registers again. All its other processes restart too where the source cannot restart one alone. */
export function restartOf(service: Service) {
  return defineRemediation({
    about: `Restarts one ${service.name} that is running but not registered, or is not running`,
    title: ({ name }) => fitTitle(`Restart ${name}`),
    risk: 'disruptive',
    allow: 'restart',
    uses: ['processes'],
    params: paramsSchema,
    settlesWithinSeconds: SETTLES_WITHIN_SECONDS,
    plan: async (context, params) => {
      const { deployment, instance } = await findInstance(context, params);
      const permission = requirePermission(service, params, deployment, instance);
      return {
        lines: [describeStep(params, permission), ...permission.sideEffects],
        targets: [`${params.source}:${params.deployment}/${params.group}/${params.id}`],
        precondition: instance.incarnation === undefined ? {} : { incarnation: instance.incarnation },
        afterwards: [
          `It should register within ${service.heartbeatSeconds ?? 10} s of starting.`,
          ...(service.dependents
            ? [`A ${service.dependents.process} that stays unmonitored must be started separately.`]
            : []),
        ],
        details: { scope: permission.scope },
      };
    },
    apply: async ({ write, applyContext, recordStep }, params, { details }) => {
      const { source, deployment, group, id, name, process } = params;
      const target = { deployment, group, id, ...(details?.['scope'] === 'process' && { process }) };
      const { summary } = await write.processes(source).restart(target, applyContext);
      await recordStep(`${name} restarted: ${summary}`);
    },
  });
}

const UNREACHABLE: Readonly<Partial<Record<ports.Instance['state'], string>>> = {
  unresponsive: 'its agent is not responding',
  absent: 'it has no VM',
  unknown: 'its monit is not responding',
};

/** Why an instance must not be restarted for this service, as far as is known; whether its deployment is locked is checked elsewhere. */
export function forbiddenBecause(
  { process }: Service,
  { ignored, desired, state, restart: permission }: ports.Instance,
): string | undefined {
  if (ignored) return 'it is ignored (`bosh ignore`)';
  if (desired !== 'started') return `it is meant to be ${desired}`;
  const silent = UNREACHABLE[state];
  if (silent !== undefined) return silent;
  if (!permission.allowed) return permission.because;
  if (permission.scope === 'process' && !permission.processes.includes(process))
    return `its configuration does not allow ${process} to be restarted`;
  return undefined;
}

type GrantedPermission = Extract<ports.RestartPermission, { allowed: true }>;

async function findInstance(
  { read, signal }: ReadContext<'processes'>,
  { source, deployment: name, group, id }: RestartParams,
) {
  const supervisor = read.processes.find((one) => one.name === source);
  if (!supervisor) throw new SourceError(source, 'refused', `the source ${source} is no longer configured`);
  const deployments = await supervisor.deployments({ signal });
  const deployment = deployments.find((one) => one.name === name);
  const instance = deployment?.instances.find((one) => one.group === group && one.id === id);
  if (deployment && instance) return { deployment, instance };
  const [unseen] = deployment?.gaps ?? [];
  const because = unseen
    ? `${unseen.what} could not be read (${unseen.error.message})`
    : 'it no longer exists';
  throw new SourceError(source, 'refused', `${group}/${id} of ${name} is not restarted: ${because}`);
}

/** @throws {SourceError} `refused`, saying why it must not be restarted. */
function requirePermission(
  service: Service,
  { name, process, source }: RestartParams,
  { lock }: ports.Deployment,
  instance: ports.Instance,
): GrantedPermission {
  const refused = (because: string) =>
    new SourceError(source, 'refused', `${name} is not restarted: ${because}`);
  if (process !== service.process) throw refused(`restarting ${process} does not restart a ${service.name}`);
  if (lock)
    throw refused(
      `its deployment is locked by task ${lock.taskId}${lock.description === undefined ? '' : ` (${lock.description})`}`,
    );
  const because = forbiddenBecause(service, instance);
  if (because !== undefined || !instance.restart.allowed) throw refused(because ?? 'it may not be');
  if (!instance.processes.some((one) => one.name === process))
    throw refused(`it no longer has a process ${process}`);
  return instance.restart;
}

function describeStep(
  { name, process, deployment, source }: RestartParams,
  { scope, processes }: GrantedPermission,
): string {
  if (scope === 'process')
    return `Restart the process ${process} on ${name} through ${source}; no other process is affected`;
  const all =
    processes.length === 0 ? 'all its processes' : `all its processes (${processes.toSorted().join(', ')})`;
  return `Restart ${name} of deployment ${deployment} through ${source}: ${all}, with their drain and start scripts`;
}

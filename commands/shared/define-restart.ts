import { z } from 'zod';
import { defineRemediation, type ports, type ReadContext, SourceError, wording } from '../kit.ts';
import { describeLocked, isCounted, isDown } from './instances.ts';
import { fitTitle } from './title.ts';

const paramsSchema = z.strictObject({
  source: z.string(),
  deployment: z.string(),
  group: z.string(),
  id: z.string(),
  /** The display name, `doppler_z2/0`. The other fields identify it. */
  name: z.string(),
  process: z.string().optional(),
});

export type RestartParams = z.output<typeof paramsSchema>;

export interface RestartOffer {
  readonly remediation: 'restart';
  readonly params: RestartParams;
}

/** What a restart stops, and what keeps running meanwhile. */
export interface RestartEffect {
  /** One line: `Stops 1 of 3 dopplers`. */
  readonly impact: string;
  /** What approvers rely on: `At least one other doppler is registered`. */
  readonly safety?: readonly string[];
}

/** The instance to restart, and what its supervisor reports about all instances. */
export interface Restartable {
  readonly supervisor: ports.ProcessSupervisor;
  readonly deployments: readonly ports.Deployment[];
  readonly deployment: ports.Deployment;
  readonly instance: ports.Instance;
}

interface RestartDeclaration<R extends ports.PortName> {
  readonly about: string;
  /**
   * The only process that this check restarts. Every offer names it, and the plan says whether it is restarted alone or with its instance.
   * If absent, an offer is for exactly what it names: one process or the whole instance.
   */
  readonly process?: string;
  /** Ports that `effectOf` reads beside processes. */
  readonly reads?: readonly R[];
  /** By default, what else runs in the group of the instance. It must not depend on the state of the instance itself, which changes while it fails. */
  readonly effectOf?: (
    context: ReadContext<'processes' | R>,
    params: RestartParams,
    found: Restartable,
  ) => Promise<RestartEffect>;
  /** What people should know until it is verified. */
  readonly untilVerified?: readonly string[];
  readonly settlesWithinSeconds: number;
}

/** Defines the remediation `restart`: restarts one instance, or one of its processes if the source supports that. */
export function defineRestart<const R extends ports.PortName = never>({
  about,
  process: wanted,
  reads = [],
  effectOf = async (_, params, found) => effectOnGroup(params, found),
  untilVerified,
  settlesWithinSeconds,
}: RestartDeclaration<R>) {
  const nameOf = ({ name, process }: RestartParams) =>
    wanted !== undefined || process === undefined ? name : `${process} on ${name}`;
  return defineRemediation({
    about,
    title: (params) => {
      const { name, id } = params;
      const short = { ...params, name: name.replace(id, id.slice(0, 8)) };
      return fitTitle(`Restart ${nameOf(params)}`, `Restart ${nameOf(short)}`);
    },
    risk: 'disruptive',
    allow: 'restart',
    uses: ['processes'],
    reads,
    params: paramsSchema,
    settlesWithinSeconds,
    plan: async (context, params) => {
      const { source, deployment, group, id, process } = params;
      if (wanted !== undefined && process !== wanted)
        throw refused(params, `this fix restarts only ${wanted}, not ${process ?? 'the whole instance'}`);
      const { permission, ...found } = await findRestartable(context, params);
      const { instance } = found;
      if (wanted === undefined) requireSameScope(params, permission);
      return {
        ...(await effectOf(context, params, found)),
        lines: [describeStep(params, permission), ...permission.sideEffects],
        targets: [`${source}:${deployment}/${group}/${id}`],
        precondition: instance.incarnation === undefined ? {} : { incarnation: instance.incarnation },
        ...(untilVerified && { untilVerified }),
        ...(wanted !== undefined && { details: { scope: permission.scope } }),
      };
    },
    apply: async ({ write, applyContext, recordStep }, params, { details }) => {
      const { source, deployment, group, id, process } = params;
      const isWhole = process === undefined || details?.['scope'] === 'instance';
      const target = { deployment, group, id, ...(!isWhole && { process }) };
      const { summary } = await write.processes(source).restart(target, applyContext);
      await recordStep(`${nameOf(params)} restarted: ${summary}`);
    },
  });
}

const UNREACHABLE: Readonly<Partial<Record<ports.Instance['state'], string>>> = {
  absent: 'it has no VM',
  unresponsive: 'its agent is not responding',
  unknown: 'its monit is not responding',
};

/**
 * Whether an instance, or one of its processes, may be restarted. A task that has locked the deployment does not count here, because it
 * ends: until then, the plan is refused.
 */
export function permissionToRestart(
  { ignored, desired, state, restart }: ports.Instance,
  process?: string,
): ports.RestartPermission {
  const forbidden = (because: string) => ({ allowed: false, because }) as const;
  if (ignored) return forbidden('it is ignored (`bosh ignore`)');
  if (desired !== 'started') return forbidden(`it is ${desired} on purpose, and a restart would start it`);
  const unreachable = UNREACHABLE[state];
  if (unreachable !== undefined) return forbidden(unreachable);
  const isOther =
    restart.allowed &&
    restart.scope === 'process' &&
    process !== undefined &&
    !restart.processes.includes(process);
  return isOther ? forbidden(`the configuration does not allow restarting ${process}`) : restart;
}

type GrantedPermission = Extract<ports.RestartPermission, { readonly allowed: true }>;

/**
 * @throws {SourceError} if the instance no longer exists or must not be restarted now, with the reason.
 */
async function findRestartable(
  { read, signal }: ReadContext<'processes'>,
  params: RestartParams,
): Promise<Restartable & { readonly permission: GrantedPermission }> {
  const { source, process } = params;
  const supervisor = read.processes.find(({ name }) => name === source);
  if (!supervisor) throw refused(params, `the source ${source} is no longer configured`);
  const deployments = await supervisor.deployments({ signal });
  const deployment = deployments.find(({ name }) => name === params.deployment);
  if (!deployment) throw refused(params, `the deployment ${params.deployment} no longer exists`);
  const instance = deployment.instances.find(({ group, id }) => group === params.group && id === params.id);
  const [unread] = deployment.gaps ?? [];
  if (!instance && unread)
    throw refused(params, `${unread.what} couldn't be read (${unread.error.message})`, unread.error.kind);
  if (!instance) throw refused(params, 'it no longer exists (deleted or recreated)');
  const locked = describeLocked(deployment);
  if (locked !== undefined) throw refused(params, `${locked}; try again when the task ends`);
  const permission = permissionToRestart(instance, process);
  if (!permission.allowed) throw refused(params, permission.because);
  if (process !== undefined && !instance.processes.some(({ name }) => name === process))
    throw refused(params, `it no longer has the process ${process}`);
  return { supervisor, deployments, deployment, instance, permission };
}

/** Instances that couldn't be read may run too, so nothing is counted without them. */
function effectOnGroup(
  { name, group, process }: RestartParams,
  { supervisor, deployment, instance }: Restartable,
): RestartEffect {
  const { instances, gaps = [] } = deployment;
  const what = process === undefined ? '' : `${process} on `;
  if (supervisor.supervisor === 'host' || gaps.length > 0)
    return { impact: `Stops ${what}${name} until it has restarted` };
  const others = instances.filter((one) => one.group === group && one !== instance && isCounted(one));
  if (others.length === 0)
    return { impact: `Stops ${what}the only instance of ${group} until it has restarted` };
  const impact = `Stops ${what}1 of ${others.length + 1} instances of ${group} until it has restarted`;
  const running = others.filter((one) => runs(one, process)).length;
  if (running === 0) return { impact: `${impact}; it runs on no other one` };
  return {
    impact: `${impact}; it runs on ${running} of ${wording.count(others.length, 'other')}`,
    safety: [`${process ?? group} runs on at least one other instance`],
  };
}

function runs({ state, processes }: ports.Instance, wanted: string | undefined): boolean {
  if (wanted === undefined) return state === 'running';
  return processes.some((process) => process.name === wanted && !isDown(process));
}

/** After a change of the configuration, a fix must not do more or less than was offered. */
function requireSameScope(params: RestartParams, { scope }: GrantedPermission): void {
  const { source, process } = params;
  if (process === undefined && scope === 'process')
    throw refused(
      params,
      `${source} can restart only single processes, but the offer was for the whole instance`,
    );
  if (process !== undefined && scope === 'instance')
    throw refused(
      params,
      `${source} can restart only whole instances, but the offer was for ${process} alone`,
    );
}

/** Whether drain scripts run is a side effect, which the source reports. */
function describeStep(
  { name, deployment, process }: RestartParams,
  { scope, processes }: GrantedPermission,
): string {
  if (scope === 'process')
    return `Restart the process ${process} on ${name} of ${deployment}; no other process is affected`;
  const named = `${wording.count(processes.length, 'process', 'processes')} (${wording.list(processes.toSorted(), 12)})`;
  const what = processes.length === 0 ? 'its processes' : named;
  return `Restart ${name} of ${deployment}: ${what} ${processes.length === 1 ? 'stops and starts' : 'stop and start'} again`;
}

function refused({ source, name }: RestartParams, because: string, kind: SourceError['kind'] = 'refused') {
  return new SourceError(source, kind, `cannot restart ${name}: ${because}`);
}

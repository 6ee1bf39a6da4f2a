import type {
  Deployment,
  Instance,
  RestartPermission,
  RunningProcess,
  ServiceFault,
} from '../../ports/processes.ts';
import type { ReadOptions } from '../../ports/read-options.ts';
import { SourceError } from '../../ports/source-error.ts';
import { concurrently } from '../../wire/concurrently.ts';
import { followReads } from '../../wire/follow-reads.ts';
import type { MonitConfig, MonitHost } from './config.ts';
import type { MonitClient } from './client.ts';
import { failuresOf, processState, typeOf } from './describe-status.ts';
import { type MonitProcess, type MonitService, type MonitStatus, SYSTEM } from './parse-status.ts';

/** High enough that a rack that doesn't respond doesn't delay the others. */
const HOSTS_AT_ONCE = 50;

type HostStatus = { readonly host: MonitHost } & (
  | { readonly status: MonitStatus }
  | { readonly error: SourceError }
);

/** Queries every host. At a deadline, hosts that have not responded get its error, and the others are kept. */
export async function* readHosts(
  { hosts }: MonitConfig,
  client: MonitClient,
  signal: AbortSignal,
): AsyncGenerator<HostStatus, void> {
  const read = async (host: MonitHost): Promise<HostStatus> => {
    try {
      const { status } = await client.readStatus(host, signal);
      return { host, status };
    } catch (error) {
      if (!(error instanceof SourceError)) throw error;
      return { host, error };
    }
  };
  yield* concurrently(hosts, HOSTS_AT_ONCE, read);
}

/** @throws {SourceError} if no host could be read. */
export async function readDeployment(
  config: MonitConfig,
  client: MonitClient,
  { signal, onProgress }: ReadOptions,
): Promise<Deployment> {
  const statuses = new Map<MonitHost, HostStatus>();
  const reads = followReads(
    onProgress,
    'hosts',
    config.hosts.map(({ instance }) => instance),
  );
  for await (const status of readHosts(config, client, signal)) {
    statuses.set(status.host, status);
    reads.end(status.host.instance, !('error' in status));
  }
  // In the configured order.
  const inOrder = config.hosts.map((host) => statuses.get(host)).filter((one) => one !== undefined);
  const instances = inOrder.flatMap((status) =>
    'error' in status ? [] : [instanceOf(status.host, status.status, config)],
  );
  const gaps = inOrder.flatMap((status) => gapsOf(config, status));
  const failed = inOrder.find((status) => 'error' in status);
  if (failed && instances.length === 0) throw noneReadable(config, failed.error);
  return { source: config.name, name: config.name, instances, ...(gaps.length > 0 && { gaps }) };
}

function gapsOf({ name }: MonitConfig, status: HostStatus): NonNullable<Deployment['gaps']> {
  const { instance } = status.host;
  if ('error' in status) return [{ what: instance, error: status.error }];
  return status.status.unread.map((one) => ({
    what: one.name === undefined ? `${instance}: other services` : `${instance}: ${one.name}`,
    error: new SourceError(name, 'malformed', one.because),
  }));
}

function noneReadable({ name, hosts }: MonitConfig, error: SourceError): SourceError {
  if (hosts.length === 1) return error;
  return new SourceError(name, error.kind, `couldn't read any of ${hosts.length} monits: ${error.message}`);
}

/** `doppler_z2/0` is a group and an index; `doppler_z2/3f1c…` a group and an id. */
export function identityOf({ instance, id }: MonitHost): Pick<Instance, 'group' | 'id' | 'index' | 'name'> {
  const [group = '', last = ''] = instance.split('/');
  return { group, id: id ?? last, name: instance, ...(/^\d{1,6}$/.test(last) && { index: Number(last) }) };
}

function instanceOf(host: MonitHost, { processes, others }: MonitStatus, config: MonitConfig): Instance {
  const restartable = processes.filter(({ name }) => mayRestart(config, name));
  const faults = others.flatMap(faultOf);
  return {
    ...identityOf(host),
    ...(host.zone !== undefined && { zone: host.zone }),
    addresses: host.addresses,
    desired: 'started',
    ignored: false,
    state: wholeOf([...processes, ...others.filter(({ failsInstance }) => failsInstance)]),
    processes: processes.map((one): RunningProcess => ({
      name: one.name,
      state: processState(one),
      ...(one.uptimeSeconds !== undefined && { uptimeSeconds: one.uptimeSeconds }),
    })),
    ...(faults.length > 0 && { faults }),
    incarnation: incarnationOf(restartable.length > 0 ? restartable : processes),
    restart: permissionFor(restartable, config),
  };
}

function faultOf(service: MonitService): readonly ServiceFault[] {
  const { name, failsInstance, message } = service;
  const state = processState(service);
  if (state === 'running') return [];
  // The machine itself, which no job depends on: reported only if it has failed.
  if (!failsInstance && state !== 'failing' && service.type === SYSTEM) return [];
  const failures = state === 'failing' ? failuresOf(service) : [];
  return [
    {
      name,
      type: typeOf(service),
      state,
      failures,
      failsInstance,
      ...(message !== undefined && { message }),
    },
  ];
}

/** Like the BOSH agent: a process that is starting takes precedence over one that is failing. */
function wholeOf(services: readonly MonitService[]): Instance['state'] {
  const states = new Set(services.map(processState));
  if (states.has('starting')) return 'starting';
  return states.has('failing') || states.has('unmonitored') ? 'failing' : 'running';
}

/** Only of processes that can be restarted: other processes may restart every few seconds, which must not change the plan. */
function incarnationOf(processes: readonly MonitProcess[]): string {
  return processes.map((one) => `${one.name} ${processState(one) === 'running' ? one.pid : '-'}`).join(', ');
}

/** Whether the configuration allows restarting a process. */
export function mayRestart({ allow: { restart } }: MonitConfig, process: string): boolean {
  return restart?.processes.includes(process) ?? false;
}

function permissionFor(
  restartable: readonly MonitProcess[],
  { name, allow }: MonitConfig,
): RestartPermission {
  if (!allow.restart)
    return { allowed: false, because: `\`allow.restart\` is not configured for the source ${name}` };
  if (restartable.length === 0)
    return {
      allowed: false,
      because: `none of its processes is listed in \`allow.restart.processes\` of the source ${name}`,
    };
  return {
    allowed: true,
    scope: 'process',
    processes: restartable.map((one) => one.name),
    sideEffects: ["Drain scripts don't run: monit stops the process immediately"],
  };
}

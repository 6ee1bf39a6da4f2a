import type { Deployment, Instance, RestartTerms, RunningProcess } from '../../ports/processes.ts';
import { SourceError } from '../../ports/source-error.ts';
import { concurrently } from '../../wire/concurrently.ts';
import type { MonitConfig, MonitHost } from './config.ts';
import type { Contact } from './contact.ts';
import { stateOf } from './in-words.ts';
import type { MonitProcess } from './parse-status.ts';

const HOSTS_AT_ONCE = 20;

type Looked = { readonly host: MonitHost } & (
  | { readonly processes: readonly MonitProcess[] }
  | { readonly error: SourceError }
);

/** Asks every host, each by itself. */
export async function* lookAtHosts(
  { hosts }: MonitConfig,
  contact: Contact,
  signal: AbortSignal,
): AsyncGenerator<Looked, void> {
  const look = async (host: MonitHost, stop: AbortSignal): Promise<Looked> => {
    try {
      const { status } = await contact.readStatus(host, stop);
      return { host, processes: status.processes };
    } catch (error) {
      if (!(error instanceof SourceError)) throw error;
      return { host, error };
    }
  };
  yield* concurrently(hosts, HOSTS_AT_ONCE, look, signal);
}

/** @throws {SourceError} where not one host could be read. */
export async function readDeployment(
  config: MonitConfig,
  contact: Contact,
  signal: AbortSignal,
): Promise<Deployment> {
  const instances = new Map<MonitHost, Instance>();
  const gaps = new Map<MonitHost, SourceError>();
  for await (const looked of lookAtHosts(config, contact, signal)) {
    if ('error' in looked) gaps.set(looked.host, looked.error);
    else instances.set(looked.host, instanceOf(looked.host, looked.processes, config));
  }
  const [error] = gaps.values();
  if (error && instances.size === 0) throw allSilent(config, error);
  // As configured, whoever answered first.
  return {
    source: config.name,
    name: config.name,
    instances: config.hosts.map((host) => instances.get(host)).filter((one) => one !== undefined),
    ...(gaps.size > 0 && {
      gaps: config.hosts.flatMap((host) => {
        const error = gaps.get(host);
        return error ? [{ what: host.instance, error }] : [];
      }),
    }),
  };
}

function allSilent({ name, hosts }: MonitConfig, error: SourceError): SourceError {
  if (hosts.length === 1) return error;
  return new SourceError(name, error.kind, `none of ${hosts.length} monits could be read: ${error.message}`);
}

/** `doppler_z2/0` is a group and an index; `doppler_z2/3f1c…` a group and an id. */
export function whoIs({ instance, id }: MonitHost): Pick<Instance, 'group' | 'id' | 'index' | 'name'> {
  const [group = '', last = ''] = instance.split('/');
  return { group, id: id ?? last, name: instance, ...(/^\d{1,6}$/.test(last) && { index: Number(last) }) };
}

function instanceOf(host: MonitHost, processes: readonly MonitProcess[], config: MonitConfig): Instance {
  const restartable = processes.filter(({ name }) => config.restart.includes(name));
  return {
    ...whoIs(host),
    ...(host.zone !== undefined && { zone: host.zone }),
    addresses: host.addresses,
    desired: 'started',
    ignored: false,
    state: wholeOf(processes),
    processes: processes.map((one): RunningProcess => ({
      name: one.name,
      state: stateOf(one),
      ...(one.uptimeSeconds !== undefined && { uptimeSeconds: one.uptimeSeconds }),
      ...(one.pid !== undefined && { pid: one.pid }),
    })),
    incarnation: incarnationOf(restartable.length > 0 ? restartable : processes),
    restart: termsOf(restartable, config),
  };
}

/** As the BOSH agent adds them up: one that starts outweighs one that fails. */
function wholeOf(processes: readonly MonitProcess[]): Instance['state'] {
  const states = new Set(processes.map(stateOf));
  if (states.has('starting')) return 'starting';
  return states.has('failing') || states.has('unmonitored') ? 'failing' : 'running';
}

/** Of what may be restarted only: beside it another process may come and go every few seconds, which is no reason to plan anew. */
function incarnationOf(processes: readonly MonitProcess[]): string {
  return processes.map((one) => `${one.name} ${stateOf(one) === 'running' ? one.pid : '-'}`).join(', ');
}

function termsOf(restartable: readonly MonitProcess[], { name, restart }: MonitConfig): RestartTerms {
  if (restart.length === 0)
    return { allowed: false, because: `the source ${name} only reads: its \`restart\` names no process` };
  if (restartable.length === 0)
    return { allowed: false, because: `none of its processes is named in \`restart\` of the source ${name}` };
  return {
    allowed: true,
    scope: 'process',
    processes: restartable.map((one) => one.name),
    besides: ['Drain scripts are not run: monit stops the process at once'],
  };
}

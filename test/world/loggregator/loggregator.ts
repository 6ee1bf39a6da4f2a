import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { MAX_WORLD_WAIT_MS } from '../../timeouts.ts';
import { type Monit, startMonit } from '../monit.ts';
import type { WatchedProcess } from '../monit/scripts.ts';
import { type Keys, type KeySettings, openKeys } from './keys.ts';
import { type Machine, planMachines } from './machines.ts';
import type { VmSettings } from './settings.ts';
import { readVm, type Vm } from './vm.ts';

/**
 * The dopplers and metron_agents of one Cloud Foundry: small real processes under real monits, which
 * register themselves in a real etcd.
 */
export interface Loggregator {
  readonly vms: readonly Vm[];
  /** @throws if there is no such VM. */
  readonly vm: (name: string) => Vm;
  /**
   * The outage: the doppler on this VM keeps running but no longer registers itself. Resolves when its key
   * has expired.
   */
  readonly stick: (name: string) => Promise<void>;
  /** Every process runs and every doppler is registered. */
  readonly waitUntilHealthy: (limitMs?: number) => Promise<void>;
  /** The number of VMs on which metron_agent runs now. */
  readonly countMetrons: () => Promise<number>;
  /** Stops everything started here; safe to call twice. */
  readonly close: () => Promise<void>;
}

export interface LoggregatorOptions {
  /** The `access` of a test/world/etcd.ts. */
  readonly etcd: KeySettings;
  /** Default 12, at least one for each zone. */
  readonly vms?: number;
  /** Default 3. */
  readonly zones?: number;
  /** How long a registration lasts. Default 10, as in the outage. */
  readonly ttlSeconds?: number;
  /**
   * Of every monit. Default 3, so short that a metron_agent that panics is gone before its monit considers
   * it running; BOSH uses 10.
   */
  readonly pollSeconds?: number;
}

export async function startLoggregator(options: LoggregatorOptions): Promise<Loggregator> {
  const { etcd, vms: count = 12, zones = 3 } = options;
  const cache = await mkdtemp(join(tmpdir(), 'wrench-loggregator-'));
  const started = await Promise.allSettled(
    planMachines(count, zones).map((machine) => startVm(machine, options, cache)),
  );
  const running = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const close = async (): Promise<void> => {
    await Promise.all(running.map(({ monit }) => monit.close()));
    await rm(cache, { recursive: true, force: true });
  };
  const failed = started.find((one) => one.status === 'rejected');
  if (failed) {
    await close();
    throw failed.reason;
  }
  const vms = running.map(({ vm }) => vm);
  const keys = openKeys(etcd);
  const find = (name: string): (typeof running)[number] => {
    const found = running.find(({ vm }) => vm.name === name);
    if (!found) throw new RangeError(`there is no ${name}`);
    return found;
  };
  return {
    vms,
    vm: (name) => find(name).vm,
    stick: async (name) => {
      const { vm, monit } = find(name);
      process.kill(await monit.pidOf('doppler'), 'SIGUSR2');
      await until(async () => !(await isAnnounced(keys, vm)), MAX_WORLD_WAIT_MS, `${name} to be gone`);
    },
    waitUntilHealthy: (limitMs = MAX_WORLD_WAIT_MS) => until(() => isHealthy(keys, vms), limitMs, 'health'),
    countMetrons: async () => (await Promise.all(vms.map(metronRuns))).filter(Boolean).length,
    close,
  };
}

/**
 * Both programs run without a build; their compiled form is cached, because metron_agent is restarted again
 * and again.
 */
async function startVm(
  machine: Machine,
  { etcd, ttlSeconds = 10, pollSeconds = 3 }: LoggregatorOptions,
  cache: string,
): Promise<{ vm: Vm; monit: Monit }> {
  const settingsFile = join(cache, `${machine.group}-${machine.index}.json`);
  const program = (file: URL): Pick<WatchedProcess, 'command' | 'environment' | 'ownerPid'> => ({
    command: [process.execPath, '--max-semi-space-size=1', fileURLToPath(file), settingsFile],
    environment: { NODE_COMPILE_CACHE: join(cache, 'compiled') },
    ownerPid: process.pid,
  });
  const doppler: WatchedProcess = { name: 'doppler', ...program(new URL('./doppler.ts', import.meta.url)) };
  const metron: WatchedProcess = {
    name: 'metron_agent',
    ...program(new URL('./metron.ts', import.meta.url)),
  };
  const settings: VmSettings = {
    etcd,
    zone: machine.zone,
    job: machine.group,
    id: machine.id,
    address: machine.addresses[0]!,
    ttlSeconds,
    ownerPid: process.pid,
  };
  await writeFile(settingsFile, JSON.stringify(settings));
  const monit = await startMonit({
    name: machine.name,
    pollSeconds,
    processes: machine.group.startsWith('doppler') ? [doppler, metron] : [metron],
  });
  const { url, username, password, folder } = monit;
  return { vm: { ...machine, monit: { url, username, password }, folder }, monit };
}

async function isAnnounced(keys: Keys, { zone, group, id }: Vm): Promise<boolean> {
  const { status } = await keys('GET', `/doppler/meta/${zone}/${group}/${id}?quorum=true`);
  return status === 200;
}

async function isHealthy(keys: Keys, vms: readonly Vm[]): Promise<boolean> {
  const states = await Promise.all(
    vms.map(async (vm) => {
      const processes = await readVm(vm);
      const announces = processes.some(({ name }) => name === 'doppler');
      if (announces && !(await isAnnounced(keys, vm))) return false;
      return processes.every(({ state, uptimeSecs }) => state === 'running' && uptimeSecs !== undefined);
    }),
  );
  return states.every(Boolean);
}

async function metronRuns(vm: Vm): Promise<boolean> {
  return (await readVm(vm)).some(({ name, state }) => name === 'metron_agent' && state === 'running');
}

async function until(holds: () => Promise<boolean>, limitMs: number, what: string): Promise<void> {
  const endsAt = performance.now() + limitMs;
  while (!(await holds())) {
    if (performance.now() > endsAt) throw new Error(`waited ${limitMs} ms for ${what}`);
    await sleep(250);
  }
}

import { constants } from 'node:fs';
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { z } from 'zod';
import type { boshConfig } from '../../src/sources/bosh/config.ts';
import type { etcdConfig } from '../../src/sources/etcd/config.ts';
import { MAX_WORLD_WAIT_MS } from '../timeouts.ts';
import { vmsUnderMonit } from './bosh/monit-vms.ts';
import { type Director, startDirector } from './bosh-director.ts';
import { type Etcd, startEtcd } from './etcd.ts';
import { type Loggregator, startLoggregator } from './loggregator/loggregator.ts';

/** The doppler that lost its key in the outage. */
const BROKEN_DOPPLER = 'doppler_z2/0';

/**
 * A small Cloud Foundry of 2016: three real etcds with client certificates, dopplers and metron_agents as
 * real processes under one real monit per VM, and a director that reports and restarts them.
 */
export interface CloudFoundry {
  readonly etcd: Etcd;
  readonly loggregator: Loggregator;
  readonly director: Director;
  /**
   * As configured for one environment in `wrench.yaml`: `etcd` may be maintained, `bosh` may restart
   * `doppler*` with its second credential.
   */
  readonly sources: readonly [z.input<typeof etcdConfig>, z.input<typeof boshConfig>];
  /**
   * The outage: doppler_z2/0 keeps running but no longer registers itself. Resolves when its key is gone
   * and no metron_agent runs.
   */
  readonly breakDoppler: () => Promise<void>;
  readonly waitUntilHealthy: (limitMs?: number) => Promise<void>;
  /** Stops everything started here and removes its folders; safe to call twice. */
  readonly close: () => Promise<void>;
}

export interface CloudFoundryOptions {
  /** At least one for each zone. */
  readonly vms: number;
  /** Default 3. */
  readonly zones?: number;
  /** How long a doppler's registration lasts. Default 10, as in the outage. */
  readonly ttlSeconds?: number;
  /** Of every monit. Default 3. */
  readonly pollSeconds?: number;
  /** Of each etcd. Default 2 GiB, etcd's own. */
  readonly quotaBytes?: number;
}

/** The required programs, and their packages in Debian. */
const PROGRAMS: Readonly<Record<string, string>> = { etcd: 'etcd-server', monit: 'monit' };

/** The packages whose programs are not on PATH. */
export async function missingPackages(path = process.env['PATH'] ?? ''): Promise<readonly string[]> {
  const isThere = async (program: string): Promise<boolean> => {
    const places = path.split(delimiter).map((folder) => access(join(folder, program), constants.X_OK));
    return (await Promise.allSettled(places)).some(({ status }) => status === 'fulfilled');
  };
  const lookups = Object.entries(PROGRAMS).map(async ([program, brings]) =>
    (await isThere(program)) ? [] : [brings],
  );
  return (await Promise.all(lookups)).flat();
}

export async function startCloudFoundry(options: CloudFoundryOptions): Promise<CloudFoundry> {
  const { quotaBytes } = options;
  const started: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const end of started.splice(0).toReversed()) await end();
  };
  const keep = <T extends { readonly close: () => Promise<void> }>(part: T): T => {
    started.push(part.close);
    return part;
  };
  try {
    const folder = await mkdtemp(join(tmpdir(), 'wrench-cf-'));
    started.push(() => rm(folder, { recursive: true, force: true }));
    const etcd = keep(await startEtcd({ members: 3, ...(quotaBytes !== undefined && { quotaBytes }) }));
    const loggregator = keep(await startLoggregator({ ...options, etcd: etcd.access }));
    const director = keep(
      await startDirector({
        deployments: { cf: vmsUnderMonit(loggregator.vms) },
        releases: { cf: [{ name: 'cf', version: '245' }] },
        ownCertificates: [],
      }),
    );
    const directorCa = join(folder, 'director.pem');
    await writeFile(directorCa, director.ca);
    return {
      etcd,
      loggregator,
      director,
      sources: [etcdSource(etcd), boshSource(director, directorCa)],
      breakDoppler: () => breakDoppler(loggregator),
      waitUntilHealthy: loggregator.waitUntilHealthy,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function etcdSource({ access: { endpoints, ca, clientCertificate } }: Etcd): z.input<typeof etcdConfig> {
  return {
    kind: 'etcd',
    name: 'etcd',
    endpoints: [...endpoints],
    ca,
    clientCertificate,
    allow: { maintain: true },
  };
}

function boshSource({ url, reader, admin }: Director, ca: string): z.input<typeof boshConfig> {
  return {
    kind: 'bosh',
    name: 'bosh',
    url,
    ca,
    auth: { client: { id: reader.id, secret: reader.secret } },
    allow: { restart: { auth: { client: { id: admin.id, secret: admin.secret } }, groups: ['doppler*'] } },
  };
}

async function breakDoppler({ stick, countMetrons }: Loggregator): Promise<void> {
  await stick(BROKEN_DOPPLER);
  const endsAt = performance.now() + MAX_WORLD_WAIT_MS;
  while ((await countMetrons()) > 0) {
    if (performance.now() > endsAt) throw new Error('some metron_agent does not go down');
    await sleep(250);
  }
}

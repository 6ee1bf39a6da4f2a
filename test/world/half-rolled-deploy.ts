import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type TlsOptions } from 'node:tls';
import { addEvent, type Task } from './bosh/tasks.ts';
import { makeMemoryVms, makeVm } from './bosh/vms.ts';
import { startDirector } from './bosh-director.ts';
import { makeListeners } from './tls-servers.ts';
import type { VaultUnderTest } from './vault/administer.ts';

const DEPLOYMENT = 'diego';
const CA = 'secret/cf/bbs/locket/ca';
const YEAR_MS = 365 * 86_400_000;

/** Where each instance's certificate is stored, and the name in it. */
const INSTANCES = [
  { name: 'diego-api/0', process: 'bbs', stored: 'secret/cf/bbs/locket/tls', servername: 'bbs' },
  { name: 'diego-cell/0', process: 'rep', stored: 'secret/cf/cell/rep/tls', servername: 'cell' },
  { name: 'diego-cell/1', process: 'rep', stored: 'secret/cf/cell/rep/tls', servername: 'cell' },
  { name: 'diego-cell/2', process: 'rep', stored: 'secret/cf/cell/rep/tls', servername: 'cell' },
] as const;
type InstanceName = (typeof INSTANCES)[number]['name'];
const [FIRST_CELL, STUCK_CELL, LAST_CELL] = ['diego-cell/0', 'diego-cell/1', 'diego-cell/2'] as const;

/**
 * The Diego of an outage: bbs and three cells as real TLS servers that verify each other, and a director that deploys to them what the Vault stores. They
 * serve the certificates that they were started with, until they are deployed.
 */
export interface HalfRolledDeploy {
  /** As configured in `wrench.yaml`: the sites and the director. */
  readonly sources: readonly object[];
  /** The deploy after a renewal: it changes bbs and one cell, and hangs at the next cell, whose old certificate bbs rejects. */
  readonly deploy: () => Promise<void>;
  readonly isHanging: () => boolean;
  /** What a person does at the cell: replaces its certificates and restarts its processes. Then the deploy continues to its end. */
  readonly replaceByHand: () => Promise<void>;
  /** Whether the Vault has newer certificates than bbs and the cells were started with. */
  readonly isRenewed: () => Promise<boolean>;
  readonly close: () => Promise<void>;
}

/** @param vault with the certificates of bbs and cells, and their CA */
export async function startHalfRolledDeploy(vault: VaultUnderTest): Promise<HalfRolledDeploy> {
  const folder = await mkdtemp(join(tmpdir(), 'wrench-deploy-'));
  const listeners = makeListeners();
  const authority = await certificateIn(vault, CA);
  await writeFile(join(folder, 'cf-ca.pem'), authority.cert);
  const started = await Promise.all(
    INSTANCES.map(async (instance) => {
      const server = createServer(await optionsOf(vault, instance.stored, authority.cert));
      const { host, port } = await listeners.listen(server);
      return { ...instance, server, host, port };
    }),
  );
  const sites = started.map(
    ({ name, host, port, servername }) => `${servername}.service.cf.internal@${host}:${port} ${name}`,
  );
  await writeFile(join(folder, 'sites'), `${sites.join('\n')}\n`);
  const first = await Promise.all(INSTANCES.map(({ stored }) => versionOf(vault, stored)));
  const director = await startDirector({
    deployments: { [DEPLOYMENT]: makeMemoryVms(machines()) },
    ownCertificates: [
      { certificate_path: 'nats.tls.ca', expiry: new Date(Date.now() + YEAR_MS).toISOString() },
    ],
  });
  await writeFile(join(folder, 'director.pem'), director.ca);
  let held: { readonly task: Task; readonly end: () => void } | undefined;

  const reload = async (name: InstanceName): Promise<void> => {
    const { server, stored } = started.find((one) => one.name === name)!;
    server.setSecureContext(await optionsOf(vault, stored, authority.cert));
  };
  return {
    sources: [
      {
        kind: 'tls',
        name: 'diego',
        sitesFile: join(folder, 'sites'),
        trust: [join(folder, 'cf-ca.pem')],
      },
      {
        kind: 'bosh',
        name: 'bosh-diego',
        url: director.url,
        ca: join(folder, 'director.pem'),
        auth: { client: { id: director.reader.id, secret: director.reader.secret } },
      },
    ],
    deploy: async () => {
      if (held) return;
      const { taskId, end } = director.hold(DEPLOYMENT, 'create deployment');
      const task = director.tasks.find(({ id }) => id === taskId)!;
      held = { task, end };
      for (const name of ['diego-api/0', FIRST_CELL] as const) {
        updating(task, name, 'started');
        await reload(name);
        updating(task, name, 'finished');
      }
      updating(task, STUCK_CELL, 'started');
    },
    isHanging: () => held !== undefined,
    replaceByHand: async () => {
      if (!held) return;
      const { task, end } = held;
      held = undefined;
      await reload(STUCK_CELL);
      updating(task, STUCK_CELL, 'finished');
      updating(task, LAST_CELL, 'started');
      await reload(LAST_CELL);
      updating(task, LAST_CELL, 'finished');
      end();
    },
    isRenewed: async () => {
      const versions = await Promise.all(INSTANCES.map(({ stored }) => versionOf(vault, stored)));
      return versions.every((version, at) => version > first[at]!);
    },
    close: async () => {
      await Promise.all([listeners.close(), director.close()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function machines() {
  return INSTANCES.map(({ name, process }) => {
    const [group = '', index] = name.split('/');
    return makeVm(group, Number(index), {
      id: name.replace('/', '-'),
      processes: [{ name: process, state: 'running', uptimeSeconds: 31_500_000 }],
    });
  });
}

/** `diego-cell/1 (1)`, as the director names an instance in its events. */
function updating(task: Task, name: InstanceName, state: 'started' | 'finished'): void {
  const [group = '', index] = name.split('/');
  addEvent(task, {
    stage: 'Updating instance',
    tags: [group],
    total: INSTANCES.filter((one) => one.name.startsWith(`${group}/`)).length,
    task: `${name} (${index})`,
    index: Number(index) + 1,
    state,
    progress: state === 'started' ? 0 : 100,
  });
}

async function certificateIn(vault: VaultUnderTest, path: string): Promise<{ cert: string; key: string }> {
  const { values } = await vault.get(path);
  return { cert: String(values['certificate']), key: String(values['key']) };
}

async function versionOf(vault: VaultUnderTest, path: string): Promise<number> {
  return (await vault.get(path)).version;
}

/** A server that requires the client certificates of its peers. */
async function optionsOf(vault: VaultUnderTest, path: string, ca: string): Promise<TlsOptions> {
  return { ...(await certificateIn(vault, path)), ca, requestCert: true, rejectUnauthorized: true };
}

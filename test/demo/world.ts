import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { writeCertificateFiles } from '../world/certificate-files.ts';
import { type CloudFoundry, startCloudFoundry } from '../world/cloud-foundry.ts';
import { type SiteKind, startTlsServers, type TlsServers } from '../world/tls-servers.ts';
import type { VaultUnderTest } from '../world/vault/administer.ts';
import { startVault } from '../world/vault.ts';
import { fillVault } from './downloading-failed.ts';
import { PEOPLE } from './people.ts';

export interface DemoWorld {
  /** A `wrench.yaml` with the environment `demo`. */
  readonly configPath: string;
  /** Absent where none was asked for, or where the system lacks what it needs. */
  readonly cloudFoundry?: CloudFoundry;
  readonly close: () => Promise<void>;
}

/** The people of the workspace by what they may do: Ada by her id, Grace by her group, Kate nothing. */
const ROLES = {
  requester: [PEOPLE.ada, PEOPLE.leads],
  approver: [PEOPLE.ada, PEOPLE.leads],
};

/** Off until it is named; of the two others who would have to approve it the demo has one. */
const REMEDIATIONS = { destructive: ['etcd/health:free-space'], approvals: { destructive: 1 } };

/** Of all kinds of trouble, those that an evening on call may bring. */
const SITES: readonly SiteKind[] = [
  'healthy',
  'expired-leaf',
  'expired-intermediate',
  'incomplete',
  'wrong-name',
  'self-signed',
  'mtls-tls13',
  'tls12-only',
  'starttls-smtp',
  'starttls-postgres',
  'silent',
  'closed',
];

/** So little that a person sees an etcd without space in seconds. */
const QUOTA_BYTES = 32_000_000;

/** Kept as people keep them; two cannot be read. */
const FILES = ['shapes/*', 'containers/*', 'documents/*', 'odd/soon.pem', 'cut.pem'];

/** Real TLS servers, a folder of files, a Vault and a small Cloud Foundry on loopback, all of this demo's own. */
export async function startDemoWorld({ vms }: { readonly vms: number }): Promise<DemoWorld> {
  const now = new Date();
  const [servers, vault, cloudFoundry] = await Promise.all([
    startTlsServers({ now }),
    startVault(),
    vms > 0 ? startCloudFoundry({ vms, quotaBytes: QUOTA_BYTES }) : undefined,
  ]);
  const folder = await mkdtemp(join(tmpdir(), 'wrench-demo-'));
  const sources = [
    await vaultSource(vault, now),
    await tlsSource(servers, folder),
    await filesSource(folder, now),
    ...(cloudFoundry?.sources ?? []),
  ];
  const configPath = join(folder, 'wrench.yaml');
  const config = {
    environments: { demo: { sources } },
    defaultEnvironment: 'demo',
    roles: ROLES,
    remediations: REMEDIATIONS,
  };
  await writeFile(configPath, stringify(config), { mode: 0o600 });
  return {
    configPath,
    ...(cloudFoundry && { cloudFoundry }),
    close: async () => {
      await Promise.all([servers.close(), vault.close(), cloudFoundry?.close()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function vaultSource(vault: VaultUnderTest, now: Date) {
  const { token, renewToken } = await fillVault(vault, now);
  return {
    kind: 'vault',
    name: 'vault',
    url: vault.address,
    paths: ['secret/cf'],
    auth: { token },
    allow: { renew: { auth: { token: renewToken } } },
  };
}

async function tlsSource({ certificates, sites }: TlsServers, folder: string) {
  const root = join(folder, 'root.pem');
  await writeFile(root, certificates.root.certificatePem);
  return {
    kind: 'tls',
    name: 'edge',
    sites: SITES.map((kind) => sites[kind]),
    trust: [root],
    timeoutMs: 1_500,
  };
}

async function filesSource(folder: string, now: Date) {
  const disk = join(folder, 'disk');
  await mkdir(disk);
  const files = await writeCertificateFiles(disk, now);
  return {
    kind: 'files',
    name: 'disk',
    paths: FILES.map((path) => join(disk, path)),
    ignore: [join(disk, 'containers/slow.p12')],
    passphrases: [files.passphrase],
  };
}

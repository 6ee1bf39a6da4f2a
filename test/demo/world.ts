import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import { type BuildNodes, startBuildNodes } from '../world/build-nodes.ts';
import { writeCertificateFiles } from '../world/certificate-files.ts';
import { type CloudFoundry, startCloudFoundry } from '../world/cloud-foundry.ts';
import { startCloudControlPlane } from '../world/cloud-control-plane.ts';
import { type HalfRolledDeploy, startHalfRolledDeploy } from '../world/half-rolled-deploy.ts';
import { startHypervisors } from '../world/hypervisors.ts';
import { type ShopCluster, startShopCluster } from '../world/shop-cluster.ts';
import { type SiteKind, startTlsServers, type TlsServers } from '../world/tls-servers.ts';
import type { VaultUnderTest } from '../world/vault/administer.ts';
import { startVault } from '../world/vault.ts';
import { fillVault } from './downloading-failed.ts';
import { CHANNELS, PEOPLE } from './people.ts';
import { type ShopCertificate, writeShopCertificate } from './shop-certificate.ts';
import { type ShopRepository, startShopRepository } from './shop-repository.ts';

export interface DemoWorld {
  /** A `wrench.yaml` with the environment `demo`. */
  readonly configPath: string;
  readonly shop: ShopCertificate;
  readonly shopCluster: ShopCluster;
  readonly shopRepository: ShopRepository;
  readonly diego: HalfRolledDeploy;
  /** Absent if not requested, or if the system lacks a requirement. */
  readonly cloudFoundry?: CloudFoundry;
  /**
   * Absent if not requested. An error if they could not be started; then nothing of them is left behind.
   */
  readonly buildNodes?: BuildNodes | Error;
  readonly close: () => Promise<void>;
}

/** The people of the workspace by role: Ada by her id, Grace by her group, Kate without any. */
const ROLES = {
  requester: [PEOPLE.ada, PEOPLE.leads],
  approver: [PEOPLE.ada, PEOPLE.leads],
};

/** Off unless configured. They need two approvers other than the requester, and the demo has one. */
const REMEDIATIONS = {
  destructive: [
    'etcd/health:free-space',
    'node/leftovers:remove-containers',
    'node/leftovers:remove-images',
    'pods/evicted:delete-evicted',
  ],
  approvals: { destructive: 1 },
};

/** The kinds of faults that an evening on call may bring. */
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

/** Small enough that etcd runs out of space within seconds. */
const QUOTA_BYTES = 32_000_000;

const RENEWED_POLL_MS = 500;
const SHOP_FILE = 'shop.pem';
/** Stored as people store them; two cannot be read. */
const FILES = ['shapes/*', 'containers/*', 'documents/*', 'odd/soon.pem', 'cut.pem', SHOP_FILE];

export interface DemoWorldOptions {
  /** The number of VMs of the Cloud Foundry; without any there is none. */
  readonly vms: number;
  /** Whether to start a Docker Engine with its own disk. Default no. */
  readonly buildNodes?: boolean;
}

/**
 * Real TLS servers, a folder of files, a Vault, a Diego that serves certificates of the Vault, a cluster with a small shop, its repository on a simulated GitHub, three hypervisors with their OpenStack, a small Cloud Foundry, and a
 * Docker Engine on a node of another cluster, all on loopback and only for this demo. If one of them cannot be started, nothing of the others
 * is left behind; only the engine may be missing.
 */
export async function startDemoWorld({
  vms,
  buildNodes: wanted = false,
}: DemoWorldOptions): Promise<DemoWorld> {
  const now = new Date();
  const closes: (() => Promise<unknown>)[] = [];
  const keep = async <T extends { readonly close: () => Promise<unknown> }>(
    starting: Promise<T>,
  ): Promise<T> => {
    const part = await starting;
    closes.push(part.close);
    return part;
  };
  const closeAll = async (): Promise<void> => {
    await Promise.all(closes.map((close) => close()));
  };
  const starting = [
    keep(startTlsServers({ now })),
    keep(startVault()),
    keep(startShopCluster()),
    keep(startShopRepository()),
    keep(startHypervisors()),
    keep(startCloudControlPlane()),
    vms > 0 ? keep(startCloudFoundry({ vms, quotaBytes: QUOTA_BYTES })) : Promise.resolve(undefined),
    wanted ? keep(startBuildNodes()).catch((error: Error) => error) : Promise.resolve(undefined),
  ] as const;
  await Promise.allSettled(starting);
  const [servers, vault, shopCluster, shopRepository, hypervisors, controlPlane, cloudFoundry, buildNodes] =
    await Promise.all(starting).catch(async (error: unknown) => {
      await closeAll();
      throw error;
    });
  const nodes = buildNodes instanceof Error ? undefined : buildNodes;
  const folder = await mkdtemp(join(tmpdir(), 'wrench-demo-'));
  const disk = join(folder, 'disk');
  const inVault = await vaultSource(vault, now);
  const diego = await keep(startHalfRolledDeploy(vault));
  closes.push(deployOnceRenewed(diego));
  const sources = [
    inVault,
    ...diego.sources,
    await tlsSource(servers, folder),
    await filesSource(disk, now),
    ...shopCluster.sources,
    ...shopRepository.sources,
    ...hypervisors.sources,
    ...controlPlane.sources,
    ...(cloudFoundry?.sources ?? []),
    ...(nodes?.sources ?? []),
  ];
  const configPath = join(folder, 'wrench.yaml');
  const config = {
    environments: { demo: { sources } },
    defaultEnvironment: 'demo',
    roles: ROLES,
    remediations: REMEDIATIONS,
    digests: { platform: digestOf(cloudFoundry, nodes) },
  };
  await writeFile(configPath, stringify(config), { mode: 0o600 });
  return {
    configPath,
    shop: await writeShopCertificate(join(disk, SHOP_FILE)),
    shopCluster,
    shopRepository,
    diego,
    ...(cloudFoundry && { cloudFoundry }),
    ...(buildNodes && { buildNodes }),
    close: async () => {
      await closeAll();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** People deploy what they have renewed. Returns a function that stops waiting for that. */
function deployOnceRenewed({ isRenewed, deploy }: HalfRolledDeploy): () => Promise<void> {
  const stop = new AbortController();
  const { signal } = stop;
  const waiting = (async () => {
    while (!(await isRenewed())) await sleep(RENEWED_POLL_MS, undefined, { signal });
    await deploy();
  })().catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
  return async () => {
    stop.abort();
    await waiting;
  };
}

/** Often enough to see a digest report a fault, and soon after that it is gone. */
function digestOf(cloudFoundry: CloudFoundry | undefined, buildNodes: BuildNodes | undefined) {
  return {
    cron: '*/2 * * * *',
    channel: CHANNELS.platform,
    checks: [
      { check: 'certs/expiring' },
      // The speed of this machine's disk would be reported all the time.
      ...(cloudFoundry ? [{ check: 'etcd/health', args: { slowShare: 0.5 } }] : []),
      ...(buildNodes ? [{ check: 'node/disk' }] : []),
    ],
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

async function filesSource(disk: string, now: Date) {
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

import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { makeAwkwardFiles } from '../world/awkward-files.ts';
import { type SiteKind, startTlsServers } from '../world/tls-servers.ts';
import { startVault } from '../world/vault.ts';
import { fillVault } from './downloading-failed.ts';

export interface DemoWorld {
  /** A `wrench.yaml` with the environment `demo`. */
  readonly configPath: string;
  readonly close: () => Promise<void>;
}

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

/** Kept as people keep them; two cannot be read. */
const FILES = ['shapes/*', 'containers/*', 'documents/*', 'odd/soon.pem', 'cut.pem'];

/** Real TLS servers, a folder of files and a Vault on loopback, all of this demo's own. */
export async function startDemoWorld(): Promise<DemoWorld> {
  const now = new Date();
  const folder = await mkdtemp(join(tmpdir(), 'wrench-demo-'));
  const [servers, vault] = await Promise.all([startTlsServers({ now }), startVault()]);
  const { token } = await fillVault(vault, now);
  const files = join(folder, 'disk');
  await mkdir(files);
  const awkward = await makeAwkwardFiles(files, now);
  const configPath = join(folder, 'wrench.yaml');
  const root = join(folder, 'root.pem');
  await writeFile(root, servers.certificates.root.certificatePem);
  const sources = [
    { kind: 'vault', name: 'vault', url: vault.address, paths: ['secret/cf'], auth: { token } },
    {
      kind: 'tls',
      name: 'edge',
      sites: SITES.map((kind) => servers.sites[kind]),
      trust: [root],
      timeoutMs: 1_500,
    },
    {
      kind: 'files',
      name: 'disk',
      paths: FILES.map((path) => join(files, path)),
      ignore: [join(files, 'containers/slow.p12')],
      passphrases: [awkward.passphrase],
    },
  ];
  await writeFile(configPath, stringify({ environments: { demo: { sources } }, defaultEnvironment: 'demo' }));
  await chmod(configPath, 0o600);
  return {
    configPath,
    close: async () => {
      await Promise.all([servers.close(), vault.close()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

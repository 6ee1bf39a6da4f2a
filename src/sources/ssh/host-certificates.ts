import type {
  CertificateStore,
  InspectOptions,
  ScanOptions,
  ScanResult,
  SeenPlace,
  UnseenPlace,
} from '../../ports/certificates.ts';
import type { Host, HostQuery } from '../../ports/hosts.ts';
import type { ManagedCertificate } from '../../ports/managed-certificates.ts';
import type { ReadOptions } from '../../ports/read-options.ts';
import { SourceError } from '../../ports/source-error.ts';
import { concurrently } from '../../wire/concurrently.ts';
import type { FoundChain } from '../../wire/found-content.ts';
import { HOST_COMMANDS } from '../../wire/host-commands.ts';
import type { RunOnHost } from '../../wire/ssh-hosts.ts';
import { isRoot, isTrustStoreContent } from '../../wire/trust-stores.ts';
import { printable, toCertificate } from '../../wire/x509.ts';
import { askHost, firstAnswer, runForText, unknownFormat } from './ask-host.ts';
import {
  type CertificateKind,
  type CertificateFiles,
  readCertificateFiles,
} from './read-certificate-files.ts';
import { fileOfKubeadm, parseKubeadm, parseKubeadmText, toManagedByKubeadm } from './kubeadm.ts';
import type { RootQuestion } from './root-questions.ts';

export interface HostCertificatesOptions {
  /** The name of the source. */
  readonly name: string;
  readonly list: () => readonly Host[];
  readonly kinds: readonly CertificateKind[];
  readonly sudo: readonly RootQuestion[];
}

/** Certificates in files of hosts. No private key is read: the hosts print certificates only. */
export function hostCertificates(run: RunOnHost, options: HostCertificatesOptions): CertificateStore {
  const { name, kinds } = options;
  return {
    name,
    role: 'stored',
    storedIn: 'files',
    scan: (scanOptions) => scan(run, options, scanOptions),
    ...(kinds.includes('kubernetes') && {
      managed: (readOptions: ReadOptions) => readManaged(run, options, readOptions),
    }),
  };
}

async function* scan(
  run: RunOnHost,
  options: HostCertificatesOptions,
  { signal, onCertificate, onEmpty, onProgress }: ScanOptions,
): AsyncGenerator<ScanResult, void, undefined> {
  let hosts = 0;
  const all = options.list();
  const read = concurrently(
    all,
    // All at once, because the source limits how many it asks, without those that don't respond.
    all.length,
    async ({ name: host }, ownSignal): Promise<readonly ScanResult[]> => {
      const prefix = `${options.name}:${printable(host)}`;
      try {
        const found = await readCertificateFiles(run, options, { host, signal: ownSignal }, options.kinds);
        onProgress?.({ read: ++hosts, unit: 'hosts' });
        return toResults(found, { source: options.name, host, onCertificate, onEmpty });
      } catch (error) {
        if (!(error instanceof SourceError)) throw error;
        return [{ kind: 'unseen', place: prefix, error }];
      }
    },
    signal,
  );
  for await (const results of read) yield* results;
}

interface ResultOptions extends Pick<InspectOptions, 'onCertificate'> {
  readonly onEmpty: ScanOptions['onEmpty'] | undefined;
  readonly source: string;
  readonly host: string;
}

function toResults(
  { files, errors }: CertificateFiles,
  { source, host, onCertificate, onEmpty }: ResultOptions,
): readonly ScanResult[] {
  const placeOf = (path: string): string => `${source}:${printable(host)}:${printable(path)}`;
  const unseen = (path: string, error: SourceError): UnseenPlace => ({
    kind: 'unseen',
    place: placeOf(path),
    error,
  });
  const read = new Set(files.map(({ path }) => path));
  const results = files.flatMap(({ path, modifiedAt, chains, problems, references }): ScanResult[] => {
    for (const { raw } of onCertificate ? chains.flatMap(({ chain }) => chain) : []) onCertificate?.(raw);
    const missing = references.filter(
      (to) => !read.has(to.path) && !errors.some((one) => one.path === to.path || isBelow(to.path, one.path)),
    );
    if (chains.length + problems.length + missing.length === 0) onEmpty?.();
    return [
      ...markTrusted(chains.map((chain) => toSeen(placeOf(path + chain.at), chain, host, modifiedAt))),
      ...problems.map(({ at, kind, because }) => unseen(path + at, new SourceError(source, kind, because))),
      ...missing.map(({ at, path: to }) =>
        unseen(
          path + at,
          new SourceError(source, 'missing', `it refers to ${printable(to)}, which was not read`),
        ),
      ),
    ];
  });
  return [...results, ...errors.map(({ path, error }) => unseen(path, error))];
}

function isBelow(path: string, folder: string): boolean {
  return path.startsWith(`${folder}/`);
}

function toSeen(
  place: string,
  { chain: [leaf, ...issuers] }: FoundChain,
  host: string,
  storedSince: Date | undefined,
): SeenPlace {
  return {
    kind: 'seen',
    place,
    chain: [toCertificate(leaf), ...issuers.map(toCertificate)],
    host: printable(host),
    ...(storedSince && { storedSince }),
  };
}

function markTrusted(seen: readonly SeenPlace[]): readonly SeenPlace[] {
  if (!isTrustStoreContent(seen.map(({ chain }) => chain))) return seen;
  return seen.map((one) => (isRoot(one.chain[0]) ? { ...one, trustStore: true } : one));
}

/** The certificates that kubeadm lists and that couldn't be read from their files. Why not is a result of the scan. */
async function* readManaged(
  run: RunOnHost,
  options: HostCertificatesOptions,
  { signal }: ReadOptions,
): AsyncGenerator<ManagedCertificate | UnseenPlace, void, undefined> {
  const all = options.list();
  const managed = concurrently(
    all,
    all.length,
    async ({ name: host }, ownSignal): Promise<readonly ManagedCertificate[]> => {
      try {
        return await managedOn(run, options, { host, signal: ownSignal });
      } catch (error) {
        if (error instanceof SourceError) return [];
        throw error;
      }
    },
    signal,
  );
  for await (const certificates of managed) yield* certificates;
}

const AUTHORITY = fileOfKubeadm('ca');
/** What every control plane has, and no other node. */
const OF_CONTROL_PLANES = ['front-proxy-ca', 'apiserver', 'apiserver-kubelet-client', 'front-proxy-client']
  .concat('admin.conf', 'controller-manager.conf', 'scheduler.conf')
  .map(fileOfKubeadm);
const OF_ALL_NODES = '/etc/kubernetes/kubelet.conf';

async function managedOn(
  run: RunOnHost,
  options: HostCertificatesOptions,
  query: HostQuery,
): Promise<readonly ManagedCertificate[]> {
  const { files, errors } = await readCertificateFiles(run, options, query, ['kubernetes']);
  const listed = new Set(files.map(({ path }) => path));
  const known = new Set(
    files.filter(({ chains, references }) => chains.length + references.length > 0).map(({ path }) => path),
  );
  const isRead = errors.length === 0 && files.every(({ problems }) => problems.length === 0);
  if (isRead && [AUTHORITY, ...OF_CONTROL_PLANES].every((path) => known.has(path))) return [];
  // On a node that only runs pods, kubeadm would wait for the API server, to say that everything is missing.
  if (isRead && listed.has(OF_ALL_NODES) && !OF_CONTROL_PLANES.some((path) => listed.has(path))) return [];
  const asked = askHost(run, options.name, query);
  const as = { sudo: options.sudo.includes('kubeadm') };
  const all = await firstAnswer(
    [
      async () => parseKubeadm((await runForText(asked, () => HOST_COMMANDS.kubeadm(as))).text),
      async () => parseKubeadmText((await runForText(asked, () => HOST_COMMANDS.kubeadmAsText(as))).text),
    ].map((way) => async () => (await way()) ?? unknownFormat(asked)),
  );
  return all
    .filter(({ name }) => !known.has(fileOfKubeadm(name)))
    .map((one) => toManagedByKubeadm(`${options.name}:${printable(query.host)}:`, one));
}

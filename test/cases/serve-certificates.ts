import { X509Certificate } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readers } from '../../src/ports/readers.ts';
import { makeAuthority } from '../world/ca.ts';
import { filesOnHost } from '../world/hosts/host-files.ts';
import { serveHosts } from '../world/hosts/serve-hosts.ts';
import { answerCredhub } from './answer-credhub.ts';
import { answerDirector } from './answer-director.ts';
import { answerOpsManager } from './answer-ops-manager.ts';
import { answerVault, mountsIn } from './answer-vault.ts';
import type { CaseFile } from './case-file.ts';
import type { CertificateCase } from './certificate-case.ts';
import { type KnownCall, knownCalls } from './known-calls.ts';
import { writeMachineLog } from './machine-log.ts';
import { serveSites } from './replayed-sites.ts';
import { type AnswerServer, answerUaa, serveAnswers } from './serve-answers.ts';
import { serveSecrets } from './serve-secrets.ts';

/** Sources that have the answers of a case, and how its sites are named. */
export interface ServedCertificates {
  readonly sources: readonly object[];
  readonly asInCase: (readers: Partial<Readers>) => Partial<Readers>;
  readonly close: () => Promise<void>;
}

interface Served {
  readonly source: object;
  readonly close?: () => Promise<void>;
}

const PEM = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;
const CLIENT = { client: { id: 'wrench', secret: 'not checked' } };

/**
 * Serves what a case says about certificates: CredHub, a director, Ops Manager and Vault over HTTPS, a Kubernetes API, sites with their certificates, and
 * files of machines with sshd. All sources may change everything, so that each fix that is offered shows.
 */
export async function serveCertificates(file: CaseFile, folder: string): Promise<ServedCertificates> {
  const { certificates } = file;
  if (!certificates) return { sources: [], asInCase: (readers) => readers, close: async () => {} };
  const authority = await makeAuthority({ name: 'case-ca' });
  const ca = join(folder, 'ca.pem');
  await writeFile(ca, authority.certificatePem);
  const uaa = await serveAnswers(authority, answerUaa);
  const trust = await writeRoots(certificates, folder);
  const sites = certificates.tls.length > 0 ? await serveSites(certificates.tls, trust) : undefined;
  const start = (answer: Parameters<typeof serveAnswers>[1]) => serveAnswers(authority, answer);
  const served = await Promise.all<Served>([
    ...serversOf(certificates, { start, uaaUrl: uaa.url, ca }),
    ...(certificates.kubernetes ? [serveSecrets(file, folder)] : []),
    ...(certificates.files.length > 0 || Object.keys(certificates.kubeadm).length > 0
      ? [serveFiles(certificates)]
      : []),
    ...(certificates.logs.length > 0 ? [writeMachineLog(certificates.logs, new Date(file.now), folder)] : []),
  ]);
  return {
    sources: [...served.map(({ source }) => source), ...(sites ? [sites.source] : [])],
    asInCase: sites?.asInCase ?? ((readers) => readers),
    close: async () => {
      await Promise.all([uaa.close(), sites?.close(), ...served.map(({ close }) => close?.())]);
    },
  };
}

/** The private roots in a case, which an administrator lists as trusted. */
async function writeRoots(certificates: CertificateCase, folder: string): Promise<readonly string[]> {
  const text = JSON.stringify(certificates)
    .replaceAll(String.raw`\\n`, '\n')
    .replaceAll(String.raw`\n`, '\n');
  const decoded = (text.match(/LS0tLS1CRUdJTi[A-Za-z0-9+/=]+/g) ?? []).map((one) =>
    Buffer.from(one, 'base64').toString(),
  );
  const found = [text, ...decoded].flatMap((one) => one.match(PEM) ?? []);
  const roots = [...new Set(found)].filter(isRoot);
  if (roots.length === 0) return [];
  const path = join(folder, 'roots.pem');
  await writeFile(path, roots.join('\n'));
  return [path];
}

function isRoot(pem: string): boolean {
  try {
    const certificate = new X509Certificate(pem);
    return certificate.ca && certificate.checkIssued(certificate);
  } catch {
    return false;
  }
}

interface Serving {
  readonly start: (answer: Parameters<typeof serveAnswers>[1]) => Promise<AnswerServer>;
  readonly uaaUrl: string;
  readonly ca: string;
}

function serversOf(
  { credhub, bosh, opsmanager, vault }: CertificateCase,
  { start, uaaUrl, ca }: Serving,
): readonly Promise<Served>[] {
  const serve = async (
    answer: Parameters<typeof serveAnswers>[1],
    source: (url: string) => object,
  ): Promise<Served> => {
    const { url, close } = await start(answer);
    return { source: { ...source(url), ca }, close };
  };
  const served: Promise<Served>[] = [];
  if (credhub)
    served.push(
      serve(answerCredhub(knownCalls(credhub), uaaUrl), (url) => ({
        kind: 'credhub',
        url,
        auth: CLIENT,
        allow: { renew: {} },
      })),
    );
  if (bosh)
    served.push(
      serve(answerDirector(knownCalls(bosh), uaaUrl), (url) => ({
        kind: 'bosh',
        url,
        auth: CLIENT,
        allow: { restart: { groups: ['*'], auth: CLIENT } },
      })),
    );
  if (opsmanager)
    served.push(
      serve(answerOpsManager(knownCalls(opsmanager)), (url) => ({ kind: 'opsman', url, auth: CLIENT })),
    );
  if (vault) served.push(serve(answerVault(knownCalls(vault)), (url) => vaultSource(knownCalls(vault), url)));
  return served;
}

function vaultSource(calls: readonly KnownCall[], url: string): object {
  const mounts = mountsIn(calls);
  const stores = mounts.filter(({ type }) => type !== 'pki').map(({ path }) => path);
  const pki = mounts.filter(({ type }) => type === 'pki').map(({ path }) => path);
  const roles = calls.flatMap(
    ({ path }) => /^\/v1\/(.+)\/roles\/([^/]+)$/.exec(path)?.slice(1).join('/') ?? [],
  );
  const issue = stores.length > 0 ? roles.map((role) => ({ paths: stores, role })) : [];
  return {
    kind: 'vault',
    url,
    auth: { token: 'token-of-the-case' },
    ...(stores.length > 0 && { paths: stores }),
    ...(pki.length > 0 && { pki }),
    allow: { renew: issue.length > 0 ? { issue } : {} },
  };
}

/** Each machine with the files that it has in the case, and with what its commands print. */
async function serveFiles({ files, kubeadm }: CertificateCase): Promise<Served> {
  const printed = Object.entries(kubeadm).map(([asked, output]) => {
    const [, host = '', command = ''] = /^(.+?):\s+(.+)$/.exec(asked) ?? [];
    return { host, command, output: typeof output === 'string' ? output : JSON.stringify(output) };
  });
  const names = [...new Set([...files.map(({ instance }) => instance), ...printed.map(({ host }) => host)])];
  const machines = await Promise.all(
    names.map(async (name) => {
      const own = files
        .filter(({ instance }) => instance === name)
        .map(({ path, content, modified }) => ({
          path,
          content,
          ...(modified !== undefined && { modified: new Date(modified) }),
        }));
      const programs = printed
        .filter(({ host }) => host === name)
        .map(({ command, output }) => [command, output] as const);
      return [name, await filesOnHost(own, Object.fromEntries(programs))] as const;
    }),
  );
  const hosts = await serveHosts(new Map(machines.map(([name, { answer }]) => [name, answer])));
  return {
    source: { ...hosts.source('hosts'), certificates: ['kubernetes', 'bosh'] },
    close: async () => {
      await hosts.close();
      await Promise.all(machines.map(([, { close }]) => close()));
    },
  };
}

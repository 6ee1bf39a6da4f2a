import { z } from 'zod';
import type { DeployedCertificates, DirectorCertificate } from '../../ports/processes.ts';
import type { ReadOptions } from '../../ports/read-options.ts';
import { SourceError } from '../../ports/source-error.ts';
import { concurrently } from '../../wire/concurrently.ts';
import { printable } from '../../wire/x509.ts';
import type { BoshConfig } from './config.ts';
import { listDeployments } from './deployments.ts';
import { parseAs } from './parse.ts';
import type { DirectorSession } from './session.ts';

/** Each is a query of the director's database, and one request to its config server for each certificate. */
const MAX_REQUESTS = 4;

/** Since 268.4. Of the versions that the last successful deploy used: https://bosh.io/docs/director-api-v1/ */
const deployedCertificate = z.object({
  name: z.string().min(1),
  id: z.string().min(1),
  expiry_date: z.string().nullish(),
});

const directorCertificate = z.object({
  certificate_path: z.string().min(1),
  expiry: z.string().nullish(),
});

interface CertificatesQuery extends ReadOptions {
  readonly config: BoshConfig;
  readonly session: DirectorSession;
}

/**
 * The certificates of all configured deployments, sorted by name. One that can't be read is in the list with its error.
 * @throws {SourceError} if none can be read.
 */
export async function readDeployedCertificates({
  config,
  session,
  signal,
}: CertificatesQuery): Promise<readonly DeployedCertificates[]> {
  const wanted =
    config.deployments ?? (await listDeployments({ config, session, signal })).map(({ name }) => name);
  const read: DeployedCertificates[] = [];
  async function* readOne(deployment: string): AsyncGenerator<DeployedCertificates> {
    try {
      yield await readDeployment({ config, session, signal }, deployment);
    } catch (error) {
      if (!(error instanceof SourceError)) throw error;
      yield { deployment: printable(deployment), certificates: [], error };
    }
  }
  for await (const one of concurrently([...new Set(wanted)], MAX_REQUESTS, readOne)) read.push(one);
  const [failed] = read.flatMap(({ error }) => error ?? []);
  if (failed && read.every(({ certificates, error }) => error && certificates.length === 0)) throw failed;
  return read.toSorted((one, other) => (one.deployment < other.deployment ? -1 : 1));
}

async function readDeployment(
  { config, session, signal }: CertificatesQuery,
  deployment: string,
): Promise<DeployedCertificates> {
  const path = `/deployments/${encodeURIComponent(deployment)}/certificate_expiry`;
  const { text } = await session.request({ path, signal });
  const listed = parseAs(config.name, `the certificates of ${deployment}`, z.array(z.unknown()), text);
  const parsed = listed.map((one) => deployedCertificate.safeParse(one));
  const certificates = parsed.flatMap(({ data }) => (data ? [data] : []));
  const unread = listed.length - certificates.length;
  return {
    deployment: printable(deployment),
    certificates: certificates.map(({ name, id, expiry_date: ends }) => ({
      name: printable(name),
      version: printable(id),
      ...dateOf('notAfter', ends),
    })),
    ...(unread > 0 && { error: unreadable(config, unread) }),
  };
}

/** @throws {SourceError} */
export async function readDirectorCertificates({
  config,
  session,
  signal,
}: CertificatesQuery): Promise<readonly DirectorCertificate[]> {
  const { text } = await session.request({ path: '/director/certificate_expiry', signal });
  const listed = parseAs(config.name, 'its own certificates', z.array(directorCertificate), text);
  return listed.map(({ certificate_path: path, expiry }) => ({
    path: printable(path),
    ...dateOf('notAfter', expiry),
  }));
}

function dateOf<Key extends string>(key: Key, text: string | null | undefined): { [K in Key]?: Date } {
  const date = new Date(text ?? '');
  return (Number.isNaN(date.getTime()) ? {} : { [key]: date }) as { [K in Key]?: Date };
}

function unreadable({ name }: BoshConfig, count: number): SourceError {
  return new SourceError(
    name,
    'malformed',
    `${count} of the certificates in the director's response can't be parsed`,
  );
}

import type { SourceHealth } from '../../ports/source.ts';
import { SourceError } from '../../ports/source-error.ts';
import type { EtcdCluster } from './cluster.ts';
import { hedgedRequest } from './hedged-request.ts';
import { fetchVersion, type EtcdVersion } from './gateway.ts';
import { readWithQuorum } from './quorum.ts';

/** Reads the version of every endpoint, and does one quorum read. Throws only on a bug in Wrench. */
export async function checkEtcdHealth(cluster: EtcdCluster, signal: AbortSignal): Promise<SourceHealth> {
  const { configured } = cluster.clients;
  try {
    const answers = await Promise.all(
      configured.map((client) => fetchVersion(cluster, client, signal).catch(asSourceError)),
    );
    const versions = answers.filter((answer): answer is EtcdVersion => !(answer instanceof SourceError));
    const failures = answers.filter((answer) => answer instanceof SourceError);
    const texts = [...new Set(versions.map(({ text }) => text))].join(' and ');
    const counted = `${versions.length} of ${configured.length} endpoints respond`;
    const faults = failures.map(({ message }) => message);
    const [failure] = failures;
    if (versions.length === 0) return { ok: false, summary: faults.join('; '), hint: hintFor(failure) };
    const lost = await findLostQuorum(cluster, signal);
    const said = [`etcd ${texts}, ${counted}`, ...faults, ...(lost ? [lost.message] : [])];
    if (lost)
      return { ok: false, summary: said.join('; '), hint: 'bring a majority of its members back first' };
    return { ok: !failure, summary: said.join('; '), ...(failure && { hint: hintFor(failure) }) };
  } catch (error) {
    if (signal.aborted) return { ok: false, summary: 'timed out', hint: hintFor(undefined) };
    const failure = asSourceError(error);
    return { ok: false, summary: failure.message, hint: hintFor(failure) };
  }
}

/** @returns why the quorum is lost; undefined if it isn't. @throws {SourceError} if that can't be checked. */
async function findLostQuorum(cluster: EtcdCluster, signal: AbortSignal): Promise<SourceError | undefined> {
  try {
    await hedgedRequest(cluster.name, cluster.clients.configured, signal, async (client, signal) =>
      readWithQuorum(cluster, client, await fetchVersion(cluster, client, signal), signal),
    );
    return undefined;
  } catch (error) {
    if (error instanceof SourceError && error.kind === 'unreachable') return error;
    throw error;
  }
}

function asSourceError(error: unknown): SourceError {
  if (error instanceof SourceError) return error;
  throw error;
}

function hintFor(error: SourceError | undefined): string {
  const message = error?.message ?? '';
  if (message.includes('client certificate'))
    return 'set `clientCertificate` to one that the members trust: etcd-client.crt and .key on a VM of Cloud Foundry';
  if (message.includes('not valid for this name'))
    return 'set `servername` of the endpoint to a name in its certificate';
  if (message.includes('not trusted')) return 'set `ca` to a PEM file with the CA of the members';
  if (error?.kind === 'missing' && message.includes('file'))
    return 'correct the file name or its permissions';
  if (error?.kind === 'refused') return 'correct `auth`, or the permissions of its user';
  return 'check that the endpoints are correct and reachable from here';
}

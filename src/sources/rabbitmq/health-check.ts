import type { BrokerOverview } from '../../ports/brokers.ts';
import type { SourceHealth } from '../../ports/source.ts';
import { SourceError } from '../../ports/source-error.ts';
import type { ManagementApi } from './management-api.ts';
import { readOverview } from './nodes.ts';

/** Asks every endpoint, because each is a node. Throws only on a bug in Wrench. */
export async function checkBrokerHealth(api: ManagementApi, signal: AbortSignal): Promise<SourceHealth> {
  try {
    const answers = await Promise.all(
      api.endpoints.map((endpoint) => readNode(api, endpoint, signal).catch(toSourceError)),
    );
    const overviews = answers.filter((one): one is BrokerOverview => !(one instanceof SourceError));
    const failures = answers.filter((one) => one instanceof SourceError);
    const [failure] = failures;
    const versions = [
      ...new Set(overviews.map(({ version = 'of an unknown version' }) => version)),
    ].toSorted();
    const summary = [
      ...(overviews.length > 0
        ? [`RabbitMQ ${versions.join(' and ')}, ${overviews.length} of ${answers.length} endpoints respond`]
        : []),
      ...sameNode(overviews),
      ...(overviews.some(({ hasStatistics }) => hasStatistics === false)
        ? ['statistics are switched off']
        : []),
      ...failures.map(({ message }) => message),
    ].join('; ');
    return { ok: !failure, summary, ...(failure && { hint: hintFor(failure) }) };
  } catch (error) {
    if (!signal.aborted) throw error;
    return { ok: false, summary: 'timed out', hint: hintFor(undefined) };
  }
}

/** Another server may respond with JSON too. */
async function readNode(api: ManagementApi, endpoint: string, signal: AbortSignal): Promise<BrokerOverview> {
  const overview = await readOverview(api, { endpoint, signal });
  if (overview.version === undefined && overview.node === undefined)
    throw new SourceError(
      api.source,
      'malformed',
      `${new URL(endpoint).host} isn't the management API of RabbitMQ`,
    );
  return overview;
}

/** Endpoints of one node say nothing about the others: a load balancer, or a mistake. */
function sameNode(overviews: readonly BrokerOverview[]): readonly string[] {
  const nodes = overviews.flatMap(({ node }) => node ?? []);
  const different = new Set(nodes).size;
  return different < nodes.length
    ? [`${nodes.length} endpoints are of ${different === 1 ? 'one node' : `${different} nodes`}`]
    : [];
}

function toSourceError(error: unknown): SourceError {
  if (error instanceof SourceError) return error;
  throw error;
}

function hintFor(error: SourceError | undefined): string {
  const message = error?.message ?? '';
  if (message.includes('not trusted')) return 'Set `ca` to a PEM file with that CA';
  if (error?.kind === 'missing' && message.includes('file'))
    return 'Correct the file name or its permissions';
  if (message.includes('closed the connection'))
    return 'If the port uses TLS, write the address with https:// in `urls`';
  if (error?.kind === 'refused')
    return 'Correct `user`, and give it the tag monitoring: docs/sources.md#rabbitmq';
  if (error?.kind === 'malformed' || error?.kind === 'missing')
    return 'Correct `urls`: each must be the management API of a node, by default on port 15672, or 15671 with TLS';
  return 'Check that the addresses are correct and reachable from here, and that the plugin `rabbitmq_management` is enabled';
}

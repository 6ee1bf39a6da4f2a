import type { ApplyContext } from '../../ports/apply-context.ts';
import type { BrokerWriter } from '../../ports/brokers.ts';
import { SourceError, type SourceErrorKind } from '../../ports/source-error.ts';
import { isRpcQueue } from '../../text/rpc-queues.ts';
import { asObject, type JsonObject } from '../../wire/json-object.ts';
import { printable } from '../../wire/x509.ts';
import { inPath, type ManagementApi } from './management-api.ts';
import { toQueue } from './to-queue.ts';

type Named = Parameters<BrokerWriter['purgeQueue']>[0];

/**
 * Deletes the ready messages of one queue, if it was read right before and no one consumes it. Sent once, to one node.
 * @throws {SourceError}
 */
export async function purgeQueue(
  api: ManagementApi,
  named: Named,
  { signal }: ApplyContext,
): Promise<{ readonly purged: number }> {
  const { source } = api;
  const what = `the queue ${printable(named.name)} in the virtual host ${printable(named.vhost)}`;
  const fail = (kind: SourceErrorKind, message: string): SourceError =>
    new SourceError(source, kind, message);
  if (isRpcQueue(named.name))
    throw fail('refused', `${what} carries calls between services, which must not be deleted`);
  const path = `/api/queues/${inPath(source, named.vhost)}/${inPath(source, named.name)}`;
  const { endpoint, body } = await readFromAny(api, path, signal);
  const queue = toQueue(body);
  if (!queue || body['name'] !== named.name || body['vhost'] !== named.vhost)
    throw fail('malformed', `${new URL(endpoint).host} did not return ${what}`);
  const reason = whyNot(body);
  if (reason !== undefined) throw fail('refused', `${what} ${reason}`);
  try {
    await api.delete({ endpoint, path: `${path}/contents`, signal });
  } catch (error) {
    if (!(error instanceof SourceError) || error.kind !== 'unreachable') throw error;
    throw fail('unreachable', `${error.message}; the queue may have been purged: check its messages`);
  }
  return { purged: queue.ready ?? 0 };
}

/** Why a queue can't be purged: `has 2 consumers`. What is unknown is a reason too. */
function whyNot(body: JsonObject): string | undefined {
  const queue = toQueue(body) ?? {};
  const {
    type,
    consumers,
    ready,
    unacknowledged,
    deliveredPerSecond = 0,
    isExclusive,
  } = queue as Partial<NonNullable<ReturnType<typeof toQueue>>>;
  const details: unknown = body['consumer_details'];
  const listed = Array.isArray(details) ? details.length : 0;
  if (type === 'stream') return 'is a stream, which cannot be purged';
  if (isExclusive === true) return 'belongs to one connection';
  if (consumers === undefined) return 'may have consumers: their number is unknown';
  const most = Math.max(consumers, listed);
  if (most > 0) return `has ${most} ${most === 1 ? 'consumer' : 'consumers'}`;
  if (ready === undefined || unacknowledged === undefined)
    return 'has an unknown number of messages: statistics may be off';
  if (unacknowledged > 0 || deliveredPerSecond > 0) return 'is being read, though it has no consumer';
  return undefined;
}

/** From the first node that responds. */
async function readFromAny(
  api: ManagementApi,
  path: string,
  signal: AbortSignal,
): Promise<{ readonly endpoint: string; readonly body: JsonObject }> {
  let failure: SourceError | undefined;
  for (const endpoint of api.endpoints) {
    try {
      return { endpoint, body: asObject(await api.getJson({ endpoint, path, signal })) };
    } catch (error) {
      if (!(error instanceof SourceError)) throw error;
      if (error.kind === 'missing' || error.kind === 'refused') throw error;
      failure ??= error;
    }
  }
  throw failure ?? new SourceError(api.source, 'missing', 'no address is configured');
}

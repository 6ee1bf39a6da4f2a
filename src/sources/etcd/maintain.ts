import type { KeyValueWriter, StoreAlarm } from '../../ports/key-value.ts';
import type { ApplyContext } from '../../ports/apply-context.ts';
import { SourceError } from '../../ports/source-error.ts';
import { printable } from '../../wire/x509.ts';
import { asObject } from '../../wire/json-object.ts';
import { parseJson } from '../../text/parse-json.ts';
import { countIn, explainV3, grpc } from './responses.ts';
import type { EtcdCluster } from './cluster.ts';
import type { EndpointClient } from './endpoint-client.ts';
import { hedgedRequest } from './hedged-request.ts';
import { fetchVersion, sendV3 } from './gateway.ts';
import { decimalId } from './ids.ts';
import { findMember } from './members.ts';

/** Compacting and defragmenting gigabytes takes minutes; the member responds when it is done. */
const ACTION_TIMEOUT_MS = 600_000;

/** Each action is sent once, to a member that has just responded. If the response is lost, it is unknown whether the action was done. */
export function maintain(cluster: EtcdCluster): KeyValueWriter {
  return {
    compact: async (revision, applyContext) => {
      if (!/^[1-9]\d{0,18}$/.test(revision))
        throw new SourceError(cluster.name, 'refused', `${printable(revision)} is not a revision`);
      const client = await anyMember(cluster, applyContext.signal);
      // With `physical`, the response arrives when the history is deleted, so before anything is defragmented.
      await perform(cluster, client, {
        path: 'kv/compaction',
        body: { revision, physical: true },
        applyContext,
      });
    },
    defragment: async (memberId, applyContext) => {
      const client = await findMember(cluster, memberId, applyContext.signal);
      await perform(cluster, client, { path: 'maintenance/defragment', body: {}, applyContext });
    },
    disarm: async ({ memberId, kind }: StoreAlarm, applyContext) => {
      const client = await anyMember(cluster, applyContext.signal);
      const memberID = memberId === undefined ? '0' : decimalId(memberId);
      const body = { action: 'DEACTIVATE', memberID, alarm: kind };
      await perform(cluster, client, { path: 'maintenance/alarm', body, applyContext });
    },
  };
}

function anyMember(cluster: EtcdCluster, signal: AbortSignal): Promise<EndpointClient> {
  return hedgedRequest(cluster.name, cluster.clients.configured, signal, async (client, signal) => {
    await fetchVersion(cluster, client, signal);
    return client;
  });
}

interface MaintenanceCall {
  readonly path: string;
  readonly body: unknown;
  readonly applyContext: ApplyContext;
}

async function perform(
  cluster: EtcdCluster,
  client: EndpointClient,
  { path, body, applyContext }: MaintenanceCall,
): Promise<void> {
  const { signal } = applyContext;
  const { prefix } = await fetchVersion(cluster, client, signal);
  const answer = await sendV3(cluster, client, prefix, { path, body, signal, timeoutMs: ACTION_TIMEOUT_MS });
  if (answer.status === 200 || isDoneAlready(answer.text)) return;
  throw explainV3(cluster.name, client.host, answer);
}

/** "Out of range" also means a revision in the future. */
function isDoneAlready(text: string): boolean {
  const body = asObject(parseJson(text));
  return countIn(body, 'code') === grpc.outOfRange && /has been compacted/.test(String(body['error']));
}

import { setTimeout as sleep } from 'node:timers/promises';
import type { KeyTree } from '../../ports/key-value.ts';
import { SourceError } from '../../ports/source-error.ts';
import type { TextResponse } from '../../wire/http.ts';
import { asObject } from '../../wire/json-object.ts';
import { parseJson } from '../../text/parse-json.ts';
import { countIn, explainV2 } from './responses.ts';
import type { EtcdCluster } from './cluster.ts';
import type { EndpointClient } from './endpoint-client.ts';
import { hedgedRequest } from './hedged-request.ts';
import { flatten } from './tree.ts';

/** Everything under a directory, by quorum read. @throws {SourceError} as {@link KeyValueStore.tree} does. */
export async function readTree(
  cluster: EtcdCluster,
  directory: string,
  signal: AbortSignal,
): Promise<KeyTree> {
  const { name, clients } = cluster;
  const path = directory.replaceAll(/^\/+|\/+$/g, '');
  try {
    return await hedgedRequest(name, clients.configured, signal, async (client, signal) => {
      const answer = await readKeys(cluster, client, `${path}?recursive=true&quorum=true`, signal);
      const serverTime = new Date(answer.headers['date'] ?? Date.now());
      if (isAbsent(answer)) return { exists: false, directories: [], leaves: [], serverTime };
      const body = asObject(parseJson(answer.text));
      if (answer.status !== 200 || !('node' in body)) throw explainV2(name, client.host, answer);
      return { exists: true, ...flatten(name, asObject(body['node'])), serverTime };
    });
  } catch (error) {
    if (!(error instanceof SourceError) || error.kind !== 'malformed') throw error;
    throw new SourceError(name, 'malformed', `couldn't read the keys under /${path}: ${error.message}`);
  }
}

/** "Key not found" by etcd's own error code; any other 404 is from a server without keys. */
export function isAbsent({ status, text }: TextResponse): boolean {
  return status === 404 && countIn(asObject(parseJson(text)), 'errorCode') === 100;
}

const DURING_ELECTION = 301;
const TRIES = 4;
const ELECTION_MS = 500;

/** A GET below `/v2/keys/`; `path` includes the query. Waits for an election, which is over soon. */
export async function readKeys(
  { authorization }: EtcdCluster,
  client: EndpointClient,
  path: string,
  signal: AbortSignal,
): Promise<TextResponse> {
  const [keys = '', query = ''] = path.split(/\?(?=[^?]*$)/);
  const escaped = keys.split('/').map(encodeURIComponent).join('/');
  for (let attempt = 1; ; attempt += 1) {
    const answer = await client.request({
      path: `/v2/keys/${escaped}?${query}`,
      headers: authorization.forV2,
      signal,
    });
    const electing =
      answer.status >= 500 && countIn(asObject(parseJson(answer.text)), 'errorCode') === DURING_ELECTION;
    if (!electing || attempt >= TRIES) return answer;
    await sleep(ELECTION_MS, undefined, { signal });
  }
}

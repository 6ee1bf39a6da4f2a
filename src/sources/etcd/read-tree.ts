import { setTimeout as sleep } from 'node:timers/promises';
import type { KeyTree } from '../../ports/key-value.ts';
import { SourceError } from '../../ports/source-error.ts';
import type { TextAnswer } from '../../wire/http.ts';
import { asObject, countIn, explainV2, parseJson } from './responses.ts';
import type { Cluster } from './cluster.ts';
import type { Contact } from './endpoint-client.ts';
import { firstAnswer } from './hedged-request.ts';
import { flatten } from './tree.ts';

/** Everything under a directory, as a majority agrees on it. @throws {SourceError} as {@link KeyValueStore.tree} says. */
export async function readTree(cluster: Cluster, directory: string, signal: AbortSignal): Promise<KeyTree> {
  const { name, contacts } = cluster;
  const path = directory.replaceAll(/^\/+|\/+$/g, '');
  try {
    return await firstAnswer(name, contacts.configured, signal, async (contact, signal) => {
      const answer = await readKeys(cluster, contact, `${path}?recursive=true&quorum=true`, signal);
      const serverTime = new Date(answer.headers['date'] ?? Date.now());
      if (isAbsent(answer)) return { exists: false, directories: [], leaves: [], serverTime };
      const body = asObject(parseJson(answer.text));
      if (answer.status !== 200 || !('node' in body)) throw explainV2(name, contact.host, answer);
      return { exists: true, ...flatten(name, asObject(body['node'])), serverTime };
    });
  } catch (error) {
    if (!(error instanceof SourceError) || error.kind !== 'malformed') throw error;
    throw new SourceError(name, 'malformed', `what is under /${path} cannot be read: ${error.message}`);
  }
}

/** "Key not found" by etcd's own number; another 404 is of a server that knows no keys. */
export function isAbsent({ status, text }: TextAnswer): boolean {
  return status === 404 && countIn(asObject(parseJson(text)), 'errorCode') === 100;
}

const DURING_ELECTION = 301;
const TRIES = 4;
const ELECTION_MS = 500;

/** A GET below `/v2/keys/`; `path` ends with its query. An election, which is over soon, is waited for. */
export async function readKeys(
  { authorization }: Cluster,
  contact: Contact,
  path: string,
  signal: AbortSignal,
): Promise<TextAnswer> {
  const [keys = '', query = ''] = path.split(/\?(?=[^?]*$)/);
  const escaped = keys.split('/').map(encodeURIComponent).join('/');
  for (let attempt = 1; ; attempt += 1) {
    const answer = await contact.ask({
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

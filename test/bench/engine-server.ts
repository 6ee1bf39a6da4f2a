import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { makeEngineContent } from './engine-content.ts';

/** The requests since the last call. */
export interface EngineRequests {
  /** The number of requests by method, path and names of parameters: `GET /v1.41/containers/{id}/json`. */
  readonly counts: Readonly<Record<string, number>>;
  /** How many different containers were inspected. */
  readonly inspected: number;
}

/** A container engine on loopback; its argument is the number of stopped containers. Runs as a separate process, so that only the client is measured. */
const content = makeEngineContent(Number(process.argv[2]));
let counts: Record<string, number> = {};
let inspected = new Set<string>();

const server = createServer((request, response) => {
  const body = answer(request);
  response.writeHead(body ? 200 : 404, { 'api-version': '1.41', 'content-type': 'application/json' });
  response.end(body ?? '{"message":"page not found"}');
});
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
process.on('message', () => {
  process.send?.({ counts, inspected: inspected.size } satisfies EngineRequests);
  counts = {};
  inspected = new Set();
});
process.once('disconnect', () => process.exit());

function answer({ method = '', url = '' }: IncomingMessage): Buffer | undefined {
  const [path = '', query = ''] = url.split('?');
  const id = /^\/v1\.41\/containers\/([\da-f]{64})\/json$/.exec(path)?.[1];
  const parameters = new URLSearchParams(query);
  const names = [...parameters.keys()].toSorted().join(',');
  const asked = `${method} ${id === undefined ? path : path.replace(id, '{id}')}${names === '' ? '' : `?${names}`}`;
  counts[asked] = (counts[asked] ?? 0) + 1;
  if (method !== 'GET') return undefined;
  if (id !== undefined) {
    inspected.add(id);
    return content.inspections.get(id);
  }
  if (path === '/version') return content.version;
  if (path === '/v1.41/info') return content.info;
  if (path === '/v1.41/system/df') return content.usage;
  return path === '/v1.41/containers/json' ? content.list(parameters.has('size')) : undefined;
}

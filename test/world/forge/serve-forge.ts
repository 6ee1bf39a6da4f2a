import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a server does with a request instead of answering it. */
export type ForgeFault =
  /** Accepts it and never responds. */
  | 'hang'
  | 'reset'
  /** Does what was requested, and closes the connection without a response. */
  | 'lost'
  | { readonly status: number; readonly body?: unknown; readonly headers?: Readonly<Record<string, string>> };

export interface ForgeRequest {
  readonly method: string;
  /** Still percent-encoded, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: unknown;
}

export interface ForgeAnswer {
  readonly status: number;
  /** A buffer is sent unchanged, everything else as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface ServedForge {
  readonly url: string;
  /** `GET /repos/shop/api`, each with its token. */
  readonly requests: readonly { readonly line: string; readonly token: string }[];
  /** Applies the fault to the next `times` requests whose line begins like this. */
  readonly fail: (line: string, fault: ForgeFault, times?: number) => void;
  readonly close: () => Promise<void>;
}

/** A REST API on loopback. */
export async function serveForge(
  tokenOf: (request: ForgeRequest) => string,
  answer: (request: ForgeRequest, url: string) => ForgeAnswer,
): Promise<ServedForge> {
  const requests: { line: string; token: string }[] = [];
  const faults: { line: string; fault: ForgeFault; left: number }[] = [];
  let url = '';
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const { pathname, searchParams } = new URL(incoming.url ?? '/', 'http://forge');
      const text = Buffer.concat(chunks).toString('utf8');
      const request: ForgeRequest = {
        method: incoming.method ?? 'GET',
        path: pathname,
        query: searchParams,
        headers: incoming.headers,
        body: text === '' ? undefined : (JSON.parse(text) as unknown),
      };
      const line = `${request.method} ${incoming.url ?? ''}`;
      requests.push({ line, token: tokenOf(request) });
      const failing = faults.find((one) => one.left > 0 && line.startsWith(one.line));
      if (failing) failing.left -= 1;
      if (failing?.fault === 'hang') return;
      if (failing?.fault === 'reset') {
        incoming.socket.destroy();
        return;
      }
      if (failing && failing.fault !== 'lost') {
        send(response, failing.fault);
        return;
      }
      const sent = answer(request, url);
      if (failing) incoming.socket.destroy();
      else send(response, sent);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    requests,
    fail: (line, fault, times = Infinity) => void faults.unshift({ line, fault, left: times }),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function send(response: ServerResponse, { status, body, headers = {} }: ForgeAnswer): void {
  const isRaw = Buffer.isBuffer(body) || typeof body === 'string';
  response.writeHead(status, { 'content-type': isRaw ? 'text/plain' : 'application/json', ...headers });
  response.end(isRaw ? body : body === undefined ? undefined : JSON.stringify(body));
}

/** One page of a list, and the header that names the next one. */
export function pageOf<Item>(
  all: readonly Item[],
  { query, path }: ForgeRequest,
  url: string,
  { most = 100, pageSize = Number(query.get('per_page') ?? 30) } = {},
): { readonly items: readonly Item[]; readonly headers: Readonly<Record<string, string>> } {
  const size = Math.min(pageSize, most);
  const page = Number(query.get('page') ?? 1);
  const items = all.slice((page - 1) * size, page * size);
  if (page * size >= all.length) return { items, headers: {} };
  const next = new URLSearchParams([...query].filter(([key]) => key !== 'page'));
  next.set('page', String(page + 1));
  return {
    items,
    headers: { link: `<${url}${path}?${next.toString()}>; rel="next", <${url}${path}?page=1>; rel="first"` },
  };
}

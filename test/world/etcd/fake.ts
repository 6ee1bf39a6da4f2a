import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A fake's response to one request: JSON, a text with its status, or a function of the response. */
export type FakeAnswer =
  | { readonly json: unknown; readonly status?: number }
  | { readonly text: string; readonly status?: number }
  | ((request: IncomingMessage, response: ServerResponse) => void);

export interface FakeEtcd {
  readonly url: string;
  /** `GET /version`, in the order of arrival. */
  readonly asked: readonly string[];
  readonly close: () => Promise<void>;
}

/** By request, `GET /version`, without its query; everything else gets Go's 404. */
export type FakeRoutes =
  | Readonly<Record<string, FakeAnswer>>
  | ((question: string) => FakeAnswer | undefined);

/** For responses that the installed etcd cannot produce. */
export async function serveFakeEtcd(routes: FakeRoutes): Promise<FakeEtcd> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const question = `${request.method} ${request.url?.replace(/\?.*/, '')}`;
    asked.push(question);
    const known = typeof routes === 'function' ? routes(question) : routes[question];
    request.resume();
    sendAnswer(known ?? { text: '404 page not found\n', status: 404 }, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export function sendAnswer(answer: FakeAnswer, request: IncomingMessage, response: ServerResponse): void {
  if (typeof answer === 'function') return answer(request, response);
  const [type, body] =
    'json' in answer ? ['application/json', JSON.stringify(answer.json)] : ['text/plain', answer.text];
  response.writeHead(answer.status ?? 200, { 'content-type': type });
  response.end(body);
}

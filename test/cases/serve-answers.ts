import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { type Authority, issue } from '../world/ca.ts';
import type { CallAnswer, CallRequest } from './known-calls.ts';

export interface AnswerServer {
  readonly url: string;
  readonly close: () => Promise<void>;
}

/** An HTTPS server on loopback that answers as `answer` says. */
export async function serveAnswers(
  authority: Authority,
  answer: (request: CallRequest) => CallAnswer,
): Promise<AnswerServer> {
  const { certificatePem, keyPem } = await issue(authority, { name: 'server', names: ['127.0.0.1'] });
  const server = createServer({ cert: certificatePem, key: keyPem }, (request, response) => {
    void (async () => {
      const { pathname, searchParams } = new URL(request.url ?? '/', 'https://server');
      const { status, body, headers } = answer({
        method: request.method ?? 'GET',
        path: decodeURIComponent(pathname),
        query: searchParams,
        body: await text(request),
      });
      const isText = typeof body === 'string';
      response.writeHead(status, { 'content-type': isText ? 'text/plain' : 'application/json', ...headers });
      response.end(isText || body === undefined ? body : JSON.stringify(body));
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A UAA that accepts every client. */
export function answerUaa({ method, path }: CallRequest): CallAnswer {
  if (method !== 'POST' || !path.endsWith('/oauth/token'))
    return { status: 404, body: { error: 'not_found' } };
  const scope = 'credhub.read credhub.write bosh.read bosh.admin opsman.full_view opsman.admin';
  const body = { access_token: 'token-of-the-case', token_type: 'bearer', expires_in: 43_199, scope };
  return { status: 200, body };
}

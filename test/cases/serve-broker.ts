import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answerBroker } from './answer-broker.ts';
import type { SpokenAnswer } from './case-file.ts';

/** The management API of one node, on loopback. */
export interface ServedBroker {
  readonly url: string;
  readonly close: () => Promise<void>;
}

/** Any user may read everything. Without answers, the port is closed. */
export async function serveBroker(answers: readonly SpokenAnswer[] | undefined): Promise<ServedBroker> {
  const answer = answerBroker(answers ?? []);
  const server = createServer((request, response) => {
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    const { status, json, text } = isRead ? answer(request.url ?? '/') : { status: 401, json: {} };
    const type = text?.trimStart().startsWith('<') ? 'text/html' : 'application/json';
    response.writeHead(status, { 'content-type': type });
    response.end(text ?? JSON.stringify(json ?? null));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = async (): Promise<void> => {
    if (!server.listening) return;
    server.closeAllConnections();
    const closed = once(server, 'close');
    server.close();
    await closed;
  };
  if (!answers) await close();
  return { url, close };
}

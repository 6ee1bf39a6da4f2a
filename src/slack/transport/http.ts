import type { IncomingMessage } from 'node:http';
import type { App, Receiver } from '@slack/bolt';
import { type HttpResponse, makeHttpServer } from '../../telemetry/http-server.ts';
import type { Log } from '../../telemetry/log.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import { limitInboundBodies, readRequest } from './read-request.ts';
import type { Transport } from './transport.ts';

const PATH = '/slack/events';
/** Slack stops waiting after 3 s. A handler may take longer, but the connection is not kept open for it. */
const ACKNOWLEDGE_WITHIN_MS = 10_000;

/**
 * Receives Slack's signed requests on `port` (0 takes a free one). Bolt's own receiver is not used: a signed payload that is not an object makes it
 * reject asynchronously, which stops the process, and it answers 404 to unknown kinds of payloads and 400 to a content type with parameters.
 */
export function httpTransport(
  signingSecret: string,
  port: number,
  log: Log,
  metrics: Pick<Metrics, 'requestErrors'>,
): Transport {
  let app: App | undefined;
  const arriving = limitInboundBodies();
  const server = makeHttpServer({
    name: 'slack',
    routes: {
      [PATH]: {
        methods: ['POST'],
        handle: async (request) => {
          const read = await readRequest(request, signingSecret, arriving);
          if ('body' in read) return dispatch(app, request, read.body, log);
          const { status } = read.response;
          if (status >= 400)
            log.debug({ event: 'slack-request-refused', status }, 'Refused a request on the port for Slack');
          return read.response;
        },
      },
    },
    log,
    metrics,
  });
  const listen = async () => ({ port: await server.listen(port) });
  const receiver: Receiver = {
    init: (initialized) => (app = initialized),
    start: listen,
    stop: server.close,
  };
  return {
    receiver,
    ready: () => server.isListening() || 'the port for Slack is not open',
    start: listen,
    stop: server.close,
  };
}

/** @returns the acknowledgement, once there is one. */
async function dispatch(
  app: App | undefined,
  { headers }: IncomingMessage,
  body: Record<string, unknown>,
  log: Log,
): Promise<HttpResponse> {
  const { promise, resolve, reject } = Promise.withResolvers<HttpResponse>();
  const timer = setTimeout(() => {
    log.error(
      { event: 'slack-delivery-not-acknowledged', type: body['type'] },
      "Couldn't acknowledge a delivery from Slack in time",
    );
    resolve({ status: 200 });
  }, ACKNOWLEDGE_WITHIN_MS);
  const retry = headers['x-slack-retry-num'];
  const reason = headers['x-slack-retry-reason'];
  app
    ?.processEvent({
      body,
      ack: async (answer: unknown) => resolve(toHttpResponse(answer)),
      ...(typeof retry === 'string' && { retryNum: Number.parseInt(retry, 10) }),
      ...(typeof reason === 'string' && { retryReason: reason }),
      customProperties: {},
    })
    .catch(reject);
  return promise.finally(() => clearTimeout(timer));
}

/** An acknowledgement is empty, plain text, or JSON. */
function toHttpResponse(answer: unknown): HttpResponse {
  if (answer === undefined || answer === null || answer === '') return { status: 200 };
  if (typeof answer === 'string') return { status: 200, body: answer };
  return { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(answer) };
}

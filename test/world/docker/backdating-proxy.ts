import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { type ContainerTimes, withTimes } from './container-times.ts';

/** Passes requests to an engine, and shows other times for containers: in inspections, not in the list. */
export interface BackdatingProxy {
  readonly socket: string;
  readonly backdate: (id: string, times: ContainerTimes) => void;
  readonly close: () => Promise<void>;
}

const INSPECTION = /^(\/v[\d.]+)?\/containers\/[^/]+\/json(\?|$)/;

export async function startBackdatingProxy(engine: string): Promise<BackdatingProxy> {
  const folder = await mkdtemp(join(tmpdir(), 'wrench-proxy-'));
  const socket = join(folder, 'docker.sock');
  const changed = new Map<string, ContainerTimes>();
  const server = createServer((asked, answer) => {
    const { method, url: path, headers } = asked;
    const forwarded = request({ socketPath: engine, method, path, headers }, (from) =>
      passOn(from, answer, INSPECTION.test(path ?? '') ? changed : undefined),
    );
    forwarded.once('error', () => answer.destroy());
    asked.pipe(forwarded);
  });
  await new Promise<void>((done) => {
    server.listen(socket, done);
  });
  return {
    socket,
    backdate: (id, times) => void changed.set(id, times),
    close: async () => {
      server.closeAllConnections();
      if (server.listening) await new Promise((done) => server.close(done));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function passOn(
  from: IncomingMessage,
  answer: ServerResponse,
  changed: ReadonlyMap<string, ContainerTimes> | undefined,
): void {
  const { statusCode = 502, headers } = from;
  if (!changed || statusCode !== 200) return void from.pipe(answer.writeHead(statusCode, headers));
  const { 'content-length': _, ...rest } = headers;
  json(from).then(
    (body) => answer.writeHead(statusCode, rest).end(JSON.stringify(backdated(body as object, changed))),
    () => answer.destroy(),
  );
}

function backdated(body: object, changed: ReadonlyMap<string, ContainerTimes>): object {
  const times = changed.get((body as { readonly Id: string }).Id);
  return times ? withTimes(body, times) : body;
}

import { Agent, request } from 'undici';

export interface EngineAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Parsed if it is JSON, otherwise text. */
  readonly body: unknown;
}

export type EngineAsker = (
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE',
  path: string,
  body?: object | Buffer,
) => Promise<EngineAnswer>;

/**
 * Sends requests directly to one engine, for tests to prepare and check state. Each request has its own
 * connection: none outlives a restart of the engine.
 */
export function makeEngineAsker(socket: string): EngineAsker {
  return async (method, path, body) => {
    const agent = new Agent({ connect: { socketPath: socket }, headersTimeout: 0, bodyTimeout: 0 });
    const isTar = body instanceof Uint8Array;
    try {
      const answer = await request(`http://engine${path}`, {
        method,
        dispatcher: agent,
        ...(body !== undefined && {
          headers: { 'content-type': isTar ? 'application/x-tar' : 'application/json' },
          body: isTar ? body : JSON.stringify(body),
        }),
      });
      const text = await answer.body.text();
      return { status: answer.statusCode, headers: answer.headers, body: parsed(text) };
    } finally {
      await agent.destroy();
    }
  };
}

/**
 * The body of a response that must be a success.
 * @throws with the engine's own message
 */
export function expectSuccess(what: string, { status, body }: EngineAnswer): unknown {
  if (status < 400) return body;
  throw new Error(`${what}: the engine answered ${status}: ${messageOf(body)}`);
}

function messageOf(body: unknown): string {
  return typeof body === 'object' && body !== null && 'message' in body
    ? String(body.message)
    : JSON.stringify(body);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

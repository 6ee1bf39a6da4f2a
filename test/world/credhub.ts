import { randomUUID, X509Certificate } from 'node:crypto';
import { createServer } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { type Authority, issue, type Issued, makeAuthority } from './ca.ts';
import { type CredhubFaults, openCredhubFaults, sendHalf } from './credhub/faults.ts';
import { Refusal } from './credhub/refusal.ts';
import { answerCredhub, type CredhubRouting } from './credhub/routes.ts';
import { type CredhubRules, type CredhubState, openState } from './credhub/state.ts';
import type { ViewAge } from './credhub/views.ts';
import { listenOnLoopback, readBody } from './loopback.ts';
import { startUaa, type Uaa, type UaaClient } from './uaa.ts';

export interface CredhubOptions extends Partial<CredhubRules> {
  /** Signs the certificates of CredHub and UAA. Default: its own. */
  readonly authority?: Authority;
  /** `old`: a server before 2.0. */
  readonly age?: ViewAge;
  /** Whether permissions are enforced. Default: they are. */
  readonly enforces?: boolean;
  readonly tokenSeconds?: number;
  readonly port?: number;
}

export interface CredhubRequestRecord {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly status: number;
  readonly actor?: string;
}

/** A CredHub over HTTPS with its UAA, which issues real certificates: https://docs.cloudfoundry.org/api/credhub/ */
export interface Credhub
  extends Pick<CredhubFaults, 'fail' | 'heal'>, Pick<CredhubState, 'generate' | 'set'> {
  readonly url: string;
  /** PEM, of CredHub and UAA. */
  readonly ca: string;
  readonly uaa: Uaa;
  readonly state: CredhubState;
  /** May read everything. */
  readonly reader: UaaClient;
  /** May read and write everything. */
  readonly writer: UaaClient;
  readonly requests: readonly CredhubRequestRecord[];
  /** Replaces what an actor may do: `uaa-client:wrench`. */
  readonly grant: (actor: string, path: string, operations: readonly string[]) => void;
  readonly forbid: (actor: string) => void;
  /** A client certificate with which an application logs in; without an id, one that CredHub doesn't accept. */
  readonly makeAppCertificate: (app: string | undefined) => Promise<Issued>;
  /** Private keys, secrets and tokens. */
  readonly canaries: () => readonly string[];
  readonly close: () => Promise<void>;
}

export async function startCredhub(options: CredhubOptions = {}): Promise<Credhub> {
  const { age = 'current', enforces = true, concatenates = false, minimumDays = 0 } = options;
  const authority = options.authority ?? (await makeAuthority({ name: 'credhub-ca' }));
  const { tokenSeconds } = options;
  const uaa = await startUaa({ authority, ...(tokenSeconds !== undefined && { tokenSeconds }) });
  const state = openState({ concatenates, minimumDays });
  const faults = openCredhubFaults();
  const routing: CredhubRouting = { state, enforces, age };
  const requests: CredhubRequestRecord[] = [];
  const appKeys: string[] = [];

  const answer = async (
    request: Parameters<typeof readBody>[0],
    url: URL,
  ): Promise<{ readonly status: number; readonly body: object; readonly actor?: string }> => {
    const text = await readBody(request);
    if (url.pathname === '/info')
      return { status: 200, body: { 'auth-server': { url: uaa.url }, app: { name: 'CredHub' } } };
    if (url.pathname === '/health') return { status: 200, body: { status: 'UP' } };
    const actor = actorOf(uaa, request.headers.authorization, request.socket as TLSSocket, request.method);
    if ('status' in actor) return actor;
    if (url.pathname === '/version')
      return { status: 200, body: { version: age === 'old' ? '1.9.3' : '2.15.20' } };
    try {
      const body = text === '' ? {} : (JSON.parse(text) as Readonly<Record<string, unknown>>);
      const { method = 'GET' } = request;
      const question = { method, path: url.pathname, query: url.searchParams, body, actor: actor.name };
      return { status: 200, body: await answerCredhub(routing, question), actor: actor.name };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return { status: error.status, body: { error: error.message }, actor: actor.name };
    }
  };

  const own = await issue(authority, { name: 'credhub', names: ['127.0.0.1'] });
  const server = createServer(
    {
      cert: own.certificatePem,
      key: own.keyPem,
      ca: authority.certificatePem,
      requestCert: true,
      rejectUnauthorized: false,
    },
    (request, response) => {
      const url = new URL(request.url ?? '/', 'https://credhub');
      const fault = faults.find({ path: url.pathname + url.search, method: request.method ?? 'GET' });
      const respond = async (): Promise<void> => {
        if (fault && 'until' in fault) await fault.until;
        if (fault && 'silent' in fault && !fault.done) return;
        const { status, body, actor } =
          fault && 'status' in fault ? { status: fault.status, body: {} } : await answer(request, url);
        requests.push({
          method: request.method ?? 'GET',
          path: url.pathname + url.search,
          status,
          ...(actor !== undefined && { actor }),
        });
        if (fault && 'silent' in fault) return;
        const changed = fault && 'change' in fault && status < 300 ? fault.change(body) : body;
        const text = fault && 'status' in fault ? (fault.body ?? '') : JSON.stringify(changed);
        if (fault && 'half' in fault) return sendHalf(response, text);
        response.writeHead(status, { 'content-type': 'application/json' }).end(text);
      };
      void respond();
    },
  );
  const { port, close } = await listenOnLoopback(server, options.port);

  const grant: Credhub['grant'] = (actor, path, operations) => {
    state.permissions.push({ actor, path, operations });
  };
  const reader = uaa.addClient('wrench-reader', ['credhub.read']);
  const writer = uaa.addClient('wrench-writer', ['credhub.read', 'credhub.write']);
  grant(`uaa-client:${reader.id}`, '/*', ['read']);
  grant(`uaa-client:${writer.id}`, '/*', ['read', 'write', 'delete', 'read_acl', 'write_acl']);

  return {
    url: `https://127.0.0.1:${port}`,
    ca: authority.certificatePem,
    uaa,
    state,
    reader,
    writer,
    requests,
    generate: state.generate,
    set: state.set,
    grant,
    forbid: (actor) => {
      const kept = state.permissions.filter((one) => one.actor !== actor);
      state.permissions.splice(0, Infinity, ...kept);
    },
    makeAppCertificate: async (app) => {
      const made = await issue(authority, {
        name: randomUUID(),
        subject: [{ OU: [`app:${app ?? 'none'}`] }, { CN: ['instance'] }],
        extendedKeyUsage: ['clientAuth'],
      });
      appKeys.push(made.keyPem);
      return made;
    },
    fail: faults.fail,
    heal: faults.heal,
    canaries: () => [
      ...[...state.certificates.values()].flatMap(({ versions }) =>
        versions.flatMap(({ issued }) => (issued ? bodyOf(issued.keyPem) : [])),
      ),
      ...appKeys.flatMap(bodyOf),
      ...uaa.canaries(),
    ],
    close: async () => {
      await Promise.all([close(), uaa.close()]);
    },
  };
}

type Actor = { readonly name: string } | { readonly status: number; readonly body: object };

/** By token, else by the client certificate. */
function actorOf(
  uaa: Uaa,
  authorization: string | undefined,
  socket: TLSSocket,
  method: string | undefined,
): Actor {
  const rejected = (error: string, description: string): Actor => ({
    status: 401,
    body: { error, error_description: description },
  });
  const owner = uaa.identify(authorization);
  if (owner === 'expired') return rejected('access_token_expired', 'Access token expired');
  if (owner === 'invalid')
    return rejected(
      'invalid_token',
      'The request token signature could not be verified. Please validate that your request token was issued by the UAA server authorized by CredHub.',
    );
  if (owner) {
    const needed = method === 'GET' ? 'credhub.read' : 'credhub.write';
    if (owner.scopes.includes(needed)) return { name: `uaa-client:${owner.client}` };
    return { status: 403, body: { error: 'insufficient_scope', error_description: 'Access is denied' } };
  }
  const raw = socket.authorized ? socket.getPeerCertificate().raw : undefined;
  if (!raw) return rejected('access_denied', 'Full authentication is required to access this resource');
  const app = /^OU=app:([0-9a-f-]{36})$/m.exec(new X509Certificate(raw).subject)?.[1];
  if (app !== undefined) return { name: `mtls-app:${app}` };
  return rejected(
    'invalid_mtls_identity',
    'The provided authentication mechanism does not provide a valid identity. Please contact your system administrator.',
  );
}

/** Each line of a key is a canary: no part of it may be found. */
function bodyOf(pem: string): readonly string[] {
  return pem.split('\n').filter((line) => line.length > 40 && !line.startsWith('-----'));
}

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type Authority, issue } from './ca.ts';
import { administer, SETUP_HEADER, type VaultUnderTest } from './vault/administer.ts';
import { answerAppRole, answerLogin, answerToken, findToken, makeToken } from './vault/auth.ts';
import { type Fault, makeFaults } from './vault/faults.ts';
import { answerKv } from './vault/kv.ts';
import { answerPki, isOpenInPki, makePki, type PkiRequest } from './vault/pki.ts';
import { mayDo } from './vault/policy.ts';
import {
  type VaultResponse,
  type Capability,
  errors,
  makeSpace,
  type Mount,
  type Pki,
  type VaultRequest,
  type Role,
  type Space,
  type VaultState,
} from './vault/state.ts';
import { answerOpenly, answerSys } from './vault/sys.ts';

export interface LoggedRequest {
  readonly method: string;
  /** Decoded and without `/v1/`, with the namespace if there is one: `ns1/secret/data/x`. */
  readonly path: string;
  readonly status: number;
  /** The header that Vault Agent may require. */
  readonly vaultRequest?: string;
}

/** A Vault over real HTTP that stores secrets, checks policies and tokens, and can be made to fail. */
export interface Vault extends VaultUnderTest {
  /** The requests, except for the setup. */
  readonly requests: LoggedRequest[];
  readonly become: (health: VaultState['health']) => void;
  readonly fail: (fault: Fault, times?: number) => void;
  readonly heal: () => void;
  /** After this many more requests the listener and every connection are closed. */
  readonly dieAfter: (requests: number) => void;
  /** Listens again, on the same port. */
  readonly revive: () => Promise<void>;
  readonly advance: (ms: number) => void;
  /** Vault before 1.10. */
  readonly forgetSubkeys: () => void;
  /** The same Vault in a namespace, which is created if it is new. */
  readonly namespace: (name: string) => VaultUnderTest;
  /** Allows a service account; later calls replace the accepted JWTs. */
  readonly makeKubernetesRole: (
    wanted: { mount?: string; role: string; jwts: readonly string[] } & Partial<Role>,
  ) => void;
  /** Revokes every token except the root's, like a seal migration or an operator. */
  readonly revokeTokens: () => void;
  /** Mounts of other kinds (`pki`, and `generic` as KV was once named). */
  readonly mountType: (path: string, type: Mount['type']) => void;
  /** A PKI that issues real certificates. What is returned is its state, which tests may change. */
  readonly mountPki: (path: string, wanted: PkiRequest) => Pki;
  /** Every current and former token, secret id, JWT and private key, as it would appear in a text. */
  readonly canaries: () => readonly string[];
  readonly close: () => Promise<void>;
}

export async function startVault(options: { readonly tls?: Authority } = {}): Promise<Vault> {
  let aheadMs = 0;
  let requestsLeft = Infinity;
  const stop = new AbortController();
  const faults = makeFaults(stop.signal);
  const state: VaultState = {
    health: 'active',
    subkeys: true,
    now: () => Date.now() + aheadMs,
    spaces: new Map([['', makeSpace()]]),
    tokens: new Map(),
    canaries: new Set(),
  };
  const root = makeToken(state, { policies: ['root'], path: 'auth/token/root', displayName: 'root' });
  const requests: LoggedRequest[] = [];

  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    void (async () => {
      const setup = request.headers[SETUP_HEADER] !== undefined;
      if (!setup && requestsLeft-- <= 0) return die();
      const question = await readQuestion(request);
      const fault = setup ? undefined : await faults.meet(question, response);
      const done = fault === undefined || fault === 'silence';
      const answer = done
        ? await decide(state, question, request)
        : fault === 'dealt-with'
          ? errors(0)
          : fault;
      const where = question.space === '' ? '' : `${question.space}/`;
      const vaultRequest = one(request.headers['x-vault-request']);
      const logged = { method: question.method, path: where + question.path, status: answer.status };
      if (!setup) requests.push({ ...logged, ...(vaultRequest !== undefined && { vaultRequest }) });
      if (fault === 'silence') response.socket?.resetAndDestroy();
      else if (fault !== 'dealt-with') send(response, answer);
    })();
  };
  const server = options.tls
    ? createTlsServer(await serverKeys(options.tls), listener)
    : createServer(listener);
  const listen = (port: number): Promise<void> =>
    new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  const die = (): void => {
    server.close();
    server.closeAllConnections();
  };
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const address = `${options.tls ? 'https' : 'http'}://127.0.0.1:${port}`;
  const ca = options.tls ? { ca: options.tls.certificatePem } : {};

  return {
    ...administer(address, root.id, ca),
    requests,
    become: (health) => {
      state.health = health;
    },
    fail: faults.add,
    heal: faults.clear,
    dieAfter: (requests) => {
      requestsLeft = requests;
    },
    revive: async () => {
      requestsLeft = Infinity;
      if (!server.listening) await listen(port);
    },
    advance: (ms) => {
      aheadMs += ms;
    },
    forgetSubkeys: () => {
      state.subkeys = false;
    },
    namespace: (name) => {
      if (!state.spaces.has(name)) state.spaces.set(name, makeSpace());
      return administer(address, root.id, { ...ca, namespace: name });
    },
    makeKubernetesRole: ({
      mount = 'kubernetes',
      role,
      jwts,
      policies = [],
      ttlMs = 3_600_000,
      maxTtlMs = 86_400_000,
    }) => {
      const { logins } = state.spaces.get('')!;
      const known = logins.get(mount);
      const roles = known?.type === 'kubernetes' ? known.roles : new Map<string, never>();
      logins.set(mount, {
        type: 'kubernetes',
        roles: new Map([...roles, [role, { policies, ttlMs, maxTtlMs, jwts: new Set(jwts) }]]),
      });
      for (const jwt of jwts) state.canaries.add(jwt);
    },
    revokeTokens: () => {
      for (const id of state.tokens.keys()) if (id !== root.id) state.tokens.delete(id);
    },
    mountType: (path, type) => {
      state.spaces.get('')!.mounts.set(`${path}/`, { type, options: null, secrets: new Map() });
    },
    mountPki: (path, wanted) => {
      const pki = makePki(wanted);
      state.spaces.get('')!.mounts.set(`${path}/`, { type: 'pki', options: null, secrets: new Map(), pki });
      return pki;
    },
    canaries: () => [...state.canaries, ...[...state.spaces.values()].flatMap(privateKeyLines)],
    close: async () => {
      stop.abort();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}

async function serverKeys(authority: Authority): Promise<{ cert: string; key: string }> {
  const { certificatePem, keyPem } = await issue(authority, {
    name: 'vault',
    names: ['127.0.0.1', 'localhost'],
  });
  return { cert: certificatePem, key: keyPem };
}

async function readQuestion(request: IncomingMessage): Promise<VaultRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  const url = new URL(request.url ?? '/', 'http://vault');
  return {
    method: request.method ?? 'GET',
    path: decodeURIComponent(url.pathname).replace(/^\/v1\//, ''),
    query: url.searchParams,
    body: text ? (JSON.parse(text) as Record<string, unknown>) : {},
    space: String(request.headers['x-vault-namespace'] ?? '').replaceAll(/^\/|\/$/g, ''),
  };
}

function send(response: ServerResponse, { status, body }: VaultResponse): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(body === undefined ? undefined : JSON.stringify(body));
}

async function decide(
  state: VaultState,
  question: VaultRequest,
  request: IncomingMessage,
): Promise<VaultResponse> {
  const open = answerOpenly(state, question);
  if (open) return open;
  if (state.health === 'sealed') return errors(503, 'Vault is sealed');
  if (state.health === 'uninitialised') return errors(400, 'Vault is not initialized');
  const space = state.spaces.get(question.space);
  if (!space) return errors(404, `no handler for route "${question.path}". route entry not found.`);
  const [mountPath = '', mount] = mountOf(space, question.path) ?? [];
  if (mount?.pki && isOpenInPki(question, question.path.slice(mountPath.length)))
    return answerMount(state, question, space);
  const login = answerLogin(state, question);
  if (login) return login;
  const token = findToken(state, one(request.headers['x-vault-token']));
  const own = token && state.spaces.get(token.space);
  // A token of a namespace is valid only there; those of the root namespace are valid everywhere.
  if (!token || !own || (token.space !== '' && token.space !== question.space))
    return errors(403, 'permission denied', 'invalid token');
  if (
    !question.path.startsWith('sys/internal/ui/') &&
    !mayDo(token, own, capabilityFor(question), question.path)
  )
    return errors(403, '1 error occurred:\n\t* permission denied\n\n');
  if (question.path.startsWith('auth/token/')) return answerToken(state, question, token);
  if (question.path.startsWith('auth/')) return answerAppRole(state, question);
  if (question.path.startsWith('sys/')) return answerSys(state, question, token);
  return answerMount(state, question, space);
}

function mountOf({ mounts }: Space, path: string): readonly [string, Mount] | undefined {
  return [...mounts].find(([mount]) => `${path}/`.startsWith(mount));
}

async function answerMount(state: VaultState, question: VaultRequest, space: Space): Promise<VaultResponse> {
  const [path = '', mount] = mountOf(space, question.path) ?? [];
  if (!mount || (mount.type === 'pki' && !mount.pki))
    return errors(404, `no handler for route "${question.path}". route entry not found.`);
  if (mount.pki)
    return answerPki({
      ...question,
      pki: mount.pki,
      path: question.path.slice(path.length),
      now: state.now(),
      onKey: (pem) => linesOf(pem).forEach((line) => state.canaries.add(line)),
    });
  return answerKv({
    ...question,
    mount,
    path: question.path.slice(path.length),
    now: state.now(),
    subkeys: state.subkeys,
  });
}

function capabilityFor({ method, query }: VaultRequest): Capability {
  if (method === 'LIST') return 'list';
  if (method === 'GET') return query.get('list') === 'true' ? 'list' : 'read';
  if (method === 'DELETE') return 'delete';
  return method === 'PATCH' ? 'patch' : 'update';
}

function privateKeyLines({ mounts }: Space): string[] {
  const secrets = [...mounts.values()].flatMap((mount) => [...mount.secrets.values()].flat());
  const text = secrets
    .map(({ data }) => JSON.stringify(data))
    .join('\n')
    .replaceAll(String.raw`\n`, '\n');
  const keys = text.match(/-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]+/g) ?? [];
  return keys.flatMap(linesOf);
}

/** The first line is the same in all keys of a kind. */
function linesOf(key: string): readonly string[] {
  return key
    .split('\n')
    .slice(2)
    .filter((line) => line.length > 20 && !line.startsWith('-'));
}

function one(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

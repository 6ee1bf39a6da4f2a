import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type Authority, issue } from '../ca.ts';
import {
  type ApplicationCredential,
  type CloudUser,
  type LoginRequest,
  makeKeystone,
  type Token,
  UNAUTHORIZED,
} from './keystone.ts';
import { answerGlance } from './glance.ts';
import { answerNeutron } from './neutron.ts';
import { answerNova } from './nova.ts';
import type {
  AnswerHook,
  CloudContent,
  CloudObject,
  CloudRequest,
  CloudResponse,
  CloudService,
} from './protocol.ts';

export interface OpenStackOptions extends CloudContent {
  /** Default: plain HTTP. */
  readonly tls?: Authority;
  readonly region?: string;
  readonly answer?: AnswerHook;
  /** Default: 1 hour. */
  readonly tokenLifetimeMs?: number;
  /** The newest microversion of Nova. Empty: a Nova without microversions. */
  readonly microversion?: string;
  /** How many items a page has at most. Default: 1000. */
  readonly maxPageSize?: number;
  /** Changes the catalogue that Keystone sends. */
  readonly catalogue?: (services: readonly CloudObject[]) => readonly CloudObject[];
}

export type CloudFault =
  /** Accepts the connection and never responds. */
  | 'hang'
  /** Closes the connection without a response. */
  | 'reset'
  | CloudResponse;

export interface OpenStack {
  /** `http://127.0.0.1:PORT/identity/v3` */
  readonly authUrl: string;
  /** The addresses in the catalogue, by type of service. */
  readonly endpoints: Readonly<Record<'compute' | 'network' | 'image', string>>;
  /** Without a login: of an administrator. */
  readonly addCredential: (login?: LoginRequest) => ApplicationCredential;
  readonly addUser: (login?: LoginRequest) => CloudUser;
  /** The requests, with the query: `nova GET /servers/detail?all_tenants=1`. */
  readonly requests: readonly string[];
  /** Microversions that requests to Nova named. */
  readonly microversions: readonly string[];
  /** Applies to requests whose line, as in `requests`, begins like this; without `times`, to all. */
  readonly fail: (line: string, fault: CloudFault, times?: number) => void;
  readonly heal: () => void;
  /** Revokes all tokens. */
  readonly revokeTokens: () => void;
  /** Moves the clock of Keystone. */
  readonly advance: (ms: number) => void;
  /** Every secret, password and token so far. */
  readonly canaries: () => readonly string[];
  readonly close: () => Promise<void>;
}

const PREFIXES = {
  '/identity': 'keystone',
  '/compute': 'nova',
  '/networking': 'neutron',
  '/image': 'glance',
} as const;
/** Types in the catalogue and in access rules. */
const TYPES = { keystone: 'identity', nova: 'compute', neutron: 'network', glance: 'image' } as const;
const ANSWERS = { nova: answerNova, neutron: answerNeutron, glance: answerGlance } as const;

/** A Keystone, Nova, Neutron and Glance on one port of loopback. */
export async function startOpenStack(options: OpenStackOptions = {}): Promise<OpenStack> {
  const { tls, region = 'RegionOne', catalogue = (services) => services } = options;
  let aheadMs = 0;
  const requests: string[] = [];
  const microversions: string[] = [];
  let faults: { readonly line: string; readonly fault: CloudFault; left: number }[] = [];
  const listener = (message: IncomingMessage, response: ServerResponse): void => {
    void respond(message, response);
  };
  const server = tls ? createTlsServer(await serverKeys(tls), listener) : createServer(listener);
  await new Promise<void>((done) => {
    server.listen(0, '127.0.0.1', done);
  });
  const origin = `${tls ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const endpoints = {
    compute: `${origin}/compute/v2.1`,
    network: `${origin}/networking`,
    image: `${origin}/image`,
  };
  const keystone = makeKeystone({
    now: () => Date.now() + aheadMs,
    tokenLifetimeMs: options.tokenLifetimeMs ?? 3_600_000,
    catalogue: () =>
      catalogue([
        serviceOf('identity', 'keystone', `${origin}/identity`, region),
        serviceOf('compute', 'nova', endpoints.compute, region),
        serviceOf('network', 'neutron', endpoints.network, region),
        serviceOf('image', 'glance', endpoints.image, region),
      ]),
  });

  const respond = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { service, request } = await readRequest(message);
    const line = `${service} ${request.method} ${request.path}${message.url?.match(/\?.*/)?.[0] ?? ''}`;
    requests.push(line);
    const microversion = request.headers['openstack-api-version'];
    if (service === 'nova' && microversion !== undefined) microversions.push(microversion);
    const met = faults.find((one) => one.left > 0 && line.startsWith(one.line));
    if (met) met.left -= 1;
    if (met?.fault === 'hang') return;
    if (met?.fault === 'reset') return void message.socket.resetAndDestroy();
    send(response, met?.fault ?? answerOrFail(() => decide(service, request)));
  };

  const decide = (service: CloudService, request: CloudRequest): CloudResponse => {
    if (service === 'keystone') return options.answer?.(service, request) ?? keystone.answer(request);
    const isVersions = request.path === '/';
    const token = keystone.find(request.headers['x-auth-token']);
    if (!isVersions && (!token || !isPermitted(token, service, request))) return UNAUTHORIZED;
    const base = endpoints[TYPES[service]];
    return options.answer?.(service, request) ?? ANSWERS[service](request, { ...options, token, base });
  };

  return {
    authUrl: `${origin}/identity/v3`,
    endpoints,
    addCredential: keystone.addCredential,
    addUser: keystone.addUser,
    requests,
    microversions,
    fail: (line, fault, times = Infinity) => void faults.push({ line, fault, left: times }),
    heal: () => {
      faults = [];
    },
    revokeTokens: keystone.revokeTokens,
    advance: (ms) => {
      aheadMs += ms;
    },
    canaries: keystone.canaries,
    close: async () => {
      server.closeAllConnections();
      if (server.listening) await new Promise((done) => server.close(done));
    },
  };
}

function serviceOf(type: string, name: string, url: string, region: string): CloudObject {
  const endpoint = (kind: string): CloudObject => ({
    id: `${name}-${kind}`,
    interface: kind,
    region,
    region_id: region,
    url,
  });
  return { id: name, type, name, endpoints: ['public', 'internal', 'admin'].map(endpoint) };
}

/** As keystonemiddleware enforces the access rules of an application credential. */
function isPermitted({ accessRules }: Token, service: CloudService, { method, path }: CloudRequest): boolean {
  const type = TYPES[service];
  const whole = service === 'nova' ? `/v2.1${path}` : path;
  return (
    accessRules?.some(({ service: of, method: allowed, path: pattern }) => {
      const parts = String(pattern)
        .split(/(\*\*|\*|\{[^}]*\})/)
        .map((part, at) =>
          at % 2 === 0 ? part.replaceAll(/[.?+^$()|[\]\\]/g, '\\$&') : part === '**' ? '.*' : '[^/]+',
        );
      return of === type && allowed === method && new RegExp(`^${parts.join('')}$`).test(whole);
    }) ?? true
  );
}

async function serverKeys(authority: Authority): Promise<{ cert: string; key: string }> {
  const { certificatePem, keyPem } = await issue(authority, {
    name: 'openstack',
    names: ['127.0.0.1', 'localhost'],
  });
  return { cert: certificatePem, key: keyPem };
}

async function readRequest(
  message: IncomingMessage,
): Promise<{ readonly service: CloudService; readonly request: CloudRequest }> {
  const chunks: Buffer[] = [];
  for await (const chunk of message as AsyncIterable<Buffer>) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  const { pathname, searchParams: query } = new URL(message.url ?? '/', 'http://openstack');
  const [prefix, service] = Object.entries(PREFIXES).find(([one]) => pathname.startsWith(one)) ?? [
    '',
    'keystone',
  ];
  const rest = decodeURIComponent(pathname.slice(prefix.length));
  return {
    service,
    request: {
      method: message.method ?? 'GET',
      path: (service === 'nova' ? rest.replace(/^\/v2\.1(?=\/|$)/, '') : rest) || '/',
      query,
      headers: message.headers as Readonly<Record<string, string | undefined>>,
      body: text === '' ? undefined : (JSON.parse(text) as unknown),
    },
  };
}

/** A bug in a test's response must not crash the process. */
function answerOrFail(answer: () => CloudResponse): CloudResponse {
  try {
    return answer();
  } catch (error) {
    return { status: 500, json: { bug: (error as Error).stack } };
  }
}

function send(response: ServerResponse, { status, json, text, headers = {} }: CloudResponse): void {
  const type = text?.trimStart().startsWith('<') ? 'text/html; charset=UTF-8' : 'application/json';
  response.writeHead(status, { 'content-type': type, ...headers });
  response.end(text ?? (json === undefined ? undefined : JSON.stringify(json)));
}

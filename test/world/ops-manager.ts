import { createServer } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Authority, issue, makeAuthority } from './ca.ts';

/** A certificate as Ops Manager lists it. Members that are absent get its defaults. */
export interface ListedCertificate {
  readonly name: string;
  readonly issuer?: string;
  readonly valid_from?: string;
  readonly valid_until?: string | null;
  readonly configurable?: boolean;
  readonly auto_rotated?: boolean;
  readonly is_ca?: boolean;
  readonly product_guid?: string | null;
  readonly deployments?: readonly string[];
  readonly outdated_deployments?: readonly string[];
  readonly rotation_procedure_name?: string;
  readonly rotation_procedure_url?: string;
  readonly signs?: readonly ListedCertificate[];
}

export interface OpsManagerOptions {
  /** Default: one certificate of BOSH DNS. */
  readonly certificates?: readonly ListedCertificate[];
  readonly authorities?: readonly { readonly guid: string; readonly pem: string; readonly active: boolean }[];
  /** Before 3.0 there is only version 0 of the list. Default: 3.0.37. */
  readonly version?: string;
  readonly tokenSeconds?: number;
  /** Scopes of its login. Default: those of the role Restricted View. */
  readonly scopes?: readonly string[];
  readonly authority?: Authority;
  /** Answers a request instead. undefined: the answer of this Ops Manager. */
  readonly answer?: (request: OpsManagerRequest) => OpsManagerAnswer | undefined;
}

export interface OpsManagerRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
}

export interface OpsManagerAnswer {
  readonly status: number;
  /** Text is sent unchanged, everything else as JSON. */
  readonly body: unknown;
}

export interface OpsManager {
  readonly url: string;
  /** PEM. */
  readonly ca: string;
  readonly client: { readonly id: string; readonly secret: string };
  readonly user: { readonly username: string; readonly password: string };
  readonly requests: readonly (OpsManagerRequest & { readonly status: number })[];
  /** As after a reboot: UAA doesn't run until someone enters the passphrase. */
  readonly lock: () => void;
  readonly unlock: () => void;
  readonly revokeTokens: () => void;
  /** Secrets and tokens, which must not appear anywhere. */
  readonly canaries: () => readonly string[];
  readonly close: () => Promise<void>;
}

const DEFAULT: readonly ListedCertificate[] = [{ name: '/opsmgr/bosh_dns/tls_ca', is_ca: true }];

/** An Ops Manager and its UAA over real HTTPS: https://developer.broadcom.com/xapis/tanzu-operations-manager-api/latest/ */
export async function startOpsManager(options: OpsManagerOptions = {}): Promise<OpsManager> {
  const {
    certificates = DEFAULT,
    authorities = [],
    version = '3.0.37',
    tokenSeconds = 43_199,
    scopes = ['opsman.restricted_view'],
  } = options;
  const authority = options.authority ?? (await makeAuthority({ name: 'opsman-ca' }));
  const { certificatePem, keyPem } = await issue(authority, { name: 'opsman', names: ['127.0.0.1'] });
  const client = { id: 'wrench', secret: 'canary-client-secret' };
  const user = { username: 'wrench', password: 'canary-user-password' };
  const tokens = new Map<string, number>();
  const issued: string[] = [];
  const requests: (OpsManagerRequest & { readonly status: number })[] = [];
  let isLocked = false;

  const grant = (authorization: string, form: URLSearchParams): OpsManagerAnswer => {
    const [id = '', secret = ''] = Buffer.from(authorization.replace(/^Basic /, ''), 'base64')
      .toString()
      .split(':');
    const isClient =
      form.get('grant_type') === 'client_credentials' && id === client.id && secret === client.secret;
    const isUser =
      form.get('grant_type') === 'password' &&
      id === 'opsman' &&
      secret === '' &&
      form.get('username') === user.username &&
      form.get('password') === user.password;
    if (!isClient && !isUser)
      return { status: 401, body: { error: 'unauthorized', error_description: 'Bad credentials' } };
    const token = `canary-token-${issued.length}`;
    issued.push(token);
    tokens.set(token, Date.now() + tokenSeconds * 1000);
    return {
      status: 200,
      body: {
        access_token: token,
        token_type: 'bearer',
        expires_in: tokenSeconds,
        scope: scopes.join(' '),
      },
    };
  };

  const answer = (
    { method, path }: OpsManagerRequest,
    authorization: string,
    form: URLSearchParams,
  ): OpsManagerAnswer => {
    const [pathname] = path.split('?');
    if (isLocked) return { status: 503, body: '<html>Ops Manager is locked</html>' };
    if (method === 'POST' && pathname === '/uaa/oauth/token') return grant(authorization, form);
    if (pathname === '/api/v0/info') return { status: 200, body: { info: { version } } };
    const until = tokens.get(authorization.replace(/^bearer /i, '')) ?? 0;
    if (until < Date.now())
      return { status: 401, body: { error: 'invalid_token', error_description: 'The token expired' } };
    if (!scopes.some((scope) => scope.startsWith('opsman.')))
      return { status: 403, body: { errors: ['Forbidden'] } };
    if (pathname === '/api/v1/deployed/certificates' && Number.parseInt(version, 10) >= 3)
      return { status: 200, body: { certificates: certificates.map(toVersion1) } };
    if (pathname === '/api/v0/deployed/certificates')
      return { status: 200, body: { certificates: flatten(certificates).map(toVersion0) } };
    if (pathname === '/api/v0/certificate_authorities')
      return {
        status: 200,
        body: {
          certificate_authorities: authorities.map(({ guid, pem, active }) => ({
            guid,
            issuer: 'Pivotal',
            created_on: '2024-01-09',
            expires_on: '2028-01-09',
            active,
            cert_pem: pem,
          })),
        },
      };
    return { status: 404, body: { errors: ['Not Found'] } };
  };

  const respond = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const text = await readText(message);
    const request = { method: message.method ?? 'GET', path: message.url ?? '/' };
    const given =
      options.answer?.(request) ??
      answer(request, message.headers.authorization ?? '', new URLSearchParams(text));
    requests.push({ ...request, status: given.status });
    send(response, given);
  };
  const server = createServer({ cert: certificatePem, key: keyPem }, (message, response) => {
    void respond(message, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ca: authority.certificatePem,
    client,
    user,
    requests,
    lock: () => {
      isLocked = true;
      tokens.clear();
    },
    unlock: () => {
      isLocked = false;
    },
    revokeTokens: () => tokens.clear(),
    canaries: () => [client.secret, user.password, ...issued],
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Leaves are nested below the authority that signs them. */
function toVersion1({ signs = [], ...written }: ListedCertificate): object {
  return {
    auto_rotated: false,
    configurable: false,
    deployments: [],
    is_ca: false,
    issuer: '/C=US/O=Harbour/CN=services-ca',
    location: 'credhub',
    outdated_deployments: [],
    product_guid: null,
    property_type: null,
    rotation_procedure_name: 'Services TLS CA Procedure',
    rotation_procedure_url: 'https://docs.example.com/rotate/services',
    rotation_status: null,
    valid_from: '2026-11-20T09:00:00Z',
    valid_until: '2028-11-20T09:00:00Z',
    ...written,
    signs: signs.map(toVersion1),
  };
}

function toVersion0(written: ListedCertificate): object {
  const { name, configurable = false, is_ca: isAuthority = false, product_guid: product = null } = written;
  const { valid_from: from = '2026-11-20T09:00:00Z', valid_until: until = '2028-11-20T09:00:00Z' } = written;
  const isProperty = name.startsWith('.');
  return {
    issuer: written.issuer ?? '/CN=opsmgr-bosh-dns-tls-ca',
    valid_from: from,
    valid_until: until,
    configurable,
    is_ca: isAuthority,
    property_reference: isProperty ? name : null,
    property_type: isProperty ? 'rsa_cert_credentials' : null,
    product_guid: product,
    location: isProperty ? 'ops_manager' : 'credhub',
    variable_path: isProperty ? null : name,
    rotation_procedure_name: 'Services TLS CA Procedure',
    rotation_procedure_url: 'https://docs.example.com/rotate/services',
  };
}

function flatten(certificates: readonly ListedCertificate[]): readonly ListedCertificate[] {
  return certificates.flatMap((one) => [one, ...flatten(one.signs ?? [])]);
}

async function readText(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of message as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

function send(response: ServerResponse, { status, body }: OpsManagerAnswer): void {
  const isText = typeof body === 'string';
  response.writeHead(status, { 'content-type': isText ? 'text/html' : 'application/json' });
  response.end(isText ? body : JSON.stringify(body));
}

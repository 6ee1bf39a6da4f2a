import { isIPv6 } from 'node:net';
import type { RequestContext } from '@kubernetes/client-node/dist/gen/http/http.js';
import type { HttpAnswer, SourceRecorder } from '../../ports/recorder.ts';
import type { KubeletAddress } from '../../ports/clusters.ts';
import { SourceError } from '../../ports/source-error.ts';
import { parseJson } from '../../text/parse-json.ts';
import { type HttpTls, openHttp, type PlainHttpClient } from '../../wire/http.ts';
import { unlessAborted } from '../../wire/unless-aborted.ts';
import { printable } from '../../wire/x509.ts';
import type { KubernetesConfig } from './config.ts';
import { type Credential, obtainCredential } from './credentials.ts';
import { type AnswerContext, isOfProxiedKubelet } from './explain-answer.ts';
import { hideInAnswers } from './hide-credential.ts';
import { type ClusterAccess, readAuthorities, readKubeconfig, readServiceAccount } from './kubeconfig.ts';
import type { AccessRule } from './permissions.ts';
import { loadRequestFactories, type RequestFactories } from './request-factories.ts';

/** One request to the API server, or to a kubelet through it. */
export interface ClusterRequest {
  readonly make: (factories: RequestFactories) => Promise<RequestContext>;
  readonly rule: AccessRule;
  /** What is requested, for messages: `the list of nodes`. */
  readonly what: string;
  readonly contentType?: string;
  readonly maxBytes?: number;
  readonly signal: AbortSignal;
}

/** One GET to a kubelet at its own address. */
export interface KubeletRequest {
  readonly node: KubeletAddress;
  readonly path: '/stats/summary' | '/configz';
  readonly rule: AccessRule;
  readonly what: string;
  readonly maxBytes?: number;
  readonly signal: AbortSignal;
}

/** A response of any status, and what an error about it needs. */
export interface ClusterAnswer {
  readonly answer: HttpAnswer;
  readonly context: AnswerContext;
}

/** Sends requests to a cluster with one credential. Reads files, runs plugins and loads the client library at the first request. */
export interface ClusterConnection {
  /** @throws {SourceError} if there is no response or no credential. */
  readonly send: (request: ClusterRequest) => Promise<ClusterAnswer>;
  /** @throws {SourceError} as `send`; also if the certificate of the kubelet cannot be verified, before anything is sent to it. */
  readonly sendToKubelet: (request: KubeletRequest) => Promise<ClusterAnswer>;
  readonly close: () => Promise<void>;
}

/** Everything that a request needs. Replaced as a whole when the credential expires or is rejected. */
interface Session {
  readonly startedAtMs: number;
  readonly access: ClusterAccess;
  readonly factories: RequestFactories;
  readonly credential: Credential;
  readonly http: PlainHttpClient;
  /** Absent without a CA to verify kubelets. The public CAs are no substitute: anyone can get a certificate from them. */
  readonly kubelets: PlainHttpClient | undefined;
}

/** How long a failure to obtain a valid credential is repeated to other requests, so that a plugin that hangs is not run for every node. */
const FAILURE_MS = 5_000;
const KUBELET_RETRY_AGE_MS = 30_000;
const DEFAULT_MAX_BYTES = 16_000_000;
/** Error responses are read too: their bodies have the reason. */
const ERROR_STATUSES = Array.from({ length: 200 }, (_, index) => 400 + index);

export function openConnection(
  config: KubernetesConfig,
  choice: Pick<KubernetesConfig, 'kubeconfig' | 'context'>,
  recorder: SourceRecorder | undefined,
): ClusterConnection {
  const { name: source, timeoutMs } = config;
  const stop = new AbortController();
  const opened = new Set<PlainHttpClient>();
  let session: Promise<Session> | undefined;
  let usableUntilMs = 0;
  let refusedUntilMs = 0;

  const start = async (): Promise<Session> => {
    const { kubeconfig, context } = choice;
    const access =
      kubeconfig === undefined
        ? await readServiceAccount(source)
        : await readKubeconfig(source, { kubeconfig, ...(context !== undefined && { context }) });
    const credential = await obtainCredential(source, access.user, { timeoutMs, signal: stop.signal });
    const { ca, insecure, serverName, proxy } = access;
    const own = credential.certificate ?? {};
    const kubeletCa = config.kubeletCa === undefined ? ca : await readAuthorities(source, config.kubeletCa);
    requireEncryption(source, access.server, credential);
    const tls = {
      ...own,
      ...(ca !== undefined && { ca }),
      ...(insecure && { rejectUnauthorized: false }),
      ...(serverName !== undefined && { servername: serverName }),
    };
    const kubeletTls = {
      ...own,
      ...(kubeletCa !== undefined && { ca: kubeletCa }),
      ...(config.kubeletInsecure && { rejectUnauthorized: false }),
    };
    const factories = await loadRequestFactories(access.server);
    if (stop.signal.aborted) throw closedError(source);
    const hiding = hideInAnswers(credential, recorder);
    const open = (to: HttpTls, by?: string): PlainHttpClient => {
      const http = openHttp({ source, tls: to, proxy: by, recorder: hiding });
      opened.add(http);
      return http;
    };
    return {
      startedAtMs: performance.now(),
      access,
      credential,
      factories,
      http: open(tls, proxy),
      kubelets: kubeletCa !== undefined || config.kubeletInsecure ? open(kubeletTls) : undefined,
    };
  };

  /** The connections of the old session are closed after its requests have finished. */
  const replace = (): Promise<Session> => {
    const before = session;
    const after = start();
    session = after;
    usableUntilMs = Infinity;
    const retire = async (): Promise<void> => {
      const old = await before?.catch(() => undefined);
      if (old) for (const http of [old.http, old.kubelets]) if (http) retireHttp(http);
    };
    const retireHttp = (http: PlainHttpClient): void => {
      const timer = setTimeout(() => {
        opened.delete(http);
        void http.close();
      }, 2 * timeoutMs);
      timer.unref();
    };
    const noteLifetime = async (): Promise<void> => {
      const untilMs = await after.then(
        ({ credential }) => credential.usableUntilMs,
        () => performance.now() + FAILURE_MS,
      );
      if (session === after) usableUntilMs = untilMs;
    };
    void noteLifetime();
    void retire();
    return after;
  };

  const current = (): Promise<Session> => {
    if (stop.signal.aborted) throw closedError(source);
    const usable = session !== undefined && performance.now() < usableUntilMs;
    return usable ? session! : replace();
  };

  /** Retries once with a new credential after a 401, because tokens can be revoked or rotated at any time. */
  const authenticated = async (
    signal: AbortSignal,
    send: (session: Session) => Promise<ClusterAnswer>,
    mayReplace: (first: Session) => boolean,
  ): Promise<ClusterAnswer> => {
    const asking = current();
    const first = await unlessAborted(asking, signal);
    const answered = await send(first);
    if (answered.answer.status !== 401 || isOfProxiedKubelet(answered) || !mayReplace(first)) return answered;
    // If many requests are rejected at the same time, only one replaces it.
    if (session === asking && !stop.signal.aborted) void replace().catch(() => undefined);
    return send(await unlessAborted(current(), signal));
  };

  return {
    send: async ({ make, rule, what, contentType, maxBytes = DEFAULT_MAX_BYTES, signal }) => {
      let times = 0;
      const send = async ({ factories, http, credential }: Session): Promise<ClusterAnswer> => {
        times++;
        const request = await make(factories);
        const url = new URL(request.getUrl());
        // Recorded with the request.
        [url.username, url.password] = ['', ''];
        const body = request.getBody();
        const answer = await http.requestText({
          url: url.href,
          method: request.getHttpMethod() as 'GET' | 'POST' | 'PATCH' | 'DELETE',
          headers: {
            ...credential.headers,
            accept: 'application/json',
            'user-agent': 'wrench',
            ...(contentType !== undefined && { 'content-type': contentType }),
          },
          ...(typeof body === 'string' && { body: parseJson(body) }),
          accept: ERROR_STATUSES,
          maxBytes,
          timeoutMs,
          signal,
        });
        return {
          answer,
          context: { source, host: url.host, rule, what, origin: credential.origin },
        };
      };
      const answered = await authenticated(signal, send, () => performance.now() >= refusedUntilMs);
      if (times > 1 && answered.answer.status === 401) refusedUntilMs = performance.now() + FAILURE_MS;
      return answered;
    },
    sendToKubelet: ({ node, path, rule, what, maxBytes = DEFAULT_MAX_BYTES, signal }) => {
      const send = async ({ kubelets, credential }: Session): Promise<ClusterAnswer> => {
        const host = kubeletHost(source, node);
        if (!kubelets)
          throw new SourceError(
            source,
            'refused',
            'not configured: the kubeconfig has no CA to verify kubelets with, so set `kubeletCa`',
          );
        const answer = await kubelets
          .requestText({
            url: `https://${host}${path}`,
            headers: { ...credential.headers, accept: 'application/json', 'user-agent': 'wrench' },
            accept: ERROR_STATUSES,
            maxBytes,
            timeoutMs,
            signal,
          })
          .catch((error: unknown) => {
            throw explainCertificate(source, error);
          });
        return {
          answer,
          context: { source, host, rule, what, origin: credential.origin, isKubelet: true },
        };
      };
      // Kubelets may reject a credential that the API server accepts: do not renew it for each of thousands of nodes.
      return authenticated(
        signal,
        send,
        ({ startedAtMs }) => performance.now() - startedAtMs >= KUBELET_RETRY_AGE_MS,
      );
    },
    close: async () => {
      stop.abort();
      await session?.catch(() => undefined);
      await Promise.all([...opened].map((http) => http.close()));
    },
  };
}

/** Prefers the internal IP. The API server prefers the host name, but that may not resolve here. */
function kubeletHost(source: string, { name, addresses, kubeletPort }: KubeletAddress): string {
  const address = ['InternalIP', 'Hostname', 'InternalDNS']
    .map((type) => addresses.find((one) => one.type === type)?.address)
    .find((found) => found !== undefined);
  // Anyone who controls a node can set its addresses: accept nothing but a host.
  const host = address !== undefined && isIPv6(address) ? `[${address}]` : address;
  const isHost = host !== undefined && /^(?:\[[\da-f:.]+\]|[a-z\d](?:[-_.a-z\d]*[a-z\d])?)$/i.test(host);
  if (!isHost || !URL.canParse(`https://${host}:${kubeletPort}/`))
    throw new SourceError(source, 'missing', `${printable(name)} has no address for its kubelet`);
  return `${host}:${kubeletPort}`;
}

/** @throws {SourceError} if a credential would be sent unencrypted. */
function requireEncryption(source: string, server: string, { headers }: Credential): void {
  const { protocol, hostname, host } = new URL(server);
  const isLocal = /^(?:localhost|127\.[\d.]+|\[::1\])$/.test(hostname);
  if (protocol === 'https:' || isLocal || headers['authorization'] === undefined) return;
  throw new SourceError(
    source,
    'refused',
    `no credential was sent to ${host} because the connection is not encrypted: use an https:// server`,
  );
}

function closedError(source: string): SourceError {
  return new SourceError(source, 'unreachable', 'no request was sent: the source is closed');
}

/** Names the options for a certificate that is not trusted, with the same text for all nodes. */
function explainCertificate(source: string, error: unknown): unknown {
  if (!(error instanceof SourceError)) return error;
  const fault =
    error.code === undefined ? undefined : CERTIFICATE_FAULTS.find(([code]) => code.test(error.code!));
  if (!fault) return error;
  return new SourceError(
    source,
    'unreachable',
    `the kubelet's certificate ${fault[1]}: sign kubelet certificates with the cluster's CA (\`serverTLSBootstrap\`), or configure \`kubeletCa\``,
    { code: error.code! },
  );
}

const CERTIFICATE_FAULTS: readonly (readonly [RegExp, string])[] = [
  [/^ERR_TLS_CERT_ALTNAME_INVALID$/, 'is not valid for its address'],
  [/^CERT_HAS_EXPIRED$/, 'has expired'],
  [/SELF_SIGNED|UNABLE_TO_|CERT_(UNTRUSTED|SIGNATURE_FAILURE|REJECTED)|INVALID_CA/, 'is not trusted'],
];

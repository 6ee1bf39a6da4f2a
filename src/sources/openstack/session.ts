import type { HttpAnswer, SourceRecorder } from '../../ports/recorder.ts';
import { SourceError } from '../../ports/source-error.ts';
import type { PlainHttpClient } from '../../wire/http.ts';
import { openHttpOnDemand } from '../../wire/http-on-demand.ts';
import { unlessAborted } from '../../wire/unless-aborted.ts';
import { type CloudServiceType, findEndpoint, SERVICE_NAMES, type ServiceEndpoint } from './catalogue.ts';
import { cloudError } from './cloud-error.ts';
import type { OpenStackConfig } from './config.ts';
import { ANY_ERROR, type KeystoneToken, logInToKeystone } from './login.ts';

const MAX_PAGE_BYTES = 64_000_000;
/** How long a rejection counts, before Wrench logs in again: Keystone may lock a user after a few failed logins. */
const REJECTION_MS = 30_000;

export interface ServiceRequest {
  /** Default: GET. */
  readonly method?: 'PUT';
  /** Sent as JSON. */
  readonly body?: object;
  readonly service: CloudServiceType;
  /** From the address of the service to the URL of the request. */
  readonly url: (endpoint: ServiceEndpoint) => string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Statuses other than success that don't throw. */
  readonly accept?: readonly number[];
  /** Lists of versions need no token. */
  readonly isAnonymous?: boolean;
  readonly signal: AbortSignal;
}

/** One credential in a cloud, its token, and the services in the catalogue. */
export interface CloudSession {
  /**
   * Sends a request, and logs in again once if the token is rejected. Returns only success and accepted statuses. Only a GET is sent again after
   * other failures.
   * @throws {SourceError} with the service's own message if it sends one.
   */
  readonly send: (request: ServiceRequest) => Promise<HttpAnswer>;
  /** Logs in unless already logged in. @throws {SourceError} */
  readonly token: (signal: AbortSignal) => Promise<KeystoneToken>;
  /** @throws {SourceError} */
  readonly endpoint: (service: CloudServiceType, signal: AbortSignal) => Promise<ServiceEndpoint>;
  /** The client, for requests to Keystone without a token. @throws {SourceError} if the CA can't be read. */
  readonly http: () => Promise<PlainHttpClient>;
  readonly close: () => Promise<void>;
}

/** Opening a session reads no files and sends no requests. */
export function openCloudSession(
  config: OpenStackConfig,
  recorder: SourceRecorder | undefined,
): CloudSession {
  const { name, timeoutMs } = config;
  const connection = openHttpOnDemand({ source: config.name, ca: config.ca, recorder });
  let current: KeystoneToken | undefined;
  let loggingIn: Promise<KeystoneToken> | undefined;
  let rejected: { readonly error: SourceError; readonly untilMs: number } | undefined;
  /** Until when a service that rejected a new token is not tried with yet another one. */
  const rejectsUntilMs = new Map<CloudServiceType, number>();
  const closed = new AbortController();

  /** Shared by all callers, so no caller's signal stops it; it has its own timeout. */
  const token = async (signal: AbortSignal): Promise<KeystoneToken> => {
    signal.throwIfAborted();
    if (current && current.renewAtMs > Date.now()) return current;
    if (rejected && rejected.untilMs > Date.now()) throw rejected.error;
    loggingIn ??= connection
      .http()
      .then((client) => logInToKeystone(config, client, closed.signal))
      .then((fresh) => (current = fresh))
      .catch((error: unknown) => {
        if (error instanceof SourceError && error.kind === 'refused')
          rejected = { error, untilMs: Date.now() + REJECTION_MS };
        throw error;
      })
      .finally(() => (loggingIn = undefined));
    return unlessAborted(loggingIn, signal);
  };

  const endpoint = async (service: CloudServiceType, signal: AbortSignal): Promise<ServiceEndpoint> =>
    findEndpoint(config, (await token(signal)).catalogue, service);

  const sendOnce = async (request: ServiceRequest, tokenId: string | undefined): Promise<HttpAnswer> => {
    const { service, signal, headers, method, body } = request;
    const at = await endpoint(service, signal);
    const client = await connection.http();
    try {
      const answer = await client.requestText({
        url: request.url(at),
        ...(method && { method }),
        ...(body && { body }),
        headers: { ...headers, ...(tokenId !== undefined && { 'x-auth-token': tokenId }) },
        accept: ANY_ERROR,
        maxBytes: MAX_PAGE_BYTES,
        timeoutMs,
        signal,
      });
      // Messages quote errors of services, which may quote the token.
      return tokenId === undefined ? answer : { ...answer, text: answer.text.replaceAll(tokenId, '(token)') };
    } catch (error) {
      throw withOrigin(error, service, at.isFromCatalogue);
    }
  };

  return {
    http: connection.http,
    token,
    endpoint,
    send: async (request) => {
      const { service, accept = [], isAnonymous = false, signal } = request;
      const used = await token(signal);
      let answer = await sendOnce(request, isAnonymous ? undefined : used.id);
      const mayRetry = !isAnonymous && (rejectsUntilMs.get(service) ?? 0) <= Date.now();
      if (answer.status === 401 && mayRetry) {
        // Expired or revoked. Another request may have logged in already.
        if (current === used) current = undefined;
        answer = await sendOnce(request, (await token(signal)).id);
        if (answer.status === 401) rejectsUntilMs.set(service, Date.now() + REJECTION_MS);
      }
      if (answer.status < 300 || accept.includes(answer.status)) return answer;
      const { host } = new URL(request.url(await endpoint(service, signal)));
      throw cloudError(
        {
          source: name,
          service: SERVICE_NAMES[service],
          host,
          hasAccessRules: used.accessRules !== undefined,
        },
        answer,
      );
    },
    close: async () => {
      closed.abort(new SourceError(name, 'unreachable', 'the source is closed'));
      await connection.close();
    },
  };
}

/** An address of the catalogue may only be reachable from elsewhere. */
function withOrigin(error: unknown, service: CloudServiceType, isFromCatalogue: boolean): unknown {
  if (!(error instanceof SourceError) || error.kind !== 'unreachable') return error;
  const { source, kind, message, code } = error;
  const origin = isFromCatalogue
    ? `the catalogue of Keystone: if it is wrong from here, set \`endpoints.${service}\` or \`interface\``
    : `\`endpoints.${service}\``;
  return new SourceError(
    source,
    kind,
    `${message}. The address of ${SERVICE_NAMES[service]} is from ${origin}`,
    { ...(code !== undefined && { code }), cause: error },
  );
}

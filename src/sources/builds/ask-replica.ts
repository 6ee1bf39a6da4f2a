import { promises as dns } from 'node:dns';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BuildAnswer, ReplicaQuery } from '../../ports/builds.ts';
import { SourceError } from '../../ports/source-error.ts';
import { openHttpOnDemand } from '../../wire/http-on-demand.ts';
import type { TextResponse } from '../../wire/http.ts';
import { printable } from '../../wire/x509.ts';
import { makeAllowedHosts } from './allowed-hosts.ts';
import type { BuildsConfig } from './config.ts';
import { lookupAllowed, notAllowed, type ResolveName } from './lookup-allowed.ts';
import { placeInUrl, parseReplicaPlace, placeText } from './place.ts';

export type ServiceConfig = BuildsConfig['services'][number];

/** Asks the replicas of one service. Reads files and connects with the first request. */
export interface ReplicaClient {
  /** @throws {SourceError} */
  readonly ask: (replica: Omit<ReplicaQuery, 'service'>) => Promise<BuildAnswer>;
  /** Reads the files that requests need. @throws {SourceError} */
  readonly prepare: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export interface ReplicaClientOptions {
  readonly service: ServiceConfig;
  readonly config: Pick<BuildsConfig, 'name' | 'hosts' | 'timeoutMs' | 'retries'>;
  /** As this machine resolves names. Tests replace it. */
  readonly resolve?: ResolveName | undefined;
}

/** What says which build runs is much smaller. */
const MAX_BODY_BYTES = 65_536;
/** Every response is returned, whatever its status; redirects are not followed. */
const STATUSES: readonly number[] = Array.from({ length: 700 }, (_, index) => 300 + index);
/** Codes of failures without any response, after which the same request may succeed. */
const NO_RESPONSE: ReadonlySet<string> = new Set([
  'TIMEOUT',
  'ECONNRESET',
  'EPIPE',
  'UND_ERR_SOCKET',
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'EAI_AGAIN',
]);
const RETRY_WAIT_MS = 100;
/** If a whole network does not respond, retries would only delay the report. */
const MANY_TIMEOUTS = 20;

export function openReplicaClient({
  service,
  config: { name: source, hosts, timeoutMs, retries },
  resolve = (name) => dns.lookup(name, { all: true }),
}: ReplicaClientOptions): ReplicaClient {
  const { scheme, path, build, headers = {}, serverName, ca, clientCertificate } = service;
  /** The schemes of configured addresses. They are the only replicas, and allowed by themselves. */
  const own = new Map(
    service.replicas.addresses?.map((url) => [
      placeText(placeInUrl(url)),
      url.startsWith('https:') ? 'https' : 'http',
    ]),
  );
  const ownHosts = service.replicas.addresses?.map((url) => placeInUrl(url).host);
  const allowedHosts = makeAllowedHosts(hosts, new Set(ownHosts));
  const connection = openHttpOnDemand({
    source,
    ca,
    clientCertificate,
    serverName,
    // The next replica with the same address may be another one.
    keepAlive: false,
    lookup: lookupAllowed({ source, allowedHosts, resolve }),
  });
  const header = typeof build === 'object' && 'header' in build ? build.header.toLowerCase() : undefined;

  let timeoutsInARow = 0;

  const send = async (url: string, signal: AbortSignal): Promise<TextResponse> => {
    const http = await connection.http();
    return http.requestText({
      url,
      headers: {
        accept: 'application/json, text/plain;q=0.9, */*;q=0.5',
        // A compressed body could be much larger than it seems.
        'accept-encoding': 'identity',
        'user-agent': 'wrench',
        ...Object.fromEntries(Object.entries(headers).map(([key, value]) => [key.toLowerCase(), value])),
      },
      accept: STATUSES,
      maxBytes: MAX_BODY_BYTES,
      cut: true,
      joinHeaders: true,
      // One character per byte: invalid UTF-8 must not be replaced.
      encoding: 'latin1',
      timeoutMs,
      retries: 0,
      signal,
    });
  };

  /** Retries only here, because the client would also repeat requests that were answered, such as by a 503. */
  const sendWithRetries = async (url: string, signal: AbortSignal): Promise<TextResponse> => {
    for (let attempt = 0; ; attempt += 1) {
      try {
        const answer = await send(url, signal);
        timeoutsInARow = 0;
        return answer;
      } catch (error) {
        const code = error instanceof SourceError ? error.code : undefined;
        const isHopeless = code === 'TIMEOUT' && timeoutsInARow >= MANY_TIMEOUTS;
        if (code === undefined || !NO_RESPONSE.has(code) || attempt >= retries || isHopeless) {
          if (code === 'TIMEOUT') timeoutsInARow += 1;
          throw error;
        }
        await sleep(RETRY_WAIT_MS * 2 ** attempt * (0.5 + Math.random()), undefined, { signal }).catch(() =>
          signal.throwIfAborted(),
        );
      }
    }
  };

  return {
    ask: async ({ host, port, signal }) => {
      signal.throwIfAborted();
      const place = parseReplicaPlace(host, port);
      if (!place)
        throw new SourceError(source, 'malformed', `${printable(host)}:${port} is not a host and a port`);
      const at = placeText(place);
      if (ownHosts && !own.has(at))
        throw new SourceError(source, 'missing', `${at} is not among the \`addresses\` of ${service.name}`);
      if (!allowedHosts.mayAsk(place.host)) throw notAllowed(source, place.host);
      const origin = `${own.get(at) ?? scheme}://${at}`;
      const answer = await sendWithRetries(`${origin}${path}`, signal);
      return toAnswer(`${origin}${new URL(path, origin).pathname}`, answer, header);
    },
    prepare: async () => {
      await connection.http();
    },
    close: connection.close,
  };
}

function toAnswer(
  url: string,
  { status, text, headers }: TextResponse,
  header: string | undefined,
): BuildAnswer {
  const contentType = headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  const value = header === undefined ? undefined : headers[header];
  const isTooLarge = text.length > MAX_BODY_BYTES;
  const body = isTooLarge ? undefined : decodeBody(text, headers['content-encoding']);
  return {
    url,
    status,
    ...(contentType !== undefined && contentType !== '' && { contentType: printable(contentType) }),
    ...(value !== undefined && { header: printable(value) }),
    ...(body !== undefined && { body }),
    ...(isTooLarge && { isTooLarge }),
  };
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** @param text one character per byte */
function decodeBody(text: string, encoding: string | undefined): string | undefined {
  if (encoding !== undefined && !/^(identity)?$/i.test(encoding.trim())) return undefined;
  try {
    return utf8.decode(Buffer.from(text, 'latin1'));
  } catch {
    return undefined;
  }
}

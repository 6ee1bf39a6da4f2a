import type { SourceRecorder } from '../../ports/recorder.ts';
import { SourceError } from '../../ports/source-error.ts';
import { openHttp, type PlainHttpClient, type TextResponse } from '../../wire/http.ts';
import { readTextFile } from '../../wire/read-text-file.ts';
import type { MonitConfig, MonitHost } from './config.ts';
import { type MonitStatus, parseStatus } from './parse-status.ts';

/** The HTTP client for the monits of one source. */
export interface MonitClient {
  readonly readStatus: (host: MonitHost, signal: AbortSignal) => Promise<StatusResponse>;
  /**
   * Sends an action, once. Resolves when monit has accepted it, not when it is done.
   * @throws {SourceError} `refused` or `missing` if nothing will be done; `unreachable` if that is unknown.
   */
  readonly send: (order: MonitAction, signal: AbortSignal) => Promise<void>;
  readonly close: () => Promise<void>;
}

export interface StatusResponse {
  readonly status: MonitStatus;
  /** The CSRF token that monit requires with an action; old versions send none. */
  readonly token?: string;
}

export interface MonitAction {
  readonly host: MonitHost;
  readonly process: string;
  readonly action: 'start' | 'restart';
  readonly token?: string;
}

const MAX_BYTES = 4_000_000;
/** 5.33 returns 302 to the page of the process, and 5.2 returns that page with 200: both mean accepted, not done. */
const TAKEN = [200, 302];
const REFUSALS = [400, 403, 404, 503];

export function openMonitClient(config: MonitConfig, recorder?: SourceRecorder): MonitClient {
  const { name, timeoutMs } = config;
  const http = openOnce(config, recorder);
  const fetch = async (host: MonitHost, path: string, signal: AbortSignal): Promise<TextResponse> =>
    (await http.open()).requestText({
      url: host.url + path,
      headers: { accept: 'text/xml', ...authorization(config, host) },
      encoding: 'latin1',
      partial: true,
      maxBytes: MAX_BYTES,
      accept: [404],
      timeoutMs,
      signal,
    });
  return {
    readStatus: async (host, signal) => {
      const newer = await fetch(host, '/_status2?format=xml', signal);
      const answer = newer.status === 404 ? await fetch(host, '/_status?format=xml', signal) : newer;
      const status = parseStatus(answer.text);
      if (!status) throw malformed(name, host, 'sent a response that is not a monit status');
      const { processes, others, unread } = status;
      if (processes.length + others.length === 0 && unread.length > 0)
        throw malformed(
          name,
          host,
          `responded, but no service in the response could be parsed: ${unread[0]!.because}`,
        );
      // monit adds the machine itself if it is not configured: https://mmonit.com/monit/documentation/monit.html#SYSTEM
      if (processes.length + others.length === 0)
        throw malformed(name, host, 'responded, but lists no service, not even the machine itself');
      return { status, ...tokenIn(answer) };
    },
    send: async ({ host, process, action, token }, signal) => {
      const answer = await (
        await http.open()
      ).requestText({
        method: 'POST',
        url: `${host.url}/${encodeLatin1(process)}`,
        headers: {
          ...authorization(config, host),
          ...(token !== undefined && { cookie: `securitytoken=${token}` }),
        },
        form: { action, ...(token !== undefined && { securitytoken: token }) },
        accept: [...TAKEN, ...REFUSALS],
        timeoutMs,
        signal,
      });
      if (!TAKEN.includes(answer.status)) throw actionError(name, host, process, answer);
    },
    close: http.close,
  };
}

function malformed(source: string, { instance }: MonitHost, words: string): SourceError {
  return new SourceError(source, 'malformed', `${instance} ${words}`);
}

function authorization({ auth }: MonitConfig, host: MonitHost): { readonly authorization: string } {
  const { username, password } = host.auth ?? auth ?? { username: '', password: '' };
  return { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` };
}

/** Every response may have a new token. Detected by the cookie, not the version: monit 5.2 has none. */
function tokenIn({ headers }: TextResponse): { readonly token?: string } {
  const token = /(?:^|;\s*)securitytoken=(\w{1,128})/.exec(headers['set-cookie'] ?? '')?.[1];
  return token === undefined ? {} : { token };
}

function actionError(
  source: string,
  { instance }: MonitHost,
  process: string,
  { status, text }: TextResponse,
): SourceError {
  const monit = `monit on ${instance}`;
  if (status === 404) return new SourceError(source, 'missing', `${monit} has no process ${process} (404)`);
  if (status === 503)
    return new SourceError(
      source,
      'refused',
      `${monit} is busy with another action for ${process} (503): try again in a minute`,
    );
  if (status === 400)
    return new SourceError(source, 'refused', `${monit} rejected the action for ${process} (400)`);
  const because = /csrf/i.test(text)
    ? 'it rejected its own CSRF token (403)'
    : 'this user is read-only (403)';
  return new SourceError(source, 'refused', `${monit} refused to act on ${process}: ${because}`);
}

/** monit reads names as bytes, as in its configuration file. */
function encodeLatin1(name: string): string {
  return [...Buffer.from(name, 'latin1')]
    .map((byte) => {
      const character = String.fromCharCode(byte);
      return /[\w.~-]/.test(character) ? character : `%${byte.toString(16).padStart(2, '0').toUpperCase()}`;
    })
    .join('');
}

/** Reads the PEM file at the first request, so that a missing file fails only this source. */
function openOnce(
  { name, ca }: MonitConfig,
  recorder: SourceRecorder | undefined,
): {
  readonly open: () => Promise<PlainHttpClient>;
  readonly close: () => Promise<void>;
} {
  let opening: Promise<PlainHttpClient> | undefined;
  const start = async (): Promise<PlainHttpClient> => {
    if (ca === undefined) return openHttp({ source: name, recorder });
    const pem = await readTextFile(name, ca);
    return openHttp({ source: name, tls: { ca: pem }, recorder });
  };
  return {
    open: () =>
      (opening ??= start().catch((error: unknown) => {
        opening = undefined;
        throw error;
      })),
    close: async () => {
      await (await opening?.catch(() => undefined))?.close();
    },
  };
}

import { z } from 'zod';
import { SourceError } from '../../ports/source-error.ts';
import { parseJson } from '../../text/parse-json.ts';
import type { PlainHttpClient } from '../../wire/http.ts';
import { logInToUaa, type UaaLogin } from '../../wire/uaa.ts';
import type { CredhubConfig } from './config.ts';

const infoResponse = z.object({ 'auth-server': z.object({ url: z.string() }) });

interface Client {
  readonly id: string;
  readonly secret: string;
}

/** @throws {SourceError} `refused` if UAA rejects the client. */
export async function fetchUaaToken(
  config: CredhubConfig,
  client: Client,
  http: PlainHttpClient,
  signal: AbortSignal,
): Promise<UaaLogin> {
  const uaaUrl = config.uaa ?? (await findUaa(config, http, signal));
  return logInToUaa({ source: config.name, http, uaaUrl, client, timeoutMs: config.timeoutMs, signal });
}

/** The secret is sent to the address that CredHub reports, but never unencrypted. */
async function findUaa(config: CredhubConfig, http: PlainHttpClient, signal: AbortSignal): Promise<string> {
  const { status, text } = await http.requestText({
    url: `${config.url}/info`,
    accept: [404],
    timeoutMs: config.timeoutMs,
    signal,
  });
  const info = infoResponse.safeParse(status === 200 ? parseJson(text) : undefined);
  const address = info.data?.['auth-server'].url ?? '';
  if (!URL.canParse(address) || new URL(address).protocol !== 'https:')
    throw new SourceError(
      config.name,
      'malformed',
      `${new URL(config.url).host} reports no https address of its UAA: configure \`uaa\``,
    );
  const { username, password } = new URL(address);
  if (username !== '' || password !== '')
    throw new SourceError(
      config.name,
      'malformed',
      `${new URL(config.url).host} reports an address of its UAA that contains a user: configure \`uaa\``,
    );
  return address.replace(/\/+$/, '');
}

import { SourceError } from '../../ports/source-error.ts';
import { asObject, textIn } from '../../wire/json-object.ts';
import { parseJson } from '../../text/parse-json.ts';
import { explainV3 } from './responses.ts';
import type { EtcdConfig } from './config.ts';
import type { EndpointClient } from './endpoint-client.ts';

type Headers = Readonly<Record<string, string>>;

/** The headers that authenticate requests; none without a user. */
export interface Authorization {
  readonly forV2: Headers;
  /** Logs in at the first request. Set `refresh` if the last token is no longer valid. @throws {SourceError} */
  readonly forV3: (
    client: EndpointClient,
    prefix: string,
    signal: AbortSignal,
    refresh?: boolean,
  ) => Promise<Headers>;
}

export function openAuthorization({ name, auth }: EtcdConfig): Authorization {
  if (!auth) return { forV2: {}, forV3: async () => ({}) };
  const { username, password } = auth;
  const basic = Buffer.from(`${username}:${password}`).toString('base64');
  let headers: Headers | undefined;
  return {
    forV2: { authorization: `Basic ${basic}` },
    forV3: async (client, prefix, signal, refresh = false) => {
      if (refresh) headers = undefined;
      headers ??= await logIn(client);
      return headers;

      async function logIn({ request, host }: EndpointClient): Promise<Headers> {
        const body = { name: username, password };
        const answer = await request({ method: 'POST', path: `${prefix}/auth/authenticate`, body, signal });
        const token = textIn(asObject(parseJson(answer.text)), 'token');
        // The token is sent without "Bearer".
        if (answer.status === 200 && token !== undefined) return { authorization: token };
        const failure = explainV3(name, host, answer);
        if (failure.message.includes('authentication is not enabled')) return {};
        if (failure.message.includes('authentication failed'))
          throw new SourceError(name, 'refused', `${host} rejected the login: wrong username or password`);
        throw failure;
      }
    },
  };
}

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http';
import { Agent, request } from 'node:https';

/** How to reach the dopplers' etcd. */
export interface KeySettings {
  readonly endpoints: readonly { readonly url: string; readonly servername?: string }[];
  /** Files in PEM. */
  readonly ca?: string;
  readonly clientCertificate?: { readonly cert: string; readonly key: string };
}

export interface KeyAnswer {
  readonly status: number;
  readonly body: {
    readonly errorCode?: number;
    readonly node?: KeyNode;
  };
}

export interface KeyNode {
  readonly key?: string;
  readonly value?: string;
  readonly dir?: boolean;
  /** An empty directory has no nodes. */
  readonly nodes?: readonly KeyNode[];
}

export type Keys = (method: 'GET' | 'PUT' | 'DELETE', path: string, form?: Form) => Promise<KeyAnswer>;
type Form = Readonly<Record<string, string>>;

const TIMEOUT_MS = 4000;

/**
 * etcd's v2 keys over keep-alive connections, trying the next member if one does not respond. Uses only
 * Node's own modules: fifteen processes load it, some of them every few seconds.
 */
export function openKeys({ endpoints, ca, clientCertificate }: KeySettings): Keys {
  const tls = {
    ...(ca !== undefined && { ca: readFileSync(ca) }),
    ...(clientCertificate && {
      cert: readFileSync(clientCertificate.cert),
      key: readFileSync(clientCertificate.key),
    }),
  };
  const agents = endpoints.map(({ url, servername }) =>
    url.startsWith('https:')
      ? new Agent({ keepAlive: true, ...tls, ...(servername !== undefined && { servername }) })
      : new HttpAgent({ keepAlive: true }),
  );
  let favourite = 0;
  return async (method, path, form) => {
    let failure: unknown;
    for (let tries = 0; tries < endpoints.length; tries++) {
      const { url } = endpoints[favourite]!;
      try {
        return await ask(agents[favourite]!, new URL(`/v2/keys${path}`, url), method, form);
      } catch (error) {
        failure = error;
        favourite = (favourite + 1) % endpoints.length;
      }
    }
    throw failure;
  };
}

async function ask(
  agent: Agent | HttpAgent,
  url: URL,
  method: string,
  form: Form | undefined,
): Promise<KeyAnswer> {
  const body = form && new URLSearchParams(form).toString();
  const headers = body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' };
  const start = url.protocol === 'https:' ? request : requestHttp;
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const asked = start(url, { agent, method, headers, signal }).end(body);
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  const text = Buffer.concat(await answer.toArray()).toString();
  return { status: answer.statusCode ?? 0, body: JSON.parse(text) as KeyAnswer['body'] };
}

import { type Agent, request } from 'undici';

export interface EtcdAnswer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/** The two APIs of one etcd, used like its clients do: forms for v2, JSON for v3. */
export interface EtcdAsker {
  readonly v2: (
    method: 'GET' | 'PUT' | 'POST' | 'DELETE',
    path: string,
    form?: Readonly<Record<string, string>>,
  ) => Promise<EtcdAnswer>;
  readonly v3: (path: string, body: unknown) => Promise<EtcdAnswer>;
}

/** Sends requests to the first member that is up. */
export function makeEtcdAsker(agentAndUrl: () => { readonly agent: Agent; readonly url: string }): EtcdAsker {
  const ask = async (
    method: 'GET' | 'PUT' | 'POST' | 'DELETE',
    path: string,
    type: string,
    body?: string,
  ): Promise<EtcdAnswer> => {
    const { agent, url } = agentAndUrl();
    const response = await request(`${url}${path}`, {
      dispatcher: agent,
      method,
      ...(body !== undefined && { body, headers: { 'content-type': type } }),
    });
    const text = await response.body.text();
    const answer = text.trim().startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : { text };
    return { status: response.statusCode, body: answer };
  };
  return {
    v2: (method, path, form) =>
      ask(method, path, 'application/x-www-form-urlencoded', form && new URLSearchParams(form).toString()),
    v3: (path, body) => ask('POST', `/v3/${path}`, 'application/json', JSON.stringify(body)),
  };
}

/** @throws if the response is no success: a test's own writes must work. */
export function expectDone({ status, body }: EtcdAnswer): void {
  if (status >= 300) throw new Error(`etcd answered ${status} ${JSON.stringify(body)}`);
}

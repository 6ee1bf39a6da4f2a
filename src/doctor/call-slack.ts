export interface SlackApiResponse {
  readonly ok: boolean;
  readonly error?: string;
  /** The scopes of the token, if Slack returns them. */
  readonly scopes: readonly string[] | undefined;
}

/** Calls a method of the Web API. The response is not validated. */
export type CallSlack = <T extends object>(
  method: string,
  fields?: Readonly<Record<string, string>>,
) => Promise<Partial<T> & SlackApiResponse>;

/** @throws {Error} if Slack doesn't respond, or with an HTTP error. */
export function makeCallSlack(api: string, token: string, timeoutMs: number): CallSlack {
  return async (method, fields = {}) => {
    const response = await fetch(new URL(method, api), {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(fields),
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    const body = (await response.json()) as Awaited<ReturnType<CallSlack>>;
    const scopes = response.headers.get('x-oauth-scopes')?.split(',');
    return { ...body, scopes: scopes?.map((scope) => scope.trim()).filter(Boolean) } as never;
  };
}

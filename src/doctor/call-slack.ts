export interface SlackAnswer {
  readonly ok: boolean;
  readonly error?: string;
  /** What the token may do, where Slack tells. */
  readonly scopes: readonly string[] | undefined;
}

/** Asks one method of the Web API, and says what came back, unchecked but for its shape. */
export type CallSlack = <T extends object>(
  method: string,
  fields?: Readonly<Record<string, string>>,
) => Promise<Partial<T> & SlackAnswer>;

/** @throws Error where there is no answer, or none of Slack's own. */
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

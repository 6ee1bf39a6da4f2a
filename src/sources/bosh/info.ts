import { z } from 'zod';
import { SourceError } from '../../ports/source-error.ts';
import type { PlainHttpClient } from '../../wire/http.ts';
import { printable } from '../../wire/x509.ts';
import type { BoshConfig } from './config.ts';

const infoResponse = z.object({
  uuid: z.string(),
  version: z.string(),
  user: z.string().nullish(),
  user_authentication: z
    .object({
      type: z.string(),
      options: z.object({ url: z.string().optional(), urls: z.array(z.string()).optional() }).nullish(),
    })
    .nullish(),
});

export interface DirectorInfo {
  /** `283.1.6`. */
  readonly version: string;
  readonly auth: string;
  /** The owner of the credentials that were sent; absent if they are invalid. */
  readonly user?: string;
  /** The address of its UAA, as the director reports it. */
  readonly uaaUrl?: string;
}

/**
 * What the director reports without a login, and with credentials also whether they are valid.
 * @throws {SourceError}
 */
export async function readInfo(
  config: BoshConfig,
  http: PlainHttpClient,
  { signal, authorization }: { readonly signal: AbortSignal; readonly authorization?: string },
): Promise<DirectorInfo> {
  const { body } = await http.requestJson({
    url: `${config.url}/info`,
    ...(authorization !== undefined && { headers: { authorization } }),
    timeoutMs: config.timeoutMs,
    signal,
  });
  const parsed = infoResponse.safeParse(body);
  if (!parsed.success)
    throw new SourceError(
      config.name,
      'malformed',
      `${new URL(config.url).host} does not respond like a BOSH director`,
    );
  const { version, user, user_authentication: authentication } = parsed.data;
  const uaaUrl = authentication?.options?.url ?? authentication?.options?.urls?.[0];
  return {
    version: printable(version.split(' ')[0] ?? ''),
    auth: printable(authentication?.type ?? 'basic'),
    ...(user && { user: printable(user) }),
    ...(uaaUrl !== undefined && { uaaUrl: uaaUrl.replace(/\/+$/, '') }),
  };
}

/**
 * Whether the director can restart a single instance without touching anything else: since 270.4.0. Versions before 2017 look like
 * `1.3262.24.0`. A custom build (`0.0.0`) counts as new: an old one rejects the unknown route.
 */
export function restartsOneInstance(version: string): boolean {
  const [, first, second] = /^(\d+)\.(\d+)\./.exec(version) ?? [];
  if (first === undefined || Number(first) === 0) return true;
  return Number(first) > 270 || (Number(first) === 270 && Number(second) >= 4);
}

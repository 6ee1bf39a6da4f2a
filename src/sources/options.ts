import { z } from 'zod';

/** Text that is not empty. Spaces and line breaks around it, such as the one at the end of a file, are no part of it. */
export const nonEmptyText = z.string().trim().min(1);

/** What reports call the source; its kind if the configuration gives no name. */
export function nameOption(kind: string) {
  return nonEmptyText.default(kind).meta({ description: 'What this source is called in reports.' });
}

interface UrlRules {
  readonly protocols: readonly ['https'] | readonly ['http', 'https'];
  /** Accepts only a scheme, host and port. */
  readonly isOrigin?: boolean;
}

/** The address of a server, without a trailing slash. Credentials are never part of it, because addresses are shown. */
export function urlOption({ protocols, isOrigin = false }: UrlRules) {
  const error = `must be an ${protocols.join(' or ')} URL`;
  return z
    .url({ protocol: new RegExp(`^(${protocols.join('|')})$`), error, abort: true })
    .refine((url) => !/^https?:\/\/[^/]*@/.test(url), { error: 'must not contain a user or a password' })
    .refine((url) => !isOrigin || new URL(url).pathname === '/', {
      error: 'must be only a scheme, host and port',
    })
    .transform((url) => url.replace(/\/+$/, ''));
}

/** @param certificates what the authority signed: `the members' certificates`. */
export function caOption(certificates: string) {
  return nonEmptyText
    .optional()
    .meta({ description: `A PEM file with the authority that signed ${certificates}.` });
}

export function clientCertificateOption(description: string) {
  return z
    .strictObject({
      cert: nonEmptyText.meta({ description: 'A PEM file with the certificate.' }),
      key: nonEmptyText.meta({ description: 'A PEM file with its key.' }),
    })
    .optional()
    .meta({ description });
}

/** A user and a password. */
export function userOption({
  username = 'The user.',
  password = 'The password.',
}: { readonly username?: string; readonly password?: string } = {}) {
  return z.strictObject({
    username: nonEmptyText.meta({ description: username }),
    password: nonEmptyText.meta({ description: password, secret: true }),
  });
}

export function timeoutOption({
  defaultMs = 10_000,
  description = 'Timeout for one request, in milliseconds.',
}: { readonly defaultMs?: number; readonly description?: string } = {}) {
  return z.int().min(1).max(600_000).default(defaultMs).meta({ description });
}

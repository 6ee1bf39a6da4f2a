import { z } from 'zod';

/** Text that is not empty. Surrounding whitespace, such as a line break at the end of a file, is removed. */
export const nonEmptyText = z.string().trim().min(1);

/** The name of the source in reports; its kind by default. */
export function nameOption(kind: string) {
  return nonEmptyText.default(kind).meta({ description: 'The name of this source in reports.' });
}

interface UrlRules {
  readonly protocols: readonly ['https'] | readonly ['http', 'https'];
  /** Accepts only a scheme, host and port. */
  readonly isOrigin?: boolean;
}

/** The address of a server, without a trailing slash. It must not contain credentials, because addresses are shown. */
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

/** @param certificates the certificates that the CA signed: `the certificates of the members`. */
export function caOption(certificates: string) {
  return nonEmptyText.optional().meta({ description: `A PEM file with the CA that signed ${certificates}.` });
}

export function clientCertificateOption(description: string) {
  return z
    .strictObject({
      cert: nonEmptyText.meta({ description: 'A PEM file with the certificate.' }),
      key: nonEmptyText.meta({ description: 'A PEM file with its private key.' }),
    })
    .optional()
    .meta({ description });
}

/** A user and a password. */
export function userOption({
  username = 'The user name.',
  password = 'The password.',
}: { readonly username?: string; readonly password?: string } = {}) {
  return z.strictObject({
    username: nonEmptyText.meta({ description: username }),
    password: nonEmptyText.meta({ description: password, secret: true }),
  });
}

export function timeoutOption({
  defaultMs = 10_000,
  description = 'The timeout for one request, in milliseconds.',
}: { readonly defaultMs?: number; readonly description?: string } = {}) {
  return z.int().min(1).max(600_000).default(defaultMs).meta({ description });
}

/** The permissions of a source, by name. Without a permission, its kind of change is never made. */
export function allowOption<Permissions extends z.ZodRawShape>(permissions: Permissions) {
  return z.strictObject(permissions).exactOptional().meta({
    description: 'What fixes may change here, after approval. Default: nothing; the source is only read.',
  });
}

/** A key that still works, with the one that replaces it. */
export function deprecatedOption<Schema extends z.ZodType>(schema: Schema, instead: string) {
  const description = `Deprecated. Use \`${instead}\`.`;
  return schema.exactOptional().meta({ description, deprecated: true, deprecationMessage: description });
}

/** A deprecated key that granted a permission before `allow` existed. */
export interface OldKey<Key extends string, Old, Allow> {
  readonly key: Key;
  /** The same permission under `allow`; undefined if the old value allowed nothing. Moves values without inspecting them. */
  readonly toAllow: (old: Old) => Allow | undefined;
}

type WithAllow = z.ZodObject<{ readonly allow: z.ZodType }>;
type AllowOf<Schema extends WithAllow> = NonNullable<z.output<Schema>['allow']>;
type WithoutOldKey<Schema extends WithAllow, Key extends string> = Omit<z.output<Schema>, Key | 'allow'> & {
  readonly allow: AllowOf<Schema>;
};

/** Turns an old key into `allow`, and returns only `allow`. Both keys in one source are an error, because one would be ignored. */
export function acceptOldKey<Schema extends WithAllow, Key extends keyof z.output<Schema> & string>(
  schema: Schema,
  { key, toAllow }: OldKey<Key, NonNullable<z.output<Schema>[Key]>, AllowOf<Schema>>,
) {
  return schema
    .refine(({ allow, [key]: old }) => allow === undefined || old === undefined, {
      error: `was replaced by \`allow\`, and both are set. Remove \`${key}\``,
      path: [key],
      // Reported together with other mistakes in the same source.
      when: ({ value }) => value !== null && typeof value === 'object',
    })
    .transform(({ allow, [key]: old, ...config }): WithoutOldKey<Schema, Key> => ({
      ...config,
      allow: (old === undefined ? allow : toAllow(old as NonNullable<typeof old>)) ?? {},
    }));
}

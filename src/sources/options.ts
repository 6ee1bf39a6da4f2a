import { z } from 'zod';
import { expandHostPatterns } from '../text/host-patterns.ts';
import { isTimeZone } from '../text/time-zone.ts';

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

/** The size above which a pipeline file is not read. */
export function maxFileOption() {
  return z.int().min(1).max(16_384).default(2048).meta({
    description: 'The maximum size of a file, in KiB. Larger files are reported and not read.',
  });
}

/** A second token, with which only requests are opened. */
export function proposeOption({
  token,
  requests,
}: {
  /** What it is and may do. */
  readonly token: string;
  /** `pull requests` */
  readonly requests: string;
}) {
  return z
    .strictObject({ token: nonEmptyText.meta({ description: token, secret: true }) })
    .meta({
      description: `Allows opening ${requests} from new branches whose names begin with \`wrench/\`. Wrench never changes another branch.`,
    })
    .exactOptional();
}

/** A zone that {@link isTimeZone} accepts. */
export function timeZoneOption(description: string) {
  return nonEmptyText
    .refine(isTimeZone, {
      error: 'must be an IANA time zone such as `Europe/Berlin`, or an offset such as `+02:00`',
    })
    .exactOptional()
    .meta({ description });
}

/** Host names with patterns, which stand for at most 10,000 hosts in all, each once. */
export function hostPatternsOption(description: string) {
  return z
    .array(nonEmptyText)
    .min(1)
    .superRefine((patterns, context) => {
      const expanded = expandHostPatterns(patterns);
      if ('problem' in expanded) context.addIssue({ code: 'custom', message: expanded.problem });
    })
    .exactOptional()
    .meta({ description });
}

/** A public key as in `known_hosts`, without the name of the host; or a fingerprint, as `ssh-keygen -l` prints it. */
export const hostKeyText = nonEmptyText.regex(
  /^(SHA256:[A-Za-z0-9+/]{43}=?|(ssh-(ed25519|rsa)|ecdsa-sha2-nistp(256|384|521)) [A-Za-z0-9+/]+={0,2}( .*)?)$/,
  { error: 'must be a public host key (`ssh-ed25519 AAAA…`) or its fingerprint (`SHA256:…`)' },
);

const sshPort = z.int().min(1).max(65_535).default(22).meta({ description: 'The port of its ssh server.' });

const sshKey = {
  key: nonEmptyText.exactOptional().meta({
    description: 'A file with the private key, in PEM or OpenSSH format, without a passphrase.',
  }),
  agent: nonEmptyText.exactOptional().meta({
    description: 'The socket of an ssh agent with the key, instead of `key`: `${SSH_AUTH_SOCK}`.',
  }),
};

const knownHostsFile = nonEmptyText.exactOptional().meta({
  description: 'A file with host keys, in the format of OpenSSH. Default: `~/.ssh/known_hosts`.',
});

const jumpHost = z
  .strictObject({
    host: nonEmptyText.meta({ description: 'Its name or address.' }),
    port: sshPort,
    user: nonEmptyText
      .exactOptional()
      .meta({ description: 'The user there. Default: `user` of the source.' }),
    ...sshKey,
    knownHosts: knownHostsFile.meta({
      description: 'A file with its host key, in the format of OpenSSH. Default: `knownHosts` of the source.',
    }),
    hostKeys: z.array(hostKeyText).exactOptional().meta({
      description: 'Its host keys, or their fingerprints, in addition to `knownHosts`.',
    }),
  })
  .refine(({ key, agent }) => key === undefined || agent === undefined, {
    error: 'is not used together with `key`. Remove one of them',
    path: ['agent'],
  });

/** How machines are logged in to over ssh. */
export const sshAccess = {
  port: sshPort,
  user: nonEmptyText.default('wrench').meta({ description: 'The user.' }),
  ...sshKey,
  knownHosts: knownHostsFile,
  jump: z.array(jumpHost).max(5).exactOptional().meta({
    description:
      'Hosts that the connection goes through, in order. Each has its own host key, which is verified.',
  }),
};

/** @returns what is wrong with the key of an access, as the option and the message */
export function sshKeyProblem({
  key,
  agent,
}: {
  readonly key?: string;
  readonly agent?: string;
}): readonly [option: string, message: string] | undefined {
  if (key === undefined && agent === undefined) return ['key', 'is needed, or `agent`'];
  if (key !== undefined && agent !== undefined)
    return ['agent', 'is not used together with `key`. Remove one of them'];
  return undefined;
}

import { z } from 'zod';
import { nameOption, timeoutOption } from '../options.ts';
import { parseSite, type Site, siteFrom, STARTTLS } from './site.ts';

const siteParts = z.strictObject({
  host: z.string().meta({ description: 'The host name or IP address to connect to.' }),
  port: z
    .int()
    .min(1)
    .max(65_535)
    .exactOptional()
    .meta({ description: 'The port. Default: 443, or with `starttls` the default port of the protocol.' }),
  servername: z.string().exactOptional().meta({
    description: 'The name to send as SNI and to expect in the certificate. Default: `host`.',
  }),
  starttls: z
    .enum(STARTTLS)
    .exactOptional()
    .meta({ description: 'The protocol that starts in plain text and then upgrades to TLS.' }),
  instance: z.string().trim().min(1).max(200).exactOptional().meta({
    description:
      'The host or instance that serves it, as other sources name it: `cp-1`, `diego-cell/1b`. Checks compare what it serves with what is stored there.',
  }),
});

/** A union with one transformation, not one per option, so that Zod reports the transformation's own message. */
const site = z.union([z.string(), siteParts]).transform((written, context): Site => {
  const read = typeof written === 'string' ? parseSite(written) : siteFrom(written);
  if (typeof read !== 'string') return read;
  context.addIssue({ code: 'custom', message: read });
  return z.NEVER;
});

/** The `tls` source in `wrench.yaml`: live sites whose certificates are read with a TLS handshake and no further requests. */
export const tlsConfig = z
  .strictObject({
    kind: z.literal('tls').meta({ description: 'Live TLS sites, checked with a handshake.' }),
    name: nameOption('tls'),
    sites: z
      .array(site)
      .default([])
      .meta({
        description:
          'Sites: `host`, `host:port`, `[2001:db8::1]:443`, `servername@host:port`, `smtp://host:port` ' +
          `(${STARTTLS.join(', ')} upgrade from plain text to TLS; https, ldaps, imaps and the like are TLS from the start), ` +
          'or `{ host, port, servername, starttls, instance }`.',
      }),
    sitesFile: z
      .string()
      .min(1)
      .exactOptional()
      .meta({
        description:
          'A text file with one site per line, for thousands of sites, followed by its `instance` if that is known: `10.0.32.21:1801 diego-cell/1b`. ' +
          '`#` starts a comment. It is read again for each scan.',
      }),
    trust: z.array(z.string().min(1)).default([]).meta({
      description:
        'PEM files with private CAs. A served chain that ends below one of them counts as complete.',
    }),
    concurrency: z
      .int()
      .min(1)
      .max(1000)
      .default(50)
      .meta({ description: 'How many sites are checked at once.' }),
    perAddress: z.int().min(1).max(100).default(1).meta({
      description:
        'How many handshakes run at once with one address and port, which may serve thousands of names.',
    }),
    timeoutMs: timeoutOption({
      defaultMs: 5_000,
      description: 'The timeout for a DNS lookup, and for each handshake, in milliseconds.',
    }),
    everyAddress: z.boolean().default(false).meta({
      description:
        'Check every address (A and AAAA) of a name, for load-balanced sites whose certificates may differ.',
    }),
    everyKeyType: z
      .boolean()
      .default(true)
      .meta({
        description:
          'Check the certificate for every key type (RSA, ECDSA, EdDSA), because a server may have one of each: ' +
          'two handshakes with a site that has one certificate. Set it to `false` for one handshake, for scans of many thousands of sites.',
      }),
    alsoLookAt: z
      .array(z.string().min(1))
      .default([])
      .meta({
        description:
          'Sites beyond `sites` that `/certs show` may connect to, as globs of `host:port`: `*.example.com:443`. ' +
          'Default: none, so that a chat command cannot make the worker connect anywhere.',
      }),
  })
  .refine(({ sites, sitesFile }) => sites.length > 0 || sitesFile !== undefined, {
    message: 'needs `sites` or a `sitesFile`',
    path: ['sites'],
  });

export type TlsConfig = z.output<typeof tlsConfig>;

import { z } from 'zod';
import { nameOption, timeoutOption } from '../options.ts';
import { parseSite, type Site, siteFrom, STARTTLS } from './site.ts';

const siteParts = z.strictObject({
  host: z.string().meta({ description: 'Name or address to connect to.' }),
  port: z
    .int()
    .min(1)
    .max(65_535)
    .exactOptional()
    .meta({ description: "Port; the default is 443, or the protocol's own where `starttls` is given." }),
  servername: z.string().exactOptional().meta({
    description: 'Name to ask for with SNI and to expect in the certificate; the default is `host`.',
  }),
  starttls: z
    .enum(STARTTLS)
    .exactOptional()
    .meta({ description: 'Protocol that is spoken in the clear before it turns to TLS.' }),
});

/** One union before the transformation and not one transformation in each option: so its own words reach the reader. */
const site = z.union([z.string(), siteParts]).transform((written, context): Site => {
  const read = typeof written === 'string' ? parseSite(written) : siteFrom(written);
  if (typeof read !== 'string') return read;
  context.addIssue({ code: 'custom', message: read });
  return z.NEVER;
});

/** The `tls` source in `wrench.yaml`: live sites whose certificates are read by handshakes that send nothing else. */
export const tlsConfig = z
  .strictObject({
    kind: z.literal('tls').meta({ description: 'Live TLS sites, asked by a handshake.' }),
    name: nameOption('tls'),
    sites: z
      .array(site)
      .default([])
      .meta({
        description:
          'Sites: `host`, `host:port`, `[2001:db8::1]:443`, `servername@host:port`, `smtp://host:port` ' +
          `(${STARTTLS.join(', ')} turn to TLS after a prologue; https, ldaps, imaps ... do not), ` +
          'or `{ host, port, servername, starttls }`.',
      }),
    sitesFile: z.string().min(1).exactOptional().meta({
      description:
        'A text file with one site a line, for thousands; `#` begins a comment. Read again by each scan.',
    }),
    trust: z.array(z.string().min(1)).default([]).meta({
      description:
        'PEM files with private authorities; a served chain that ends below one of them counts as complete.',
    }),
    concurrency: z.int().min(1).max(1000).default(50).meta({ description: 'Sites checked at once.' }),
    perAddress: z.int().min(1).max(100).default(1).meta({
      description: 'Handshakes at once with one address and port, which may serve thousands of names.',
    }),
    timeoutMs: timeoutOption({
      defaultMs: 5_000,
      description: 'Time for looking up a name, and for each handshake, in milliseconds.',
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
          'Ask each site for a certificate of every type of key (RSA, ECDSA, EdDSA), because a server may have one of each: ' +
          'two handshakes with a site that has one certificate. `false`: one handshake, for scans of many thousands of sites.',
      }),
    alsoLookAt: z
      .array(z.string().min(1))
      .default([])
      .meta({
        description:
          'Sites outside `sites` that people may ask about, as globs of `host:port`: `*.example.com:443`. ' +
          'None by default, because a chat command must not make the worker connect anywhere.',
      }),
  })
  .refine(({ sites, sitesFile }) => sites.length > 0 || sitesFile !== undefined, {
    message: 'needs `sites` or a `sitesFile`',
    path: ['sites'],
  });

export type TlsConfig = z.output<typeof tlsConfig>;

import { z } from 'zod';
import { allowOption, caOption, nameOption, nonEmptyText, timeoutOption, urlOption } from '../options.ts';

const clientAuth = z.strictObject({
  client: z
    .strictObject({
      id: nonEmptyText.meta({ description: 'The id of the client in UAA.' }),
      secret: nonEmptyText.meta({ description: 'The secret of the client.', secret: true }),
    })
    .meta({ description: 'Log in to UAA as a client (`client_credentials`).' }),
});

const certificateAuth = z.strictObject({
  clientCertificate: z
    .strictObject({
      cert: nonEmptyText.meta({
        description: 'A PEM file with the certificate. Its OU is `app:` and a UUID.',
      }),
      key: nonEmptyText.meta({ description: 'A PEM file with its private key.' }),
    })
    .meta({ description: 'Log in with a client certificate, without UAA.' }),
});

const auth = z.union([clientAuth, certificateAuth]);

const paths = z
  .array(
    nonEmptyText
      .transform((path) => `/${path.replace(/\/?\*$/, '').replaceAll(/^\/+|\/+$/g, '')}`)
      .pipe(z.string().regex(/^[^*]*$/, { error: 'must be a prefix of names: `/bosh/cf`' })),
  )
  .min(1);

const renew = z
  .strictObject({
    paths: paths.exactOptional().meta({
      description: 'Prefixes of the names of certificates that may be renewed. Default: all `paths`.',
    }),
    auth: auth.exactOptional().meta({
      description:
        'How to log in for renewing. Requires the scope `credhub.write`, and `read` and `write` on the certificates. Default: `auth` of the source.',
    }),
  })
  .meta({
    description: 'Allows CredHub to generate certificates again, with new keys. `{}` uses the defaults.',
  });

/** The `credhub` source in `wrench.yaml`: the certificates that a CredHub manages for BOSH. */
export const credhubConfig = z
  .strictObject({
    kind: z.literal('credhub').meta({ description: 'A CredHub with certificates.' }),
    name: nameOption('credhub'),
    url: urlOption({ protocols: ['https'], isOrigin: true }).meta({
      description: 'The address: `https://10.0.0.6:8844`.',
    }),
    ca: caOption('the certificates of CredHub and UAA'),
    uaa: urlOption({ protocols: ['https'] })
      .exactOptional()
      .meta({
        description:
          'The address of UAA, `https://10.0.0.6:8443`, if the one that CredHub reports is unreachable.',
      }),
    auth: auth.meta({
      description: 'How to log in: `client` (the scope `credhub.read` is enough) or `clientCertificate`.',
    }),
    paths: paths.exactOptional().meta({
      description:
        'Prefixes of the names of certificates to check: `[/bosh/cf]`. Default: all that the credential can read.',
    }),
    contents: z
      .enum(['needed', 'never'])
      .default('needed')
      .meta({
        description:
          'CredHub returns a certificate only together with its private key. `needed` reads a certificate only if a result depends on it, and drops the key. ' +
          '`never` reads names and dates only.',
      }),
    allow: allowOption({ renew: renew.exactOptional() }).default({}),
    timeoutMs: timeoutOption({ defaultMs: 30_000 }),
  })
  .meta({ description: 'Certificates of a CredHub.' });

export type CredhubConfig = z.output<typeof credhubConfig>;
export type CredhubAuth = CredhubConfig['auth'];

import { z } from 'zod';
import { nameOption } from '../options.ts';

export const filesConfig = z
  .strictObject({
    kind: z.literal('files').meta({ description: 'Certificates in files that the worker can read.' }),
    name: nameOption('files'),
    paths: z
      .array(z.string().min(1))
      .min(1)
      .meta({
        description:
          'Paths or glob patterns: `/etc/ssl/cf/**/*.pem`. `*` and `**` follow symbolic links and do not match names that begin with a dot; ' +
          'a file that is reached by several paths is read once. `/proc` and `/sys` are searched only if a pattern begins with them. ' +
          'A private key is compared with the certificate next to it if both match: `rep.crt` and `rep.key`. ' +
          'Relative paths start in the working directory of the worker. A pattern that matches nothing is reported.',
        examples: [['/etc/ssl/cf/**/*.pem', '/var/vcap/jobs/*/config/certs/*']],
      }),
    ignore: z.array(z.string().min(1)).default([]).meta({
      description:
        'Glob patterns of files and folders to skip, also if a link leads to them: `/etc/ssl/cf/old/**`.',
    }),
    passphrases: z.array(z.string()).default([]).meta({
      secret: true,
      description:
        'Passphrases to try on PKCS#12 files (`.p12`, `.pfx`, Java keystores). Take them from the environment: `${KEYSTORE_PASSPHRASE}`.',
    }),
    maxFileBytes: z
      .int()
      .positive()
      .max(100 * 1024 * 1024)
      .default(10 * 1024 * 1024)
      .meta({ description: 'The maximum size of a file, in bytes. Larger files are reported and not read.' }),
  })
  .meta({
    description:
      'Certificates in files: PEM, DER, PKCS#7, PKCS#12 and Java keystores, also inside YAML, JSON, other text and archives (ZIP, tar, gzip, Zstandard).',
  });

export type FilesConfig = z.output<typeof filesConfig>;

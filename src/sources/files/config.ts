import { z } from 'zod';

export const filesConfig = z
  .strictObject({
    kind: z.literal('files').meta({ description: 'Certificates in files that the worker can read.' }),
    name: z.string().min(1).default('files').meta({ description: 'What findings call this source.' }),
    paths: z
      .array(z.string().min(1))
      .min(1)
      .meta({
        description:
          'Files, or patterns of them: `/etc/ssl/cf/**/*.pem`. `*` and `**` do not match names that begin with a dot, and `**` does not follow links to folders. ' +
          'A relative path starts where the worker was started. A path or pattern that matches nothing is told in the report.',
        examples: [['/etc/ssl/cf/**/*.pem', '/var/vcap/jobs/*/config/certs/*']],
      }),
    ignore: z
      .array(z.string().min(1))
      .default([])
      .meta({ description: 'Patterns of files and folders to leave out: `/etc/ssl/cf/old/**`.' }),
    passphrases: z.array(z.string()).default([]).meta({
      secret: true,
      description:
        'Tried in turn on PKCS#12 files (`.p12`, `.pfx`, Java keystores). Best from the environment: `${KEYSTORE_PASSPHRASE}`.',
    }),
    maxFileBytes: z
      .int()
      .positive()
      .max(100 * 1024 * 1024)
      .default(10 * 1024 * 1024)
      .meta({ description: 'Larger files are not read, and told as such.' }),
  })
  .meta({
    description: 'Certificates in files: PEM, DER, PKCS#7, PKCS#12, Java keystores, YAML, JSON, kubeconfigs.',
  });

export type FilesConfig = z.output<typeof filesConfig>;

import { isIP } from 'node:net';
import { z } from 'zod';
import {
  caOption,
  clientCertificateOption,
  nameOption,
  nonEmptyText,
  timeoutOption,
  userOption,
} from '../options.ts';

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1)$/i;

/** The `mysql` source in `wrench.yaml`: one MySQL or MariaDB server with databases of Nova. */
export const mysqlConfig = z
  .strictObject({
    kind: z.literal('mysql').meta({
      description: 'A MySQL or MariaDB server with the databases of Nova. A fixed set of queries reads them.',
    }),
    name: nameOption('mysql'),
    host: nonEmptyText
      .regex(/^[\w.:-]+$/, { error: 'must be a host name or an address' })
      .meta({ description: 'The host. A replica is best: queries may read whole tables.' }),
    port: z.int().min(1).max(65_535).default(3306).meta({ description: 'The port.' }),
    user: userOption({
      username: 'A user that may only read: `GRANT SELECT`.',
      password: 'Its password.',
    }).meta({ description: 'How to log in.' }),
    cells: z
      .array(nonEmptyText.regex(/^\w{1,64}$/, { error: 'must be the name of a database' }))
      .min(1)
      .exactOptional()
      .meta({
        description:
          'The databases of the cells: `[nova, nova_cell0]`. Default: all that the user sees that have the tables of Nova.',
      }),
    tls: z.boolean().default(true).meta({
      description: 'Set to `false` to connect without TLS. On loopback, TLS is not used unless `ca` is set.',
    }),
    serverName: nonEmptyText
      .regex(/^[\w.-]+$/, { error: 'must be a host name' })
      .exactOptional()
      .meta({
        description:
          'The name in the certificate of the server. Needed if `host` is an address. Default: `host`.',
      }),
    ca: caOption('the certificate of the server, if it is not a public CA'),
    clientCertificate: clientCertificateOption('The client certificate, if the user needs one.'),
    statementLimitSeconds: z.int().min(1).max(300).default(30).meta({
      description:
        'The server stops a query that takes longer. A count that takes longer is replaced by an estimate.',
    }),
    timeoutMs: timeoutOption({
      description:
        'The timeout for connecting, in milliseconds, and for what a query takes beyond `statementLimitSeconds`.',
    }),
  })
  .superRefine((config, context) => {
    const { tls, ca, clientCertificate, host, serverName } = config;
    const problem = (option: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [option], message });
    if (!tls && (ca !== undefined || clientCertificate))
      problem('tls', 'must not be `false` together with `ca` or `clientCertificate`');
    else if (usesTls(config) && isIP(host) !== 0 && serverName === undefined)
      problem('serverName', 'is needed because `host` is an address: certificates are verified by name');
  })
  .meta({ description: 'The databases of Nova on a MySQL or MariaDB server.' });

export type MySqlConfig = z.output<typeof mysqlConfig>;

/** Whether the connection is encrypted. */
export function usesTls({
  tls,
  ca,
  clientCertificate,
  host,
}: {
  readonly tls: boolean;
  readonly ca?: string | undefined;
  readonly clientCertificate?: object | undefined;
  readonly host: string;
}): boolean {
  return tls && (ca !== undefined || clientCertificate !== undefined || !LOOPBACK.test(host));
}

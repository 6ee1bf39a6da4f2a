import { z } from 'zod';
import {
  acceptOldKey,
  allowOption,
  caOption,
  clientCertificateOption,
  deprecatedOption,
  nameOption,
  nonEmptyText,
  type OldKey,
  timeoutOption,
  urlOption,
} from '../options.ts';

const tokenAuth = z.strictObject({
  token: nonEmptyText.meta({
    description: 'A token. It is renewed at half of its time where that is allowed.',
    secret: true,
  }),
});

const appRoleAuth = z.strictObject({
  appRole: z
    .strictObject({
      roleId: nonEmptyText.meta({ description: 'The role_id.' }),
      secretId: nonEmptyText.meta({
        description:
          'The secret_id. One that can be used once cannot log in again after the token has ended.',
        secret: true,
      }),
      mount: nonEmptyText.default('approle').meta({ description: 'Where the AppRole login is mounted.' }),
    })
    .meta({ description: 'Logs in as an AppRole.' }),
});

const kubernetesAuth = z.strictObject({
  kubernetes: z
    .strictObject({
      role: nonEmptyText.meta({ description: 'The role in Vault that the service account may take.' }),
      mount: nonEmptyText
        .default('kubernetes')
        .meta({ description: 'Where the Kubernetes login is mounted.' }),
      jwtFile: nonEmptyText.default('/var/run/secrets/kubernetes.io/serviceaccount/token').meta({
        description: "The service account's token. Read again at each login, because it is rotated.",
      }),
    })
    .meta({ description: 'Logs in with the service account of the pod.' }),
});

const auth = z.union([tokenAuth, appRoleAuth, kubernetesAuth]);

const paths = z
  .array(nonEmptyText.transform((path) => path.replaceAll(/^\/+|\/+$/g, '')).pipe(z.string().min(1)))
  .min(1);

const renewal = z
  .strictObject({
    paths: paths.optional().meta({
      description: 'Folders or single secrets whose certificates may be renewed. Default: all `paths`.',
    }),
    auth: auth.optional().meta({
      description:
        'How to log in for writing, which needs `read` and `update` on the secrets and on the `ca` beside them. ' +
        'Default: as for reading.',
    }),
  })
  .meta({ description: 'Renewing certificates, in KV version 2. `{}` is enough.' });

/** Up to version 0.6. */
export const oldRenew: OldKey<'renew', z.output<typeof renewal>, { renew: z.output<typeof renewal> }> = {
  key: 'renew',
  toAllow: (renew) => ({ renew }),
};

const vault = z
  .strictObject({
    kind: z.literal('vault').meta({ description: 'A Vault or OpenBao whose secrets hold certificates.' }),
    name: nameOption('vault'),
    url: urlOption({ protocols: ['http', 'https'] }).meta({
      description: 'Its address, `https://vault.example.com:8200`.',
    }),
    namespace: nonEmptyText
      .optional()
      .meta({ description: 'The namespace, `ns1/ns2`, where Vault has them.' }),
    paths: paths.meta({
      description:
        'Folders or single secrets, mount first and as `vault kv` names them: `secret/cf` (never `secret/data/cf`).',
    }),
    auth: auth.meta({ description: 'How to log in: `token`, `appRole` or `kubernetes`.' }),
    allow: allowOption({ renew: renewal.exactOptional() }),
    renew: deprecatedOption(renewal, 'allow.renew'),
    ca: caOption("Vault's certificate, if no public one did"),
    clientCertificate: clientCertificateOption('The client certificate for a Vault that requires one.'),
    only: z
      .enum(['any', 'named'])
      .default('any')
      .meta({
        description:
          '`any` reads every secret. `named` first asks a KV version 2 for the names in a secret (`subkeys`) and reads ' +
          'those alone in which a name looks like a certificate (`certificate`, `ca`, `tls_crt` ...).',
      }),
    concurrency: z.int().min(1).max(100).default(10).meta({ description: 'Requests at once.' }),
    timeoutMs: timeoutOption(),
  })
  .meta({ description: 'Certificates in the secrets of a Vault or OpenBao.' });

/** The `vault` source in `wrench.yaml`: secrets of a Vault or an OpenBao, KV version 1 and 2. */
export const vaultConfig = acceptOldKey(vault, oldRenew);

export type VaultConfig = z.output<typeof vaultConfig>;

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
    description: 'A token. If it is renewable, Wrench renews it after half of its lifetime.',
    secret: true,
  }),
});

const appRoleAuth = z.strictObject({
  appRole: z
    .strictObject({
      roleId: nonEmptyText.meta({ description: 'The role_id.' }),
      secretId: nonEmptyText.meta({
        description: 'The secret_id. A secret_id for one use cannot log in again after the token expires.',
        secret: true,
      }),
      mount: nonEmptyText
        .default('approle')
        .meta({ description: 'The mount path of the AppRole auth method.' }),
    })
    .meta({ description: 'Log in with AppRole.' }),
});

const kubernetesAuth = z.strictObject({
  kubernetes: z
    .strictObject({
      role: nonEmptyText.meta({ description: 'The role in Vault for the service account.' }),
      mount: nonEmptyText
        .default('kubernetes')
        .meta({ description: 'The mount path of the Kubernetes auth method.' }),
      jwtFile: nonEmptyText.default('/var/run/secrets/kubernetes.io/serviceaccount/token').meta({
        description:
          'A file with the token of the service account. It is read again at each login, because it is rotated.',
      }),
    })
    .meta({ description: 'Log in with the service account of the pod.' }),
});

const auth = z.union([tokenAuth, appRoleAuth, kubernetesAuth]);

const paths = z
  .array(nonEmptyText.transform((path) => path.replaceAll(/^\/+|\/+$/g, '')).pipe(z.string().min(1)))
  .min(1);

const issuing = z.strictObject({
  paths: paths.meta({
    description: 'Folders or single secrets whose certificates are issued by this role.',
  }),
  role: nonEmptyText
    .transform((path) => path.replaceAll(/^\/+|\/+$/g, ''))
    .pipe(z.string().regex(/^.+\/[^/]+$/, { error: 'must be a mount and a role: `pki/edge`' }))
    .meta({ description: 'The mount of the PKI and the role: `pki/edge`.' }),
  alsoFromOthers: z.boolean().default(false).meta({
    description:
      'Also replaces certificates that no issuer of this PKI signed. Everything that verifies them must trust this PKI.',
  }),
});

const renewal = z
  .strictObject({
    paths: paths.optional().meta({
      description: 'Folders or single secrets whose certificates may be renewed. Default: all `paths`.',
    }),
    issue: z.array(issuing).min(1).exactOptional().meta({
      description:
        'Certificates that a PKI issues again, with a new key. All others are signed by the `ca` next to them.',
    }),
    auth: auth.optional().meta({
      description:
        'How to log in for writing. Requires `read` and `update` on the secrets and on the `ca` next to them. ' +
        'For `issue`, also `update` on `<mount>/issue/<role>`, and `read` on the role and its issuer. ' +
        'Default: `auth` of the source.',
    }),
  })
  .meta({ description: 'Allows renewing certificates, in KV version 2. `{}` uses the defaults.' });

/** The key up to version 0.6. */
export const oldRenew: OldKey<'renew', z.output<typeof renewal>, { renew: z.output<typeof renewal> }> = {
  key: 'renew',
  toAllow: (renew) => ({ renew }),
};

const vault = z
  .strictObject({
    kind: z
      .literal('vault')
      .meta({ description: 'A Vault or OpenBao with certificates in its secrets, or with a PKI.' }),
    name: nameOption('vault'),
    url: urlOption({ protocols: ['http', 'https'] }).meta({
      description: 'The address: `https://vault.example.com:8200`.',
    }),
    namespace: nonEmptyText
      .optional()
      .meta({ description: 'The namespace, if Vault has namespaces: `ns1/ns2`.' }),
    paths: paths.default([]).meta({
      description:
        'Folders or single secrets, as in `vault kv`, beginning with the mount: `secret/cf` (not `secret/data/cf`). ' +
        'Required without `pki`.',
    }),
    pki: paths.exactOptional().meta({
      description:
        'Mounts of PKI engines, whose issuers and roles are read: `pki`, `pki_int`. Default: none.',
    }),
    auth: auth.meta({ description: 'How to log in: `token`, `appRole` or `kubernetes`.' }),
    allow: allowOption({ renew: renewal.exactOptional() }),
    renew: deprecatedOption(renewal, 'allow.renew'),
    ca: caOption('the certificate of Vault, if it is not a public CA'),
    clientCertificate: clientCertificateOption('The client certificate for a Vault that requires one.'),
    only: z
      .enum(['any', 'named'])
      .default('any')
      .meta({
        description:
          '`any` reads every secret. `named` first lists the keys of each secret in KV version 2 (`subkeys`) and reads ' +
          'only secrets with a key that looks like a certificate (`certificate`, `ca`, `tls_crt` ...).',
      }),
    concurrency: z
      .int()
      .min(1)
      .max(100)
      .default(10)
      .meta({ description: 'How many requests are sent at once.' }),
    timeoutMs: timeoutOption(),
  })
  .refine(({ paths, pki }) => paths.length > 0 || pki !== undefined, {
    error: 'is required, or `pki`',
    path: ['paths'],
    // Reported together with other mistakes in the same source.
    when: ({ value }) => value !== null && typeof value === 'object',
  })
  .meta({ description: 'Certificates in the secrets and PKIs of a Vault or OpenBao.' });

/** The `vault` source in `wrench.yaml`: secrets of a Vault or an OpenBao, KV version 1 and 2, and its PKIs. */
export const vaultConfig = acceptOldKey(vault, oldRenew);

export type VaultConfig = z.output<typeof vaultConfig>;

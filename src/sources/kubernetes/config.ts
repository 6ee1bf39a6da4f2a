import { z } from 'zod';
import { allowOption, nameOption, nonEmptyText, timeoutOption } from '../options.ts';

const readingCredential = {
  kubeconfig: nonEmptyText.exactOptional().meta({
    description:
      'The path of a kubeconfig file. Default: the service account of the pod that Wrench runs in.',
  }),
  context: nonEmptyText.exactOptional().meta({
    description: 'A context in the kubeconfig. Default: its current context.',
  }),
};

/** @param purpose what the credential is used for: `cordoning`. */
function actingCredential(purpose: string) {
  return {
    kubeconfig: nonEmptyText.exactOptional().meta({
      description: `The path of a kubeconfig file for ${purpose}. Default: the \`kubeconfig\` of the source.`,
    }),
    context: nonEmptyText.exactOptional().meta({
      description: 'A context in that kubeconfig. Default: its current context.',
    }),
  };
}

/** @param purpose what a credential of its own is used for. */
function ownCredential(purpose: string): string {
  return `\`{}\` uses the credential for reading; a \`kubeconfig\` or \`context\` here is used only for ${purpose}.`;
}

const cordon = z.strictObject(actingCredential('cordoning')).meta({
  description:
    'Allows cordoning and uncordoning nodes. Requires `get` and `patch` on `nodes`. ' +
    ownCredential('cordoning and uncordoning'),
});

const remove = z
  .strictObject({
    ...actingCredential('deleting pods'),
    running: z.boolean().default(false).meta({
      description:
        'Also allows deleting single running pods that their controller replaces, with their grace period.',
    }),
  })
  .meta({
    description:
      'Allows deleting evicted pods that have been replaced. Requires `get` and `delete` on `pods`, in all namespaces or in those where it is used. ' +
      ownCredential('deleting pods'),
  });

const adjust = z
  .strictObject({
    ...actingCredential('changing probes'),
    managed: z.boolean().default(false).meta({
      description:
        'Also allows changing workloads that an operator, or a GitOps tool such as Argo CD or Flux, manages. It may undo the change.',
    }),
  })
  .meta({
    description:
      'Allows changing limits of liveness and startup probes, which restarts the pods of the workload. Requires `get` and `patch` on `deployments`, ' +
      '`statefulsets` and `daemonsets`, in all namespaces or in those where it is used. ' +
      ownCredential('changing probes'),
  });

const restart = z
  .strictObject({
    ...actingCredential('restarting workloads'),
    managed: z.boolean().default(false).meta({
      description:
        'Also allows restarting workloads that an operator, or a GitOps tool such as Argo CD or Flux, manages. It may undo the restart or repeat it.',
    }),
  })
  .meta({
    description:
      'Allows restarting workloads as `kubectl rollout restart` does. Requires `get` and `patch` on `deployments`, `statefulsets` and `daemonsets`, in ' +
      'all namespaces or in those where it is used. ' +
      ownCredential('restarting workloads'),
  });

const pin = z
  .strictObject({
    ...actingCredential('changing images'),
    managed: z.boolean().default(false).meta({
      description:
        'Also allows changing workloads that an operator, or a GitOps tool such as Argo CD or Flux, manages. It may undo the change.',
    }),
  })
  .meta({
    description:
      'Allows replacing the tag of an image in a workload by a digest, which replaces its pods. Requires `get` and `patch` on `deployments`, ' +
      '`statefulsets` and `daemonsets`, in all namespaces or in those where it is used. ' +
      ownCredential('changing images'),
  });

const renew = z.strictObject(actingCredential('renewing certificates')).meta({
  description:
    'Allows asking cert-manager to issue a certificate again, as `cmctl renew` does, if `certificates` is configured. Requires `get` on ' +
    '`certificates` and `patch` on `certificates/status` of `cert-manager.io`, in all namespaces or in those where it is used. ' +
    ownCredential('renewing certificates'),
});

/** What may be changed in a cluster: the keys of `allow`. */
export const ACTS = ['cordon', 'remove', 'adjust', 'restart', 'pin', 'renew'] as const;
export type Act = (typeof ACTS)[number];

/** A name in the API: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/ */
const NAME = '[a-z0-9](?:[-.a-z0-9]*[a-z0-9])?';
const namespace = nonEmptyText.regex(new RegExp(`^${NAME}$`), { error: 'must be the name of a namespace' });

const certificates = z
  .strictObject({
    secrets: z
      .enum(['none', 'tls', 'all'])
      .default('none')
      .meta({
        description:
          'Which Secrets to read. `tls`: those of the type `kubernetes.io/tls`. `all`: also all other types, except tokens of service accounts, passwords ' +
          'of registries and releases of Helm. Both require `list` on `secrets`, which allows reading all secrets in those namespaces, including private ' +
          "keys: RBAC can't restrict it to certificates or types. Keys are only compared with their certificates. `none`: no Secret is read; " +
          'cert-manager still says when its certificates expire.',
      }),
    namespaces: z.array(namespace).min(1).exactOptional().meta({
      description: 'The namespaces in which to read Secrets and objects of cert-manager. Default: all.',
    }),
    labelSelector: nonEmptyText.exactOptional().meta({
      description: 'Reads only Secrets with these labels: `team in (shop, pay)`.',
    }),
    certManager: z
      .enum(['auto', 'none'])
      .default('auto')
      .meta({
        description:
          'Whether to read the objects of cert-manager, which contain no keys. `auto`: if it is installed. Requires `list` on `certificates`, ' +
          '`certificaterequests` and `issuers` of `cert-manager.io`, and on `clusterissuers` with `clusterResourceNamespace`.',
      }),
    clusterResourceNamespace: namespace.exactOptional().meta({
      description:
        'The namespace in which cert-manager stores the Secrets of ClusterIssuers: its `--cluster-resource-namespace`. Default: unknown, so a ClusterIssuer ' +
        'is not connected with its Secret.',
    }),
    trust: z
      .array(
        nonEmptyText.regex(new RegExp(`^${NAME}/${NAME}$`), {
          error: 'must be a namespace and a name: `shop/ca-bundle`',
        }),
      )
      .default([])
      .meta({
        description:
          'ConfigMaps with CAs that clients trust, as `namespace/name`. Requires `get` on these `configmaps`.',
      }),
    caBundles: z
      .enum(['auto', 'all', 'none'])
      .default('auto')
      .meta({
        description:
          'Whether to read the CAs with which the API server verifies webhooks, aggregated APIs and conversions of custom resources. Requires `list` on ' +
          '`validatingwebhookconfigurations`, `mutatingwebhookconfigurations`, `apiservices` and `customresourcedefinitions`. `auto`: reads those that the ' +
          'credential may read. `all`: those that it may not read are reported.',
      }),
  })
  .refine(({ secrets, labelSelector }) => secrets !== 'none' || labelSelector === undefined, {
    error: 'is only used with `secrets: tls` or `secrets: all`',
    path: ['labelSelector'],
  })
  .meta({ description: 'Certificates to read in this cluster. Default: none.' });

/** The `kubernetes` source in `wrench.yaml`: one cluster. */
export const kubernetesConfig = z
  .strictObject({
    kind: z
      .literal('kubernetes')
      .meta({ description: 'A Kubernetes cluster: its nodes, pods, events and kubelets.' }),
    name: nameOption('kubernetes'),
    ...readingCredential,
    kubelets: z
      .enum(['direct', 'proxy', 'none'])
      .default('none')
      .meta({
        description:
          'How to read disk usage and limits from kubelets. `direct`: from port 10250 of each node. Requires `get` on `nodes/stats` and ' +
          '`nodes/configz`, both read-only (kubelets before 1.33 require `nodes/proxy` for their configuration). `proxy`: through the API server. ' +
          'Requires `get` on `nodes/proxy`, which is not read-only: it also allows running commands in every container. ' +
          '`none`: kubelets are not read, and disk usage and limits are reported as unknown.',
      }),
    kubeletCa: nonEmptyText.exactOptional().meta({
      description:
        'A PEM file with the CAs that signed the serving certificates of the kubelets, for `kubelets: direct`. Default: the CA of the cluster.',
    }),
    kubeletInsecure: z
      .boolean()
      .default(false)
      .meta({
        description:
          'Skips the verification of kubelet certificates, for `kubelets: direct`. Anyone who can intercept the connection can then steal ' +
          'the credential. Prefer `serverTLSBootstrap: true` on the kubelets, or `kubeletCa`.',
      }),
    certificates: certificates.exactOptional(),
    allow: allowOption({
      cordon: cordon.exactOptional(),
      remove: remove.exactOptional(),
      adjust: adjust.exactOptional(),
      restart: restart.exactOptional(),
      pin: pin.exactOptional(),
      renew: renew.exactOptional(),
    }).default({}),
    timeoutMs: timeoutOption(),
  })
  .refine(({ kubeconfig, context }) => kubeconfig !== undefined || context === undefined, {
    error: 'needs `kubeconfig`: a service account has no contexts',
    path: ['context'],
  })
  .refine(({ certificates, allow }) => allow.renew === undefined || certificates?.certManager === 'auto', {
    error: 'needs `certificates`, with cert-manager',
    path: ['allow', 'renew'],
  })
  .superRefine(({ kubeconfig, allow }, issues) => {
    for (const act of ACTS)
      if (allow[act]?.context !== undefined && (allow[act].kubeconfig ?? kubeconfig) === undefined)
        issues.addIssue({
          code: 'custom',
          message: 'needs `kubeconfig`: a service account has no contexts',
          path: ['allow', act, 'context'],
        });
  })
  .refine(({ kubelets, kubeletCa }) => kubelets === 'direct' || kubeletCa === undefined, {
    error: 'is only used with `kubelets: direct`',
    path: ['kubeletCa'],
  })
  .refine(({ kubelets, kubeletInsecure }) => kubelets === 'direct' || !kubeletInsecure, {
    error: 'is only used with `kubelets: direct`',
    path: ['kubeletInsecure'],
  })
  .refine(({ kubeletCa, kubeletInsecure }) => kubeletCa === undefined || !kubeletInsecure, {
    error: 'contradicts `kubeletCa`: remove one of the two',
    path: ['kubeletInsecure'],
  })
  .meta({ description: 'Nodes and pods of a Kubernetes cluster.' });

export type KubernetesConfig = z.output<typeof kubernetesConfig>;
export type CertificateOptions = z.output<typeof certificates>;

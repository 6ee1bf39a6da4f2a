/** One context of a kubeconfig, with its own cluster and user. */
export interface KubeconfigContext {
  readonly name: string;
  readonly server: string;
  /** PEM. */
  readonly ca?: string;
  readonly proxyUrl?: string;
  /** As in the file: `{ token }`, `{ exec: { … } }`, `{ 'client-certificate-data': … }`. */
  readonly user: object;
}

/** A kubeconfig as JSON, which is valid YAML. The first context is the current one. */
export function kubeconfigText(contexts: readonly KubeconfigContext[]): string {
  return JSON.stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': contexts[0]?.name,
      contexts: contexts.map(({ name }) => ({ name, context: { cluster: name, user: name } })),
      clusters: contexts.map(({ name, server, ca, proxyUrl }) => ({
        name,
        cluster: {
          server,
          ...(proxyUrl !== undefined && { 'proxy-url': proxyUrl }),
          ...(ca !== undefined && { 'certificate-authority-data': Buffer.from(ca).toString('base64') }),
        },
      })),
      users: contexts.map(({ name, user }) => ({ name, user })),
    },
    undefined,
    2,
  );
}

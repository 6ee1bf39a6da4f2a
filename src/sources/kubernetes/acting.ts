import { ACTS, type Act, type KubernetesConfig } from './config.ts';
import type { ClusterConnection } from './connection.ts';

/** The kubeconfig and context of a credential; empty for the service account. */
export type CredentialChoice = Pick<KubernetesConfig, 'kubeconfig' | 'context'>;

/** The connections that change something, by what `allow` permits. Several may be the same, and may be the one for reading. */
export type ActingConnections = { readonly [Permission in Act]?: ClusterConnection };

/** The credential that `allow` names for a kind of change; undefined if it is not allowed. `{}` is the one for reading. */
export function actingChoice(
  { kubeconfig, context, allow }: Pick<KubernetesConfig, 'kubeconfig' | 'context' | 'allow'>,
  act: Act,
): CredentialChoice | undefined {
  const own = allow[act];
  if (!own) return undefined;
  const file = own.kubeconfig ?? kubeconfig;
  // Another kubeconfig has its own current context.
  const chosen = own.context ?? (own.kubeconfig === undefined ? context : undefined);
  return {
    ...(file !== undefined && { kubeconfig: file }),
    ...(chosen !== undefined && { context: chosen }),
  };
}

export function isSameChoice(one: CredentialChoice, other: CredentialChoice): boolean {
  return one.kubeconfig === other.kubeconfig && one.context === other.context;
}

/** Opens each credential once. */
export function openActing(
  config: KubernetesConfig,
  reading: ClusterConnection,
  open: (choice: CredentialChoice) => ClusterConnection,
): ActingConnections {
  const opened: [CredentialChoice, ClusterConnection][] = [[config, reading]];
  const connectionOf = (choice: CredentialChoice): ClusterConnection => {
    const known = opened.find(([one]) => isSameChoice(one, choice));
    if (known) return known[1];
    const connection = open(choice);
    opened.push([choice, connection]);
    return connection;
  };
  return Object.fromEntries(
    ACTS.flatMap((act) => {
      const choice = actingChoice(config, act);
      return choice ? [[act, connectionOf(choice)]] : [];
    }),
  );
}

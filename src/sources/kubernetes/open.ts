import type { SourceRecorder } from '../../ports/recorder.ts';
import type { Source } from '../../ports/source.ts';
import { openKubernetesCluster } from './cluster.ts';
import type { KubernetesConfig } from './config.ts';
import { type ClusterConnection, openConnection } from './connection.ts';
import { openCordonWriter } from './cordon.ts';
import { readGrantedPermissions } from './granted-permissions.ts';
import { checkClusterHealth } from './health-check.ts';
import { withoutPrivateParts } from './recordable.ts';

/**
 * A Kubernetes cluster. Opening it reads no files, sends no requests and does not load the client library. It can cordon only with `allow.cordon`, and
 * uses that credential for nothing else.
 */
export function openKubernetes(config: KubernetesConfig, recorder?: SourceRecorder): Source {
  const { name } = config;
  const { cordon } = config.allow;
  const recorded = recorder && withoutPrivateParts(recorder);
  const reading = openConnection(config, config, recorded);
  const acting = cordon && openActing(config, cordon, reading, recorded);
  const cluster = openKubernetesCluster(config, reading, acting);
  return {
    name,
    kind: 'kubernetes',
    reads: { clusters: cluster },
    ...(acting && { writes: { clusters: openCordonWriter(name, acting) } }),
    permissions: (signal) => readGrantedPermissions(config, { reading, acting }, signal),
    healthCheck: (signal) => checkClusterHealth({ config, cluster, signal }),
    close: async () => {
      await Promise.all([reading.close(), acting?.close()]);
    },
  };
}

/** `allow.cordon: {}` uses the connection for reading. */
function openActing(
  config: KubernetesConfig,
  { kubeconfig, context }: NonNullable<KubernetesConfig['allow']['cordon']>,
  reading: ClusterConnection,
  recorder: SourceRecorder | undefined,
): ClusterConnection {
  if (kubeconfig === undefined && context === undefined) return reading;
  const file = kubeconfig ?? config.kubeconfig;
  const choice = {
    ...(file !== undefined && { kubeconfig: file }),
    ...(context !== undefined && { context }),
  };
  return openConnection(config, choice, recorder);
}

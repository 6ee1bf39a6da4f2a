import type { ClusterWriter } from '../../ports/clusters.ts';
import type { SourceRecorder } from '../../ports/recorder.ts';
import { SourceError } from '../../ports/source-error.ts';
import type { Source } from '../../ports/source.ts';
import { type ActingConnections, openActing } from './acting.ts';
import { openKubernetesCluster } from './cluster.ts';
import type { Act, KubernetesConfig } from './config.ts';
import { openConnection } from './connection.ts';
import { openImageWriter } from './change-image.ts';
import { openProbeWriter } from './change-probe.ts';
import { openCordonWriter } from './cordon.ts';
import { openPodWriter } from './delete-pod.ts';
import { readGrantedPermissions } from './granted-permissions.ts';
import { openCertificates } from './certificates/open-store.ts';
import { checkClusterHealth } from './health-check.ts';
import { openRestartWriter } from './restart-workload.ts';
import { withoutPrivateParts } from './recordable.ts';

/**
 * A Kubernetes cluster. Opening it reads no files, sends no requests and does not load the client library. It changes only what `allow` permits, and uses
 * each credential in `allow` for nothing else.
 */
export function openKubernetes(config: KubernetesConfig, recorder?: SourceRecorder): Source {
  const { name } = config;
  const recorded = recorder && withoutPrivateParts(recorder);
  const reading = openConnection(config, config, recorded);
  const acting = openActing(config, reading, (choice) => openConnection(config, choice, recorded));
  const cluster = openKubernetesCluster(config, reading, acting);
  const certificates = openCertificates(config, { reading, renewing: acting.renew });
  return {
    name,
    kind: 'kubernetes',
    reads: { clusters: cluster, ...(certificates && { certificates: certificates.store }) },
    ...(Object.keys(acting).length > 0 && {
      writes: {
        clusters: openWriter(config, acting),
        ...(certificates?.writer && { certificates: certificates.writer }),
      },
    }),
    permissions: (signal) => readGrantedPermissions(config, { reading, acting }, signal),
    healthCheck: (signal) => checkClusterHealth({ config, cluster, signal }),
    close: async () => {
      await Promise.all([...new Set([reading, ...Object.values(acting)])].map((one) => one.close()));
    },
  };
}

function openWriter(config: KubernetesConfig, acting: ActingConnections): ClusterWriter {
  const { name: source, allow } = config;
  const { cordon, remove, adjust, restart, pin } = acting;
  const refuse = (act: Act | 'remove.running') => async (): Promise<never> => {
    throw new SourceError(source, 'refused', `\`allow.${act}\` is not configured for the source ${source}`);
  };
  const cordoning = cordon && openCordonWriter(source, cordon);
  const deleting = remove && openPodWriter(source, remove);
  const restarting = restart && openRestartWriter(source, restart);
  const changing = adjust && openProbeWriter(source, adjust);
  const pinning = pin && openImageWriter(source, pin);
  return {
    cordon: cordoning?.cordon ?? refuse('cordon'),
    uncordon: cordoning?.uncordon ?? refuse('cordon'),
    deletePod: deleting?.deletePod ?? refuse('remove'),
    deleteRunningPod:
      (allow.remove?.running ? deleting?.deleteRunningPod : undefined) ?? refuse('remove.running'),
    changeProbe: changing?.changeProbe ?? refuse('adjust'),
    restartWorkload: restarting?.restartWorkload ?? refuse('restart'),
    changeImage: pinning?.changeImage ?? refuse('pin'),
  };
}

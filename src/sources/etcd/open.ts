import type { SourceRecorder } from '../../ports/recorder.ts';
import type { Source } from '../../ports/source.ts';
import { openCluster } from './cluster.ts';
import type { EtcdConfig } from './config.ts';
import { maintain } from './maintain.ts';
import { readDiskCounters, readMembers } from './members.ts';
import { checkEtcdHealth } from './health-check.ts';
import { readTree } from './read-tree.ts';

/** An etcd cluster of any version, by its v2 keys API and its v3 gateway. Opening it sends no requests. */
export function openEtcd(config: EtcdConfig, recorder?: SourceRecorder): Source {
  const cluster = openCluster(config, recorder);
  const mayMaintain = config.allow.maintain === true;
  return {
    name: config.name,
    kind: 'etcd',
    reads: {
      keyValue: {
        name: config.name,
        tree: (directory, { signal }) => readTree(cluster, directory, signal),
        maintain: mayMaintain,
        members: (bounded) => readMembers(cluster, bounded),
        diskCounters: (urls, bounded) => readDiskCounters(cluster, urls, bounded),
      },
    },
    ...(mayMaintain && { writes: { keyValue: maintain(cluster) } }),
    healthCheck: (signal) => checkEtcdHealth(cluster, signal),
    close: () => cluster.clients.close(),
  };
}

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Cluster, ClusterWriter } from '../../../src/ports/clusters.ts';
import type { Source } from '../../../src/ports/source.ts';
import { kubernetesConfig } from '../../../src/sources/kubernetes/config.ts';
import { openKubernetes } from '../../../src/sources/kubernetes/open.ts';

export interface OpenedCluster {
  readonly source: Source;
  readonly cluster: Cluster;
  readonly writer: ClusterWriter | undefined;
}

/** Opens a source `lab` for a kubeconfig. Both are removed when the test has finished. */
export async function openLab(kubeconfig: string, options: object = {}): Promise<OpenedCluster> {
  const path = await saveFile('kubeconfig', kubeconfig);
  const source = openKubernetes(
    kubernetesConfig.parse({ kind: 'kubernetes', name: 'lab', kubeconfig: path, ...options }),
  );
  onTestFinished(source.close);
  return { source, cluster: source.reads.clusters!, writer: source.writes?.clusters };
}

/** Writes a file, which is deleted when the test has finished. */
export async function saveFile(name: string, content: string, mode = 0o600): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'wrench-kubernetes-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, name);
  await writeFile(path, content, { mode });
  return path;
}

/** All items of a list, and the error if it could not be completed. */
export async function readAll<T>(
  pages: AsyncIterable<readonly T[]>,
): Promise<{ readonly items: readonly T[]; readonly error?: unknown }> {
  const items: T[] = [];
  try {
    for await (const page of pages) items.push(...page);
    return { items };
  } catch (error) {
    return { items, error };
  }
}

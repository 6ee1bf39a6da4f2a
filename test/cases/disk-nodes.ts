import { askCase, type CaseVerdict } from './ask-case.ts';
import { type CaseNode, type CaseRequest, makeCase } from './make-case.ts';
import type { Kubelet } from '../world/kubernetes/kubelets.ts';

export const GIB = 1024 ** 3;

/** Runs `node/disk` on a cluster with these nodes. */
export function askDisk(nodes: readonly CaseNode[], more: Partial<CaseRequest> = {}): Promise<CaseVerdict> {
  return askCase(makeCase({ check: 'node/disk', nodes, ...more }));
}

/** The stats of a node with a single disk of 100 GiB; this share of it is free. */
export function free(percent: number, more: object = {}): NonNullable<CaseNode['stats']> {
  return { capacityBytes: 100 * GIB, availableBytes: percent * GIB, imageBytes: 10 * GIB, ...more };
}

/** The findings that are critical. */
export function criticals({ faults }: CaseVerdict): readonly string[] {
  return faults.filter((fault) => fault.startsWith('critical '));
}

/** A kubelet with two disks. */
export function twoDisks(
  nodeFs: { readonly capacityBytes: number; readonly availableBytes: number },
  imageFs: { readonly capacityBytes: number; readonly availableBytes: number; readonly usedBytes: number },
  config: object,
): Kubelet['answers'] {
  const time = '2026-11-26T11:59:40Z';
  const inodes = { inodes: 2_621_440, inodesFree: 2_300_000 };
  const node = {
    fs: { time, ...inodes, ...nodeFs, usedBytes: nodeFs.capacityBytes - nodeFs.availableBytes },
    runtime: { imageFs: { time, inodes: 9_621_440, inodesFree: 9_300_000, ...imageFs } },
  };
  return {
    '/stats/summary': { status: 200, body: { node, pods: [] } },
    '/configz': { status: 200, body: { kubeletconfig: config } },
  };
}

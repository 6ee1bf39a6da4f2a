import { readFileSync } from 'node:fs';
import type { KeySettings } from './keys.ts';

/** What the processes of one VM are told: a file that their start scripts name. */
export interface VmSettings {
  readonly etcd: KeySettings;
  readonly zone: string;
  readonly job: string;
  readonly id: string;
  readonly address: string;
  /** How long an announcement lives; it is made again twice as often. */
  readonly ttlSeconds: number;
  /** Without it, nobody is there who could stop them. */
  readonly ownerPid: number;
}

export function readSettings(path = process.argv[2]): VmSettings {
  if (path === undefined) throw new Error('which settings?');
  return JSON.parse(readFileSync(path, 'utf8')) as VmSettings;
}

/** Ends this process where its owner was killed outright. */
export function endWithOwner(ownerPid: number): void {
  try {
    process.kill(ownerPid, 0);
  } catch {
    process.exit(0);
  }
}

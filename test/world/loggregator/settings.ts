import { readFileSync } from 'node:fs';
import type { KeySettings } from './keys.ts';

/** The settings of one VM's processes: a file named in their start scripts. */
export interface VmSettings {
  readonly etcd: KeySettings;
  readonly zone: string;
  readonly job: string;
  readonly id: string;
  readonly address: string;
  /** How long a registration lasts; it is renewed twice as often. */
  readonly ttlSeconds: number;
  /** The owner's process id; without it nothing could stop them. */
  readonly ownerPid: number;
}

export function readSettings(path = process.argv[2]): VmSettings {
  if (path === undefined) throw new Error('which settings?');
  return JSON.parse(readFileSync(path, 'utf8')) as VmSettings;
}

/** Exits this process if its owner was killed. */
export function endWithOwner(ownerPid: number): void {
  try {
    process.kill(ownerPid, 0);
  } catch {
    process.exit(0);
  }
}

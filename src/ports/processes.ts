import type { Order } from './order.ts';
import type { SourceError } from './source-error.ts';

/** Everybody in one environment who watches over machines and their processes. */
export interface ProcessReader {
  readonly supervisors: readonly ProcessSupervisor[];
}

/** One that watches over processes: a BOSH director, or monit on some machines. */
export interface ProcessSupervisor {
  /** The source's name in the configuration: `bosh`. */
  readonly name: string;
  readonly kind: 'bosh' | 'monit';
  /**
   * All deployments that it is configured for, with every instance as its keeper sees it now.
   * A single deployment or machine that cannot be read is in the list with its `error`.
   * @throws {SourceError} where nothing could be asked at all.
   */
  readonly deployments: (options: { readonly signal: AbortSignal }) => Promise<readonly Deployment[]>;
}

export interface Deployment {
  readonly source: string;
  /** The deployment's name; for monit the source's own name. */
  readonly name: string;
  readonly instances: readonly Instance[];
  /** Held by a running task: nothing else may change it. The id is `unknown` where the credential may not see the task. */
  readonly lock?: { readonly taskId: string; readonly description?: string };
  /** What of it could not be read; then `instances` may be incomplete. */
  readonly gaps?: readonly { readonly what: string; readonly error: SourceError }[];
  /** Release or product version where the keeper tells, for checks of one age only. */
  readonly version?: string;
}

/** One machine of a deployment, with what should run on it. */
export interface Instance {
  /** The group (job) it belongs to: `doppler_z2`. */
  readonly group: string;
  /** Its UUID, or on old directors its index. */
  readonly id: string;
  readonly index?: number;
  /** As people call it: `doppler_z2/0` where the index is known, else `doppler_z2/<id>`. */
  readonly name: string;
  readonly zone?: string;
  readonly addresses: readonly string[];
  /** What it should be. */
  readonly desired: 'started' | 'stopped' | 'detached';
  /** People told the keeper to leave it alone. */
  readonly ignored: boolean;
  /**
   * What its agent says of the whole: `unresponsive` the agent does not answer; `absent` there is no machine;
   * `unknown` the agent answers and its monit does not.
   */
  readonly state: 'running' | 'failing' | 'starting' | 'stopped' | 'unknown' | 'unresponsive' | 'absent';
  readonly processes: readonly RunningProcess[];
  /** What is wrong besides processes, where its keeper watches more: disks, files, hosts, programs. */
  readonly faults?: readonly ServiceFault[];
  /** Another one after each restart, where the keeper shows something of the kind: a machine's id, a process id. Plans are bound to it. */
  readonly incarnation?: string;
  readonly restart: RestartPermission;
}

export interface RunningProcess {
  readonly name: string;
  /** `unmonitored`: nobody watches it (BOSH calls that `unknown`); it never comes back by itself. */
  readonly state: 'running' | 'failing' | 'starting' | 'unmonitored';
  readonly uptimeSeconds?: number;
  readonly pid?: number;
}

/** Something that is watched on a machine, is no process, and is not as it should be. A restart does not fix it. */
export interface ServiceFault {
  readonly name: string;
  /** `filesystem`, `file`, `host`, `program`, `system` … */
  readonly type: string;
  readonly state: 'failing' | 'starting' | 'unmonitored';
  /** What failed, in words: `it does not exist`. Empty where it is not failing. */
  readonly failures: readonly string[];
  /** The keeper's own message. */
  readonly message?: string;
  /** The instance is failing because of it. */
  readonly failsInstance: boolean;
}

/** Whether and how an instance may be restarted, by configuration and by its keeper's own rules. */
export type RestartPermission =
  | {
      readonly allowed: true;
      /** `instance`: all its processes, with drain and start scripts; `process`: one alone. */
      readonly scope: 'instance' | 'process';
      /** The processes that may be restarted alone; for scope `instance` all that will be. */
      readonly processes: readonly string[];
      /** What else the call would bring about, one line each, for the plan: "pending changes of the manifest are deployed too". */
      readonly sideEffects: readonly string[];
    }
  | { readonly allowed: false; readonly because: string };

export interface RestartTarget {
  readonly source: string;
  readonly deployment: string;
  readonly group: string;
  readonly id: string;
  /** Needed for scope `process`. */
  readonly process?: string;
}

export interface ProcessWriter {
  /**
   * Restarts, and comes back when it is done: a final task, or another pid and nothing pending.
   * Asked again with the same `order.id` it does nothing twice where the keeper can tell.
   * @throws {SourceError} `refused` where a rule or a lock forbids it, before anything was done; `unreachable` where the keeper did not answer: it may have happened.
   */
  readonly restart: (target: RestartTarget, order: Order) => Promise<RestartResult>;
}

export interface RestartResult {
  /** In one line: `task 1180 done after 41 s`, `pid 812 -> 1043`. */
  readonly summary: string;
}

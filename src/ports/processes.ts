import type { ApplyContext } from './apply-context.ts';
import type { ReadOptions } from './read-options.ts';
import type { SourceError } from './source-error.ts';

/** A process supervisor: a BOSH director, or monit on some machines. */
export interface ProcessSupervisor {
  /** The source's name in the configuration: `bosh`. */
  readonly name: string;
  /**
   * `director`: it deploys VMs and reports on them through an agent on each, by deployment; `host`: each machine has its own supervisor, without
   * deployments.
   */
  readonly supervisor: 'director' | 'host';
  /**
   * All deployments that it is configured for, with the current state of every instance.
   * A single deployment or machine that can't be read is in the list with its `error`. @throws {SourceError} if nothing could be read.
   */
  readonly deployments: (options: ReadOptions) => Promise<readonly Deployment[]>;
  /**
   * Of a director: the versions of certificates that the last successful deploy of each deployment uses. A restart keeps them.
   * A deployment that can't be read is in the list with its `error`. @throws {SourceError} if nothing could be read.
   */
  readonly deployedCertificates?: (options: ReadOptions) => Promise<readonly DeployedCertificates[]>;
  /**
   * Of a director: its own certificates.
   * @throws {SourceError}
   */
  readonly directorCertificates?: (options: ReadOptions) => Promise<readonly DirectorCertificate[]>;
  /**
   * Of a director: the tasks that are running, and the last ones that changed each deployment, newest first.
   * @throws {SourceError}
   */
  readonly tasks?: (options: ReadOptions) => Promise<readonly DirectorTask[]>;
}

export interface DeployedCertificates {
  readonly deployment: string;
  readonly certificates: readonly {
    /** As the store of the director names it: `/bosh/cf/rep_client`. */
    readonly name: string;
    /** The id of the version in that store. */
    readonly version: string;
    readonly notAfter?: Date;
  }[];
  /** What couldn't be read. */
  readonly error?: SourceError;
}

export interface DirectorCertificate {
  /** `director.ssl.cert`, `nats.tls.ca` */
  readonly path: string;
  readonly notAfter?: Date;
}

export interface DirectorTask {
  readonly id: string;
  /** `processing`, `queued`, `cancelling`, `done`, `error`, `cancelled`, `timeout`. */
  readonly state: string;
  /** As the director writes it. It calls a restart and a recreate `create deployment` too. */
  readonly description: string;
  readonly deployment?: string;
  readonly startedAt?: Date;
  /** Absent while it runs. */
  readonly endedAt?: Date;
  /** Of a running task: what it works on, and what it has finished on that stage. */
  readonly step?: {
    /** `Updating instance`, `Updating instance: diego-cell`. */
    readonly stage: string;
    /** The instances in progress, as the director names them, without the index in parentheses: `diego-cell/1b`. */
    readonly current: readonly string[];
    /** Since when the first of them is in progress. */
    readonly since?: Date;
    readonly finished: readonly string[];
  };
}

export interface Deployment {
  readonly source: string;
  /** The deployment's name; for monit the source's own name. */
  readonly name: string;
  readonly instances: readonly Instance[];
  /** Locked by a running task: nothing else may change it. The id is `unknown` if the credential isn't allowed to see the task. */
  readonly lock?: { readonly taskId: string; readonly description?: string };
  /** What couldn't be read; then `instances` may be incomplete. */
  readonly gaps?: readonly { readonly what: string; readonly error: SourceError }[];
  /** Release or product version, if the supervisor reports it: some checks apply only to old versions. */
  readonly version?: string;
}

/** One machine of a deployment, with what should run on it. */
export interface Instance {
  /** The group (job) it belongs to: `doppler_z2`. */
  readonly group: string;
  /** Its UUID, or on old directors its index. */
  readonly id: string;
  readonly index?: number;
  /** The name to show: `doppler_z2/0` if the index is known, else `doppler_z2/<id>`. */
  readonly name: string;
  readonly zone?: string;
  readonly addresses: readonly string[];
  /** The desired state. */
  readonly desired: 'started' | 'stopped' | 'detached';
  /** Set to be ignored by the supervisor (`bosh ignore`). */
  readonly ignored: boolean;
  /**
   * What its agent reports about the whole instance: `unresponsive` the agent does not respond; `absent` there is no machine;
   * `unknown` the agent responds but its monit does not.
   */
  readonly state: 'running' | 'failing' | 'starting' | 'stopped' | 'unknown' | 'unresponsive' | 'absent';
  readonly processes: readonly RunningProcess[];
  /** Faults other than of processes, if the supervisor monitors more: disks, files, hosts, programs. */
  readonly faults?: readonly ServiceFault[];
  /** Changes with each restart, if the supervisor reports such a value: a machine's id, a process id. It is a precondition of plans. */
  readonly incarnation?: string;
  readonly restart: RestartPermission;
}

export interface RunningProcess {
  readonly name: string;
  /** `unmonitored`: monit no longer monitors it (BOSH calls that `unknown`); it is never restarted automatically. */
  readonly state: 'running' | 'failing' | 'starting' | 'unmonitored';
  readonly uptimeSeconds?: number;
}

/** A fault of something monitored on a machine other than a process. A restart does not fix it. */
export interface ServiceFault {
  readonly name: string;
  /** `filesystem`, `file`, `host`, `program`, `system` … */
  readonly type: string;
  readonly state: 'failing' | 'starting' | 'unmonitored';
  /** What failed: `it does not exist`. Empty if it is not failing. */
  readonly failures: readonly string[];
  /** The supervisor's own message. */
  readonly message?: string;
  /** The instance is failing because of it. */
  readonly failsInstance: boolean;
}

/** Whether and how an instance may be restarted, according to the configuration and the supervisor's own rules. */
export type RestartPermission =
  | {
      readonly allowed: true;
      /** `instance`: all its processes, with drain and start scripts; `process`: one alone. */
      readonly scope: 'instance' | 'process';
      /** The processes that may be restarted alone; for scope `instance` all that will be. */
      readonly processes: readonly string[];
      /** What else the restart would do, one line each, for the plan: "pending changes of the manifest are deployed too". */
      readonly sideEffects: readonly string[];
    }
  | { readonly allowed: false; readonly because: string };

export interface RestartTarget {
  readonly deployment: string;
  readonly group: string;
  readonly id: string;
  /** Needed for scope `process`. */
  readonly process?: string;
}

export interface ProcessWriter {
  /**
   * Restarts, and resolves when it is done: a finished task, or another pid and nothing pending. A repeated call with the same `idempotencyKey`
   * restarts only once, if the supervisor can recognize it.
   * @throws {SourceError} `refused` if a rule or a lock forbids it, before anything was done; `unreachable` if the supervisor did not respond: the
   * restart may have happened.
   */
  readonly restart: (target: RestartTarget, applyContext: ApplyContext) => Promise<RestartResult>;
}

export interface RestartResult {
  /** In one line: `task 1180 done after 41 s`, `pid 812 -> 1043`. */
  readonly summary: string;
}

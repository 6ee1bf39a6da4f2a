import type { Broker, BrokerWriter } from './brokers.ts';
import type { Builds } from './builds.ts';
import type { CertificateStore, CertificateWriter } from './certificates.ts';
import type { Cloud, CloudWriter } from './cloud.ts';
import type { Cluster, ClusterWriter } from './clusters.ts';
import type { Database } from './databases.ts';
import type { ContainerEngines, EngineWriter } from './engines.ts';
import type { Hosts, HostWriter } from './hosts.ts';
import type { KeyValueStore, KeyValueWriter } from './key-value.ts';
import type { Logs } from './logs.ts';
import type { Pipelines, PipelineWriter } from './pipelines.ts';
import type { ProcessSupervisor, ProcessWriter } from './processes.ts';

/** Everything that checks can read: the sources of each port. An environment has a port if its configuration has a source for it. */
export interface Readers {
  readonly brokers: readonly Broker[];
  readonly builds: readonly Builds[];
  readonly certificates: readonly CertificateStore[];
  readonly cloud: readonly Cloud[];
  readonly clusters: readonly Cluster[];
  readonly databases: readonly Database[];
  readonly engines: readonly ContainerEngines[];
  readonly hosts: readonly Hosts[];
  readonly keyValue: readonly KeyValueStore[];
  readonly logs: readonly Logs[];
  readonly pipelines: readonly Pipelines[];
  readonly processes: readonly ProcessSupervisor[];
}

/**
 * Everything that approved remediations can change: for each port, the writer of a source by the source's name.
 * @throws {SourceError} `refused` if the configuration does not allow changes to that source.
 */
export interface Writers {
  readonly brokers: (source: string) => BrokerWriter;
  readonly certificates: (source: string) => CertificateWriter;
  readonly cloud: (source: string) => CloudWriter;
  readonly clusters: (source: string) => ClusterWriter;
  readonly engines: (source: string) => EngineWriter;
  readonly hosts: (source: string) => HostWriter;
  readonly keyValue: (source: string) => KeyValueWriter;
  readonly pipelines: (source: string) => PipelineWriter;
  readonly processes: (source: string) => ProcessWriter;
}

export type PortName = keyof Readers;

/** The ports that fixes can change. */
export type WriterPortName = keyof Writers;

/** Methods of each port that a check calls. */
export type DeclaredReads = {
  readonly [Port in PortName]?: readonly MethodOf<Readers[Port][number]>[];
};

type MethodOf<Source> = {
  [Key in keyof Source & string]-?: NonNullable<Source[Key]> extends (...args: never) => unknown
    ? Key
    : never;
}[keyof Source & string];

/** The ports. An environment's readers and writers follow this table; `holds` is the word for the content of their sources in messages. */
export const PORTS = {
  brokers: { holds: 'message queues' },
  builds: { holds: 'services' },
  certificates: { holds: 'certificates' },
  cloud: { holds: 'networks and instances' },
  clusters: { holds: 'nodes and pods' },
  databases: { holds: 'databases' },
  engines: { holds: 'containers' },
  hosts: { holds: 'hosts' },
  keyValue: { holds: 'keys' },
  logs: { holds: 'logs' },
  pipelines: { holds: 'pipeline files' },
  processes: { holds: 'processes' },
} as const satisfies Readonly<Record<PortName, { readonly holds: string }>>;

export const PORT_NAMES = Object.keys(PORTS) as readonly PortName[];

// The types of the ports: checks import them as `ports`.
export type * from './brokers.ts';
export type * from './builds.ts';
export type * from './certificate.ts';
export type * from './certificates.ts';
export type * from './cloud.ts';
export type * from './clusters.ts';
export type * from './databases.ts';
export type * from './engines.ts';
export type * from './hosts.ts';
export type * from './key-value.ts';
export type * from './logs.ts';
export type * from './managed-certificates.ts';
export type * from './permission.ts';
export type * from './pipelines.ts';
export type * from './processes.ts';
export type * from './renewals.ts';

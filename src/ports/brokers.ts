import type { ApplyContext } from './apply-context.ts';
import type { ConfiguredPermission } from './permission.ts';
import type { ReadOptions } from './read-options.ts';

/** A cluster of message brokers (RabbitMQ), asked at one or more of its nodes. */
export interface Broker {
  /** The source's name in the configuration: `rabbitmq`. */
  readonly name: string;
  /** The addresses that can be asked, as configured. One may be a load balancer; several may be of one node. */
  readonly endpoints: readonly BrokerEndpoint[];
  /**
   * What the node behind an endpoint says about itself, and whether it collects statistics.
   * @throws {SourceError}
   */
  readonly overview: (query: BrokerQuery) => Promise<BrokerOverview>;
  /**
   * The nodes of the cluster, as the node behind an endpoint sees them.
   * @throws {SourceError}
   */
  readonly nodes: (query: BrokerQuery) => Promise<readonly BrokerNode[]>;
  /**
   * The alarms in effect, as the node behind an endpoint sees them: of memory, of disk space.
   * @throws {SourceError}
   */
  readonly alarms: (query: BrokerQuery) => Promise<readonly BrokerAlarm[]>;
  /**
   * What uses the memory of a node.
   * @throws {SourceError}
   */
  readonly memory: (query: BrokerQuery & { readonly node: string }) => Promise<BrokerMemory>;
  /**
   * All queues that the user sees, in pages, those with most messages first.
   * @throws {SourceError} if not all can be read. The pages before the error are valid.
   */
  readonly queues: (query: BrokerQuery) => AsyncIterable<readonly BrokerQueue[]>;
  /** Whether queues may be purged. */
  readonly purging: ConfiguredPermission;
}

export interface BrokerEndpoint {
  /** `https://ctl-1.example.internal:15671`. */
  readonly url: string;
}

export interface BrokerQuery extends ReadOptions {
  /** The `url` of an endpoint. */
  readonly endpoint: string;
}

export interface BrokerOverview {
  /** The node that answered: `rabbit@ctl-1`. */
  readonly node?: string;
  readonly cluster?: string;
  /** `3.10.8`. */
  readonly version?: string;
  /** Whether the numbers of queues and nodes are collected. Absent if it can't be told. */
  readonly hasStatistics?: boolean;
  /** The setting that switched them off, if known: `management.disable_stats`. */
  readonly statisticsSetting?: string;
  readonly connections?: number;
  readonly queues?: number;
  readonly consumers?: number;
}

/** An absent optional fact is unknown: of a stopped node, and with statistics off, nothing is known but its name. */
export interface BrokerNode {
  readonly name: string;
  /** Whether the node that answered is connected to it. A node that runs elsewhere is not running here. */
  readonly isRunning: boolean;
  readonly memoryBytes?: number;
  /** Above this, publishers are blocked. */
  readonly memoryLimitBytes?: number;
  readonly hasMemoryAlarm?: boolean;
  readonly diskFreeBytes?: number;
  /** Below this, publishers are blocked. */
  readonly diskLimitBytes?: number;
  readonly hasDiskAlarm?: boolean;
  readonly filesUsed?: number;
  readonly filesMost?: number;
  readonly socketsUsed?: number;
  readonly socketsMost?: number;
  /** Of Erlang, not of the operating system. */
  readonly processesUsed?: number;
  readonly processesMost?: number;
  readonly uptimeSeconds?: number;
  /** The nodes that it was separated from and didn't rejoin. Absent if the broker doesn't report it: 4.3 has no Mnesia. */
  readonly partitions?: readonly string[];
  readonly isBeingDrained?: boolean;
}

export interface BrokerAlarm {
  readonly node: string;
  /** `memory`, `disk space`, as the broker names it. */
  readonly resource: string;
}

export interface BrokerMemory {
  /** What it uses by its own measure. */
  readonly usedBytes: number;
  /** Kept by Erlang's allocators, but not in use. */
  readonly unusedBytes?: number;
  /** The largest parts by their names, without what is unused: `binary`, `quorum_queue_procs`. */
  readonly parts: Readonly<Record<string, number>>;
}

/** One queue. An absent optional number is unknown, never 0. */
export interface BrokerQueue {
  readonly vhost: string;
  readonly name: string;
  /** `classic`, `quorum`, `stream`. */
  readonly type?: string;
  /** The node of its leader. */
  readonly node?: string;
  /** `running`, `idle`, `flow`, `down`, `minority`. */
  readonly state?: string;
  readonly messages?: number;
  readonly ready?: number;
  readonly unacknowledged?: number;
  readonly consumers?: number;
  /** Of the bodies of all messages. The memory of a queue doesn't contain them. */
  readonly messageBytes?: number;
  /** How `messages` changes, in messages per second. */
  readonly messagesPerSecond?: number;
  /** How many are published, in messages per second. */
  readonly publishedPerSecond?: number;
  /** How many are delivered or fetched, in messages per second. */
  readonly deliveredPerSecond?: number;
  readonly isDurable?: boolean;
  readonly isExclusive?: boolean;
  readonly isAutoDelete?: boolean;
  /** Of a queue without consumers. */
  readonly idleSince?: Date;
  /** Of a quorum queue or a stream: the nodes that have a copy, and those whose copies are reachable. */
  readonly members?: readonly string[];
  readonly online?: readonly string[];
  /** The lengths and the lifetimes that its arguments or its policy limit it to. */
  readonly maxLength?: number;
  readonly expiresMs?: number;
  readonly messageTtlMs?: number;
}

export interface BrokerWriter {
  /**
   * Deletes all messages of one queue that nobody consumes, that are ready for delivery.
   * @throws {SourceError} `refused` if it has consumers or its counts are unknown; `missing` if it no longer exists.
   */
  readonly purgeQueue: (
    queue: { readonly vhost: string; readonly name: string },
    applyContext: ApplyContext,
  ) => Promise<{ readonly purged: number }>;
}

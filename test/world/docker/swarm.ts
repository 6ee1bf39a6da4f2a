import { type EngineResponse, failure } from './http-server.ts';
import { sha256 } from './objects.ts';

/** A Swarm as its manager lists it. */
export interface ServedSwarm {
  readonly services: readonly object[];
  readonly tasks: readonly object[];
  readonly nodes: readonly object[];
}

interface ServiceFacts {
  /** Default 2; `global` for one on each node. */
  readonly replicas?: number | 'global';
  readonly image?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly containerLabels?: Readonly<Record<string, string>>;
  readonly env?: readonly string[];
  readonly update?: object;
}

interface TaskFacts {
  readonly service: string;
  readonly node: string;
  readonly slot?: number;
  readonly image?: string;
  /** Default `running`. */
  readonly state?: string;
  /** Default `running`. */
  readonly desiredState?: string;
  readonly since?: string;
  readonly error?: string;
  readonly ports?: readonly object[];
}

interface NodeFacts {
  readonly address?: string;
  /** `10.0.0.1:2377`, of a manager. */
  readonly managerAddress?: string;
}

const IMAGE = `registry.example/api:209@sha256:${'2'.repeat(64)}`;

/** An id derived from what it names. Those of a Swarm have 25 letters and digits. */
export function swarmId(name: string): string {
  return sha256(`swarm ${name}`).slice(0, 25);
}

export function serviceObject(
  name: string,
  { replicas = 2, image = IMAGE, labels = {}, containerLabels = {}, env = [], update }: ServiceFacts = {},
): object {
  return {
    ID: swarmId(name),
    Version: { Index: 42 },
    CreatedAt: '2026-11-20T08:00:00.123456789Z',
    UpdatedAt: '2026-11-26T11:00:00.123456789Z',
    Spec: {
      Name: name,
      Labels: labels,
      TaskTemplate: { ContainerSpec: { Image: image, Labels: containerLabels, Env: env } },
      Mode: replicas === 'global' ? { Global: {} } : { Replicated: { Replicas: replicas } },
    },
    ...(update && { UpdateStatus: update }),
  };
}

export function taskObject(
  id: string,
  {
    service,
    node,
    slot = 1,
    image = IMAGE,
    state = 'running',
    desiredState = 'running',
    since,
    error,
    ports = [],
  }: TaskFacts,
): object {
  return {
    ID: swarmId(id),
    ServiceID: swarmId(service),
    Slot: slot,
    NodeID: swarmId(node),
    Spec: { ContainerSpec: { Image: image } },
    Status: {
      Timestamp: since ?? '2026-11-26T11:01:00.123456789Z',
      State: state,
      Message: state,
      ...(error !== undefined && { Err: error }),
      ContainerStatus: { ContainerID: sha256(`container ${id}`), PID: 4242, ExitCode: 0 },
      PortStatus: { Ports: ports },
    },
    DesiredState: desiredState,
  };
}

export function swarmNodeObject(hostname: string, { address, managerAddress }: NodeFacts = {}): object {
  return {
    ID: swarmId(hostname),
    Spec: { Role: managerAddress === undefined ? 'worker' : 'manager', Availability: 'active' },
    Description: { Hostname: hostname },
    Status: { State: 'ready', ...(address !== undefined && { Addr: address }) },
    ...(managerAddress !== undefined && {
      ManagerStatus: { Leader: true, Reachability: 'reachable', Addr: managerAddress },
    }),
  };
}

/** The filter `name` finds names that begin with one of its values, as that of the engine does. */
export function swarmAnswer(
  swarm: ServedSwarm | undefined,
  list: keyof ServedSwarm,
  query: URLSearchParams,
): EngineResponse {
  if (!swarm)
    return failure(
      503,
      'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.',
    );
  const { name, service } = JSON.parse(query.get('filters') || '{}') as Record<string, readonly string[]>;
  const body = swarm[list].filter((one) => {
    const { Spec: spec, ServiceID: of } = one as { Spec?: { Name?: string }; ServiceID?: string };
    return (
      (!name || name.some((prefix) => spec?.Name?.startsWith(prefix))) &&
      (!service || service.includes(of ?? ''))
    );
  });
  return { status: 200, body };
}

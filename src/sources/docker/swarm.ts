import { BlockList, isIP } from 'node:net';
import type { SwarmService, SwarmTask } from '../../ports/engines.ts';
import { SourceError } from '../../ports/source-error.ts';
import { asObject, type JsonObject, numberIn, textIn } from '../../wire/json-object.ts';
import { printable } from '../../wire/x509.ts';
import type { EngineConnection } from './connection.ts';
import { isPort } from './container-network.ts';
import { AnswerError } from './explain-answer.ts';
import { labelsOf, parseEngineTime } from './to-container.ts';

interface SwarmQuery {
  readonly service: string;
  /** The host of the engine. */
  readonly host: string;
  readonly signal: AbortSignal;
}

/**
 * A service of the Swarm that an engine manages, with its tasks and their nodes, in three requests.
 * @throws {SourceError} `missing` if there is no such service; `refused` if the engine is no manager of a Swarm.
 */
export async function readSwarmService(
  connection: EngineConnection,
  { service: wanted, host, signal }: SwarmQuery,
): Promise<SwarmService> {
  const list = async (
    what: string,
    call: Parameters<EngineConnection['ask']>[1],
  ): Promise<readonly JsonObject[]> => {
    const answer = await askManager(connection, { what, signal }, call);
    if (!Array.isArray(answer))
      throw new SourceError(connection.source, 'malformed', `${connection.name} did not return ${what}`);
    return answer.map(asObject);
  };
  // The filter also finds names that begin with this one.
  const services = await list('a list of services', (docker) =>
    docker.listServices({ filters: { name: [wanted] } } as object),
  );
  const service = services.find((one) => textIn(asObject(one['Spec']), 'Name') === wanted);
  if (!service)
    throw new SourceError(
      connection.source,
      'missing',
      `the Swarm of ${connection.name} has no service ${printable(wanted)}`,
    );
  const id = textIn(service, 'ID');
  const spec = asObject(service['Spec']);
  const container = asObject(asObject(spec['TaskTemplate'])['ContainerSpec']);
  const image = textIn(container, 'Image');
  if (id === undefined || image === undefined)
    throw new SourceError(
      connection.source,
      'malformed',
      `${connection.name} returned the service ${printable(wanted)} without its ${id === undefined ? 'id' : 'image'}`,
    );
  const [tasks, nodes] = await Promise.all([
    list('a list of tasks', (docker) => docker.listTasks({ filters: { service: [id] } } as object)),
    list('a list of nodes', (docker) => docker.listNodes()),
  ]);
  const nodeOf = findNode(nodes, host);
  const replicas = numberIn(asObject(asObject(spec['Mode'])['Replicated']), 'Replicas');
  const update = updateIn(service['UpdateStatus']);
  return {
    id: printable(id),
    name: printable(wanted),
    image: printable(image),
    labels: { ...labelsOf(container['Labels']), ...labelsOf(spec['Labels']) },
    ...(replicas !== undefined && { replicas }),
    ...(update && { update }),
    tasks: tasks
      .filter((task) => textIn(task, 'ServiceID') === id)
      .map((task) => toTask(connection, task, nodeOf)),
  };
}

/** https://github.com/moby/moby/blob/master/daemon/cluster/errors.go */
const NO_MANAGER = /not a swarm manager|not part of a swarm/i;

async function askManager(
  connection: EngineConnection,
  asking: Parameters<EngineConnection['ask']>[0],
  call: Parameters<EngineConnection['ask']>[1],
): Promise<unknown> {
  try {
    return await connection.ask(asking, call);
  } catch (error) {
    if (!(error instanceof AnswerError) || !NO_MANAGER.test(error.said)) throw error;
    throw new SourceError(
      connection.source,
      'refused',
      `${connection.name} is not a manager of a Swarm: configure the engine of a manager`,
      { cause: error },
    );
  }
}

function updateIn(value: unknown): SwarmService['update'] {
  const status = asObject(value);
  const state = textIn(status, 'State');
  if (state === undefined || state === '') return undefined;
  const startedAt = parseEngineTime(textIn(status, 'StartedAt'));
  const message = textIn(status, 'Message');
  return {
    state: printable(state),
    ...(startedAt instanceof Date && { startedAt }),
    ...(message !== undefined && { message: printable(message) }),
  };
}

type FindNode = (id: string) => Pick<SwarmTask, 'node' | 'nodeAddress'>;

function toTask(connection: EngineConnection, task: JsonObject, nodeOf: FindNode): SwarmTask {
  const id = textIn(task, 'ID');
  const status = asObject(task['Status']);
  const state = textIn(status, 'State');
  const desiredState = textIn(task, 'DesiredState');
  if (id === undefined || state === undefined || desiredState === undefined)
    throw new SourceError(
      connection.source,
      'malformed',
      `${connection.name} listed a task without its ${id === undefined ? 'id' : 'state'}`,
    );
  const slot = numberIn(task, 'Slot');
  const error = textIn(status, 'Err');
  const containerId = textIn(asObject(status['ContainerStatus']), 'ContainerID');
  const since = parseEngineTime(textIn(status, 'Timestamp'));
  return {
    id: printable(id),
    // A task of a global service has the slot 0, or none.
    ...(slot !== undefined && slot > 0 && { slot }),
    ...nodeOf(textIn(task, 'NodeID') ?? ''),
    state: printable(state),
    desiredState: printable(desiredState),
    ...(error !== undefined && error !== '' && { error: printable(error) }),
    image: printable(textIn(asObject(asObject(task['Spec'])['ContainerSpec']), 'Image') ?? ''),
    ...(containerId !== undefined && containerId !== '' && { containerId: printable(containerId) }),
    ...(state === 'running' && since instanceof Date && { startedAt: since }),
    hostPorts: hostPortsIn(asObject(status['PortStatus'])['Ports']),
  };
}

/** A port that is published by the routing mesh (`ingress`) may reach any task of the service. */
function hostPortsIn(value: unknown): SwarmTask['hostPorts'] {
  if (!Array.isArray(value)) return [];
  return value.map(asObject).flatMap((one) => {
    const [port, published] = [numberIn(one, 'TargetPort'), numberIn(one, 'PublishedPort')];
    if (textIn(one, 'PublishMode') !== 'host' || !isPort(port) || !isPort(published)) return [];
    return [{ port, published, protocol: printable(textIn(one, 'Protocol') ?? 'tcp') }];
  });
}

function findNode(nodes: readonly JsonObject[], host: string): FindNode {
  const known = new Map(
    nodes.flatMap((node) => {
      const id = textIn(node, 'ID');
      if (id === undefined) return [];
      const hostname = textIn(asObject(node['Description']), 'Hostname') ?? '';
      const own = nodes.length === 1 ? host : undefined;
      const address = nodeAddress(node) ?? own;
      return [
        [
          id,
          {
            node: printable(hostname === '' ? id : hostname),
            ...(address !== undefined && { nodeAddress: address }),
          },
        ],
      ];
    }),
  );
  // A node may have left the Swarm, or the task is not assigned yet.
  return (id) => known.get(id) ?? { node: printable(id) };
}

/** The status of a manager may have its loopback address, or 0.0.0.0: https://github.com/moby/moby/issues/35437 */
function nodeAddress(node: JsonObject): string | undefined {
  const manager = textIn(asObject(node['ManagerStatus']), 'Addr')?.replace(/:\d+$/, '');
  return [manager, textIn(asObject(node['Status']), 'Addr')]
    .flatMap((one) => one?.replace(/^\[(.*)\]$/, '$1') ?? [])
    .find((one) => isIP(one) !== 0 && !LOCAL.check(one, isIP(one) === 6 ? 'ipv6' : 'ipv4'));
}

/** Addresses that mean another machine on each machine. */
const LOCAL = new BlockList();
LOCAL.addSubnet('127.0.0.0', 8);
LOCAL.addSubnet('0.0.0.0', 8);
LOCAL.addSubnet('::', 127, 'ipv6');

import type { ServedContainer } from './objects.ts';
import {
  compareVersions,
  type EngineFault,
  type EngineRequest,
  type EngineResponse,
  type EngineServer,
  failure,
  serveEngineApi,
} from './http-server.ts';
import { findContainer, type ImageRow, isTrue, selectContainers, selectImages } from './select.ts';
import { type ServedSwarm, swarmAnswer } from './swarm.ts';
import { type EngineUsageBody, usageAnswer } from './usage.ts';

/** An engine without containers: it responds from plain data like a real one, and executes removals. */
export interface ServedEngine extends EngineServer {
  /** The engine's current containers, newest first. */
  readonly containers: () => readonly ServedContainer[];
  /** Replaces one: it was started, it ended again. */
  readonly change: (container: ServedContainer) => void;
  readonly add: (container: ServedContainer) => void;
  /** As removed by someone else. */
  readonly drop: (name: string) => void;
  /** Called with each request to remove a container, before the response. */
  readonly beforeRemoval: (change: () => void) => void;
  /** Each request to remove a container, whatever the response. */
  readonly removals: readonly RequestedRemoval[];
}

/**
 * A request to remove a container, and the container's state at that moment. Times are milliseconds since
 * the epoch.
 */
export interface RequestedRemoval {
  readonly atMs: number;
  readonly id: string;
  readonly name: string;
  readonly isRemoved: boolean;
  readonly was: ContainerEnd;
  /** The result and time of its last inspection; absent if it was never inspected. */
  readonly inspected?: ContainerEnd & { readonly atMs: number };
}

/** Whether a container runs, and when it ended. */
export interface ContainerEnd {
  readonly state: string;
  readonly finishedAt: string;
}

export interface ServedEngineOptions {
  readonly containers?: readonly ServedContainer[];
  readonly images?: readonly ServedImage[];
  readonly volumes?: EngineUsageBody['Volumes'];
  readonly buildCache?: EngineUsageBody['BuildCache'];
  /** Of all images, shared layers once. Default: the sum of their sizes. */
  readonly layersBytes?: number;
  /** Default `1.47`. */
  readonly apiVersion?: string;
  /** Default `1.24`. */
  readonly minApiVersion?: string;
  readonly version?: string;
  /** Default `build-1`. */
  readonly hostname?: string;
  readonly product?: 'docker' | 'podman';
  /** The Swarm that it manages. Default: none. */
  readonly swarm?: ServedSwarm;
  /** By the beginning of the path. */
  readonly faults?: Readonly<Record<string, EngineFault>>;
}

export interface ServedImage extends ImageRow {
  readonly Size: number;
  readonly SharedSize?: number;
  readonly Created?: number;
  readonly ParentId?: string;
}

export async function serveEngine(options: ServedEngineOptions = {}): Promise<ServedEngine> {
  let containers = [...(options.containers ?? [])];
  const byId = new Map(containers.map((one) => [one.row.Id, one]));
  const images = new Map((options.images ?? []).map((one) => [one.Id, one]));
  const { apiVersion = '1.47', minApiVersion = '1.24', product = 'docker' } = options;

  const removals: RequestedRemoval[] = [];
  let beforeRemoval = (): void => undefined;
  const inspected = new Map<string, ContainerEnd & { readonly atMs: number }>();

  const remove = ({ row: { Id: id } }: ServedContainer): void => {
    byId.delete(id);
    containers = containers.filter(({ row }) => row.Id !== id);
  };
  const find = (name: string): ServedContainer | EngineResponse => {
    const found =
      byId.get(name) ??
      findContainer(
        containers.map(({ row }) => row),
        name,
      );
    if (found === 'ambiguous') return failure(400, `multiple IDs found with provided prefix: ${name}`);
    if (found && 'row' in found) return found;
    return (found && byId.get(found.Id)) ?? failure(404, `No such container: ${name}`);
  };
  const routes: readonly Route[] = [
    ['GET', /^\/_ping$/, () => ({ status: 200, body: 'OK' })],
    ['GET', /^\/version$/, () => ({ status: 200, body: versionBody(options) })],
    ['GET', /^\/info$/, () => ({ status: 200, body: infoBody(options, containers, images.size) })],
    [
      'GET',
      /^\/containers\/json$/,
      ({ query }) =>
        selectContainers(
          containers.map(({ row }) => row),
          query,
        ),
    ],
    [
      'GET',
      /^\/containers\/([^/]+)\/json$/,
      ({ query }, name) => {
        const found = find(name);
        if (!('row' in found)) return found;
        inspected.set(found.row.Id, { ...endOf(found), atMs: Date.now() });
        return { status: 200, body: inspection(found, query) };
      },
    ],
    [
      'DELETE',
      /^\/containers\/([^/]+)$/,
      ({ query }, name) => {
        beforeRemoval();
        const found = find(name);
        if (!('row' in found)) return found;
        const refusal = isTrue(query.get('force')) ? undefined : refuseRemoval(found, apiVersion);
        const { Id: id, Names: [own = ''] = [] } = found.row;
        const last = inspected.get(id);
        removals.push({
          atMs: Date.now(),
          id,
          name: own.slice(1),
          isRemoved: !refusal,
          was: endOf(found),
          ...(last && { inspected: last }),
        });
        if (!refusal) remove(found);
        return refusal ?? { status: 204 };
      },
    ],
    ['GET', /^\/images\/json$/, ({ query }) => selectImages([...images.values()].map(imageRow), query)],
    [
      'GET',
      /^\/images\/(.+)\/json$/,
      (_, name) => {
        const image = findImage(images, name);
        return image ? { status: 200, body: imageInspection(image) } : noSuchImage(name);
      },
    ],
    [
      'DELETE',
      /^\/images\/(.+)$/,
      (_, name) => {
        const image = findImage(images, name);
        if (!image) return noSuchImage(name);
        const refusal = refuseImageRemoval(image, containers, images);
        if (!refusal) images.delete(image.Id);
        return refusal ?? { status: 200, body: [{ Deleted: image.Id }] };
      },
    ],
    [
      'GET',
      /^\/system\/df$/,
      ({ query, apiVersion: asked = apiVersion }) =>
        usageAnswer(usageOf(options, containers, [...images.values()]), asked, query),
    ],
    [
      'GET',
      /^\/(services|tasks|nodes)$/,
      ({ query }, list) => swarmAnswer(options.swarm, list as keyof ServedSwarm, query),
    ],
  ];
  const server = await serveEngineApi({
    answer: (request) => route(routes, request),
    versions: { min: minApiVersion, max: apiVersion },
    product,
  });
  for (const [path, fault] of Object.entries(options.faults ?? {})) server.setFault(path, fault);
  return {
    ...server,
    containers: () => containers,
    change: (changed) => {
      byId.set(changed.row.Id, changed);
      containers = containers.map((one) => (one.row.Id === changed.row.Id ? changed : one));
    },
    add: (added) => {
      byId.set(added.row.Id, added);
      containers = [added, ...containers];
    },
    drop: (name) => {
      const found = find(name);
      if ('row' in found) remove(found);
    },
    beforeRemoval: (change) => {
      beforeRemoval = change;
    },
    removals,
  };
}

type Route = readonly [
  method: string,
  path: RegExp,
  answer: (request: EngineRequest, name: string) => EngineResponse,
];

function route(routes: readonly Route[], request: EngineRequest): EngineResponse {
  for (const [method, path, answer] of routes) {
    const found = method === request.method && path.exec(request.path);
    if (found) return answer(request, found[1] ?? '');
  }
  return failure(404, 'page not found');
}

function versionBody({
  version = '27.5.1',
  apiVersion = '1.47',
  minApiVersion = '1.24',
  product,
}: ServedEngineOptions): object {
  const name = product === 'podman' ? 'Podman Engine' : 'Engine';
  const details = { ApiVersion: apiVersion, MinAPIVersion: minApiVersion };
  return {
    Components: [{ Name: name, Version: version, Details: details }],
    Version: version,
    ApiVersion: apiVersion,
    MinAPIVersion: minApiVersion,
    Os: 'linux',
    Arch: 'amd64',
  };
}

function infoBody(
  { version = '27.5.1', hostname = 'build-1', swarm }: ServedEngineOptions,
  containers: readonly ServedContainer[],
  images: number,
): object {
  const count = (states: readonly string[]) =>
    containers.filter(({ row }) => states.includes(row.State)).length;
  return {
    ID: 'b1d1e5c0-9d4a-4f7c-9a44-2f6ed5b9c1ee',
    Name: hostname,
    Containers: containers.length,
    ContainersRunning: count(['running', 'restarting']),
    ContainersPaused: count(['paused']),
    ContainersStopped: count(['created', 'exited', 'dead', 'removing']),
    Images: images,
    Driver: 'overlay2',
    DockerRootDir: '/var/lib/docker',
    ServerVersion: version,
    Swarm: { LocalNodeState: swarm ? 'active' : 'inactive' },
  };
}

function inspection({ row, inspection: body }: ServedContainer, query: URLSearchParams): object {
  const { SizeRw = 0, SizeRootFs = 0 } = row;
  return isTrue(query.get('size')) ? { ...body, SizeRw, SizeRootFs } : body;
}

function endOf({ row, inspection: body }: ServedContainer): ContainerEnd {
  const { State: state } = body as { readonly State?: { readonly FinishedAt?: string } };
  return { state: row.State, finishedAt: state?.FinishedAt ?? '' };
}

const ACTIVE = ['running', 'restarting', 'paused'];

/** Engine 25 (API 1.44) uses other words. */
function refuseRemoval(
  { row: { Id: id, State: state, Names: [name] = [] } }: ServedContainer,
  apiVersion: string,
): EngineResponse | undefined {
  if (state === 'removing') return failure(409, `removal of container ${id} is already in progress`);
  if (!ACTIVE.includes(state)) return undefined;
  const isPaused = state === 'paused';
  if (compareVersions(apiVersion, '1.44') >= 0) {
    const because = isPaused
      ? 'container is paused and must be unpaused first'
      : `container is ${state}: stop the container before removing or force remove`;
    return failure(409, `cannot remove container "${name}": ${because}`);
  }
  const first = isPaused ? 'Unpause and then stop' : 'Stop';
  return failure(
    409,
    `You cannot remove a ${state} container ${id}. ${first} the container before attempting removal or force remove`,
  );
}

/** The engine adds a tag to a name without one. */
function noSuchImage(name: string): EngineResponse {
  return failure(404, `No such image: ${name.includes(':') ? name : `${name}:latest`}`);
}

function findImage(images: ReadonlyMap<string, ServedImage>, name: string): ServedImage | undefined {
  const id = name.startsWith('sha256:') ? name : `sha256:${name}`;
  return (
    images.get(id) ??
    [...images.values()].find((image) => image.RepoTags?.includes(name) || image.Id.startsWith(id))
  );
}

function refuseImageRemoval(
  image: ServedImage,
  containers: readonly ServedContainer[],
  images: ReadonlyMap<string, ServedImage>,
): EngineResponse | undefined {
  const id = image.Id.slice('sha256:'.length, 'sha256:'.length + 12);
  const user = containers.find(({ row }) => row.ImageID === image.Id);
  if (user) {
    const isStopped = !ACTIVE.includes(user.row.State);
    return failure(
      409,
      `conflict: unable to delete ${id} (${isStopped ? 'must' : 'cannot'} be forced) - image is being used by ${isStopped ? 'stopped' : 'running'} container ${user.row.Id.slice(0, 12)}`,
    );
  }
  if ([...images.values()].some(({ ParentId }) => ParentId === image.Id))
    return failure(
      409,
      `conflict: unable to delete ${id} (cannot be forced) - image has dependent child images`,
    );
  if ((image.RepoTags?.length ?? 0) > 1)
    return failure(
      409,
      `conflict: unable to delete ${id} (must be forced) - image is referenced in multiple repositories`,
    );
  return undefined;
}

/** The list does not count what `df` counts. */
function imageRow(image: ServedImage): ImageRow {
  return { RepoDigests: [], Labels: {}, ParentId: '', ...image, SharedSize: -1, Containers: -1 } as ImageRow;
}

function imageInspection({ Id, RepoTags, ParentId = '', Size, Created = 0 }: ServedImage): object {
  return {
    Id,
    RepoTags: RepoTags ?? [],
    RepoDigests: [],
    Parent: ParentId,
    Created: new Date(Created * 1000).toISOString(),
    Size,
  };
}

function usageOf(
  { layersBytes, volumes = [], buildCache = [] }: ServedEngineOptions,
  containers: readonly ServedContainer[],
  images: readonly ServedImage[],
): EngineUsageBody {
  return {
    LayersSize: layersBytes ?? images.reduce((bytes, { Size }) => bytes + Size, 0),
    Images: images.map((image) => ({
      ...image,
      SharedSize: image.SharedSize ?? 0,
      Containers: containers.filter(({ row }) => row.ImageID === image.Id).length,
    })),
    Containers: containers.map(({ row }) => row),
    Volumes: volumes,
    BuildCache: buildCache,
  };
}

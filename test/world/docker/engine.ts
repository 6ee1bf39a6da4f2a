import { type EngineAsker, expectSuccess } from './ask.ts';
import { type ContainerPlan, runContainer } from './containers.ts';
import { timesOfRun } from './container-times.ts';
import { type Daemon, type EngineOptions, startDaemon } from './daemon.ts';
import { makeBuildTar, makeImageTar, makeSavedImage } from './images.ts';
import { openGivenEngine } from './given-engine.ts';

/** A real Docker Engine with nothing but the test's objects and the image `base:209`. */
export interface TestEngine {
  /** As configured for a `docker` source: `unix:///…`. */
  readonly url: string;
  readonly socket: string;
  readonly ask: EngineAsker;
  /** Creates a container; returns its full id. */
  readonly run: (plan?: ContainerPlan) => Promise<string>;
  /** A named volume. */
  readonly addVolume: (name: string, labels?: Readonly<Record<string, string>>) => Promise<void>;
  /**
   * An image with its own layer of `bytes` bytes, dangling if it has no tag. Created now, or at
   * `createdAt`. Returns its id, `sha256:…`.
   */
  readonly addImage: (image: ImagePlan) => Promise<string>;
  /** Builds an image that adds a file of `bytes` bytes to `base:209`, with BuildKit: the layer is in the build cache too. */
  readonly build: (tag: string, bytes: number) => Promise<void>;
  /** The names of all containers, sorted. */
  readonly names: () => Promise<readonly string[]>;
  /** What `docker inspect` shows; undefined if there is no such container. */
  readonly inspect: (container: string) => Promise<InspectedContainer | undefined>;
  /**
   * Backdates the run and the end of containers. The test's own engine is restarted for it: a container
   * with the policy `always` then runs.
   * @param endedSecondsAgo The same for all, or one for each.
   */
  readonly backdate: (
    containers: readonly string[],
    endedSecondsAgo: number | readonly number[],
  ) => Promise<void>;
  /**
   * The process. Its containers keep running without it. These throw for an engine that is not the test's
   * own.
   */
  readonly daemon: Pick<Daemon, 'start' | 'stop' | 'kill' | 'pause' | 'resume'>;
  /**
   * Removes everything the test created, and stops the engine if it is the test's own; safe to call twice.
   */
  readonly close: () => Promise<void>;
}

interface ImagePlan {
  readonly tag?: string;
  readonly bytes?: number;
  readonly createdAt?: Date;
}

export interface InspectedContainer {
  readonly Id: string;
  readonly Name: string;
  readonly State: {
    readonly Status: string;
    readonly StartedAt: string;
    readonly FinishedAt: string;
    readonly ExitCode: number;
  };
}

/** The default image for `run`. */
const BASE_IMAGE = 'base:209';

/**
 * Starts an engine for one test file. With root it is a separate one; without, tests use the engine named
 * by WRENCH_TEST_DOCKER, one test file at a time.
 * @throws with the command that helps
 */
export async function startEngine(options: EngineOptions = {}): Promise<TestEngine> {
  const given = process.env['WRENCH_TEST_DOCKER'];
  const daemon = given ? await openGivenEngine(given, options) : await startOwn(options);
  try {
    await addImage(daemon.ask, { tag: BASE_IMAGE });
  } catch (error) {
    await daemon.close();
    throw error;
  }
  const { ask } = daemon;
  const inspect = async (container: string): Promise<InspectedContainer | undefined> => {
    const answer = await ask('GET', `/containers/${container}/json`);
    return answer.status === 404 ? undefined : (expectSuccess('inspect', answer) as InspectedContainer);
  };
  return {
    url: `unix://${daemon.socket}`,
    socket: daemon.socket,
    ask,
    run: (plan = {}) => runContainer(ask, BASE_IMAGE, plan),
    addVolume: async (name, labels = {}) => {
      expectSuccess('create volume', await ask('POST', '/volumes/create', { Name: name, Labels: labels }));
    },
    addImage: (image) => addImage(ask, image),
    build: async (tag, bytes) => {
      const tar = await makeBuildTar(BASE_IMAGE, bytes);
      expectSuccess('build', await ask('POST', `/build?version=2&networkmode=none&t=${tag}`, tar));
      expectSuccess('build', await ask('GET', `/images/${tag}/json`));
    },
    names: async () => {
      const all = expectSuccess('list', await ask('GET', '/containers/json?all=1'));
      return (all as readonly { readonly Names: readonly string[] }[])
        .map(({ Names: [name = ''] }) => name.slice(1))
        .toSorted();
    },
    inspect,
    backdate: async (containers, endedSecondsAgo) => {
      const found = await Promise.all(containers.map(inspect));
      const times = found.map((one, index) => {
        if (!one) throw new Error(`no container ${containers[index]}`);
        const secondsAgo = typeof endedSecondsAgo === 'number' ? endedSecondsAgo : endedSecondsAgo[index]!;
        return [one.Id, timesOfRun(Date.now() - secondsAgo * 1000)] as const;
      });
      await daemon.backdate(new Map(times));
    },
    daemon,
    close: daemon.close,
  };
}

function startOwn(options: EngineOptions): Promise<Daemon> {
  if (process.getuid?.() === 0) return startDaemon(options);
  throw new Error(
    `Only root can start a Docker Engine. Start one that has no containers, and run the tests with it:
  sudo dockerd --data-root /tmp/wrench-engine --exec-root /tmp/wrench-engine/exec --pidfile /tmp/wrench-engine.pid --containerd-namespace wrench-engine --bridge none --iptables=false --ip6tables=false --storage-driver vfs --group "$(id -gn)" -H unix:///tmp/wrench-engine.sock
  WRENCH_TEST_DOCKER=unix:///tmp/wrench-engine.sock npm test`,
  );
}

async function addImage(ask: EngineAsker, { tag, bytes = 0, createdAt }: ImagePlan): Promise<string> {
  const layer = await makeImageTar(bytes);
  if (createdAt) {
    const { id, tar } = await makeSavedImage(layer, createdAt, tag);
    const loaded = await ask('POST', '/images/load?quiet=1', tar);
    // A failure is part of a successful answer.
    const { status } = await ask('GET', `/images/${id}/json`);
    if (status !== 200) throw new Error(`load: ${JSON.stringify(loaded.body)}`);
    return id;
  }
  const [repository = '', version = ''] = tag?.split(':') ?? [];
  const answer = await ask('POST', `/images/create?fromSrc=-&repo=${repository}&tag=${version}`, layer);
  const { status } = expectSuccess('import', answer) as { readonly status: string };
  return status;
}

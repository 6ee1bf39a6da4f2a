import { createHash } from 'node:crypto';
import type { ContainerRow } from './select.ts';

/** A container as in an engine's list and inspection. */
export interface ServedContainer {
  readonly row: ContainerRow;
  readonly inspection: object;
}

export interface ContainerFacts {
  /** Default `exited`. */
  readonly state?: string;
  /** Default an hour before `finishedAt`; a day before the time of all cases if there is none. */
  readonly createdAt?: string;
  /** Default `createdAt`; the zero time for one that was never started. */
  readonly startedAt?: string;
  /** RFC 3339 in UTC. Default the zero time, as for a container that was never started. */
  readonly finishedAt?: string;
  readonly exitCode?: number;
  /** Default `registry.example/build:1`. */
  readonly image?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** Written to its own layer. Absent: nothing, which the list omits. */
  readonly bytes?: number;
  readonly restartPolicy?: string;
  readonly autoRemove?: boolean;
  readonly volumesFrom?: readonly string[];
  readonly mounts?: readonly {
    readonly Type: string;
    readonly Name?: string;
    readonly Destination: string;
  }[];
  readonly env?: readonly string[];
  /** Published on all addresses: `{ 8080: 32768 }`, by the port in the container. */
  readonly published?: Readonly<Record<number, number>>;
  /** Default `bridge`. */
  readonly network?: string;
}

/** The engine's zero time. */
export const ZERO_TIME = '0001-01-01T00:00:00Z';

/** A container with an id derived from its name. */
export function containerObject(name: string, facts: ContainerFacts = {}): ServedContainer {
  const { state = 'exited', finishedAt = ZERO_TIME, exitCode = 0, labels = {}, bytes } = facts;
  const { image = 'registry.example/build:1', restartPolicy = 'no', autoRemove = false } = facts;
  const { published = {}, network = 'bridge' } = facts;
  const id = sha256(`container ${name}`);
  const imageId = `sha256:${sha256(`image ${image}`)}`;
  const mounts = (facts.mounts ?? []).map((mount) => ({ Driver: 'local', RW: true, Source: '', ...mount }));
  const hourBefore = () => new Date(Date.parse(finishedAt) - 3_600_000).toISOString();
  const createdAt = facts.createdAt ?? (finishedAt === ZERO_TIME ? '2026-11-25T12:00:00Z' : hourBefore());
  const isStarted = state !== 'created';
  return {
    row: {
      Id: id,
      Names: [`/${name}`],
      Image: image,
      ImageID: imageId,
      Command: 'sh',
      Created: Math.floor(Date.parse(createdAt) / 1000),
      State: state,
      Status: isStarted ? `${state} (${exitCode})` : 'Created',
      Labels: labels,
      HostConfig: { NetworkMode: network },
      Ports: Object.entries(published).flatMap(([port, to]) =>
        ['0.0.0.0', '::'].map((ip) => ({ IP: ip, PrivatePort: Number(port), PublicPort: to, Type: 'tcp' })),
      ),
      Mounts: mounts,
      ...(bytes !== undefined && { SizeRw: bytes, SizeRootFs: bytes + 8_000_000 }),
    } as ContainerRow,
    inspection: {
      Id: id,
      Name: `/${name}`,
      Created: createdAt,
      Image: imageId,
      State: {
        Status: state,
        Running: ['running', 'paused', 'restarting'].includes(state),
        Paused: state === 'paused',
        Restarting: state === 'restarting',
        OOMKilled: false,
        Dead: state === 'dead',
        Pid: state === 'running' ? 4242 : 0,
        ExitCode: exitCode,
        Error: '',
        StartedAt: facts.startedAt ?? (isStarted ? createdAt : ZERO_TIME),
        FinishedAt: finishedAt,
      },
      Config: { Image: image, Labels: labels, Env: facts.env ?? [] },
      HostConfig: {
        AutoRemove: autoRemove,
        RestartPolicy: { Name: restartPolicy, MaximumRetryCount: 0 },
        VolumesFrom: facts.volumesFrom ?? null,
        NetworkMode: network,
      },
      NetworkSettings: {
        Ports: Object.fromEntries(
          Object.entries(published).map(([port, to]) => [
            `${port}/tcp`,
            ['0.0.0.0', '::'].map((ip) => ({ HostIp: ip, HostPort: String(to) })),
          ]),
        ),
      },
      Mounts: mounts,
    },
  };
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

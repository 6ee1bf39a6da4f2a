import type { Recordable, SourceRecorder } from '../../ports/recorder.ts';
import type { JsonObject } from '../../wire/json-object.ts';

/**
 * Members of responses that are read, except `SystemTime`, which is only meaningful at that moment. Others may contain secrets: commands,
 * environments, options of mounts, log settings.
 */
const READ: ReadonlySet<string> = new Set(
  (
    'Version ApiVersion MinAPIVersion Components message Name ServerVersion DockerRootDir ContainersRunning ' +
    'ContainersStopped Id ID Names Image ImageID Created State Status ' +
    'SizeRw Config HostConfig RestartPolicy AutoRemove VolumesFrom NetworkMode IpcMode PidMode Links StartedAt FinishedAt ExitCode Mounts ' +
    'Type Source Destination LayersSize Images Volumes BuildCache ImageUsage ImagesUsage ' +
    'VolumeUsage VolumesUsage BuildCacheUsage TotalSize TotalCount Items ParentId RepoTags RepoDigests ' +
    'Size SharedSize Containers UsageData RefCount InUse Shared LastUsedAt CreatedAt ' +
    'NetworkSettings IP PrivatePort PublicPort HostIp HostPort ServiceID Slot NodeID DesiredState Spec Mode Replicated Replicas TaskTemplate ' +
    'ContainerSpec UpdateStatus Message Err Timestamp ContainerStatus ContainerID PortStatus PublishMode PublishedPort TargetPort Protocol ' +
    'ManagerStatus Addr Description Hostname'
  ).split(' '),
);

/** A recorder that keeps only the parts of responses that Wrench reads. */
export function withoutUnreadParts(recorder: SourceRecorder): SourceRecorder {
  return {
    ...recorder,
    http: (question, send, recordable = (body) => body) =>
      recorder.http(question, send, (body) => recordable(readPart(body))),
  };
}

const readPart: Recordable = (body) => {
  if (Array.isArray(body)) return body.map(readPart);
  if (typeof body !== 'object' || body === null) return body;
  return Object.fromEntries(
    Object.entries(body as JsonObject).flatMap(([key, value]) => {
      if (key === 'Labels') return [[key, value]];
      // A list, or by the port in the container: `80/tcp`.
      if (key === 'Ports') return [[key, readPorts(value)]];
      return READ.has(key) ? [[key, readPart(value)]] : [];
    }),
  );
};

function readPorts(ports: unknown): unknown {
  if (typeof ports !== 'object' || ports === null || Array.isArray(ports)) return readPart(ports);
  return Object.fromEntries(Object.entries(ports).map(([key, bindings]) => [key, readPart(bindings)]));
}

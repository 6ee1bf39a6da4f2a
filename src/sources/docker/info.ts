import type { EngineInfo } from '../../ports/engines.ts';
import { SourceError } from '../../ports/source-error.ts';
import { asObject, numberIn, textIn } from '../../wire/json-object.ts';
import { printable } from '../../wire/x509.ts';
import type { EngineConnection } from './connection.ts';
import { parseEngineTime } from './to-container.ts';

/** @throws {SourceError} */
export async function readEngineInfo(connection: EngineConnection, signal: AbortSignal): Promise<EngineInfo> {
  const { product, version, apiVersion } = await connection.version(signal);
  const askedAtMs = Date.now();
  const answer = asObject(await askInfo(connection, signal));
  const hostname = textIn(answer, 'Name');
  if (hostname === undefined)
    throw new SourceError(
      connection.source,
      'malformed',
      `${connection.name} did not report its host name: it may not be a container engine`,
    );
  const rootFolder = textIn(answer, 'DockerRootDir');
  const clock = parseEngineTime(textIn(answer, 'SystemTime'));
  const running = numberIn(answer, 'ContainersRunning');
  const stopped = numberIn(answer, 'ContainersStopped');
  return {
    product,
    version,
    apiVersion,
    hostname: printable(hostname),
    ...(rootFolder !== undefined && { rootFolder: printable(rootFolder) }),
    ...(clock instanceof Date && { clockBehindMs: askedAtMs - clock.getTime() }),
    ...(running !== undefined && { running }),
    ...(stopped !== undefined && { stopped }),
  };
}

/**
 * Verifies that two accesses reach the same engine. Otherwise, containers would be read on one machine and removed, or found missing, on
 * another.
 * @throws {SourceError} `refused` if they do not.
 */
export async function assertSameEngine(
  reading: EngineConnection,
  removing: EngineConnection,
  signal: AbortSignal,
): Promise<void> {
  if (reading === removing) return;
  const [read, other] = await Promise.all([readIdentity(reading, signal), readIdentity(removing, signal)]);
  if (read === other) return;
  throw new SourceError(
    removing.source,
    'refused',
    `the access for removing reaches another engine than ${reading.name}: correct \`allow.remove.url\``,
  );
}

/** Podman generates a new id for every response. Machines that are copies of one image may share an id, but have different names. */
async function readIdentity(connection: EngineConnection, signal: AbortSignal): Promise<string> {
  const { product } = await connection.version(signal);
  const answer = asObject(await askInfo(connection, signal));
  const id = product === 'podman' ? undefined : answer['ID'];
  return JSON.stringify([id, answer['Name'], answer['DockerRootDir']]);
}

function askInfo(connection: EngineConnection, signal: AbortSignal): Promise<unknown> {
  return connection.ask({ what: 'its description (`docker info`)', signal }, (docker) => docker.info());
}

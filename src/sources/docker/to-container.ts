import { containerPorts, usesHostNetwork } from './container-network.ts';
import type { ContainerDetails, ContainerMount, EngineContainer } from '../../ports/engines.ts';
import { asObject, type JsonObject, numberIn, textIn } from '../../wire/json-object.ts';
import { printable } from '../../wire/x509.ts';

/** A container as it is listed. */
export interface ListedContainer {
  readonly id: string;
  readonly item: JsonObject;
}

const ID = /^[\da-f]{64}$/;

export function isContainerId(id: string): boolean {
  return ID.test(id);
}

/** Absent if the item has no valid id or state. */
export function toListed(value: unknown): ListedContainer | undefined {
  const item = asObject(value);
  const id = textIn(item, 'Id') ?? '';
  return isContainerId(id) && textIn(item, 'State') !== undefined ? { id, item } : undefined;
}

/** A container as listed; `error` says why it was not inspected. */
export function uninspected({ id, item }: ListedContainer, error: string): EngineContainer {
  const createdAt = numberIn(item, 'Created');
  const ports = containerPorts(item['Ports']);
  return {
    id,
    name: nameIn(item['Names']) ?? id.slice(0, 12),
    image: printable(textIn(item, 'Image') ?? ''),
    imageId: printable(textIn(item, 'ImageID') ?? ''),
    labels: labelsOf(item['Labels']),
    state: printable(textIn(item, 'State') ?? ''),
    ...(createdAt !== undefined && { createdAt: new Date(createdAt * 1_000) }),
    ...(ports.length > 0 && { ports }),
    ...(usesHostNetwork(item['HostConfig']) && { usesHostNetwork: true }),
    error,
  };
}

/**
 * Combines the list and the inspection of one container. State and times are from the inspection. Its command and environment are dropped.
 * If a fact that decides about its removal can't be read, `error` is set.
 */
export function toContainer(listed: ListedContainer, inspection: unknown): EngineContainer {
  const { error: _, ports: listedPorts, usesHostNetwork: __, ...known } = uninspected(listed, '');
  const inspected = asObject(inspection);
  if (textIn(inspected, 'Id') !== listed.id)
    return { ...known, error: 'the inspection is not of this container' };
  const config = asObject(inspected['Config']);
  const name = nameIn([inspected['Name']]);
  const image = textIn(config, 'Image');
  const imageId = textIn(inspected, 'Image');
  const createdAt = parseEngineTime(textIn(inspected, 'Created'));
  const network = asObject(inspected['NetworkSettings']);
  // Ports may change with each start, and the inspection is newer than the list.
  const ports = 'Ports' in network ? containerPorts(network['Ports']) : listedPorts;
  const container: EngineContainer = {
    ...known,
    ...(name !== undefined && { name }),
    ...(image !== undefined && { image: printable(image) }),
    ...(imageId !== undefined && { imageId: printable(imageId) }),
    // Labels decide who owns it, so those of both responses count.
    labels: { ...known.labels, ...labelsOf(config['Labels']) },
    state: printable(stateIn(inspected) ?? known.state),
    ...(createdAt instanceof Date && { createdAt }),
    ...(ports && ports.length > 0 && { ports }),
    ...(usesHostNetwork(inspected['HostConfig']) && { usesHostNetwork: true as const }),
  };
  const labels = [config['Labels'], listed.item['Labels'] ?? null];
  const details = labels.every(isLabels) ? detailsIn(inspected) : 'its labels cannot be read';
  return typeof details === 'string' ? { ...container, error: details } : { ...container, details };
}

/** As the engine writes it: `exited`. */
export function stateIn(inspected: JsonObject): string | undefined {
  return textIn(asObject(inspected['State']), 'Status');
}

/** When its last process ended, as the engine writes it. */
export function finishedAtIn(inspected: JsonObject): string | undefined {
  return textIn(asObject(inspected['State']), 'FinishedAt');
}

/** Or why they cannot be read. */
function detailsIn(inspected: JsonObject): ContainerDetails | string {
  const unreadable = (what: string): string => `its ${what} cannot be read`;
  const state = asObject(inspected['State']);
  const host = asObject(inspected['HostConfig']);
  const finishedAtText = finishedAtIn(inspected);
  const finishedAt = parseEngineTime(finishedAtText);
  if (stateIn(inspected) === undefined) return unreadable('state');
  if (finishedAtText === undefined || finishedAt === undefined) return unreadable('finish time');
  const policy = asObject(host['RestartPolicy'])['Name'];
  if (typeof policy !== 'string') return unreadable('restart policy');
  const volumesFrom = textsIn(host['VolumesFrom']);
  if (!volumesFrom) return unreadable('`VolumesFrom`');
  const mounts = mountsIn(inspected['Mounts']);
  if (!mounts) return unreadable('mounts');
  const dependsOn = dependenciesIn(host);
  if (!dependsOn) return unreadable('namespaces or links');
  const startedAt = parseEngineTime(textIn(state, 'StartedAt'));
  const exitCode = numberIn(state, 'ExitCode');
  return {
    ...(startedAt instanceof Date && { startedAt }),
    ...(finishedAt !== 'never' && { finishedAt }),
    finishedAtText: printable(finishedAtText),
    ...(exitCode !== undefined && { exitCode }),
    restartPolicy: policy === '' ? 'no' : printable(policy),
    autoRemove: host['AutoRemove'] === true,
    volumesFrom: volumesFrom.map(referenceIn),
    dependsOn,
    mounts,
  };
}

/** Other containers that it references, such as by `--network container:db` or `--link db:alias`. */
function dependenciesIn(host: JsonObject): readonly string[] | undefined {
  const links = textsIn(host['Links'] ?? null);
  // Older engines and Podman omit some of them.
  const modes = ['NetworkMode', 'IpcMode', 'PidMode'].map((key) => host[key] ?? '');
  if (!modes.every((mode) => typeof mode === 'string')) return undefined;
  const joined = modes.flatMap((mode) => /^container:(.+)$/.exec(mode)?.[1] ?? []);
  return links && [...new Set([...joined, ...links].map(referenceIn))];
}

/** The container in a reference: `db:ro`, `/db:/web/alias`. */
function referenceIn(text: string): string {
  return printable(text.split(':')[0]!.replace(/^\//, ''));
}

/** Year 1 is "never". Undefined if it cannot be parsed. */
export function parseEngineTime(text: string | undefined): Date | 'never' | undefined {
  if (text === undefined) return undefined;
  if (text.startsWith('0001-01-01T')) return 'never';
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text)) return undefined;
  const at = new Date(text);
  return Number.isNaN(at.getTime()) ? undefined : at;
}

function mountsIn(value: unknown): readonly ContainerMount[] | undefined {
  if (value === null) return [];
  if (!Array.isArray(value)) return undefined;
  const mounts = value.map((one): ContainerMount | undefined => {
    const mount = asObject(one);
    const path = textIn(mount, 'Destination');
    if (path === undefined) return undefined;
    const name = textIn(mount, 'Name');
    const source = textIn(mount, 'Source');
    const type = textIn(mount, 'Type') ?? (name === undefined ? 'bind' : 'volume');
    return {
      type: printable(type),
      ...(name !== undefined && type === 'volume' && { volume: printable(name) }),
      ...(source !== undefined && { source: printable(source) }),
      path: printable(path),
    };
  });
  // Docker writes them in a different order each time.
  return mounts.every((mount) => mount !== undefined)
    ? mounts.toSorted((a, b) => (a.path < b.path ? -1 : 1))
    : undefined;
}

/** Docker writes null for an empty list. Undefined if it is not a list of strings. */
function textsIn(value: unknown): readonly string[] | undefined {
  if (value === null) return [];
  const isTexts = Array.isArray(value) && value.every((one) => typeof one === 'string');
  return isTexts ? value : undefined;
}

/** A container that others link to also has a name `/other/alias`. */
function nameIn(names: unknown): string | undefined {
  const texts = (Array.isArray(names) ? names : []).filter((one): one is string => typeof one === 'string');
  const own = texts.map((name) => name.replace(/^\//, '')).filter((name) => name !== '');
  const name = own.find((one) => !one.includes('/')) ?? own[0];
  return name === undefined ? undefined : printable(name);
}

/** Docker writes null for none. */
function isLabels(value: unknown): boolean {
  return typeof value === 'object' && !Array.isArray(value);
}

export function labelsOf(value: unknown): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(asObject(value)).map(([key, text]) => [
      printable(key),
      typeof text === 'string' ? printable(text) : '',
    ]),
  );
}

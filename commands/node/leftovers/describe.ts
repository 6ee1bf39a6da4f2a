import { type Evidence, type ports, wording } from '../../kit.ts';
import { optionalField } from '../../shared/evidence.ts';
import type { EngineFacts, KeptContainers, Leftover } from './facts.ts';
import { imageOf, type Origin } from './origins.ts';
import { shortId } from './targets.ts';
import { type Range, sum } from './usage.ts';
import { bytesInFull, digits, KEPT_WORDS } from './words.ts';

/** The texts and evidence about an engine in findings of this check. */

/** Rows of a table. */
const MAX_ROWS = 500;
const MAX_NAMED = 5;

export function aboutEngine({ product, version, rootFolder, node }: EngineFacts): readonly Evidence[] {
  const name = product === 'podman' ? 'Podman' : 'Docker';
  const runtime = node?.containerRuntime === undefined ? '' : `, runtime ${node.containerRuntime}`;
  const available =
    node?.availableBytes === undefined ? '' : `, ${wording.bytes(node.availableBytes)} available (kubelet)`;
  return [
    ...optionalField(
      'Engine',
      version === undefined
        ? undefined
        : `${name} ${version}${rootFolder === undefined ? '' : `, in ${rootFolder}`}`,
    ),
    ...optionalField(
      'Node',
      node && `${node.cluster}:${node.name} (matched by ${node.by})${runtime}${available}`,
    ),
  ];
}

/**
 * Docker keeps its containers in the containerd namespace `moby`, and the kubelet its own in `k8s.io`:
 * https://github.com/containerd/containerd/blob/main/docs/namespaces.md
 */
export function blindSpot({ node, product }: EngineFacts): string | undefined {
  const runtime = node?.containerRuntime ?? '';
  if (product !== 'docker' || runtime === '' || runtime.startsWith('docker://')) return undefined;
  return runtime.startsWith('containerd://')
    ? "the kubelet's garbage collection and crictl see only the containerd namespace k8s.io, never Docker's (moby), so they never remove these containers"
    : `the kubelet's garbage collection and crictl see only ${runtime}, never Docker, so they never remove these containers`;
}

export function bytesOf(some: readonly Leftover[]): { readonly bytes: number; readonly unknown: number } {
  return {
    bytes: sum(some.map(({ bytes }) => bytes)),
    unknown: some.filter(({ bytes }) => bytes === undefined).length,
  };
}

/** `46 GB`, `at least 46 GB`, `an unknown size`. */
export function sizeText(bytes: number, unknown: number): string {
  if (unknown === 0) return wording.bytes(bytes);
  return bytes === 0 ? 'an unknown size' : `at least ${wording.bytes(bytes)}`;
}

export function sizeTextInFull(bytes: number, unknown: number): string {
  if (unknown === 0) return bytesInFull(bytes);
  return bytes === 0
    ? 'an unknown number of bytes'
    : `at least ${bytesInFull(bytes)} (${unknown} of unknown size not counted)`;
}

export function rangeInWords({ least, most }: Range): string {
  if (least === most) return bytesInFull(most);
  return least === 0
    ? `up to ${bytesInFull(most)}`
    : `between ${bytesInFull(least)} and ${bytesInFull(most)}`;
}

export function upTo({ least, most }: Range): string {
  return least === most ? wording.bytes(most) : `up to ${wording.bytes(most)}`;
}

export function finishedBetween(leftovers: readonly Leftover[]): string {
  const times = leftovers.map(({ finishedAt }) => finishedAt);
  const oldest = wording.utcTime(times.reduce((a, b) => (b < a ? b : a)));
  const newest = wording.utcTime(times.reduce((a, b) => (b > a ? b : a)));
  return oldest === newest ? oldest : `${oldest} to ${newest}`;
}

/** Details other than the image, which the summary names if there is only one. */
export function cameFrom(origins: readonly Origin[]): readonly Evidence[] {
  const [first] = origins;
  if (origins.length === 1 && first)
    return [...optionalField('Names', first.names), ...optionalField('Built from', first.builtFrom)];
  const sourceOf = ({ builtFrom, names }: Origin) =>
    [names, builtFrom].filter((one) => one !== undefined).join(', ');
  return [
    {
      kind: 'table',
      columns: ['Origin', 'Containers', 'Bytes', 'Names'],
      rows: origins
        .slice(0, MAX_ROWS)
        .map((one) => [imageOf(one), String(one.count), digits(one.bytes), sourceOf(one)]),
    },
  ];
}

export function tableOf(leftovers: readonly Leftover[]): Evidence {
  return {
    kind: 'table',
    columns: ['Container', 'Bytes', 'Finished', 'Image'],
    rows: leftovers
      .slice(0, MAX_ROWS)
      .map(({ name, image, finishedAt, bytes }) => [
        name,
        bytes === undefined ? 'unknown' : digits(bytes),
        wording.utcTime(finishedAt),
        image,
      ]),
  };
}

export function imageTable(images: readonly ports.EngineImage[]): Evidence {
  return {
    kind: 'table',
    columns: ['Image', 'Created', 'Bytes', 'Shared'],
    rows: images
      .slice(0, MAX_ROWS)
      .map(({ id, tags, createdAt, bytes, sharedBytes }) => [
        tags.length === 0 ? shortId(id) : wording.list(tags),
        createdAt ? wording.utcTime(createdAt) : 'unknown',
        digits(bytes),
        sharedBytes === undefined ? 'unknown' : digits(sharedBytes),
      ]),
  };
}

export function volumeTable(volumes: readonly ports.EngineVolume[]): Evidence {
  return {
    kind: 'table',
    columns: ['Volume', 'Bytes', 'Containers'],
    rows: volumes
      .toSorted((a, b) => (b.bytes ?? 0) - (a.bytes ?? 0) || (a.name < b.name ? -1 : 1))
      .slice(0, MAX_ROWS)
      .map(({ name, bytes, containers }) => [
        name,
        bytes === undefined ? 'unknown' : digits(bytes),
        containers === undefined ? 'unknown' : String(containers),
      ]),
  };
}

/** `2 never started (build-run-77 and web-data), 1 with a restart policy (legacy-cron)`. */
export function keptInFull(kept: readonly KeptContainers[]): string | undefined {
  if (kept.length === 0) return undefined;
  return kept
    .map(({ why, count, examples, byName }) => {
      const names = `(${namesOf(examples, count)})`;
      const isGuess = why === 'kubernetes' && byName > 0 ? `, ${byName} recognized only by name` : '';
      return `${count} ${KEPT_WORDS[why]} ${names}${isGuess}`;
    })
    .join(', ');
}

export function namesOf(examples: readonly string[], total: number): string {
  return wording.list(examples, MAX_NAMED, total);
}

/** As Go parses it: `1h`, `90m`. */
export function goDuration(ms: number): string {
  const minutes = Math.ceil(ms / 60_000);
  return minutes % 60 === 0 ? `${minutes / 60}h` : `${minutes}m`;
}

import { wording } from '../../kit.ts';
import type { Assessment } from './assess.ts';
import { binaryBytes, bytesOf, wholeNumber } from './amounts.ts';
import { type Consumer, holdsLayers, imageBytesOn, isDocker, nameOf } from './consumers.ts';
import { mayHaveLeftovers } from './engines.ts';
import type { NodeFacts } from './facts.ts';
import type { Disk } from './measurements.ts';
import { type Builder, suspectsOf, usesEngine } from './pods.ts';
import type { Room } from './room.ts';

/** Why a node is short of disk, and what to do next. */
export interface Cause {
  readonly summary: string;
  readonly next?: string;
  /** Whether the summary includes how much is neither images nor pods. */
  readonly isUnexplained?: true;
  /** Whether the summary names the largest consumer and its size. */
  readonly isLargest?: true;
  /** Where its leftovers are: with the engine of the node, or with an engine in a pod, which a cleanup of the node does not reach. */
  readonly leftovers?: 'node' | 'pod';
}

/** Anything with at least this share of the used space is mentioned. */
const LARGE_SHARE = 0.2;
/** An operating system uses a few GiB that are neither images nor pods. */
const UNEXPLAINED_BYTES = 5 * 1_024 ** 3;
/** With at least this share of the used space, images are the cause. Below {@link FEW_IMAGES}, collecting them helps only briefly. */
const MOSTLY_IMAGES = 0.5;
const FEW_IMAGES = 0.3;

/** The most likely first. */
export function causesOf(assessment: Assessment): readonly Cause[] {
  const [room] = assessment.rooms;
  if (!room) return imageGcCause(assessment) ?? [];
  if (room.resource === 'inodes') return inodeCause(assessment);
  const blocked = imageGcCause(assessment);
  const images = imagesCause(assessment, room, blocked !== undefined);
  const suspected = suspectCause(assessment, room);
  const consumer = consumerCause(assessment, room);
  const explained = [...(blocked ?? []), ...images, ...suspected, ...consumer];
  const isExplained =
    blocked !== undefined ||
    suspected.length > 0 ||
    consumer.length > 0 ||
    (imageBytesOn(room.disk, assessment.node) ?? 0) >= MOSTLY_IMAGES * usedBytes(room);
  return isExplained ? explained : [...explained, ...unexplainedCause(assessment, room, images.length > 0)];
}

/** Whether to suggest `/node leftovers`: an engine of the node is configured, and leftovers can be the cause. */
export function asksLeftovers(node: NodeFacts, causes: readonly Cause[]): boolean {
  if (!node.engines || node.engines.length === 0) return false;
  if (causes.some(({ leftovers }) => leftovers === 'node')) return true;
  return causes.every(({ leftovers }) => leftovers !== 'pod') && mayHaveLeftovers(node);
}

function inodeCause({ node }: Assessment): readonly Cause[] {
  const [first] = node.usage?.byInodes ?? [];
  if (!first) return [];
  return [
    {
      summary: `the most inodes are used by ${nameOf(first)}: ${wholeNumber(first.inodes ?? 0)}`,
      next: 'Delete files there: every file uses an inode, however small',
    },
  ];
}

/** The runtime refuses to delete images. */
function imageGcCause({ imageGc, node }: Assessment): readonly Cause[] | undefined {
  if (!imageGc) return undefined;
  const { containers, areStopped, running, images } = imageGc;
  if (containers.length > 0) {
    const outer = suspectsOf(node.pods).filter(({ kind, rank }) => kind === 'outer' && rank === 0);
    const builder = outer.length === 0 ? '' : `; ${podsOf(outer)} ${verbOf(outer)} the engine of the node`;
    const held = images.length === 0 ? 'images' : wording.count(images.length, 'image');
    const others =
      running.length === 0
        ? ''
        : `; ${wording.count(running.length, 'running container')} ${running.length === 1 ? 'uses' : 'use'} others`;
    return [
      {
        summary: `image garbage collection is blocked: ${wording.count(containers.length, `${areStopped ? 'stopped ' : ''}container`)} ${containers.length === 1 ? 'uses' : 'use'} ${held}${others}${builder}`,
        next: nextWhenBlocked(node),
        ...(!isCrio(node) && { leftovers: 'node' }),
      },
    ];
  }
  if (running.length === 0) return undefined;
  return [
    {
      summary: `image garbage collection fails: ${wording.count(running.length, 'running container')} ${running.length === 1 ? 'uses' : 'use'} the images, so no cleanup can free them`,
      next: 'Move pods to other nodes, or use a larger disk',
    },
  ];
}

function nextWhenBlocked(node: NodeFacts): string {
  if (node.engines && node.engines.length > 0 && !isCrio(node))
    return `${leftoversText(node)}. The kubelet never removes those that Kubernetes does not own`;
  const list = isCrio(node) ? '`podman ps --all --external`' : '`docker ps --all --filter status=exited`';
  const text = `List the stopped containers on the node (${list}). Those that Kubernetes does not own (on Docker, without a label io.kubernetes.*) are never removed by the kubelet. Check who owns them before you remove any`;
  return isCrio(node) ? text : `${text}. ${leftoversText(node)}`;
}

/** An engine that is configured as a source lists them. */
function leftoversText({ name, engines = [] }: NodeFacts): string {
  return engines.length > 0
    ? `Run \`/node leftovers ${name}\` to list the stopped containers with their owners`
    : `Once a docker source for this node is configured, \`/node leftovers ${name}\` lists them with their owners`;
}

function isCrio({ containerRuntime = '' }: Pick<NodeFacts, 'containerRuntime'>): boolean {
  return containerRuntime.startsWith('cri-o://');
}

function imagesCause(
  { node, imageGc, forecast }: Assessment,
  room: Room,
  isBlocked: boolean,
): readonly Cause[] {
  const images = imageBytesOn(room.disk, node);
  if (images === undefined || isBlocked) return [];
  const used = usedBytes(room);
  const part = bytesOf(images, room.capacity);
  if (images >= MOSTLY_IMAGES * used)
    return imageGc?.foundNothing
      ? [
          {
            summary: `images take ${part} and all of them are in use`,
            next: 'No images can be collected: use smaller images, move pods to other nodes, or use a larger disk',
          },
        ]
      : [{ summary: `images take ${part}` }];
  if (imageGc)
    return [
      {
        summary: `image garbage collection does not free enough: images are only ${bytesOf(images, used)} used`,
      },
    ];
  if (!forecast || images >= FEW_IMAGES * used) return [];
  return [
    {
      summary: `image garbage collection will help only briefly: images are only ${bytesOf(images, used)} used`,
    },
  ];
}

/** An estimate of the used space that neither images nor pods explain. */
export function unexplainedBytes({ node }: Pick<Assessment, 'node'>, room: Room): number | undefined {
  const { disk } = room;
  const { usage, fileSystems } = node;
  if (room.resource !== 'bytes' || !usage || fileSystems?.imageFs?.usedBytes === undefined) return undefined;
  // Writable layers are on the disk of the images, and with Docker container logs are too.
  const ofContainers = usage.rootfsBytes + (isDocker(node) ? usage.logBytes : 0);
  const imagesHere = disk.holds.includes('imageFs') ? (imageBytesOn(disk, node) ?? 0) : 0;
  if (disk.holds.includes('nodeFs')) {
    const elsewhere = holdsLayers(disk, node) ? 0 : ofContainers;
    return Math.max(0, usedBytes(room) - imagesHere - (usage.bytes - elsewhere));
  }
  if (!disk.holds.includes('imageFs')) return undefined;
  return Math.max(0, usedBytes(room) - imagesHere - ofContainers);
}

export function usedBytes({ disk }: Pick<Room, 'disk'>): number {
  return disk.usedBytes ?? disk.capacityBytes - disk.availableBytes;
}

/** More than an operating system uses. */
export function isLarge(bytes: number | undefined, room: Room): bytes is number {
  return bytes !== undefined && bytes >= Math.max(UNEXPLAINED_BYTES, LARGE_SHARE * usedBytes(room));
}

function suspectCause(assessment: Assessment, room: Room): readonly Cause[] {
  const bytes = unexplainedBytes(assessment, room);
  const { node } = assessment;
  const suspects = suspectsOf(node.pods);
  if (!isLarge(bytes, room) || suspects.length === 0 || assessment.imageGc?.containers.length) return [];
  const isOnNode = suspects.some(usesEngine);
  const next = nextAfter(suspects, isDocker(node));
  return [
    {
      summary: `about ${binaryBytes(bytes)} are neither images nor pods (an estimate), probably of ${describeBuilders(suspects)}`,
      next: isOnNode ? `${next}. ${leftoversText(node)}` : next,
      isUnexplained: true,
      ...(isOnNode && { leftovers: 'node' }),
      ...(suspects.every(({ kind }) => kind === 'inner') && { leftovers: 'pod' }),
    },
  ];
}

/** `ci/agent-7k2mx, which runs its own container engine and stores data on PersistentVolumeClaim dind-cache` */
export function describeBuilders(builders: readonly Builder[]): string {
  const { inner = [], outer = [] } = Object.groupBy(builders, ({ kind }) => kind);
  return [
    ...(inner.length > 0 ? [describeInner(inner)] : []),
    ...(outer.length > 0
      ? [`the engine that ${podsOf(outer)} ${verbOf(outer)} through ${pathsOf(outer)}`]
      : []),
  ].join(', or of ');
}

function describeInner(builders: readonly Builder[]): string {
  const [first] = builders;
  const isOne = builders.length === 1;
  const own = isOne ? 'its own container engine' : 'their own container engines';
  const [run, store] = first?.isOver ? ['ran', 'left'] : isOne ? ['runs', 'stores'] : ['run', 'store'];
  return `${podsOf(builders)}, which ${run} ${own} and ${store} data on ${unique(builders.map(({ keeps = '' }) => keeps))}`;
}

/** More than three equally likely pods are as many as are kept, so how many there are is unknown. */
function podsOf(builders: readonly Builder[]): string {
  const pods = builders.map(({ pod }) => pod);
  return pods.length > MOST_NAMED ? `${pods.slice(0, MOST_NAMED).join(', ')} and others` : wording.list(pods);
}

const MOST_NAMED = 3;

function verbOf([first, ...others]: readonly Builder[]): string {
  if (first?.isOver) return first.isIndirect ? 'could reach' : 'used';
  if (first?.isIndirect) return 'can reach';
  return others.length === 0 ? 'uses' : 'use';
}

function pathsOf(builders: readonly Builder[]): string {
  return unique(builders.flatMap(({ path }) => path ?? []));
}

function unique(words: readonly string[]): string {
  return wording.list([...new Set(words)]);
}

function nextAfter(suspects: readonly Builder[], isDockerNode: boolean): string {
  const { inner = [], outer = [] } = Object.groupBy(suspects, ({ kind }) => kind);
  const unmounted = inner.filter((one) => one.unmounted !== undefined);
  const stored = inner.filter((one) => one.unmounted === undefined);
  const blind = isDockerNode
    ? 'the kubelet never removes them'
    : "image garbage collection and crictl see only the containerd namespace k8s.io, never Docker's (moby)";
  return [
    ...(unmounted.length > 0
      ? [
          `Delete or recycle ${podsOf(unmounted)}, which deletes the data. Mount an emptyDir at ${unique(unmounted.flatMap((one) => one.unmounted ?? []))}: the kubelet counts it for the pod, but not an anonymous volume`,
        ]
      : []),
    ...(stored.length > 0
      ? [
          `Prune the engine in ${podsOf(stored)} (\`docker system prune\` in that pod): a cleanup of the node does not reach ${unique(stored.flatMap(({ keeps }) => keeps ?? []))}, and the kubelet does not count it`,
        ]
      : []),
    ...(outer.length > 0
      ? [
          `Check the node for containers and images that Kubernetes does not own (\`docker system df\`): ${blind}`,
        ]
      : []),
  ].join('. ');
}

/** On a separate disk for images, the rest is writable layers and, with Docker, logs. */
function unexplainedCause(assessment: Assessment, room: Room, areImagesNamed: boolean): readonly Cause[] {
  const bytes = unexplainedBytes(assessment, room);
  if (!isLarge(bytes, room)) return [];
  if (room.disk.holds.includes('nodeFs'))
    return [
      {
        summary: `about ${binaryBytes(bytes)} are neither images nor pods (an estimate)`,
        next: 'Check the node for other data: logs, backups, containers of another engine',
        isUnexplained: true,
      },
    ];
  const images = imageBytesOn(room.disk, assessment.node) ?? 0;
  const isDockerNode = isDocker(assessment.node);
  const rest = isDockerNode
    ? `about ${binaryBytes(bytes)} are writable layers and logs of containers (an estimate)`
    : `about ${binaryBytes(bytes)} are not counted as images (an estimate)`;
  return [
    {
      summary: areImagesNamed
        ? rest
        : `images are only ${bytesOf(images, usedBytes(room))} used there; ${rest}`,
      next: isDockerNode
        ? `List the stopped containers on the node: the kubelet never removes those that Kubernetes does not own. ${leftoversText(assessment.node)}`
        : 'Check that disk for data that the container runtime does not count: downloaded layers, data of another engine',
      isUnexplained: true,
      ...(isDockerNode && { leftovers: 'node' }),
    },
  ];
}

function consumerCause({ node }: Assessment, room: Room): readonly Cause[] {
  const first = node.usage?.byBytes.find((one) => liesOn(one, room.disk, node));
  const { bytes = 0 } = first ?? {};
  if (!first || bytes < LARGE_SHARE * usedBytes(room)) return [];
  const isUnrotated = first.part === 'logs' && isDocker(node);
  return [
    {
      summary: `${nameOf(first)} ${first.part === 'logs' ? 'take' : 'takes'} ${binaryBytes(bytes)}`,
      ...(first === node.usage?.byBytes[0] && { isLargest: true }),
      ...(isUnrotated && {
        next: 'Docker writes these logs itself (json-file), and containerLogMaxSize does not rotate them: set max-size in the log-opts of daemon.json, and recreate the container',
      }),
    },
  ];
}

/** Docker keeps logs with the writable layers; all other data of a pod is on the disk of the node. */
function liesOn({ part }: Consumer, disk: Disk, node: NodeFacts): boolean {
  const isLayer = part === 'writable layer' || (part === 'logs' && isDocker(node));
  return isLayer ? holdsLayers(disk, node) : disk.holds.includes('nodeFs');
}

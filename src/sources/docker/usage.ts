import type { BuildCacheEntry, EngineImage, EngineUsage, EngineVolume } from '../../ports/engines.ts';
import { SourceError } from '../../ports/source-error.ts';
import { asObject, type JsonObject, numberIn, textIn } from '../../wire/json-object.ts';
import { unlessAborted } from '../../wire/unless-aborted.ts';
import { printable } from '../../wire/x509.ts';
import { isOlder } from './api-version.ts';
import type { EngineConnection } from './connection.ts';
import { labelsOf } from './to-container.ts';

/** The first version of the API with a choice of types, so that the layers of containers need not be measured again. */
const WITH_TYPES = '1.42';
/** The first version with the lists of items only on request. */
const WITH_VERBOSE = '1.52';

/**
 * Reads `docker system df` of one engine. Requests are sent one at a time: engines before API 1.42 refuse a second one, and newer ones
 * compute twice. A request is sent after the call, so its result includes earlier removals.
 */
export function openUsageReader(connection: EngineConnection): (signal: AbortSignal) => Promise<EngineUsage> {
  let last: Promise<unknown> = Promise.resolve();
  return async (signal) => {
    const before = last;
    const { promise, resolve } = Promise.withResolvers<void>();
    last = before.then(() => promise);
    try {
      await unlessAborted(before, signal);
      return await readUsage(connection, signal);
    } finally {
      resolve();
    }
  };
}

async function readUsage(connection: EngineConnection, signal: AbortSignal): Promise<EngineUsage> {
  const { apiVersion } = await connection.version(signal);
  const options = {
    ...(!isOlder(apiVersion, WITH_TYPES) && { type: ['image', 'volume', 'build-cache'] }),
    ...(!isOlder(apiVersion, WITH_VERBOSE) && { verbose: true }),
  };
  const asking = { what: 'the disk usage (`docker system df`)', signal, isSlow: true };
  const answer = await connection.ask(asking, ({ modem }) => {
    // `docker.df` ignores its options.
    const { dial } = modem as {
      readonly dial: (request: object, done: (error: unknown, body: unknown) => void) => void;
    };
    return new Promise((resolve, reject) => {
      dial({ path: '/system/df?', method: 'GET', options }, (error, body) =>
        error ? reject(error) : resolve(body),
      );
    });
  });
  const body = asObject(answer);
  const unreadable = (what: string): SourceError =>
    new SourceError(
      connection.source,
      'malformed',
      `${connection.name} reported its disk usage in an unknown format: ${what}`,
    );
  const images = itemsOf(body, 'images');
  const volumes = itemsOf(body, 'volumes');
  const buildCache = itemsOf(body, 'build cache');
  if (!images) throw unreadable('images');
  if (!volumes) throw unreadable('volumes');
  // Engines without BuildKit omit it.
  if (!buildCache && ('BuildCache' in body || 'BuildCacheUsage' in body)) throw unreadable('build cache');
  const parents = new Set(images.items.map((item) => textIn(item, 'ParentId')));
  const all = <T>(
    items: readonly JsonObject[],
    what: string,
    map: (item: JsonObject) => T | undefined,
  ): readonly T[] =>
    items.map((item) => {
      const mapped = map(item);
      if (mapped === undefined) throw unreadable(what);
      return mapped;
    });
  const mappedImages = all(images.items, 'an image', (item) => toImage(item, parents));
  // Podman reports 0 before it can compute the sum.
  const isComputed =
    images.bytes !== undefined && (images.bytes > 0 || mappedImages.every(({ bytes }) => bytes === 0));
  return {
    ...(isComputed && images.bytes !== undefined && { imageBytes: images.bytes }),
    images: mappedImages,
    volumes: all(volumes.items, 'a volume', toVolume),
    buildCache: all(buildCache?.items ?? [], 'an entry of the build cache', toBuildCacheEntry),
  };
}

interface Items {
  readonly items: readonly JsonObject[];
  /** The total. */
  readonly bytes?: number;
}

/** Member names up to API 1.52, and from 1.52 on; the changelog and the specification of 1.52 differ in the plural. */
const MEMBERS = {
  images: ['Images', ['ImageUsage', 'ImagesUsage']],
  volumes: ['Volumes', ['VolumeUsage', 'VolumesUsage']],
  'build cache': ['BuildCache', ['BuildCacheUsage']],
} as const;

/** Undefined if it is in neither format, or if items are missing although the count is not 0. */
function itemsOf(body: JsonObject, what: keyof typeof MEMBERS): Items | undefined {
  const [older, newer] = MEMBERS[what];
  for (const name of newer) {
    if (!(name in body)) continue;
    const usage = asObject(body[name]);
    const bytes = numberIn(usage, 'TotalSize');
    const total = numberIn(usage, 'TotalCount');
    const items = objectsIn(usage['Items']);
    if (items && items.length >= (total ?? 0)) return { items, ...(bytes !== undefined && { bytes }) };
    // API 1.52 has both formats.
    if (!(older in body)) return undefined;
  }
  if (!(older in body)) return undefined;
  const items = objectsIn(body[older]);
  const bytes = what === 'images' ? numberIn(body, 'LayersSize') : undefined;
  return items && { items, ...(bytes !== undefined && bytes >= 0 && { bytes }) };
}

/** Null is an empty list. */
function objectsIn(value: unknown): readonly JsonObject[] | undefined {
  if (value === null || value === undefined) return [];
  return Array.isArray(value) ? value.map(asObject) : undefined;
}

function toImage(item: JsonObject, parents: ReadonlySet<string | undefined>): EngineImage | undefined {
  const id = textIn(item, 'Id');
  const bytes = numberIn(item, 'Size');
  if (id === undefined || bytes === undefined || bytes < 0) return undefined;
  const createdAt = numberIn(item, 'Created');
  const sharedBytes = countIn(item, 'SharedSize');
  const containers = countIn(item, 'Containers');
  return {
    id: printable(id),
    tags: namesIn(item['RepoTags'], '<none>:<none>'),
    digests: namesIn(item['RepoDigests'], '<none>@<none>'),
    ...(createdAt !== undefined && createdAt >= 0 && { createdAt: new Date(createdAt * 1_000) }),
    bytes,
    ...(sharedBytes !== undefined && { sharedBytes }),
    ...(containers !== undefined && { containers }),
    isParent: parents.has(id),
  };
}

function namesIn(value: unknown, none: string): readonly string[] {
  const names = Array.isArray(value) ? value : [];
  return names
    .filter((name): name is string => typeof name === 'string' && name !== '' && name !== none)
    .map(printable);
}

/** Older engines don't label anonymous volumes, so these are recognized by name only. */
const ANONYMOUS_NAME = /^[\da-f]{64}$/;
const ANONYMOUS_LABEL = 'com.docker.volume.anonymous';

function toVolume(item: JsonObject): EngineVolume | undefined {
  const name = textIn(item, 'Name');
  if (name === undefined) return undefined;
  const usage = asObject(item['UsageData']);
  const bytes = countIn(usage, 'Size');
  const containers = countIn(usage, 'RefCount');
  const labels = labelsOf(item['Labels']);
  return {
    name: printable(name),
    labels,
    isAnonymous: Object.hasOwn(labels, ANONYMOUS_LABEL) || ANONYMOUS_NAME.test(name),
    ...(bytes !== undefined && { bytes }),
    ...(containers !== undefined && { containers }),
  };
}

function toBuildCacheEntry(item: JsonObject): BuildCacheEntry | undefined {
  const id = textIn(item, 'ID');
  const bytes = numberIn(item, 'Size');
  if (id === undefined || bytes === undefined || bytes < 0) return undefined;
  const lastUsedAt = timeIn(item, 'LastUsedAt');
  const createdAt = timeIn(item, 'CreatedAt');
  return {
    id: printable(id),
    bytes,
    // In use unless reported as unused.
    inUse: item['InUse'] !== false,
    isShared: item['Shared'] === true,
    ...(lastUsedAt && { lastUsedAt }),
    ...(createdAt && { createdAt }),
  };
}

/** -1 means that the engine didn't compute it. */
function countIn(item: JsonObject, key: string): number | undefined {
  const count = numberIn(item, key);
  return count !== undefined && count >= 0 ? count : undefined;
}

function timeIn(item: JsonObject, key: string): Date | undefined {
  const at = new Date(textIn(item, key) ?? Number.NaN);
  return at.getTime() > 0 ? at : undefined;
}

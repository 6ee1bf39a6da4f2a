import { compareVersions, type EngineResponse, failure } from './http-server.ts';
import { type ContainerRow, isTrue } from './select.ts';

/** `GET /system/df` up to API 1.51. */
export interface EngineUsageBody {
  readonly LayersSize: number;
  readonly Images: readonly {
    readonly Id: string;
    readonly Size: number;
    readonly SharedSize: number;
    readonly Containers: number;
  }[];
  readonly Containers: readonly ContainerRow[];
  readonly Volumes: readonly {
    readonly Name: string;
    readonly UsageData: { readonly Size: number; readonly RefCount: number };
  }[];
  readonly BuildCache: readonly {
    readonly ID: string;
    readonly Size: number;
    readonly InUse: boolean;
    readonly Shared: boolean;
  }[];
}

const TYPES = ['container', 'image', 'volume', 'build-cache'];

/**
 * `GET /system/df` in the format of an API version. Up to 1.41 `type` is ignored; 1.52 has the old and the
 * new format, later ones only the new one, with items if `verbose` is set
 * (https://github.com/moby/moby/blob/master/api/docs/CHANGELOG.md).
 */
export function usageAnswer(
  usage: EngineUsageBody,
  apiVersion: string,
  query: URLSearchParams,
): EngineResponse {
  const types = query.getAll('type');
  const wrong = types.find((type) => !TYPES.includes(type));
  const honoursTypes = compareVersions(apiVersion, '1.42') >= 0;
  if (honoursTypes && wrong !== undefined) return failure(400, `unknown object type: ${wrong}`);
  const asked = (type: string): boolean => !honoursTypes || types.length === 0 || types.includes(type);
  const isVerbose = isTrue(query.get('verbose'));
  const body = {
    ...(compareVersions(apiVersion, '1.52') <= 0 && !isVerbose && oldShape(usage, asked)),
    ...(compareVersions(apiVersion, '1.52') >= 0 && newShape(usage, asked, isVerbose)),
  };
  return { status: 200, body };
}

function oldShape(usage: EngineUsageBody, asked: (type: string) => boolean): object {
  return {
    LayersSize: asked('image') ? usage.LayersSize : 0,
    Images: asked('image') ? usage.Images : null,
    Containers: asked('container') ? usage.Containers : null,
    Volumes: asked('volume') ? usage.Volumes : null,
    BuildCache: asked('build-cache') ? usage.BuildCache : null,
  };
}

function newShape(usage: EngineUsageBody, asked: (type: string) => boolean, isVerbose: boolean): object {
  const { Images, Containers, Volumes, BuildCache } = usage;
  const ofImage = Images.map((image) => ({
    item: image,
    bytes: image.Size - Math.max(image.SharedSize, 0),
    isActive: image.Containers > 0,
  }));
  const images = summed(ofImage, isVerbose);
  return {
    ...(asked('image') && { ImageUsage: { ...images, TotalSize: usage.LayersSize } }),
    ...(asked('container') && {
      ContainerUsage: summed(
        Containers.map((item) => ({
          item,
          bytes: item.SizeRw ?? 0,
          isActive: ['running', 'paused', 'restarting'].includes(item.State),
        })),
        isVerbose,
      ),
    }),
    ...(asked('volume') && {
      VolumeUsage: summed(
        Volumes.map((item) => ({
          item,
          bytes: Math.max(item.UsageData.Size, 0),
          isActive: item.UsageData.RefCount > 0,
        })),
        isVerbose,
      ),
    }),
    ...(asked('build-cache') && {
      BuildCacheUsage: summed(
        BuildCache.map((item) => ({ item, bytes: item.Shared ? 0 : item.Size, isActive: item.InUse })),
        isVerbose,
      ),
    }),
  };
}

interface Counted {
  readonly item: unknown;
  readonly bytes: number;
  readonly isActive: boolean;
}

function summed(all: readonly Counted[], isVerbose: boolean): object {
  const sum = (some: readonly Counted[]) => some.reduce((bytes, one) => bytes + one.bytes, 0);
  return {
    ActiveCount: all.filter(({ isActive }) => isActive).length,
    TotalCount: all.length,
    Reclaimable: sum(all.filter(({ isActive }) => !isActive)),
    TotalSize: sum(all),
    ...(isVerbose && all.length > 0 && { Items: all.map(({ item }) => item) }),
  };
}

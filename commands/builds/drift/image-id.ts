/**
 * What a runtime calls the image that it runs. `repository`: the digest of an index or manifest in a registry. `config`: the digest of the image's own
 * configuration. Digests of different kinds, and those of manifests for different architectures, differ for one image:
 * https://github.com/opencontainers/image-spec/blob/main/image-index.md
 */
export interface ImageId {
  readonly kind: 'repository' | 'config';
  /** `sha256:…` */
  readonly digest: string;
  /** `registry.example/api`. Absent for `config`. */
  readonly repository?: string;
}

const DIGEST = /(?:^|@|\/\/)(sha256:[0-9a-f]{64})$/;

/** Of `docker-pullable://repo@sha256:…`, `repo@sha256:…`, `docker://sha256:…` and `sha256:…`. undefined if it isn't one of these. */
export function parseImageId(text: string): ImageId | undefined {
  const digest = DIGEST.exec(text)?.[1];
  if (digest === undefined) return undefined;
  const repository = text
    .replace(/^[a-z-]+:\/\//, '')
    .slice(0, -digest.length)
    .replace(/@$/, '');
  return repository === '' ? { kind: 'config', digest } : { kind: 'repository', digest, repository };
}

/** The tag of `registry.example:5000/api:209@sha256:…`: `209`. */
export function tagOf(image: string): string | undefined {
  const [name = ''] = image.split('@');
  return /:([\w][\w.-]{0,127})$/.exec(name.slice(name.lastIndexOf('/') + 1))?.[1];
}

/** `registry.example/api` of `registry.example/api:209`. */
export function repositoryOf(image: string): string {
  const [name = ''] = image.split('@');
  const tag = tagOf(name);
  return tag === undefined ? name : name.slice(0, -(tag.length + 1));
}

export function hasDigest(image: string): boolean {
  return /@sha256:[0-9a-f]{64}$/.test(image);
}

/** Names of environments and channels, which move from one build to the next. */
const MOVING_TAG =
  /^(?:latest|stable|edge|nightly|current|release|prod(?:uction)?|live|stag(?:e|ing)|test|qa|uat|int|dev(?:elop(?:ment)?)?|canary|main|master|trunk|default|snapshot)$/i;

/** The build that a tag names, if it names one: `209`, `v1.0.3`, `8f1c0de`, but not `prod`. */
export function buildInTag(image: string): string | undefined {
  const tag = tagOf(image);
  return tag === undefined || MOVING_TAG.test(tag) || !/\d/.test(tag) ? undefined : tag;
}

/** What decides whether the digests of two replicas can be compared. */
export interface RunningImage {
  readonly id: ImageId;
  readonly architecture?: string;
  /** `containerd`, `docker`, `cri-o`: some name the index of an image, some its manifest. */
  readonly runtime?: string;
}

/** `same` and `different` are certain; `likely-different` if their architectures aren't known. */
export function compareImages(
  a: RunningImage,
  b: RunningImage,
): 'same' | 'different' | 'likely-different' | 'unknown' {
  if (a.id.digest === b.id.digest) return 'same';
  if (a.id.kind !== b.id.kind) return 'unknown';
  const isOther = (one: string | undefined, other: string | undefined) =>
    one !== undefined && other !== undefined && one !== other;
  if (isOther(a.architecture, b.architecture) || isOther(a.runtime, b.runtime)) return 'unknown';
  const isKnown = a.architecture !== undefined && b.architecture !== undefined;
  return isKnown && a.runtime === b.runtime ? 'different' : 'likely-different';
}

import { z } from 'zod';
import { defineRemediation, type ports, type ReadContext, SourceError, wording } from '../../kit.ts';
import { engineTarget } from '../../shared/match-engine.ts';
import { fitTitle } from '../../shared/title.ts';
import { containerOwner } from '../../shared/container-owners.ts';
import { findRemovable, oncePerPlan } from './removable-engine.ts';
import { imageTarget, shortId } from './targets.ts';
import { sum } from './usage.ts';
import { bytesInFull } from './words.ts';

const params = z.strictObject({
  /** `builders` */
  source: z.string(),
  /** `node-b` */
  engine: z.string(),
  /** `sha256:` and 64 hexadecimal digits. */
  id: z.string(),
  /** With all layers. */
  bytes: z.number(),
});

export type ImageParams = z.output<typeof params>;

const IRREVERSIBLE = ['A deleted image must be built or pulled again.'];
const SAFETY = ['Without a tag, and not used by any container'];

/** Removes exactly the dangling images that were approved, by their ids. */
export const removeImages = defineRemediation({
  about: 'Removes dangling images: without a tag, and not used by any container',
  title: ({ id }) => fitTitle(`Remove image ${shortId(id)}`),
  risk: 'destructive',
  allow: 'remove',
  uses: ['engines'],
  params,
  plan: async (context, asked) => {
    const { target, image } = await findDangling(context, asked);
    return {
      lines: [lineOf(asked)],
      targets: [target],
      precondition: { id: image.id, tags: 'none', containers: 'none' },
      impact: impactOn([asked]),
      irreversible: IRREVERSIBLE,
      safety: SAFETY,
    };
  },
  apply: async ({ write, applyContext, recordStep }, { source, engine, id }) => {
    await write.engines(source).removeImage({ engine, id }, applyContext);
    await recordStep(`image ${shortId(id)} removed`);
  },
  settlesWithinSeconds: 120,
  many: {
    title: (all) => `Remove ${wording.count(all.length, 'dangling image')}`,
    line: (asked) => lineOf(asked),
    precondition: ({ precondition }) => precondition,
    impact: impactOn,
  },
});

/** Images share layers. */
function impactOn(all: readonly ImageParams[]): string {
  const total = wording.bytes(sum(all.map(({ bytes }) => bytes)));
  return `Deletes ${wording.count(all.length, 'image')} and frees at most ${total}: layers of other images are kept`;
}

function lineOf({ id, bytes }: ImageParams): string {
  return `Remove image ${shortId(id)}: ${bytesInFull(bytes)} with all its layers`;
}

type Context = Pick<ReadContext<'engines'>, 'read' | 'signal'>;

/**
 * The image, as it is now.
 * @throws {SourceError} `missing` if it no longer exists, has a tag, is used or is now a layer of another image; `refused` if images may
 * not be removed.
 */
async function findDangling(
  context: Context,
  { source: name, engine, id }: ImageParams,
): Promise<{ readonly target: string; readonly image: ports.EngineImage }> {
  const source = findRemovable(context, name);
  const { images, usedIds, hasKubelet } = await stateOnce(context, source, engine);
  const image = images.get(id);
  const gone = (because: string) => new SourceError(name, 'missing', `image ${shortId(id)} ${because}`);
  if (!image) throw gone('no longer exists');
  if (image.tags.length > 0) throw gone(`has a tag now: ${wording.list(image.tags)}`);
  if (image.digests.length > 0 && hasKubelet) throw gone('is managed by the kubelet of this machine');
  if (image.isParent) throw gone('is a layer of another image now');
  if (usedIds.has(id) || (image.containers ?? 0) > 0) throw gone('is used by a container now');
  return { target: imageTarget(engineTarget(source, engine), id), image };
}

interface EngineState {
  readonly images: ReadonlyMap<string, ports.EngineImage>;
  readonly usedIds: ReadonlySet<string>;
  /** Whether Kubernetes has containers there: then it pulls images by digest, without a tag, and collects them. */
  readonly hasKubelet: boolean;
}

/** All lines of a plan share one reading. The engine itself refuses to remove an image that a container uses. */
const stateOnce = oncePerPlan(readState);

async function readState(
  { signal }: Context,
  source: ports.ContainerEngines,
  engine: string,
): Promise<EngineState> {
  const { images } = await source.usage({ engine, signal });
  const usedIds = new Set<string>();
  let hasKubelet = false;
  for await (const batch of source.containers({ engine, signal }))
    for (const container of batch) {
      usedIds.add(container.imageId);
      hasKubelet ||= containerOwner(container) === 'kubernetes';
    }
  return { images: new Map(images.map((image) => [image.id, image])), usedIds, hasKubelet };
}

import type { ClusterWriter, ImageChange } from '../../ports/clusters.ts';
import type { ReadOptions } from '../../ports/read-options.ts';
import { SourceError } from '../../ports/source-error.ts';
import { type JsonObject, textIn } from '../../wire/json-object.ts';
import { printable } from '../../wire/x509.ts';
import { makeChange } from './bound-change.ts';
import type { ClusterAnswer, ClusterConnection } from './connection.ts';
import { errorOfAnswer, objectIn } from './explain-answer.ts';
import {
  changeableKind,
  containerInTemplate,
  DRY_RUN_ID,
  isTemplateConflict,
  patchTemplate,
  readChangeable,
  requireRollout,
  templateAnnotations,
  type TemplateChange,
  workloadInWords,
} from './template-change.ts';

/** The id of the remediation that pinned an image, in the template of the workload. */
export const PINNED_BY = 'wrench/pinned-by';

/** A reference with a digest, and perhaps a tag: https://github.com/distribution/reference/blob/v0.6.0/reference.go */
const PINNED = /^[\da-z][-_.:/\da-z]{0,400}@sha256:[\da-f]{64}$/i;

interface Changing extends TemplateChange {
  readonly change: ImageChange;
}

export interface ImageWriter extends Pick<ClusterWriter, 'changeImage'> {
  /** Sends the same patch as a dry run. @throws {SourceError} as `changeImage` */
  readonly tryChange: (change: ImageChange, options: Pick<ReadOptions, 'signal'>) => Promise<void>;
}

/** Pins images in the templates of workloads to digests, with the credential of this connection. */
export function openImageWriter(source: string, connection: ClusterConnection): ImageWriter {
  const changingOf = (change: ImageChange, signal: AbortSignal): Changing => {
    const { workload, from, to } = change;
    const refused = (because: string) =>
      new SourceError(source, 'refused', `${printable(to)} is not ${because}`);
    if (!PINNED.test(to)) throw refused('an image with a digest');
    if (repositoryOf(to) !== repositoryOf(from)) throw refused(`in the repository of ${printable(from)}`);
    return { source, connection, workload, kind: changeableKind(source, workload), change, signal };
  };
  return {
    changeImage: async (change, { idempotencyKey: id, signal }) => {
      const changing = changingOf(change, signal);
      const shown = workloadInWords(change.workload);
      const words = { request: `patch of the ${shown}`, outcome: `the ${shown} was changed` };
      const isOwn = (workload: JsonObject) => templateAnnotations(workload)[PINNED_BY] === id;
      const isDone = (after: JsonObject) => isOwn(after) && imageIn(after, change) === change.to;
      await makeChange(source, words, async () => {
        const current = await readChangeable(changing);
        if (isOwn(current)) return undefined;
        requireImage(changing, current);
        return {
          send: () => sendPatch(changing, current, id),
          isDone: ({ context, answer }) => isDone(objectIn(context, answer)),
          isConflict: isTemplateConflict,
          isSeenDone: async () => isDone(await readChangeable(changing)),
        };
      });
    },
    tryChange: async (change, { signal }) => {
      const changing = changingOf(change, signal);
      const current = await readChangeable(changing);
      requireImage(changing, current);
      const { answer, context } = await sendPatch(changing, current, DRY_RUN_ID, 'All');
      if (answer.status !== 200) throw errorOfAnswer(context, answer);
      const after = imageIn(objectIn(context, answer), change);
      if (after !== change.to)
        throw new SourceError(
          source,
          'refused',
          `after a dry run, the image of ${printable(change.container)} is ${after === undefined ? 'not set' : printable(after)}, not ${change.to}: an admission webhook may replace it`,
        );
    },
  };
}

/** Without digest and tag. A port comes before a slash: `registry.example:5000/web`. */
function repositoryOf(image: string): string {
  const [name = ''] = image.split('@', 1);
  return name.replace(/:[^/:]*$/, '');
}

/** @throws {SourceError} `missing` if the image is not the planned one; `refused` if the change would have no effect now. */
function requireImage(changing: Changing, current: JsonObject): void {
  const { source, change } = changing;
  requireRollout(changing, current);
  const shown = workloadInWords(change.workload);
  const container = printable(change.container);
  const image = imageIn(current, change);
  if (image === undefined)
    throw new SourceError(source, 'missing', `the ${shown} no longer has the container ${container}`);
  if (image !== change.from)
    throw new SourceError(
      source,
      'missing',
      `the image of ${container} in the ${shown} is now ${printable(image)}, not ${printable(change.from)}`,
    );
}

/** Containers are merged by name. */
function sendPatch(
  changing: Changing,
  current: JsonObject,
  id: string,
  dryRun?: 'All',
): Promise<ClusterAnswer> {
  const { container, to } = changing.change;
  const list = containerInTemplate(current, container)?.list ?? 'containers';
  const template = {
    metadata: { annotations: { [PINNED_BY]: id } },
    spec: { [list]: [{ name: container, image: to }] },
  };
  return patchTemplate(changing, { current, template, ...(dryRun && { dryRun }) });
}

function imageIn(workload: JsonObject, { container }: ImageChange): string | undefined {
  const found = containerInTemplate(workload, container);
  return found && textIn(found.container, 'image');
}

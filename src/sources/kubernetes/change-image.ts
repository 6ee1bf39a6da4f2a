import type { ClusterWriter, ImageChange } from '../../ports/clusters.ts';
import type { ReadOptions } from '../../ports/read-options.ts';
import { SourceError } from '../../ports/source-error.ts';
import { type JsonObject, textIn } from '../../wire/json-object.ts';
import { printable } from '../../wire/x509.ts';
import type { ClusterConnection } from './connection.ts';
import {
  changeableKind,
  changeTemplate,
  containerInTemplate,
  requireRollout,
  templateAnnotations,
  type TemplateChange,
  type TemplateEdit,
  tryTemplateChange,
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
      await changeTemplate(changing, editOf(changing), id);
    },
    tryChange: async (change, { signal }) => {
      const changing = changingOf(change, signal);
      const after = imageIn(await tryTemplateChange(changing, editOf(changing)), change);
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

function editOf(changing: Changing): TemplateEdit {
  const { change } = changing;
  const { container, to } = change;
  return {
    request: 'patch',
    outcome: 'changed',
    idIn: (workload) => templateAnnotations(workload)[PINNED_BY],
    ensureChangeable: (current) => requireImage(changing, current),
    // Containers are merged by name.
    templateFor: (current, id) => ({
      metadata: { annotations: { [PINNED_BY]: id } },
      spec: {
        [containerInTemplate(current, container)?.list ?? 'containers']: [{ name: container, image: to }],
      },
    }),
    isApplied: (after) => imageIn(after, change) === to,
  };
}

function imageIn(workload: JsonObject, { container }: ImageChange): string | undefined {
  const found = containerInTemplate(workload, container);
  return found && textIn(found.container, 'image');
}

import type { CloudImage } from '../../ports/cloud.ts';
import type { ReadOptions } from '../../ports/read-options.ts';
import { SourceError } from '../../ports/source-error.ts';
import { numberIn, textIn } from '../../wire/json-object.ts';
import { printable } from '../../wire/x509.ts';
import { errorMessage } from './cloud-error.ts';
import type { ServiceApi } from './service-api.ts';
import { objectOf } from './service-json.ts';
import { type CloudView, limitedView } from './view.ts';

/** As all versions of Glance say it, in JSON or in a web page: https://opendev.org/openstack/glance/src/branch/master/glance/db/sqlalchemy/api.py */
const NO_SUCH_IMAGE = /\b(no image found with id|failed to find image|image .{0,64}not found)\b/i;

/**
 * https://docs.openstack.org/api-ref/image/v2/#show-image
 * @throws {SourceError} also if the credential might not see an image that exists.
 */
export async function readImage(
  glance: ServiceApi,
  view: CloudView,
  { id, signal }: ReadOptions & { readonly id: string },
): Promise<CloudImage | undefined> {
  const { source } = glance;
  // The id is part of the address.
  if (!/^[\w-]{1,64}$/.test(id))
    throw new SourceError(source, 'malformed', `${printable(id)} is not the id of an image`);
  const answer = await glance.get({ path: `/images/${id}`, accept: [404], signal });
  if (answer.status === 404) {
    // Otherwise a proxy, or a wrong address.
    if (!NO_SUCH_IMAGE.test(errorMessage(answer) ?? answer.text.slice(0, 2_000)))
      throw new SourceError(
        source,
        'malformed',
        'Glance returned 404, and does not say that the image is missing',
      );
    const limit = limitedView(source, view, `the image ${printable(id)} may belong to another one`);
    if (limit) throw limit;
    return undefined;
  }
  const image = objectOf(source, 'Glance', answer);
  const status = textIn(image, 'status');
  if (textIn(image, 'id') !== id || status === undefined)
    throw new SourceError(source, 'malformed', `Glance did not return the image ${printable(id)}`);
  if (status === 'deleted') return undefined;
  const name = textIn(image, 'name');
  const bytes = numberIn(image, 'size');
  return {
    id,
    ...(name !== undefined && { name: printable(name) }),
    status: printable(status),
    isSnapshot: image['image_type'] === 'snapshot',
    ...(bytes !== undefined && { bytes }),
  };
}

import type { ServiceContext } from './service-context.ts';
import type { CloudRequest, CloudResponse } from './protocol.ts';

/** https://docs.openstack.org/api-ref/image/v2/ */
export function answerGlance(
  { method, path }: CloudRequest,
  { images = [], token, base }: ServiceContext,
): CloudResponse {
  if (path === '/')
    return {
      status: 300,
      json: {
        versions: [
          { id: 'v2.15', status: 'CURRENT', links: [{ rel: 'self', href: `${base}/v2/` }] },
          { id: 'v2.0', status: 'SUPPORTED', links: [{ rel: 'self', href: `${base}/v2/` }] },
        ],
      },
    };
  const [, id] = /^\/v2\/images\/([^/]+)$/.exec(path) ?? [];
  if (method !== 'GET' || id === undefined)
    return fault(404, 'Not Found', 'The resource could not be found.');
  const image = images.find((one) => one['id'] === id);
  const isVisible =
    image?.['visibility'] === 'public' ||
    token?.roles.includes('admin') ||
    image?.['owner'] === token?.project;
  if (!image || !isVisible) return fault(404, 'Not Found', `No image found with ID ${id}`);
  return { status: 200, json: image };
}

/** As webob writes it for a client that accepts JSON. */
function fault(status: number, title: string, message: string): CloudResponse {
  return { status, json: { message: `${message}<br /><br />\n\n\n`, code: `${status} ${title}`, title } };
}

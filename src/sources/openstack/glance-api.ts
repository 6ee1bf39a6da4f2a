import { parseJson } from '../../text/parse-json.ts';
import { asObject, listIn, textIn } from '../../wire/json-object.ts';
import { printable } from '../../wire/x509.ts';
import { NO_DOCUMENT, queryText, type ServiceApi } from './service-api.ts';
import type { CloudSession } from './session.ts';

const VERSION = '/v2';

export function openGlance(source: string, session: CloudSession): ServiceApi {
  return {
    source,
    service: 'image',
    get: ({ path, query, ...options }) =>
      session.send({
        service: 'image',
        url: ({ url }) => withoutVersion(url) + VERSION + path + queryText(query),
        ...options,
      }),
    version: async (signal) => {
      const answer = await session.send({
        service: 'image',
        url: ({ url }) => `${withoutVersion(url)}/`,
        isAnonymous: true,
        accept: NO_DOCUMENT,
        signal,
      });
      const versions = listIn(asObject(parseJson(answer.text)), 'versions');
      const current = versions.find(({ status }) => status === 'CURRENT') ?? versions[0];
      return printable(textIn(current ?? {}, 'id') ?? VERSION.slice(1));
    },
  };
}

/** Addresses in catalogues may end with a version. */
function withoutVersion(url: string): string {
  return url.replace(/\/v2(\.\d+)?$/, '');
}

import { parseJson } from '../../text/parse-json.ts';
import { asObject, listIn, textIn } from '../../wire/json-object.ts';
import { printable } from '../../wire/x509.ts';
import { NO_DOCUMENT, queryText, type ServiceApi } from './service-api.ts';
import type { CloudSession } from './session.ts';

const VERSION = '/v2.0';

export function openNeutron(source: string, session: CloudSession): ServiceApi {
  return {
    source,
    service: 'network',
    get: ({ path, query, ...options }) =>
      session.send({
        service: 'network',
        url: ({ url }) => withoutVersion(url) + VERSION + path + queryText(query),
        ...options,
      }),
    version: async (signal) => {
      const answer = await session.send({
        service: 'network',
        url: ({ url }) => `${withoutVersion(url)}/`,
        isAnonymous: true,
        accept: NO_DOCUMENT,
        signal,
      });
      const [newest] = listIn(asObject(parseJson(answer.text)), 'versions');
      return printable(textIn(newest ?? {}, 'id') ?? VERSION.slice(1));
    },
  };
}

/** Addresses in catalogues may end with the version. */
function withoutVersion(url: string): string {
  return url.replace(/\/v2\.0$/, '');
}

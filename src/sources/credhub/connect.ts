import type { SourceRecorder } from '../../ports/recorder.ts';
import { openHttp, type PlainHttpClient } from '../../wire/http.ts';
import { readTextFile } from '../../wire/read-text-file.ts';
import type { CredhubAuth, CredhubConfig } from './config.ts';

/** Connections to CredHub and UAA. Reads the PEM files at the first request, so that a missing file fails only this source. */
export interface CredhubConnection {
  readonly http: () => Promise<PlainHttpClient>;
  readonly close: () => Promise<void>;
}

/** @param auth the credential whose client certificate is presented, if it has one. */
export function openCredhubConnection(
  { name, ca }: CredhubConfig,
  auth: CredhubAuth,
  recorder: SourceRecorder | undefined,
): CredhubConnection {
  let opening: Promise<PlainHttpClient> | undefined;
  const read = (path: string): Promise<string> => readTextFile(name, path);
  const open = async (): Promise<PlainHttpClient> => {
    const tls = {
      ...(ca !== undefined && { ca: await read(ca) }),
      ...('clientCertificate' in auth && {
        cert: await read(auth.clientCertificate.cert),
        key: await read(auth.clientCertificate.key),
      }),
    };
    return openHttp({ source: name, tls, recorder });
  };
  return {
    http: () => {
      opening ??= open().catch((error: unknown) => {
        opening = undefined;
        throw error;
      });
      return opening;
    },
    close: async () => {
      await (await opening?.catch(() => undefined))?.close();
    },
  };
}

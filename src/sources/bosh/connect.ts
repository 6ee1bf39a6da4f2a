import type { SourceRecorder } from '../../ports/recorder.ts';
import { openHttp, type PlainHttpClient } from '../../wire/http.ts';
import { readTextFile } from '../../wire/read-text-file.ts';
import type { BoshConfig } from './config.ts';

/** Reads the CA file at the first request, so that a missing file fails only this source. */
export interface Connector {
  readonly http: () => Promise<PlainHttpClient>;
  readonly close: () => Promise<void>;
}

export function openConnector({ name, ca }: BoshConfig, recorder?: SourceRecorder): Connector {
  let opening: Promise<PlainHttpClient> | undefined;
  const open = async (): Promise<PlainHttpClient> => {
    const tls = ca === undefined ? {} : { ca: await readTextFile(name, ca) };
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

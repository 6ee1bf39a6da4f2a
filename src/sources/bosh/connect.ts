import { readFile } from 'node:fs/promises';
import type { SourceRecorder } from '../../ports/recorder.ts';
import { SourceError } from '../../ports/source-error.ts';
import { openHttp, type PlainHttpClient } from '../../wire/http.ts';
import type { BoshConfig } from './config.ts';

/** Reads the CA file at the first request, so that a missing file fails only this source. */
export interface Connector {
  readonly http: () => Promise<PlainHttpClient>;
  readonly close: () => Promise<void>;
}

export function openConnector({ name, ca }: BoshConfig, recorder?: SourceRecorder): Connector {
  let opening: Promise<PlainHttpClient> | undefined;
  const open = async (): Promise<PlainHttpClient> => {
    const tls = ca === undefined ? {} : { ca: await readCa(name, ca) };
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

function readCa(source: string, path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new SourceError(source, 'missing', `couldn't read the file ${path} (${error.code})`);
  });
}

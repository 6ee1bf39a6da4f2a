import { openHttp, type PlainHttpClient } from './http.ts';
import { readTextFile } from './read-text-file.ts';

export interface HttpOnDemand {
  /** The client, which is opened once. After a failure, the next call tries again. @throws {SourceError} if a file can't be read. */
  readonly http: () => Promise<PlainHttpClient>;
  /** Safe to call twice, and before anything was opened. */
  readonly close: () => Promise<void>;
}

/** Reads the PEM files at the first request, so that a missing file fails only this source, and not the start of the worker. */
export function openHttpOnDemand({
  source,
  ca,
  clientCertificate,
  serverName,
  ...options
}: {
  readonly source: string;
  /** The path of a PEM file. */
  readonly ca: string | undefined;
  /** The paths of PEM files. */
  readonly clientCertificate?: { readonly cert: string; readonly key: string } | undefined;
  /** For SNI, and the name that certificates must have. Default: the host of the URL. */
  readonly serverName?: string | undefined;
} & Pick<Parameters<typeof openHttp>[0], 'recorder' | 'keepAlive' | 'lookup'>): HttpOnDemand {
  let opening: Promise<PlainHttpClient> | undefined;
  const read = (path: string): Promise<string> => readTextFile(source, path);
  const open = async (): Promise<PlainHttpClient> => {
    const tls = {
      ...(ca !== undefined && { ca: await read(ca) }),
      ...(clientCertificate && {
        cert: await read(clientCertificate.cert),
        key: await read(clientCertificate.key),
      }),
      ...(serverName !== undefined && { servername: serverName }),
    };
    return openHttp({ source, tls, ...options });
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

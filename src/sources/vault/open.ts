import { readFile } from 'node:fs/promises';
import type { Source } from '../../ports/source.ts';
import { SourceError } from '../../ports/source-error.ts';
import { type HttpClient, openHttp } from '../../wire/http.ts';
import type { VaultConfig } from './config.ts';
import { reachVault } from './reach.ts';
import { scanSecrets } from './scan.ts';
import { inBackground, openSession, type Schedule } from './session.ts';

/** A Vault or OpenBao. Opening asks nothing yet: the first scan logs in. */
export function openVault(config: VaultConfig, options: { readonly schedule?: Schedule } = {}): Source {
  const http = openOnce(config);
  const session = openSession(config, http, options.schedule ?? inBackground);
  return {
    name: config.name,
    kind: 'vault',
    certificates: {
      name: config.name,
      kind: 'vault',
      scan: (options) => scanSecrets({ config, http, session, ...options }),
    },
    reach: (signal) => reachVault({ config, http, session, signal }),
    close: async () => {
      session.close();
      await http.close();
    },
  };
}

/** Reads the PEM files with the first question, so that a missing one is this source's failure and nobody else's. */
function openOnce(config: VaultConfig): HttpClient {
  let opening: Promise<HttpClient> | undefined;
  const open = async (): Promise<HttpClient> => {
    const { ca, clientCertificate } = config;
    const tls = {
      ...(ca !== undefined && { ca: await read(ca) }),
      ...(clientCertificate && {
        cert: await read(clientCertificate.cert),
        key: await read(clientCertificate.key),
      }),
    };
    return openHttp({ source: config.name, tls });
  };
  const read = (path: string): Promise<string> =>
    readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      throw new SourceError(config.name, 'missing', `the file ${path} cannot be read (${error.code})`);
    });
  return {
    requestJson: async (request) => {
      opening ??= open().catch((error: unknown) => {
        opening = undefined;
        throw error;
      });
      return (await opening).requestJson(request);
    },
    close: async () => {
      await (await opening?.catch(() => undefined))?.close();
    },
  };
}

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { UnseenPlace } from '../../../src/ports/certificates.ts';
import type { ManagedCertificate } from '../../../src/ports/managed-certificates.ts';
import type { SourceRecorder } from '../../../src/ports/recorder.ts';
import type { Source } from '../../../src/ports/source.ts';
import { credhubConfig } from '../../../src/sources/credhub/config.ts';
import { openCredhub } from '../../../src/sources/credhub/open.ts';
import type { Credhub } from '../credhub.ts';

export interface OpenedSource {
  readonly source: Source;
  /** Files in the folder of the CA. */
  readonly write: (name: string, text: string) => Promise<string>;
  readonly close: () => Promise<void>;
}

interface ConnectOptions {
  readonly recorder?: SourceRecorder;
  /** Files that `more` names, by name. */
  readonly files?: Readonly<Record<string, string>>;
}

/** Opens the source as `wrench.yaml` would, with the reader of the CredHub unless `more` says otherwise. `more` gets the folder of its files. */
export async function connectCredhub(
  credhub: Pick<Credhub, 'url' | 'ca' | 'reader'>,
  more: object | ((folder: string) => object) = {},
  { recorder, files = {} }: ConnectOptions = {},
): Promise<OpenedSource> {
  const folder = await mkdtemp(join(tmpdir(), 'wrench-credhub-'));
  const write = async (name: string, text: string): Promise<string> => {
    await writeFile(join(folder, name), text);
    return join(folder, name);
  };
  for (const [name, text] of Object.entries(files)) await write(name, text);
  const config = credhubConfig.parse({
    kind: 'credhub',
    url: credhub.url,
    ca: await write('ca.pem', credhub.ca),
    auth: { client: credhub.reader },
    ...(typeof more === 'function' ? more(folder) : more),
  });
  const source = openCredhub(config, recorder);
  return {
    source,
    write,
    close: async () => {
      await source.close();
      await rm(folder, { recursive: true });
    },
  };
}

export interface Inventory {
  readonly managed: readonly ManagedCertificate[];
  readonly unseen: readonly UnseenPlace[];
  /** `place: kind: message` */
  readonly gaps: readonly string[];
}

/** Everything that the source manages, in the order of names. */
export async function listManaged(
  { reads: { certificates } }: Source,
  signal: AbortSignal = new AbortController().signal,
): Promise<Inventory> {
  const managed: ManagedCertificate[] = [];
  const unseen: UnseenPlace[] = [];
  for await (const one of certificates!.managed!({ signal })) {
    if (one.kind === 'managed') managed.push(one);
    else unseen.push(one);
  }
  managed.sort((one, other) => (one.name < other.name ? -1 : 1));
  const gaps = unseen.map(({ place, error }) => `${place}: ${error.kind}: ${error.message}`);
  return { managed, unseen, gaps };
}

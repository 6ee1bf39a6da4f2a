import { SourceError } from '../../ports/source-error.ts';
import type { VaultSession } from './session.ts';
import { asObject, textIn } from '../../wire/json-object.ts';

/** A key-value mount, and the part of a configured path below it. */
export interface Root {
  /** As configured: `secret/cf`. */
  readonly path: string;
  readonly mount: Mount;
  /** Below the mount: `cf`, or empty for the whole mount. */
  readonly below: string;
}

export interface Mount {
  /** With its slash: `secret/`. */
  readonly path: string;
  readonly version: 1 | 2;
}

/** @throws {SourceError} `refused` if the token has no permission below the path, `missing` if it has no key-value mount. */
export async function findMount(
  session: VaultSession,
  source: string,
  path: string,
  signal: AbortSignal,
): Promise<Root> {
  const { status, body } = await session
    .request({ path: `sys/internal/ui/mounts/${path}`, accept: [404], signal })
    .catch((error: unknown) => {
      if (!(error instanceof SourceError) || error.kind !== 'refused' || session.lost()) throw error;
      throw new SourceError(
        source,
        'refused',
        `the token has no permissions below ${path}, or nothing is mounted there`,
      );
    });
  // A Vault that is too old for this request is too old for version 2.
  if (status === 404) return split(path, `${path.split('/')[0]}/`, 1);
  // The documentation shows the response without `data`, but servers send it with `data`.
  const answer = asObject(body);
  const facts = 'data' in answer ? asObject(answer['data']) : answer;
  const mount = textIn(facts, 'path');
  const type = textIn(facts, 'type');
  if (mount === undefined || type === undefined || !`${path}/`.startsWith(mount))
    throw new SourceError(source, 'malformed', `the response about the mount of ${path} is malformed`);
  if (type !== 'kv' && type !== 'generic')
    throw new SourceError(
      source,
      'missing',
      `${mount} is a mount of another type (${type.slice(0, 40)}), which stores no secrets`,
    );
  return split(path, mount, textIn(asObject(facts['options']), 'version') === '2' ? 2 : 1);
}

function split(path: string, mount: string, version: 1 | 2): Root {
  return { path, mount: { path: mount, version }, below: path.slice(mount.length) };
}

/** The path for listing a folder; the policy that allows it has the same path. */
export function listPath({ path, version }: Mount, below: string): string {
  return (version === 2 ? `${path}metadata/${below}` : path + below).replace(/\/$/, '');
}

export function readPath({ path, version }: Mount, below: string): string {
  return version === 2 ? `${path}data/${below}` : path + below;
}

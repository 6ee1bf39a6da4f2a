import { setTimeout as sleep } from 'node:timers/promises';
import { SourceError } from '../../ports/source-error.ts';
import { printable } from '../../wire/x509.ts';
import type { VaultConfig } from './config.ts';
import { explainMissingCapability } from './missing-capability.ts';
import { findMount, readPath } from './mounts.ts';
import type { VaultSession } from './session.ts';
import { asObject, type JsonObject, numberIn } from '../../wire/json-object.ts';

/** What is needed to read and write secrets. */
export interface WriteAccess {
  readonly config: VaultConfig;
  /** Logged in with the credential for writing. */
  readonly session: VaultSession;
  readonly signal: AbortSignal;
}

/** One version of a secret. Its values contain private keys, so it must not leave the renewal that read it. */
export interface VersionedSecret {
  /** Mount first, as in the configuration: `secret/cf/ca`. */
  readonly path: string;
  /** As in the API: `secret/data/cf/ca`. */
  readonly at: string;
  readonly version: number;
  readonly values: JsonObject;
}

/**
 * Reads the newest version, or the given one. @throws {SourceError} `missing` if there is none; `refused` in KV version 1 and for a deleted
 * secret.
 */
export async function readVersioned(
  writing: WriteAccess,
  path: string,
  version?: number,
): Promise<VersionedSecret> {
  const { config, session, signal } = writing;
  const { mount, below } = await findMount(session, config.name, path, signal);
  if (mount.version !== 2)
    throw new SourceError(
      config.name,
      'refused',
      `${printable(mount.path)} is KV version 1, which can't be written safely: two renewals could overwrite each other`,
    );
  const at = readPath(mount, below);
  const query = version === undefined ? {} : { query: `version=${version}` };
  const { status, body } = await session
    .request({ path: at, ...query, accept: [404], signal })
    .catch((error: unknown) => {
      throw explainMissingCapability(error, session, config.name, 'read', at);
    });
  const data = asObject(asObject(body)['data']);
  const found = numberIn(asObject(data['metadata']), 'version');
  if (status === 404) throw absent(config.name, path, found !== undefined);
  const values = data['data'];
  if (typeof values !== 'object' || values === null || Array.isArray(values) || found === undefined)
    throw new SourceError(
      config.name,
      'malformed',
      `the response for ${printable(path)} is malformed: it has no values`,
    );
  return { path, at, version: found, values: values as JsonObject };
}

/** A replica may not have a version yet right after it was written. */
const TRIES = 5;
const WAIT_MS = 200;

/**
 * Reads exactly the version that was written: not a later one, and not an older one from a replica. @throws {SourceError} as {@link
 * readVersioned}.
 */
export async function readWritten(
  writing: WriteAccess,
  path: string,
  version: number,
): Promise<VersionedSecret> {
  for (let tries = 1; ; tries++) {
    try {
      return await readVersioned(writing, path, version);
    } catch (error) {
      if (!(error instanceof SourceError) || error.kind !== 'missing' || tries === TRIES) throw error;
      await sleep(WAIT_MS, undefined, { signal: writing.signal });
    }
  }
}

function absent(source: string, path: string, deleted: boolean): SourceError {
  const name = printable(path);
  return deleted
    ? new SourceError(source, 'refused', `${name} was deleted: its newest version is empty`)
    : new SourceError(source, 'missing', `nothing is at ${name}, or it is hidden from this token`);
}

/**
 * Writes the next version, unless someone wrote in between. @throws {SourceError} `refused` if someone did; `unreachable` if Vault didn't
 * respond, so it may have been written.
 */
export async function writeNext(
  writing: WriteAccess,
  { path, at, version }: VersionedSecret,
  values: JsonObject,
): Promise<number> {
  const { config, session, signal } = writing;
  const body = { options: { cas: version }, data: values };
  const answer = await session
    .request({ method: 'POST', path: at, body, accept: [400], signal })
    .catch((error: unknown) => {
      if (error instanceof SourceError && error.kind === 'unreachable')
        throw new SourceError(
          config.name,
          'unreachable',
          `${error.message}: it is unknown whether ${printable(path)} was written`,
        );
      throw explainMissingCapability(error, session, config.name, 'update', at);
    });
  // The message of a 400 is only matched, not quoted.
  if (answer.status === 400)
    throw JSON.stringify(answer.body).includes('check-and-set')
      ? versionConflict(config.name, path)
      : new SourceError(config.name, 'refused', `Vault rejected the write to ${printable(path)} (400)`);
  return numberIn(asObject(asObject(answer.body)['data']), 'version') ?? version + 1;
}

export function versionConflict(source: string, path: string): SourceError {
  return new SourceError(
    source,
    'refused',
    `${printable(path)} was changed after it was planned: run the check again and request a new plan`,
  );
}

/** Whether a secret can be written back unchanged: JSON numbers beyond 2^53 would be rounded. */
export function keepsNumbers(value: unknown): boolean {
  if (typeof value === 'number') return Math.abs(value) <= Number.MAX_SAFE_INTEGER;
  if (typeof value !== 'object' || value === null) return true;
  return Object.values(value).every(keepsNumbers);
}

/** @throws {SourceError} `refused` with the secret that the token can't update. Does nothing if Vault doesn't say. */
export async function requireUpdateCapability(
  { config, session, signal }: WriteAccess,
  secrets: readonly { readonly at: string; readonly why: string }[],
): Promise<void> {
  const { status, body } = await session.request({
    method: 'POST',
    path: 'sys/capabilities-self',
    body: { paths: secrets.map(({ at }) => at) },
    accept: [400, 403, 404],
    signal,
  });
  const answer = asObject(body);
  if (status >= 300) return;
  for (const { at, why } of secrets) {
    const found = asObject(answer['data'])[at] ?? answer[at];
    if (!Array.isArray(found) || found.includes('update') || found.includes('root')) continue;
    throw new SourceError(config.name, 'refused', printable(`the token lacks \`update\` on ${at}, ${why}`));
  }
}

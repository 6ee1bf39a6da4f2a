import type { UnseenPlace } from '../../ports/certificates.ts';
import { SourceError } from '../../ports/source-error.ts';
import { concurrently } from '../../wire/concurrently.ts';
import type { JsonObject } from '../../wire/json-object.ts';
import { numberIn, textIn } from '../../wire/json-object.ts';
import { printable } from '../../wire/x509.ts';
import { listNames, readData } from './pki-issuers.ts';
import type { WriteAccess } from './versioned.ts';

/** A role of a PKI: https://developer.hashicorp.com/vault/api-docs/secret/pki#read-role */
export interface StoredRole {
  readonly kind: 'role';
  readonly name: string;
  /** A name or an id of an issuer, or `default`. */
  readonly issuerReference: string;
  readonly ttlSeconds: number;
  readonly maxTtlSeconds: number;
  /** Set if the role leaves them to the mount, whose own couldn't be read. */
  readonly isAssumed?: true;
  /** The whole response. */
  readonly rules: JsonObject;
}

/** What a Vault has whose configuration doesn't set others: https://developer.hashicorp.com/vault/docs/configuration#default_lease_ttl */
const SYSTEM_TTL_SECONDS = 768 * 3600;

/** The roles of a PKI. One that can't be read is `unseen`, and so is the list if it may not be read. */
export async function readRoles(
  reading: WriteAccess,
  mount: string,
): Promise<readonly (StoredRole | UnseenPlace)[]> {
  const { config, signal } = reading;
  const unseen = (place: string, error: unknown): UnseenPlace => {
    if (!(error instanceof SourceError) || signal.aborted) throw error;
    return { kind: 'unseen', place: printable(`${config.name}:${place}`), error };
  };
  const listed = await listNames(reading, `${mount}/roles`).catch((error: unknown) =>
    unseen(`${mount}/roles`, error),
  );
  if (!listed) return [];
  if ('kind' in listed) return [listed];
  const defaults = mountDefaults(reading, mount);
  const found: (StoredRole | UnseenPlace)[] = [];
  const work = (name: string, signal: AbortSignal) =>
    readRole({ ...reading, signal }, mount, name, defaults).catch((error: unknown) =>
      unseen(`${mount}/roles/${name}`, error),
    );
  for await (const one of concurrently(listed.keys, config.concurrency, work, signal)) found.push(one);
  return found;
}

/** @throws {SourceError} `missing` if there is none */
export async function readRole(
  reading: WriteAccess,
  mount: string,
  name: string,
  defaults = mountDefaults(reading, mount),
): Promise<StoredRole> {
  const source = reading.config.name;
  const rules = await readData(reading, `${mount}/roles/${name}`);
  if (!rules)
    throw new SourceError(source, 'missing', printable(`${mount} has no role ${name}, or it is hidden`));
  const own = secondsIn(rules, 'ttl');
  const most = secondsIn(rules, 'max_ttl');
  if (own === undefined || most === undefined)
    throw new SourceError(
      source,
      'malformed',
      printable(`the lifetimes of the role ${name} are not readable`),
    );
  const { ttlSeconds, maxTtlSeconds, isAssumed } =
    own > 0 && most > 0 ? { ttlSeconds: own, maxTtlSeconds: most } : await defaults();
  const maximum = most > 0 ? most : maxTtlSeconds;
  return {
    kind: 'role',
    name,
    issuerReference: textIn(rules, 'issuer_ref') ?? 'default',
    ttlSeconds: Math.min(own > 0 ? own : ttlSeconds, maximum),
    maxTtlSeconds: maximum,
    ...(isAssumed && { isAssumed }),
    rules,
  };
}

type Defaults = Pick<StoredRole, 'ttlSeconds' | 'maxTtlSeconds' | 'isAssumed'>;

/** The lifetimes of a mount, which are read at most once, when a role leaves them to it. */
function mountDefaults(reading: WriteAccess, mount: string): () => Promise<Defaults> {
  let reads: Promise<Defaults> | undefined;
  const read = async (): Promise<Defaults> => {
    const tuned = await readData(reading, `sys/mounts/${mount}/tune`).catch((error: unknown) => {
      if (error instanceof SourceError && !reading.signal.aborted) return undefined;
      throw error;
    });
    const ttlSeconds = tuned && secondsIn(tuned, 'default_lease_ttl');
    const maxTtlSeconds = tuned && secondsIn(tuned, 'max_lease_ttl');
    if (ttlSeconds && maxTtlSeconds) return { ttlSeconds, maxTtlSeconds };
    return { ttlSeconds: SYSTEM_TTL_SECONDS, maxTtlSeconds: SYSTEM_TTL_SECONDS, isAssumed: true };
  };
  return () => (reads ??= read());
}

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** Seconds as a number, or a duration as `2160h0m0s`. 0 if absent, undefined if not readable. */
function secondsIn(object: JsonObject, key: string): number | undefined {
  const value = object[key] ?? 0;
  if (typeof value === 'number') return value >= 0 ? numberIn({ value }, 'value') : undefined;
  if (typeof value !== 'string' || !/^(\d{1,10}|(\d{1,10}[smhd])*)$/.test(value)) return undefined;
  if (/^\d+$/.test(value)) return Number(value);
  return [...value.matchAll(/(\d+)([smhd])/g)]
    .map(([, amount, unit = 's']) => Number(amount) * (UNIT_SECONDS[unit] ?? 1))
    .reduce((sum, seconds) => sum + seconds, 0);
}

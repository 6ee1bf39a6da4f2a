import type { X509Certificate } from 'node:crypto';
import type { UnseenPlace } from '../../ports/certificates.ts';
import type { PkiIssuer } from '../../ports/managed-certificates.ts';
import { SourceError } from '../../ports/source-error.ts';
import { asObject, type JsonObject, textIn } from '../../wire/json-object.ts';
import { printable } from '../../wire/x509.ts';
import { explainMissingCapability } from './missing-capability.ts';
import { certificatesOf } from './replace-certificate.ts';
import type { WriteAccess } from './versioned.ts';

/** An issuer of a PKI, with its certificate as an object. */
export interface StoredIssuer extends Pick<PkiIssuer, 'isDefault' | 'issues' | 'beyondEnd'> {
  readonly kind: 'stored';
  /** A UUID; `default` in a Vault before 1.11, which has one issuer. */
  readonly id: string;
  /** The name that someone gave it, else its id. */
  readonly name: string;
  /** Its own certificate first. */
  readonly chain: readonly [X509Certificate, ...X509Certificate[]];
}

/** Vault returns one of these instead of 404, depending on its version. */
const ABSENT = [400, 404, 500];

/**
 * The issuers of a PKI: https://developer.hashicorp.com/vault/api-docs/secret/pki#list-issuers. One that can't be read is `unseen`. Never empty.
 * @throws {SourceError} `refused` if they can't be listed, `missing` if there are none.
 */
export async function readIssuers(
  reading: WriteAccess,
  mount: string,
): Promise<readonly (StoredIssuer | UnseenPlace)[]> {
  // 400: it has not migrated its issuers since it was upgraded.
  const ids = await listNames(reading, `${mount}/issuers`, [400, 404, 405]);
  if (!ids) return [await readOnlyIssuer(reading, mount)];
  const byDefault = await readIssuer(reading, mount, 'default').catch((error: unknown) => {
    // The others may be readable. This one is `unseen` below, by its id.
    if (error instanceof SourceError && !reading.signal.aborted) return undefined;
    throw error;
  });
  const found: (StoredIssuer | UnseenPlace)[] = [];
  for (const id of ids.keys) {
    const listedName = ids.namesById.get(id);
    const isMarked = ids.defaults.has(id) || ids.keys.length === 1;
    const isDefault = byDefault?.id === id || (isMarked && (!byDefault || byDefault.id === 'default'));
    try {
      const issuer = isDefault && byDefault ? byDefault : await readListed(reading, mount, [id, listedName]);
      const name = issuer.name === issuer.id ? (listedName ?? id) : issuer.name;
      found.push({ ...issuer, id, name, isDefault });
    } catch (error) {
      if (!(error instanceof SourceError) || reading.signal.aborted) throw error;
      found.push({ kind: 'unseen', place: issuerPlace(reading, mount, listedName ?? id), error });
    }
  }
  return found;
}

/** @param references its id, and its name if it has one */
async function readListed(
  reading: WriteAccess,
  mount: string,
  references: readonly (string | undefined)[],
): Promise<StoredIssuer> {
  for (const reference of references) {
    const issuer = reference === undefined ? undefined : await readIssuer(reading, mount, reference);
    if (issuer) return issuer;
  }
  throw new SourceError(reading.config.name, 'missing', 'listed, but it no longer exists');
}

/** `vault:pki/issuer/int-2022` */
export function issuerPlace({ config }: Pick<WriteAccess, 'config'>, mount: string, name: string): string {
  return printable(`${config.name}:${mount}/issuer/${name}`);
}

/** The issuer that a role names: by its name, its id, or `default`. undefined if there is none. @throws {SourceError} */
export async function issuerOfRole(
  reading: WriteAccess,
  mount: string,
  reference: string,
): Promise<StoredIssuer | undefined> {
  const issuer = await readIssuer(reading, mount, reference);
  return issuer ?? (reference === 'default' ? readOnlyIssuer(reading, mount) : undefined);
}

async function readIssuer(
  reading: WriteAccess,
  mount: string,
  reference: string,
): Promise<StoredIssuer | undefined> {
  const data = await readData(reading, `${mount}/issuer/${reference}`, ABSENT);
  if (!data) return undefined;
  const { config } = reading;
  const [own] = certificatesOf(data['certificate']);
  if (!own) throw new SourceError(config.name, 'malformed', 'its certificate is not readable');
  const id = textIn(data, 'issuer_id') ?? reference;
  return {
    kind: 'stored',
    id,
    name: textIn(data, 'issuer_name') ?? id,
    isDefault: reference === 'default',
    issues: mayIssue(data),
    beyondEnd: beyondEndIn(data),
    chain: chainOf(own, data['ca_chain']),
  };
}

/** A Vault before 1.11 has one issuer, and always behaves like `err`. */
async function readOnlyIssuer(reading: WriteAccess, mount: string): Promise<StoredIssuer> {
  const data = await readData(reading, `${mount}/cert/ca`, ABSENT);
  const [own] = certificatesOf(data?.['certificate']);
  if (!own)
    throw new SourceError(
      reading.config.name,
      'missing',
      `${printable(mount)} has no issuers, is not a PKI, or is hidden from this token`,
    );
  const chain = await readData(reading, `${mount}/cert/ca_chain`, ABSENT);
  return {
    kind: 'stored',
    id: 'default',
    name: 'default',
    isDefault: true,
    issues: true,
    beyondEnd: 'err',
    chain: chainOf(own, chain?.['certificate']),
  };
}

/** `read-only,issuing-certificates,crl-signing`. An issuer whose key was deleted or that was revoked can't sign either. */
function mayIssue(data: JsonObject): boolean {
  const usage = textIn(data, 'usage');
  const mayIssue = usage === undefined || usage.split(',').includes('issuing-certificates');
  return mayIssue && data['key_id'] !== '' && data['revoked'] !== true;
}

/** Anything else is as strict as `err`, such as `always_enforce_err`. */
function beyondEndIn(data: JsonObject): StoredIssuer['beyondEnd'] {
  const behavior = textIn(data, 'leaf_not_after_behavior');
  return behavior === 'truncate' || behavior === 'permit' ? behavior : 'err';
}

/** `ca_chain` begins with the issuer itself. */
function chainOf(own: X509Certificate, rest: unknown): StoredIssuer['chain'] {
  const texts = Array.isArray(rest) ? rest : [rest];
  const others = texts.flatMap(certificatesOf);
  return [own, ...others.filter(({ fingerprint256 }) => fingerprint256 !== own.fingerprint256)];
}

export interface ListedNames {
  readonly keys: readonly string[];
  readonly namesById: ReadonlyMap<string, string>;
  /** Those that are marked as the default. */
  readonly defaults: ReadonlySet<string>;
}

/** undefined if the list is empty, or Vault doesn't know it. @throws {SourceError} `refused` with the missing permission */
export async function listNames(
  reading: WriteAccess,
  path: string,
  absent: readonly number[] = [404, 405],
): Promise<ListedNames | undefined> {
  const { config, session, signal } = reading;
  const { status, body } = await session
    .request({ path, query: 'list=true', accept: absent, signal })
    .catch((error: unknown) => {
      throw explainMissingCapability(error, session, config.name, 'list', path);
    });
  if (status !== 200) return undefined;
  const data = asObject(asObject(body)['data']);
  const { keys } = data;
  if (!Array.isArray(keys) || keys.some((key) => typeof key !== 'string'))
    throw new SourceError(config.name, 'malformed', `the list ${printable(path)} is malformed`);
  const facts = Object.entries(asObject(data['key_info'])).map(
    ([id, value]) => [id, asObject(value)] as const,
  );
  return {
    keys: keys as string[],
    namesById: new Map(
      facts.flatMap(([id, fact]) => {
        const name = textIn(fact, 'issuer_name');
        return name === undefined ? [] : [[id, name] as const];
      }),
    ),
    defaults: new Set(facts.flatMap(([id, fact]) => (fact['is_default'] === true ? [id] : []))),
  };
}

/** The data of a response. undefined if there is none. @throws {SourceError} `refused` with the missing permission */
export async function readData(
  { config, session, signal }: WriteAccess,
  path: string,
  absent: readonly number[] = [404],
): Promise<JsonObject | undefined> {
  const { status, body } = await session.request({ path, accept: absent, signal }).catch((error: unknown) => {
    throw explainMissingCapability(error, session, config.name, 'read', path);
  });
  const { data } = asObject(body);
  if (status >= 300 || typeof data !== 'object' || data === null) return undefined;
  return asObject(data);
}

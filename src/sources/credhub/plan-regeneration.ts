import type { PlanRenewalOptions } from '../../ports/certificates.ts';
import type { CertificateVersion, ManagedCertificate } from '../../ports/managed-certificates.ts';
import type { RegeneratedRenewal } from '../../ports/renewals.ts';
import { SourceError } from '../../ports/source-error.ts';
import { asObject, textIn } from '../../wire/json-object.ts';
import { printable } from '../../wire/x509.ts';
import type { CredhubConfig } from './config.ts';
import type { CredhubSession } from './session.ts';
import { activeVersionOf, isBelowPrefix, foldName, toCredhubCertificate } from './to-managed.ts';

export interface RenewalAccess {
  readonly config: CredhubConfig;
  /** With the credential for renewing. */
  readonly session: CredhubSession;
}

export interface PreparedRegeneration {
  readonly renewal: RegeneratedRenewal;
  readonly entry: DescribedEntry;
  readonly active: CertificateVersion & { readonly notAfter: Date };
}

/** What CredHub says about one certificate that is requested by name. */
export interface DescribedEntry extends ManagedCertificate {
  /** Of the certificate, not of a version. Absent on servers that don't show it. */
  readonly id?: string;
  /** The names of all that it signs. */
  readonly signs: readonly string[];
}

/**
 * Reads what a renewal depends on, without changing anything.
 * @throws {SourceError} `refused` with the reason if CredHub would refuse it, or it would be of no use.
 */
export async function prepareRegeneration(
  access: RenewalAccess,
  place: string,
  { signal, asTransitional = false }: PlanRenewalOptions,
): Promise<PreparedRegeneration> {
  const { config } = access;
  const name = credhubNameOf(config, place);
  const refused = (message: string): SourceError => new SourceError(config.name, 'refused', message);
  if (!isBelowPrefix(name, config.allow.renew?.paths ?? config.paths))
    throw refused(`\`allow.renew.paths\` does not include ${name}`);
  await requireScope(access, signal);

  const entry = await readDescribedEntry(access, name, signal);
  if (entry.renewedBy === 'person')
    throw refused(
      `${entry.name} was set by someone, and CredHub has nothing that can sign it: set a new one`,
    );
  const active = activeVersionOf(entry.versions);
  if (!active) throw refused(`${entry.name} has no version that is in use`);
  if (!active.notAfter) throw refused(`CredHub doesn't say when ${entry.name} expires`);
  requireTransitionalStep(refused, entry, active, asTransitional);

  const authority = await readAuthority(access, entry, signal);
  if (authority) await requireUsableAuthority(access, { entry, active, authority }, signal);
  return {
    entry,
    active: { ...active, notAfter: active.notAfter },
    renewal: {
      method: 'regenerate',
      place: `${config.name}:${entry.name}`,
      name: entry.name,
      notAfter: active.notAfter.toISOString(),
      versions: {
        [`${config.name}:${entry.name}`]: entry.versions[0]!.id,
        ...(authority && { [`${config.name}:${authority.name}`]: activeVersionOf(authority.versions)!.id }),
      },
      asTransitional,
      ...(authority && { signedBy: describeAuthority(authority) }),
      signs: entry.signs.filter((one) => foldName(one) !== foldName(entry.name)).toSorted(),
    },
  };
}

/** @throws {SourceError} `missing` if it is not a place of this source. */
export function credhubNameOf({ name }: CredhubConfig, place: string): string {
  if (place.startsWith(`${name}:/`)) return place.slice(name.length + 1);
  throw new SourceError(name, 'missing', `${place} is not a certificate of this source`);
}

async function requireScope({ config, session }: RenewalAccess, signal: AbortSignal): Promise<void> {
  const scopes = await session.scopes(signal);
  if (!scopes || scopes.includes('credhub.write')) return;
  throw new SourceError(
    config.name,
    'refused',
    `the credential for renewals lacks the scope credhub.write (it has ${scopes.join(', ') || 'none'})`,
  );
}

/** @throws {SourceError} `missing`, also without the permission `read`. */
export async function readDescribedEntry(
  { config, session }: RenewalAccess,
  name: string,
  signal: AbortSignal,
): Promise<DescribedEntry> {
  const answer = await session.request({
    path: `/api/v1/certificates?name=${encodeURIComponent(name)}`,
    accept: [404],
    signal,
  });
  const { certificates } = asObject(answer.status === 404 ? {} : parseBody(session, answer.text));
  const [value, another] = Array.isArray(certificates) ? (certificates as readonly unknown[]) : [];
  if (value === undefined)
    throw new SourceError(
      config.name,
      'missing',
      `${name} doesn't exist, or the credential for renewals has no permission \`read\` for it`,
    );
  const entry = toCredhubCertificate(config.name, value);
  if (!entry || another !== undefined || foldName(entry.name) !== foldName(name))
    throw new SourceError(config.name, 'malformed', `CredHub describes ${name} in an unknown format`);
  const { signs } = asObject(value);
  return {
    ...entry,
    signs: Array.isArray(signs) ? signs.filter((one) => typeof one === 'string').map(printable) : [],
  };
}

function parseBody({ source, host }: CredhubSession, text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new SourceError(source, 'malformed', `${host} responded with something other than JSON`);
  }
}

/** https://github.com/pivotal/credhub-release/blob/main/docs/ca-rotation.md */
function requireTransitionalStep(
  refused: (message: string) => SourceError,
  entry: DescribedEntry,
  { authority }: CertificateVersion,
  asTransitional: boolean,
): void {
  // Of versions from before CredHub recorded it, it says that they are none.
  const isAuthority = authority === true || entry.signs.length > 0;
  if (!asTransitional && isAuthority)
    throw refused(
      `${entry.name} is an authority: generate it as transitional first, so that it is trusted before it signs anything`,
    );
  if (!asTransitional) return;
  if (!isAuthority) throw refused(`${entry.name} is not an authority, so it can't be transitional`);
  const other = entry.versions.find(({ transitional }) => transitional);
  if (other)
    throw refused(
      `${entry.name} already has a transitional version (${other.id}), and CredHub allows one: finish that rotation first`,
    );
}

/** What will sign it; undefined if it is self-signed. */
async function readAuthority(
  access: RenewalAccess,
  { name, signedBy }: DescribedEntry,
  signal: AbortSignal,
): Promise<DescribedEntry | undefined> {
  if (signedBy === undefined || foldName(signedBy) === foldName(name)) return undefined;
  try {
    return await readDescribedEntry(access, signedBy, signal);
  } catch (error) {
    if (!(error instanceof SourceError) || error.kind !== 'missing') throw error;
    const message = `${name} is signed by ${signedBy}, which ${error.message.slice(signedBy.length + 1)}`;
    throw new SourceError(access.config.name, 'refused', message);
  }
}

interface SignedEntry {
  readonly entry: DescribedEntry;
  readonly active: CertificateVersion;
  readonly authority: DescribedEntry;
}

/** The active version of the authority signs: one that expires before the present certificate would make it no better. */
async function requireUsableAuthority(
  { config, session }: RenewalAccess,
  { entry, active, authority }: SignedEntry,
  signal: AbortSignal,
): Promise<void> {
  const refused = (message: string): SourceError => new SourceError(config.name, 'refused', message);
  const signing = activeVersionOf(authority.versions);
  if (!signing) throw refused(`${authority.name}, which signs ${entry.name}, has no version that is in use`);
  if (signing.notAfter && signing.notAfter <= new Date())
    throw refused(
      `${authority.name}, which signs ${entry.name}, expired on ${dayOf(signing.notAfter)}: rotate it first`,
    );
  if (signing.notAfter && active.notAfter && signing.notAfter <= active.notAfter)
    throw refused(
      `${authority.name}, which signs ${entry.name}, expires first, on ${dayOf(signing.notAfter)}: rotate it first`,
    );
  // A certificate that was set may have no private key. CredHub shows that only together with the key.
  if (signing.generated !== false || config.contents === 'never') return;
  const path = `/api/v1/data/${encodeURIComponent(signing.id)}`;
  const { value } = asObject(await session.requestJson({ path, signal }));
  if (textIn(asObject(value), 'private_key') === undefined)
    throw refused(`${authority.name}, which signs ${entry.name}, is stored without its private key`);
}

function describeAuthority(authority: DescribedEntry): NonNullable<RegeneratedRenewal['signedBy']> {
  const { notAfter } = activeVersionOf(authority.versions)!;
  return { name: authority.name, ...(notAfter && { notAfter: notAfter.toISOString() }) };
}

function dayOf(date: Date): string {
  return date.toISOString().slice(0, 10);
}

import type { UnseenPlace } from '../../ports/certificates.ts';
import type { ManagedCertificate } from '../../ports/managed-certificates.ts';
import { SourceError } from '../../ports/source-error.ts';
import { asObject, type JsonObject, listIn, textIn } from '../../wire/json-object.ts';
import { printable } from '../../wire/x509.ts';
import type { OpsmanSession } from './session.ts';

/** Certificate authorities sign authorities, which sign leaves. */
const MAX_DEPTH = 20;

interface ManagedQuery {
  readonly source: string;
  readonly session: OpsmanSession;
  readonly signal: AbortSignal;
}

type Listed = ManagedCertificate | UnseenPlace;

/**
 * All certificates of the deployments, each once, also those that are nested below the authority that signs them.
 * https://developer.broadcom.com/xapis/tanzu-operations-manager-api/latest/
 * @throws {SourceError}
 */
export async function* listManaged(query: ManagedQuery): AsyncGenerator<Listed, void, undefined> {
  const { source } = query;
  const body = asObject(await readList(query));
  if (!Array.isArray(body['certificates']))
    throw new SourceError(source, 'malformed', 'the response of Ops Manager has no list of certificates');
  const found = new Map<string, Listed>();
  collect(source, body['certificates'], { depth: 0, found });
  yield* found.values();
}

/** Since Ops Manager 3.0, version 1 says which deployments are outdated. Version 0 has none of that. */
async function readList({ session, signal }: ManagedQuery): Promise<unknown> {
  try {
    return await session.getJson('/api/v1/deployed/certificates', signal);
  } catch (error) {
    if (!(error instanceof SourceError) || error.kind !== 'missing') throw error;
    return session.getJson('/api/v0/deployed/certificates', signal);
  }
}

function collect(
  source: string,
  listed: readonly unknown[],
  above: { readonly depth: number; readonly found: Map<string, Listed>; readonly signedBy?: string },
): void {
  const { depth, found, signedBy } = above;
  for (const entry of listed) {
    const written = asObject(entry);
    const name = nameOf(written);
    if (name === undefined) {
      const what = `an entry without a name, of ${textIn(written, 'issuer') ?? 'an unknown issuer'}`;
      const place = `${source}:${printable(what)}`;
      found.set(place, {
        kind: 'unseen',
        place,
        error: new SourceError(source, 'malformed', 'Ops Manager lists a certificate without a name'),
      });
    } else {
      const certificate = toManaged(source, written, { name, signedBy });
      // The same certificate may be in the list itself and below the authority that signs it.
      const before = found.get(certificate.place);
      if (before?.kind === 'managed' && !isSame(before, certificate))
        found.set(`${certificate.place}#different`, {
          kind: 'unseen',
          place: certificate.place,
          error: new SourceError(source, 'malformed', 'Ops Manager lists it twice, with different dates'),
        });
      if (before?.kind !== 'managed' || isBetter(certificate, before))
        found.set(certificate.place, certificate);
    }
    const signs = written['signs'];
    if (!Array.isArray(signs) || signs.length === 0) continue;
    if (depth < MAX_DEPTH)
      collect(source, signs, { depth: depth + 1, found, ...(name && { signedBy: name }) });
    else
      found.set(`${source}:${name}`, {
        kind: 'unseen',
        place: `${source}:${name}`,
        error: new SourceError(source, 'malformed', 'the certificates below it are nested too deep'),
      });
  }
}

function isSame({ versions: [one] }: ManagedCertificate, { versions: [other] }: ManagedCertificate): boolean {
  return (
    one?.notBefore?.getTime() === other?.notBefore?.getTime() &&
    one?.notAfter?.getTime() === other?.notAfter?.getTime()
  );
}

/** Of two that are listed under one name, the one that ends first counts; of the same one twice, the one with its authority. */
function isBetter(one: ManagedCertificate, before: ManagedCertificate): boolean {
  if (isSame(one, before)) return before.signedBy === undefined;
  return endOf(one) < endOf(before);
}

function endOf({ versions: [version] }: ManagedCertificate): number {
  return version?.notAfter?.getTime() ?? Infinity;
}

/** A property such as `.properties.certificate` is unique only in its product. */
function nameOf(written: JsonObject): string | undefined {
  const name =
    textIn(written, 'name') ?? textIn(written, 'variable_path') ?? textIn(written, 'property_reference');
  if (name === undefined) return undefined;
  const product = name.startsWith('.') ? (textIn(written, 'product_guid') ?? '') : '';
  return printable(product + name);
}

function toManaged(
  source: string,
  written: JsonObject,
  { name, signedBy }: { readonly name: string; readonly signedBy: string | undefined },
): ManagedCertificate {
  const issuer = textIn(written, 'issuer');
  const isConfigurable = written['configurable'] === true;
  const procedure = textIn(written, 'rotation_procedure_name');
  const url = textIn(written, 'rotation_procedure_url');
  const isWebAddress = url !== undefined && URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
  const deployments = namesIn(written, 'deployments');
  const outdated = namesIn(written, 'outdated_deployments');
  return {
    kind: 'managed',
    place: `${source}:${name}`,
    name,
    versions: [
      {
        id: 'deployed',
        ...dateIn(written, 'valid_from', 'notBefore'),
        ...dateIn(written, 'valid_until', 'notAfter'),
        transitional: false,
        ...(typeof written['is_ca'] === 'boolean' && { authority: written['is_ca'] }),
        generated: !isConfigurable,
      },
    ],
    ...(signedBy !== undefined && { signedBy }),
    ...(issuer !== undefined && { issuer: printable(issuer) }),
    ...(deployments && { deployments }),
    ...(outdated && { outdatedDeployments: outdated }),
    // Ops Manager regenerates the others when a person asks it to, and nothing takes effect before Apply Changes.
    renewedBy: written['auto_rotated'] === true ? 'automatic' : 'person',
    ...(procedure !== undefined && {
      procedure: { name: printable(procedure), ...(isWebAddress && { url: printable(url) }) },
    }),
  };
}

function namesIn(written: JsonObject, key: string): readonly string[] | undefined {
  const names = written[key];
  if (!Array.isArray(names)) return undefined;
  return names.filter((one): one is string => typeof one === 'string').map(printable);
}

function dateIn<Key extends string>(written: JsonObject, key: string, as: Key): { [K in Key]?: Date } {
  const date = new Date(textIn(written, key) ?? '');
  return (Number.isNaN(date.getTime()) ? {} : { [as]: date }) as { [K in Key]?: Date };
}

/** The certificates of the root authorities, in PEM, by guid. Only the active one signs. */
export interface RootAuthority {
  readonly guid: string;
  readonly isActive: boolean;
  readonly pem?: string;
}

/**
 * The root authorities of Ops Manager. Empty if this Ops Manager doesn't list them (404).
 * @throws {SourceError}
 */
export async function listRootAuthorities({
  session,
  signal,
}: ManagedQuery): Promise<readonly RootAuthority[]> {
  const body = await session.getJson('/api/v0/certificate_authorities', signal).catch((error: unknown) => {
    if (error instanceof SourceError && error.kind === 'missing') return {};
    throw error;
  });
  return listIn(asObject(body), 'certificate_authorities').map((one) => {
    const pem = textIn(one, 'cert_pem');
    return {
      guid: printable(textIn(one, 'guid') ?? 'without a guid'),
      isActive: one['active'] === true,
      ...(pem !== undefined && { pem }),
    };
  });
}

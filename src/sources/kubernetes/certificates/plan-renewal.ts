import type { RequestedRenewal } from '../../../ports/renewals.ts';
import { SourceError } from '../../../ports/source-error.ts';
import { asObject, type JsonObject, textIn } from '../../../wire/json-object.ts';
import { printable } from '../../../wire/x509.ts';
import { readActPermission } from '../act-permission.ts';
import type { ClusterConnection } from '../connection.ts';
import { errorOfAnswer, objectIn, statusObject } from '../explain-answer.ts';
import { dateIn, wholeNumberIn } from '../json-values.ts';
import { requireName } from '../object-name.ts';
import { conditionIn, placeOfCertificate, toManaged } from './to-managed.ts';

/** Asks cert-manager for renewals with the credential of this connection. */
export interface Renewing {
  readonly source: string;
  readonly connection: ClusterConnection;
  readonly signal: AbortSignal;
}

interface CertificateName {
  readonly namespace: string;
  readonly name: string;
}

/**
 * Plans what `cmctl renew` does: https://cert-manager.io/docs/reference/cmctl/#renew
 * @throws {SourceError} as `CertificateStore.planRenewal` says.
 */
export async function planRequest(renewing: Renewing, place: string): Promise<RequestedRenewal> {
  const { source, connection, signal } = renewing;
  const { namespace, name } = nameIn(source, place);
  const permission = await readActPermission(source, 'renew', connection, { signal, namespace });
  if (!permission.allowed) throw new SourceError(source, 'refused', permission.because);
  const certificate = await readCertificateObject(renewing, { namespace, name });
  requireIdle(source, certificate, { namespace, name });
  const notAfter = dateIn(asObject(certificate['status']), 'notAfter');
  if (!notAfter)
    throw new SourceError(
      source,
      'refused',
      `${namespace}/${name} was never issued, and cert-manager retries that by itself: find out why its CertificateRequest fails`,
    );
  const { automation } = toManaged({ source, issuers: new Map(), isRenewable: true }, certificate);
  return {
    method: 'request',
    place: placeOfCertificate(source, namespace, name),
    name: printable(`${namespace}/${name}`),
    notAfter: notAfter.toISOString(),
    versions: { [placeOfCertificate(source, namespace, name)]: versionOf(certificate) },
    issuer: automation?.issuer.name ?? '',
    writesTo: automation?.writesTo ?? '',
  };
}

/** @throws {SourceError} `malformed` if it is not the place of a Certificate of this source. */
export function nameIn(source: string, place: string): CertificateName {
  const prefix = `${source}:certificates/`;
  const [namespace = '', name = '', ...rest] = place.startsWith(prefix)
    ? place.slice(prefix.length).split('/')
    : [];
  if (rest.length > 0 || name === '')
    throw new SourceError(
      source,
      'refused',
      `${printable(place)} is not a Certificate of cert-manager, so it can't be renewed here`,
    );
  requireName(source, 'namespace', namespace);
  requireName(source, 'name of a Certificate', name);
  return { namespace, name };
}

/** Changes whenever it is issued, or its specification changes, or it is created again. */
export function versionOf(certificate: JsonObject): string {
  const metadata = asObject(certificate['metadata']);
  const revision = revisionOf(certificate);
  const generation = wholeNumberIn(metadata, 'generation');
  return [
    `revision ${revision}`,
    ...(generation === undefined ? [] : [`generation ${generation}`]),
    `uid ${printable(textIn(metadata, 'uid') ?? '')}`,
  ].join(', ');
}

export function revisionOf(certificate: JsonObject): number {
  return wholeNumberIn(asObject(certificate['status']), 'revision') ?? 0;
}

/** @throws {SourceError} `missing` if it no longer exists. */
export async function readCertificateObject(
  { source, connection, signal }: Renewing,
  { namespace, name }: CertificateName,
): Promise<JsonObject> {
  const what = `the Certificate ${namespace}/${name}`;
  const { answer, context } = await connection.send({
    make: ({ custom }) =>
      custom.getNamespacedCustomObject('cert-manager.io', 'v1', namespace, 'certificates', name),
    rule: { verb: 'get', group: 'cert-manager.io', resource: 'certificates' },
    what,
    signal,
  });
  if (answer.status === 404 && statusObject(answer))
    throw new SourceError(source, 'missing', `${what} no longer exists`);
  if (answer.status !== 200) throw errorOfAnswer(context, answer);
  const certificate = objectIn(context, answer);
  const metadata = asObject(certificate['metadata']);
  if (
    certificate['kind'] !== 'Certificate' ||
    textIn(metadata, 'uid') === undefined ||
    metadata['name'] !== name ||
    metadata['namespace'] !== namespace
  )
    throw new SourceError(source, 'malformed', `${context.host} did not return ${what}`);
  return certificate;
}

/** @throws {SourceError} `refused` if it is being issued, `missing` if it is being deleted. */
export function requireIdle(
  source: string,
  certificate: JsonObject,
  { namespace, name }: CertificateName,
): void {
  if (textIn(asObject(certificate['metadata']), 'deletionTimestamp') !== undefined)
    throw new SourceError(source, 'missing', `the Certificate ${namespace}/${name} is being deleted`);
  const issuing = conditionIn(asObject(certificate['status']), 'Issuing');
  if (issuing?.status !== 'True') return;
  throw new SourceError(
    source,
    'refused',
    `cert-manager is already issuing ${namespace}/${name}${issuing.since ? ` since ${issuing.since.toISOString()}` : ''}, so another request would change nothing: see its CertificateRequest`,
  );
}

import { createPrivateKey, type KeyObject } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { IssuedRenewal, RenewalResult } from '../../ports/renewals.ts';
import { SourceError } from '../../ports/source-error.ts';
import { asObject, type JsonObject } from '../../wire/json-object.ts';
import { isKeyOf } from '../../wire/found-content.ts';
import { isIssuedBy, printable, toCertificate } from '../../wire/x509.ts';
import { issuedBy, prepareIssue, type PreparedIssue } from './issue-plan.ts';
import { type IssuedContent, valuesWithIssued } from './issued-values.ts';
import { explainMissingCapability } from './missing-capability.ts';
import { certificatesOf } from './replace-certificate.ts';
import { readWritten, versionConflict, writeNext, type WriteAccess } from './versioned.ts';

/**
 * Issues as planned, verifies what the PKI returned, and only then writes it into the secret, bound to the planned version. Reads it again and
 * verifies it. What was issued and not written is harmless.
 * @throws {SourceError} as `CertificateWriter.renew` says.
 */
export async function renewByIssuing(writing: WriteAccess, planned: IssuedRenewal): Promise<RenewalResult> {
  const { config, signal } = writing;
  const found = issuedBy(writing, planned.place);
  if (!found)
    throw new SourceError(config.name, 'refused', '`allow.renew.issue` no longer has a role for it');
  const prepared = await prepareIssue(writing, planned.place, found);
  requireAsPlanned(config.name, prepared, planned);
  const issued = await requestCertificate(writing, prepared, planned.ttlSeconds);
  requireSound(writing, prepared, issued);
  signal.throwIfAborted();
  const values = valuesWithIssued(prepared.secret.values, prepared.leaf, issued);
  const version = await writeNext(writing, prepared.secret, values);
  await verifyWritten(writing, prepared, values, version);
  const { fingerprint, serial, notAfter } = toCertificate(issued.leaf);
  return { fingerprint, serial, version: String(version), notAfter: notAfter.toISOString() };
}

function requireAsPlanned(source: string, { renewal, secret }: PreparedIssue, planned: IssuedRenewal): void {
  if (planned.versions[planned.place] !== secret.version) throw versionConflict(source, secret.path);
  if (!isDeepStrictEqual(planned, renewal))
    throw new SourceError(source, 'refused', 'the renewal would differ from the plan: request a new plan');
}

/** The only place that receives the new private key. */
async function requestCertificate(
  { config, session, signal }: WriteAccess,
  { issuePath, renewal, commonName, issuer }: PreparedIssue,
  ttlSeconds: number,
): Promise<IssuedContent> {
  const { status, body } = await session
    .request({
      method: 'POST',
      path: issuePath,
      body: requestFor(renewal.alternativeNames, commonName, ttlSeconds),
      accept: [400],
      signal,
    })
    .catch((error: unknown) => {
      if (error instanceof SourceError && error.kind === 'unreachable')
        throw new SourceError(config.name, 'unreachable', `${error.message}: nothing was written`);
      throw explainMissingCapability(error, session, config.name, 'update', issuePath);
    });
  if (status === 400) throw new SourceError(config.name, 'refused', printable(explainRefusal(renewal, body)));
  const data = asObject(asObject(body)['data']);
  const [leaf] = certificatesOf(data['certificate']);
  const key = readKey(data);
  if (!leaf || !key)
    throw new SourceError(
      config.name,
      'malformed',
      `the response of ${printable(issuePath)} has no readable certificate and key: nothing was written`,
    );
  return { leaf, key, chain: chainIn(data, issuer) };
}

function requestFor(
  names: readonly string[],
  commonName: string | undefined,
  ttlSeconds: number,
): JsonObject {
  const valuesOf = (...kinds: readonly string[]) =>
    names.flatMap((name) => {
      const kind = name.slice(0, name.indexOf(':'));
      return kinds.includes(kind) ? [name.slice(kind.length + 1)] : [];
    });
  const domains = valuesOf('DNS', 'email');
  return {
    common_name: commonName ?? '',
    alt_names: domains.join(','),
    ip_sans: valuesOf('IP').join(','),
    uri_sans: valuesOf('URI').join(','),
    exclude_cn_from_sans: commonName === undefined || !domains.includes(commonName),
    ttl: `${ttlSeconds}s`,
    format: 'pem',
  };
}

/** The response is only matched, not quoted. */
function explainRefusal({ role, issuer }: IssuedRenewal, body: unknown): string {
  const text = JSON.stringify(body) ?? '';
  if (text.includes('beyond the expiration'))
    return `${role} issues nothing that ends after its issuer ${issuer.name} (${issuer.notAfter.slice(0, 10)}): nothing was written`;
  if (/not allowed|not permitted/.test(text))
    return `the role ${role} doesn't allow a name of the certificate (400): nothing was written`;
  return `Vault rejected the request to ${role} (400): nothing was written`;
}

function readKey(data: JsonObject): KeyObject | undefined {
  try {
    return createPrivateKey(String(data['private_key']));
  } catch {
    return undefined;
  }
}

/** The issuer first. `ca_chain` is absent for a root in old versions. */
function chainIn(data: JsonObject, { chain }: PreparedIssue['issuer']): IssuedContent['chain'] {
  const texts: readonly unknown[] = [
    data['issuing_ca'],
    ...(Array.isArray(data['ca_chain']) ? data['ca_chain'] : []),
  ];
  const found = new Map(texts.flatMap(certificatesOf).map((one) => [one.fingerprint256, one]));
  const [first, ...rest] = [...found.values()];
  return first ? [first, ...rest] : chain;
}

/**
 * A PKI may return something else than was requested: with `truncate`, an expired issuer issues a certificate that ends before it begins
 * (https://github.com/hashicorp/vault/issues/30621), and a role may have changed since the present one was issued.
 */
function requireSound(
  { config }: WriteAccess,
  { leaf: old, issuer, renewal }: PreparedIssue,
  issued: IssuedContent,
): void {
  const { leaf, key, chain } = issued;
  const before = toCertificate(old);
  const fresh = toCertificate(leaf);
  const [signer] = chain;
  const ends = leaf.validToDate.getTime();
  const faults = [
    ...(leaf.validFromDate.getTime() < ends ? [] : ['ends before it begins']),
    ...(ends > Date.now() ? [] : ['has already expired']),
    ...(ends > old.validToDate.getTime() ? [] : ['ends before the present one does']),
    ...(ends <= signer.validToDate.getTime() ? [] : ['ends after its issuer']),
    ...(leaf.validFromDate.getTime() <= Date.now() + 60_000 ? [] : ['is not valid yet']),
    ...(isKeyOf(leaf, key) ? [] : ["doesn't belong to its key"]),
    ...(isIssuedBy(leaf, signer) ? [] : ["wasn't signed by its issuer"]),
    ...(signer.fingerprint256 === issuer.chain[0].fingerprint256
      ? []
      : [`was signed by another issuer than ${renewal.issuer.name}`]),
    ...(leaf.ca ? ['is a CA'] : []),
    ...(hasSame(before.alternativeNames, fresh.alternativeNames) ? [] : ['has other names']),
    ...(hasSame(old.subject.split('\n'), leaf.subject.split('\n')) ? [] : ['has another subject']),
    ...(hasSame(before.extendedKeyUsage, fresh.extendedKeyUsage) ? [] : ['has other key usages']),
  ];
  if (faults.length === 0) return;
  throw new SourceError(
    config.name,
    'malformed',
    printable(`the certificate that ${renewal.role} issued ${faults.join(', ')}: nothing was written`),
  );
}

function hasSame(some: readonly string[], others: readonly string[]): boolean {
  return isDeepStrictEqual(new Set(some), new Set(others));
}

async function verifyWritten(
  writing: WriteAccess,
  { secret }: PreparedIssue,
  values: JsonObject,
  version: number,
): Promise<void> {
  const written = await readWritten(writing, secret.path, version);
  if (isDeepStrictEqual(written.values, values)) return;
  throw new SourceError(
    writing.config.name,
    'malformed',
    printable(
      `${secret.path} was written, but the result is wrong. To roll back: vault kv rollback -version=${secret.version} ${secret.path}`,
    ),
  );
}

import type { X509Certificate } from 'node:crypto';
import type { IssuedRenewal } from '../../ports/renewals.ts';
import { SourceError } from '../../ports/source-error.ts';
import { findCertificatesInDocument } from '../../wire/find-certificates.ts';
import { displayName, isIssuedBy, printable, toCertificate } from '../../wire/x509.ts';
import { namesOfChanged } from './issued-values.ts';
import { findIssued } from './pki.ts';
import { issuerOfRole, readIssuers, type StoredIssuer } from './pki-issuers.ts';
import { readRole, type StoredRole } from './pki-roles.ts';
import { type IssuingRole, renewalAllowed } from './renew-place.ts';
import { namesNotAllowed } from './role-names.ts';
import { splitPlace } from './secret-place.ts';
import {
  keepsNumbers,
  readVersioned,
  requireUpdateCapability,
  type VersionedSecret,
  type WriteAccess,
} from './versioned.ts';

/** A certificate and what will issue its successor, as just read. The secret contains a private key. */
export interface PreparedIssue {
  readonly renewal: IssuedRenewal;
  readonly secret: VersionedSecret;
  readonly leaf: X509Certificate;
  readonly issuer: StoredIssuer;
  /** `pki/issue/edge` */
  readonly issuePath: string;
  readonly commonName?: string;
}

const DAY_SECONDS = 86_400;
/** For the time until the plan is approved and applied. */
const MARGIN_SECONDS = 3600;
/** Of those, a role can request names in a certificate. */
const KINDS_OF_NAMES: ReadonlySet<string> = new Set(['DNS', 'IP', 'URI', 'email']);

/** The secret at a place and the role that issues its certificate. undefined if the configuration names none for it. */
export function issuedBy(
  { config }: Pick<WriteAccess, 'config'>,
  place: string,
): { readonly path: string; readonly at: string; readonly by: IssuingRole } | undefined {
  if (!config.allow.renew?.issue) return undefined;
  for (const { path, at } of splitPlace(config.name, place)) {
    const by = renewalAllowed(config, path);
    if (by !== undefined && by !== 'sign') return { path, at, by };
  }
  return undefined;
}

/**
 * Plans to issue a certificate again, with the same names and a new key, without changing anything.
 * @throws {SourceError} `refused` with the reason if it can't be done safely.
 */
export async function prepareIssue(
  writing: WriteAccess,
  place: string,
  { path, at, by }: NonNullable<ReturnType<typeof issuedBy>>,
): Promise<PreparedIssue> {
  const { config, session, signal } = writing;
  await session.start(signal);
  const refuse = (because: string) => new SourceError(config.name, 'refused', printable(because));
  const mount = by.role.slice(0, by.role.lastIndexOf('/'));
  const roleName = by.role.slice(mount.length + 1);

  const secret = await readVersioned(writing, path);
  const leaf = leafAt(secret, at, refuse);
  const commonName = commonNameOf(leaf, refuse);
  const role = await readRole(writing, mount, roleName);
  const issuer = await issuerOfRole(writing, mount, role.issuerReference);
  if (!issuer) throw refuse(`the issuer ${role.issuerReference} of the role ${by.role} doesn't exist`);
  requireIssuing(role, issuer, refuse);
  requireNames(role, commonName, leaf, refuse);
  const isSameIssuer = isIssuedBy(leaf, issuer.chain[0]);
  if (!isSameIssuer && !by.alsoFromOthers) await requireIssuedHere(writing, mount, leaf, refuse);

  const { ttlSeconds, usualTtlSeconds } = ttlFor(leaf, role, issuer, refuse);
  const issuePath = `${mount}/issue/${roleName}`;
  await requireUpdateCapability(writing, [
    { at: secret.at, why: 'where the certificate is' },
    { at: issuePath, why: 'which issues the new certificate' },
  ]);
  const replaced = namesOfChanged(secret.values, leaf, issuer.chain).map(printable).toSorted();
  const { fingerprint, alternativeNames, issuer: issuerName } = toCertificate(leaf);
  return {
    secret,
    leaf,
    issuer,
    issuePath,
    ...(commonName !== undefined && { commonName }),
    renewal: {
      method: 'issue',
      place,
      name: displayName(leaf),
      fingerprint,
      notAfter: leaf.validToDate.toISOString(),
      versions: { [place]: secret.version, [issuerKey(issuer)]: toCertificate(issuer.chain[0]).fingerprint },
      role: by.role,
      ttlSeconds,
      ...(usualTtlSeconds !== undefined && { usualTtlSeconds }),
      issuer: { name: printable(issuer.name), notAfter: issuer.chain[0].validToDate.toISOString() },
      alternativeNames,
      replaced,
      kept: Object.keys(secret.values)
        .map(printable)
        .filter((name) => !replaced.includes(name))
        .toSorted(),
      ...(!isSameIssuer && { insteadOf: issuerName }),
    },
  };
}

type Refuse = (because: string) => SourceError;

function issuerKey({ name }: StoredIssuer): string {
  return `issuer ${printable(name)}`;
}

/** The certificate at a place, if it can be replaced everywhere in the secret. */
function leafAt({ path, values }: VersionedSecret, at: string, refuse: Refuse): X509Certificate {
  const { certificates } = findCertificatesInDocument(values);
  const found = certificates.find((one) => one.at === at);
  if (!found) throw refuse(`${path} contains no readable certificate at ${at.slice(1)}`);
  const [leaf] = found.chain;
  if (leaf.ca)
    throw refuse(
      `${displayName(leaf)} is a CA: renew it by hand, because it must be distributed to everything that trusts it`,
    );
  if (leaf.validFromDate.getTime() > Date.now())
    throw refuse(`${displayName(leaf)} is not valid yet: it doesn't need a renewal`);
  if (found.keyMatches !== true)
    throw refuse(
      `${path} has no readable private key that belongs to the certificate, so no new one can replace it`,
    );
  const others = certificates.filter(({ chain: [one] }) => one.fingerprint256 === leaf.fingerprint256);
  const odd = others.find((one) => typeof values[one.at.slice(1)] !== 'string' || !hasPem(values, one.at));
  if (odd)
    throw refuse(
      `${path} contains the certificate at ${odd.at.slice(1)}, in a format that can't be replaced`,
    );
  if (!keepsNumbers(values))
    throw refuse(`${path} contains a number that is too large to be written back unchanged`);
  return leaf;
}

function hasPem(values: VersionedSecret['values'], at: string): boolean {
  return /-----BEGIN (X509 |TRUSTED )?CERTIFICATE-----/.test(String(values[at.slice(1)]));
}

function commonNameOf(leaf: X509Certificate, refuse: Refuse): string | undefined {
  const { subject } = leaf.toLegacyObject();
  const found = (subject as unknown as Record<string, string | string[] | undefined> | undefined)?.['CN'];
  if (Array.isArray(found))
    throw refuse(`${displayName(leaf)} has several common names, which no role issues`);
  return found;
}

function requireIssuing({ rules, name }: StoredRole, issuer: StoredIssuer, refuse: Refuse): void {
  if (!issuer.issues) throw refuse(`the issuer ${issuer.name} may not issue certificates`);
  if (rules['key_type'] === 'any')
    throw refuse(`the role ${name} only signs requests, because its \`key_type\` is \`any\``);
}

function requireNames(
  { name, rules }: StoredRole,
  commonName: string | undefined,
  leaf: X509Certificate,
  refuse: Refuse,
): void {
  const { alternativeNames } = toCertificate(leaf);
  const odd = alternativeNames.find(
    (one) => !KINDS_OF_NAMES.has(one.slice(0, one.indexOf(':'))) || /[\uFFFD,]/.test(one),
  );
  if (odd !== undefined) throw refuse(`the name ${odd} can't be requested from a role`);
  if (commonName === undefined && rules['require_cn'] !== false)
    throw refuse(`${displayName(leaf)} has no common name, which the role ${name} requires`);
  const forbidden = namesNotAllowed(rules, commonName, alternativeNames);
  if (forbidden.length > 0)
    throw refuse(`the role ${name} doesn't allow ${forbidden.slice(0, 5).join(', ')}: add them to the role`);
}

/** By signature, else by its serial number, because its issuer may have been deleted. */
async function requireIssuedHere(
  writing: WriteAccess,
  mount: string,
  leaf: X509Certificate,
  refuse: Refuse,
): Promise<void> {
  const issuers = await readIssuers(writing, mount);
  if (issuers.some((one) => one.kind === 'stored' && isIssuedBy(leaf, one.chain[0]))) return;
  const certificate = toCertificate(leaf);
  const reading = { ...writing, config: { ...writing.config, pki: [mount] } };
  if ((await findIssued(reading, certificate)) !== undefined) return;
  throw refuse(
    `no issuer of ${mount} signed this certificate (${certificate.issuer} did): everything that verifies it may not trust ${mount}. ` +
      'If it does, set `alsoFromOthers`',
  );
}

/**
 * As long as the present one, but at least the role's default and at most its maximum. If the issuer ends before that, until a day before it at
 * most, in whole days, so that the plan stays the same while it is approved.
 */
function ttlFor(
  leaf: X509Certificate,
  { ttlSeconds, maxTtlSeconds }: StoredRole,
  issuer: StoredIssuer,
  refuse: Refuse,
): { readonly ttlSeconds: number; readonly usualTtlSeconds?: number } {
  const nowMs = Date.now();
  const presentMs = leaf.validToDate.getTime() - leaf.validFromDate.getTime();
  // Vault sets the beginning back by half a minute.
  const presentSeconds = Math.floor(presentMs / 3_600_000) * 3600;
  const usual = Math.min(Math.max(ttlSeconds, presentSeconds), maxTtlSeconds);
  const end = issuer.chain.reduce((least, one) => Math.min(least, one.validToDate.getTime()), Infinity);
  const left = (end - nowMs) / 1000 - MARGIN_SECONDS;
  const isEnough = left >= usual;
  const chosen = isEnough ? usual : Math.floor(left / DAY_SECONDS) * DAY_SECONDS;
  const ends = `its issuer ${issuer.name} expires on ${day(end)}`;
  if (end <= nowMs) throw refuse(`its issuer ${issuer.name} expired on ${day(end)}: renew the issuer first`);
  if (chosen <= 0) throw refuse(`${ends}, too soon to issue anything: renew the issuer first`);
  if (nowMs + chosen * 1000 <= leaf.validToDate.getTime())
    throw refuse(
      isEnough
        ? `the role issues for at most ${Math.floor(usual / 3600)} h, which ends before the present certificate does`
        : `${ends}, and the new certificate would end before the present one does: renew the issuer first`,
    );
  return isEnough ? { ttlSeconds: usual } : { ttlSeconds: chosen, usualTtlSeconds: usual };
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

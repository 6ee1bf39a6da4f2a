import { randomUUID } from 'node:crypto';
import { type Authority, issue, type Issued, issueSelfSigned, makeAuthority } from '../ca.ts';
import { refuse } from './refusal.ts';

const DAY_MS = 86_400_000;

export interface StoredVersion {
  readonly id: string;
  readonly createdAt: Date;
  transitional: boolean;
  /** Absent for a certificate that was set without one. */
  readonly issued?: Issued;
  /** The certificate as it is returned, if it isn't that of `issued`. */
  readonly pem?: string;
  readonly hasKey: boolean;
  readonly isAuthority: boolean;
  readonly selfSigned: boolean;
  /** Absent for versions from before the server recorded it. */
  readonly generated?: boolean;
  readonly signedBy?: string;
  /** `ca`: what signed it, and with concatenation what is trusted beside it. */
  readonly trusts: readonly string[];
  readonly commonName: string;
  readonly alternativeNames: readonly string[];
  readonly days: number;
}

export interface StoredCertificate {
  readonly id: string;
  readonly name: string;
  /** Newest first. */
  versions: StoredVersion[];
}

export interface Permission {
  readonly actor: string;
  readonly path: string;
  readonly operations: readonly string[];
}

export interface GenerateRequest {
  readonly commonName?: string;
  readonly alternativeNames?: readonly string[];
  readonly isAuthority?: boolean;
  readonly selfSigned?: boolean;
  /** The name of the authority that signs it. */
  readonly ca?: string;
  /** Default 365. */
  readonly days?: number;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  readonly transitional?: boolean;
}

export interface CredhubRules {
  /** `certificates.concatenate_cas` */
  readonly concatenates: boolean;
  /** `certificates.leaf_minimum_duration_in_days` and `ca_minimum_duration_in_days` */
  readonly minimumDays: number;
}

/** What a CredHub stores, and its rules for certificates: https://github.com/cloudfoundry/credhub */
export interface CredhubState {
  readonly certificates: Map<string, StoredCertificate>;
  readonly permissions: Permission[];
  readonly find: (name: string) => StoredCertificate | undefined;
  readonly findById: (id: string) => StoredCertificate | undefined;
  readonly findVersion: (
    id: string,
  ) => { certificate: StoredCertificate; version: StoredVersion } | undefined;
  readonly generate: (name: string, request: GenerateRequest) => Promise<StoredVersion>;
  readonly set: (name: string, version: StoredVersion) => void;
  readonly regenerate: (
    certificate: StoredCertificate,
    options?: { readonly transitional?: boolean; readonly byTransitionalParent?: boolean },
  ) => Promise<{ readonly version: StoredVersion; readonly overridden: boolean }>;
  /** Names, including those below authorities that were generated again. */
  readonly regenerateBelow: (name: string) => Promise<string[]>;
  readonly moveTransitional: (certificate: StoredCertificate, version: string | undefined) => void;
  readonly childrenOf: (name: string) => StoredCertificate[];
}

export function openState({ concatenates, minimumDays }: CredhubRules): CredhubState {
  const certificates = new Map<string, StoredCertificate>();
  const find = (name: string) => certificates.get(keyOf(name));
  let lastMs = 0;
  /** Versions are sorted by it. */
  const nextMoment = () => new Date((lastMs = Math.max(lastMs + 1, Date.now())));

  const add = (name: string, version: StoredVersion): StoredVersion => {
    const known = find(name);
    if (known) known.versions = [version, ...known.versions];
    else certificates.set(keyOf(name), { id: randomUUID(), name, versions: [version] });
    return version;
  };

  const childrenOf = (name: string): StoredCertificate[] =>
    [...certificates.values()].filter(
      (one) => one.name !== name && keyOf(one.versions[0]?.signedBy ?? '') === keyOf(name),
    );

  const make = async (
    name: string,
    wanted: GenerateRequest & { readonly byTransitionalParent?: boolean },
  ): Promise<StoredVersion> => {
    const { commonName = name.split('/').at(-1)!, alternativeNames = [commonName], days = 365 } = wanted;
    const notBefore = wanted.notBefore ?? new Date(Math.floor(Date.now() / 1000) * 1000);
    const notAfter = wanted.notAfter ?? new Date(notBefore.getTime() + days * DAY_MS);
    const isAuthority = wanted.isAuthority ?? false;
    const parent = wanted.ca === undefined ? undefined : parentOf(wanted.ca, wanted.byTransitionalParent);
    const common = { name: commonName, notBefore, notAfter };
    const issued = isAuthority
      ? await makeAuthority({ ...common, ...(parent && { issuer: parent.authority }) })
      : parent
        ? await issue(parent.authority, { ...common, names: alternativeNames })
        : await issueSelfSigned({ ...common, names: alternativeNames });
    return {
      id: randomUUID(),
      createdAt: nextMoment(),
      transitional: wanted.transitional ?? false,
      issued,
      hasKey: true,
      isAuthority,
      selfSigned: !parent,
      generated: true,
      ...(wanted.ca !== undefined && { signedBy: wanted.ca }),
      trusts: parent ? [parent.authority.certificatePem, ...parent.others] : [issued.certificatePem],
      commonName,
      alternativeNames,
      days: Math.round((notAfter.getTime() - notBefore.getTime()) / DAY_MS),
    };
  };

  const parentOf = (
    name: string,
    prefersTransitional = false,
  ): { readonly authority: Authority; readonly others: readonly string[] } => {
    const active = find(name)?.versions.find((one) => !one.transitional);
    if (!active)
      throw refuse(
        404,
        'The request could not be completed because the CA does not exist or you do not have sufficient authorization.',
      );
    if (!active.isAuthority) throw refuse(400, 'The provided certificate is not a valid CA.');
    if (!active.hasKey) throw refuse(400, 'The specified CA object does not have an associated private key.');
    const transitional = find(name)?.versions.find((one) => one.transitional);
    const signs =
      prefersTransitional && transitional && transitional.createdAt > active.createdAt
        ? transitional
        : active;
    const other = signs === active ? transitional : active;
    const others = concatenates && other?.issued ? [other.issued.certificatePem] : [];
    return { authority: signs.issued as Authority, others };
  };

  /** With concatenation, the leaves get a version with the same certificate and the other authorities. */
  const updateChildren = (name: string): void => {
    if (!concatenates) return;
    const versions = find(name)?.versions ?? [];
    const trusted = [
      versions.find((one) => !one.transitional),
      versions.find((one) => one.transitional),
    ].flatMap((one) => one?.issued?.certificatePem ?? []);
    for (const child of childrenOf(name)) {
      const [latest] = child.versions;
      const signedBy = latest?.trusts[0];
      if (!latest || signedBy === undefined) continue;
      const others = trusted.filter((pem) => pem !== signedBy).slice(0, 1);
      add(child.name, {
        ...latest,
        id: randomUUID(),
        createdAt: nextMoment(),
        transitional: false,
        trusts: [signedBy, ...others],
      });
    }
  };

  const regenerate: CredhubState['regenerate'] = async (
    certificate,
    { transitional = false, byTransitionalParent = false } = {},
  ) => {
    const base =
      certificate.versions.find((one) => !one.transitional) ?? certificate.versions.find((one) => one);
    if (!base || (base.signedBy === undefined && !base.selfSigned))
      throw refuse(
        400,
        'The credential could not be regenerated because the certificate was statically set and is not self-signed or is invalid.',
      );
    if (transitional && certificate.versions.some((one) => one.transitional))
      throw refuse(400, 'The maximum number of transitional versions for a given CA is 1.');
    const days = Math.max(base.days, minimumDays);
    const version = await make(certificate.name, {
      commonName: base.commonName,
      alternativeNames: base.alternativeNames,
      isAuthority: base.isAuthority,
      ...(base.signedBy !== undefined && !base.selfSigned && { ca: base.signedBy }),
      days,
      transitional,
      byTransitionalParent,
    });
    add(certificate.name, version);
    if (transitional) updateChildren(certificate.name);
    return { version, overridden: days !== base.days };
  };

  const regenerateBelow = async (name: string): Promise<string[]> => {
    const made: string[] = [];
    for (const child of childrenOf(name)) {
      const { version } = await regenerate(child);
      made.push(child.name);
      if (version.isAuthority) made.push(...(await regenerateBelow(child.name)));
    }
    return made.toSorted();
  };

  return {
    certificates,
    permissions: [],
    find,
    findById: (id) => [...certificates.values()].find((one) => one.id === id),
    findVersion: (id) => {
      for (const certificate of certificates.values()) {
        const version = certificate.versions.find((one) => one.id === id);
        if (version) return { certificate, version };
      }
      return undefined;
    },
    generate: async (name, request) => add(name, await make(name, request)),
    set: add,
    regenerate,
    regenerateBelow,
    moveTransitional: (certificate, id) => {
      const chosen = id === 'latest' ? certificate.versions[0]?.id : id;
      if (chosen !== undefined && !certificate.versions.some((one) => one.id === chosen))
        throw refuse(
          400,
          'The request could not be completed because the specified version does not exist or does not belong to the specified credential.',
        );
      for (const version of certificate.versions) version.transitional = version.id === chosen;
      updateChildren(certificate.name);
    },
    childrenOf,
  };
}

/** Names are not case-sensitive. */
function keyOf(name: string): string {
  return name.toLowerCase();
}

import type { Certificate } from './certificate.ts';

/**
 * A certificate that something manages under a name: a variable of CredHub, a certificate of Ops Manager, a Certificate of cert-manager, a certificate of
 * kubeadm. Known without its content, so that no private key is read.
 */
export interface ManagedCertificate {
  readonly kind: 'managed';
  /** Prefixed with the source's name: `credhub:/bosh/cf/uaa_ca`, `prod-eu:certificate/shop/shop`. */
  readonly place: string;
  /** As its manager names it: `/bosh/cf/uaa_ca`, `shop/shop`. */
  readonly name: string;
  /** Under which its manager's API knows it, if that isn't the name. */
  readonly id?: string;
  /** Newest first. Empty if nothing was issued yet. */
  readonly versions: readonly CertificateVersion[];
  /** The name of the managed certificate that signs it, as the manager says. It may have been signed by another version of that. */
  readonly signedBy?: string;
  /** The issuer's name in the certificate, in one line, if the manager shows it. */
  readonly issuer?: string;
  /** The deployments that use it, and those of them that still use an older version. Absent if the manager doesn't know. */
  readonly deployments?: readonly string[];
  readonly outdatedDeployments?: readonly string[];
  /** Who renews it: `store` when it is asked to, `automatic` by itself, `person` by hand. */
  readonly renewedBy: 'store' | 'automatic' | 'person';
  /** Where the manager documents the renewal. */
  readonly procedure?: { readonly name: string; readonly url?: string };
  /** The configuration allows asking for a renewal here. A plan shows whether everything else allows it. */
  readonly renewable?: true;
  /** Of a manager that renews by itself. */
  readonly automation?: Automation;
}

/** One version. The active one is the newest that is not transitional. */
export interface CertificateVersion {
  /** As its manager identifies it: the UUID of a version, a revision. */
  readonly id: string;
  /** Absent if the manager doesn't say. */
  readonly notBefore?: Date;
  /** Absent if the manager doesn't say. */
  readonly notAfter?: Date;
  readonly createdAt?: Date;
  /**
   * Only trusted, not used: https://github.com/pivotal/credhub-release/blob/main/docs/ca-rotation.md. At most one version of a certificate authority is
   * transitional.
   */
  readonly transitional: boolean;
  /** Absent if the manager doesn't say. */
  readonly authority?: boolean;
  readonly selfSigned?: boolean;
  /** Whether the manager generated it; it can't generate one again that was set by someone. */
  readonly generated?: boolean;
}

/** What a manager that renews by itself reports: https://cert-manager.io/docs/reference/api-docs/#cert-manager.io/v1.CertificateStatus */
export interface Automation {
  readonly createdAt?: Date;
  readonly dnsNames: readonly string[];
  readonly isAuthority: boolean;
  /** The place that it writes to: `prod-eu:shop/shop-tls`, a prefix of the {@link SeenPlace.place} of its content. */
  readonly writesTo: string;
  /** Who signs: `ClusterIssuer vault`. `storedAt` is the place of its own certificate, if the issuer is a CA that is stored beside it. */
  readonly issuer: { readonly name: string; readonly storedAt?: string };
  /** When it renews next. */
  readonly dueAt?: Date;
  readonly ready?: AutomationCondition;
  /** Present while it issues, or after an attempt failed (`status` False). */
  readonly issuing?: AutomationCondition;
  readonly failedAttempts?: number;
  readonly lastFailureAt?: Date;
  /** How often it was issued. */
  readonly revision?: number;
  /** Whether a renewal makes a new key. Absent: the default of its version, which is not known here. */
  readonly rotatesKey?: boolean;
  /** The request that is being processed, or the last one. Absent if it was not read. */
  readonly request?: {
    readonly name: string;
    readonly createdAt?: Date;
    readonly failedAt?: Date;
    readonly ready?: AutomationCondition;
  };
}

export interface AutomationCondition {
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason?: string;
  readonly message?: string;
  readonly since?: Date;
}

/** The content of one version, without its private key, which was dropped right after it was read. */
export interface VersionContent {
  readonly id: string;
  readonly createdAt?: Date;
  /** Leaf first. */
  readonly chain: readonly [Certificate, ...Certificate[]];
  /** The authorities that are handed out with it (`ca`), for those who verify it. */
  readonly trusts: readonly Certificate[];
}

/** An issuer of a PKI: it signs what is requested by its roles. */
export interface PkiIssuer {
  readonly kind: 'issuer';
  /** `vault:pki/issuer/int-2022` */
  readonly place: string;
  readonly name: string;
  /** Its own certificate first. */
  readonly chain: readonly [Certificate, ...Certificate[]];
  readonly isDefault: boolean;
  /** Whether it may issue certificates: one that was replaced often may only sign revocation lists. */
  readonly issues: boolean;
  /**
   * What happens to a request for longer than the issuer is valid: `err` it fails; `truncate` the certificate ends with the issuer; `permit` it ends
   * later than the issuer. https://developer.hashicorp.com/vault/api-docs/secret/pki#leaf_not_after_behavior
   */
  readonly beyondEnd: 'err' | 'truncate' | 'permit';
  /** The roles that use it. */
  readonly roles: readonly PkiRole[];
}

export interface PkiRole {
  readonly name: string;
  /** How long a certificate is valid if the request doesn't say, with the defaults of the mount filled in. */
  readonly ttlSeconds: number;
  /** At most. */
  readonly maxTtlSeconds: number;
  /** The role leaves at least one of them to its mount, whose own couldn't be read: the one of a new Vault is assumed. */
  readonly isAssumed?: true;
}

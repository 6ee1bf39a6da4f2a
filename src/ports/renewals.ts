/** The plan for renewing one certificate. Plain JSON. `method` says how its store renews. */
export type Renewal = SignedRenewal | RegeneratedRenewal | IssuedRenewal | RequestedRenewal;

interface PlannedRenewal {
  readonly place: string;
  /** The name to show for the certificate. */
  readonly name: string;
  /** ISO 8601: when the present one expires. */
  readonly notAfter: string;
  /** What must not change until it is renewed, by what it is: versions of secrets, ids. If someone else wrote in the meantime, nothing is written. */
  readonly versions: Readonly<Record<string, number | string>>;
}

/** Signed again by the authority stored beside it: same key, same names, new validity. */
export interface SignedRenewal extends PlannedRenewal {
  readonly method: 'sign';
  /** SHA-256 of the certificate to replace. */
  readonly fingerprint: string;
  /** The new one is valid for as long as the old one was. */
  readonly lifetimeMs: number;
  readonly authority: {
    readonly place: string;
    readonly name: string;
    /** Hex, without leading zeros; absent if the authority has no counter and a random serial is used. */
    readonly nextSerial?: string;
    /** ISO 8601: the latest expiry of what it signs. The year 9999 for a self-signed certificate, which has no such limit. */
    readonly notAfter: string;
  };
  /** Set if the hash of the signature has to change: from SHA-1 to SHA-256. */
  readonly signature?: { readonly from: string; readonly to: string };
  /** Names of everything else in the secret, which stays unchanged: `ca`, `password`. */
  readonly kept: readonly string[];
  /** Certificates after the leaf that stay. */
  readonly intermediates: number;
}

/** Generated again by its store: new key, same names. */
export interface RegeneratedRenewal extends PlannedRenewal {
  readonly method: 'regenerate';
  /** Whether the new version is only trusted until the flag is moved, as the first step of the rotation of an authority. */
  readonly asTransitional: boolean;
  /** What will sign it. Absent if it is self-signed. `notAfter` is in ISO 8601. */
  readonly signedBy?: { readonly name: string; readonly notAfter?: string };
  /** What it signs itself: names. Those certificates stay signed by the old version. */
  readonly signs: readonly string[];
}

/** Issued by a role of a PKI, with a new key, and written where its consumers read it. */
export interface IssuedRenewal extends PlannedRenewal {
  readonly method: 'issue';
  readonly fingerprint: string;
  /** `pki/edge` */
  readonly role: string;
  /** What is requested; in whole days if the issuer ends earlier than usual. */
  readonly ttlSeconds: number;
  /** What would be requested if the issuer ended later. Present only if `ttlSeconds` is less for that reason. */
  readonly usualTtlSeconds?: number;
  /** `notAfter` is in ISO 8601. */
  readonly issuer: { readonly name: string; readonly notAfter: string };
  readonly alternativeNames: readonly string[];
  /** Names of everything in the secret that stays unchanged. */
  readonly kept: readonly string[];
  /** Names of what is replaced: `certificate`, `key`, `ca_chain`. */
  readonly replaced?: readonly string[];
  /** Set if another issuer signed the present one, so that everything that verifies it must trust this issuer: the name of the other. */
  readonly insteadOf?: string;
}

/** Requested from what renews it by itself. */
export interface RequestedRenewal extends PlannedRenewal {
  readonly method: 'request';
  readonly issuer: string;
  /** The place that is written: `prod-eu:shop/shop-tls`. */
  readonly writesTo: string;
}

export interface RenewalResult {
  /** Absent if the store doesn't show the content. */
  readonly fingerprint?: string;
  readonly serial?: string;
  /** The id of the new version, if it has one. */
  readonly version?: string;
  /** ISO 8601. Absent if the store doesn't show it. */
  readonly notAfter?: string;
}

import type { ApplyContext } from './apply-context.ts';
import type { Certificate } from './certificate.ts';
import type { ManagedCertificate, PkiIssuer, VersionContent } from './managed-certificates.ts';
import type { ReadOptions } from './read-options.ts';
import type { Renewal, RenewalResult } from './renewals.ts';
import type { SourceError } from './source-error.ts';

/** A store of certificates: live TLS sites, files, a Vault. */
export interface CertificateStore {
  /** The source's name in the configuration: `edge`, `disk`, `vault`. */
  readonly name: string;
  /** `served`: its places are live sites, which present their certificate to any client; `stored`: its places contain certificates at rest. */
  readonly role: 'served' | 'stored';
  /**
   * For `stored`: where the certificates are stored. It decides what the name of a place says about its content. Absent: nothing.
   */
  readonly storedIn?: 'files' | 'secrets';
  /**
   * Reads every place and yields its content as soon as it is known, in no particular order. A place that fails is yielded as `unseen` and does not
   * end the scan.
   * @throws {SourceError} if the whole store can't be read (login refused, no response).
   */
  readonly scan: (options: ScanOptions) => AsyncIterable<ScanResult>;
  /**
   * Reads one live site now, `host:port`: one that is configured, or that the configuration allows to request by name. One result for each of its
   * certificates, and for each of its addresses if all are checked; a site that fails is an `unseen`. Never empty.
   * @throws {SourceError} `refused` if it is neither, with the setting that would allow it; `malformed` if `site` is not a site.
   */
  readonly inspectSite?: (site: string, options: InspectOptions) => Promise<readonly ScanResult[]>;
  /**
   * Plans the renewal of one certificate, without changing anything. `place` is a {@link SeenPlace.place} of this store.
   * @throws {SourceError} `refused` with the reason if it can't be renewed safely: no key next to it, no authority found, the authority next to it did
   * not sign it, no permission to write.
   */
  readonly planRenewal?: (place: string, options: PlanRenewalOptions) => Promise<Renewal>;
  /**
   * The certificates that it manages under names, without their content and without reading private keys. One that can't be read is yielded as `unseen`.
   * @throws {SourceError} if the list can't be completed. What was yielded before is valid.
   */
  readonly managed?: (options: ReadOptions) => AsyncIterable<ManagedCertificate | UnseenPlace>;
  /**
   * The content of versions of a managed certificate, by their ids. A version that no longer exists is left out. In some stores this reads the private
   * key too, which is dropped, so read only what decides something.
   * @throws {SourceError} `missing` if it doesn't exist, or the credential may not read it; `refused` if the configuration forbids reading contents.
   */
  readonly contents?: (
    place: string,
    options: ReadOptions & { readonly versions: readonly string[] },
  ) => Promise<readonly VersionContent[]>;
  /**
   * The versions of a place before the one that a scan yields, newest first, at most `most`. Empty if there are none.
   * @throws {SourceError}
   */
  readonly history?: (
    place: string,
    options: ReadOptions & { readonly most: number },
  ) => Promise<readonly VersionContent[]>;
  /**
   * The issuers of its PKIs, with their roles.
   * @throws {SourceError}
   */
  readonly issuers?: (options: ReadOptions) => AsyncIterable<PkiIssuer | UnseenPlace>;
  /**
   * Which PKI of the store issued a certificate: `vault:pki`. undefined if none has stored it, which doesn't prove that none issued it.
   * @throws {SourceError}
   */
  readonly findIssued?: (certificate: Certificate, options: ReadOptions) => Promise<string | undefined>;
}

export interface PlanRenewalOptions {
  readonly signal: AbortSignal;
  /** For an authority whose store can trust a new version before it is used: the first step of a rotation. */
  readonly asTransitional?: boolean;
}

export interface CertificateWriter {
  /**
   * Renews exactly as planned, only if everything in `versions` is still the same, and verifies the result: a certificate that ends before it begins, or
   * that doesn't have the planned names, is never written.
   * @throws {SourceError} `refused` if someone else wrote in the meantime or a rule forbids it: at most a serial was skipped; `unreachable` if the store
   * did not respond: the certificate may have been renewed.
   */
  readonly renew: (renewal: Renewal, applyContext: ApplyContext) => Promise<RenewalResult>;
}

export interface InspectOptions extends ReadOptions {
  /**
   * Called with the DER of each certificate before its result is yielded, because results have only facts. It may be called again with the same one.
   */
  readonly onCertificate?: ((der: Buffer) => void) | undefined;
}

export interface ScanOptions extends InspectOptions {
  /** Called for each place that was read and contains no certificate, or whose name shows that it does not, so that coverage can count it. */
  readonly onEmpty?: () => void;
}

export type ScanResult = SeenPlace | UnseenPlace;

/** The content of one place. A file or secret with several unrelated certificates yields one result for each. */
export interface SeenPlace {
  readonly kind: 'seen';
  /**
   * As its owner names it, prefixed with the source's name: `vault:secret/cf/bbs/locket/tls:certificate`, `edge:www.example.com:443`,
   * `disk:/etc/ssl/cf/rep.pem#2`.
   */
  readonly place: string;
  /**
   * The certificates as stored or served, leaf first. Never empty. A scan of live sites may omit what was served in addition to the leaf's complete
   * path; `inspectSite` returns everything exactly as sent.
   */
  readonly chain: readonly [Certificate, ...Certificate[]];
  /**
   * For live sites: the path a client would build from the leaf, leaf first. Of several, one whose certificates are all valid now is chosen, so other
   * certificates are not needed. It ends with the root if that was served or is configured as `trust`; a public root that was not served is omitted
   * unless it is not valid now.
   */
  readonly path?: readonly [Certificate, ...Certificate[]];
  /** Facts of the handshake, for live sites only. */
  readonly served?: Handshake;
  /** The machine or instance that stores or serves it, if known: `cp-1`, `diego-cell/1b`. */
  readonly host?: string;
  /** When the present content was written, if the store records it: the version of a secret, a file. */
  readonly storedSince?: Date;
  /** The version of the present content, if the store counts them. */
  readonly version?: string;
  /** Authorities that are stored beside it for those who verify it: `ca.crt` of a Secret. */
  readonly trusts?: readonly Certificate[];
  /** It is a bundle with which clients verify this name: `webhook.shop.svc`. */
  readonly verifies?: string;
  /**
   * The place is a list of trusted authorities of an operating system or runtime (`/etc/ssl/certs`), whose certificates are neither presented nor
   * renewed here.
   */
  readonly trustStore?: true;
  /** Whether the private key next to it belongs to the leaf; absent if no key was compared. The key itself is dropped right after it is read. */
  readonly keyMatches?: boolean;
  /**
   * The store may be able to renew it: a leaf with its key next to it, and permission to write there. A plan shows whether everything else allows it.
   */
  readonly renewable?: true;
}

/** A place that could not be read, and why. */
export interface UnseenPlace {
  readonly kind: 'unseen';
  readonly place: string;
  readonly error: SourceError;
}

/** What a TLS handshake with a live site shows besides certificates. */
export interface Handshake {
  /** The address that responded, `203.0.113.7:443`. */
  readonly address: string;
  /** How many more addresses the site has that this scan did not try because one responded. Absent if there are none, or each has its own results. */
  readonly otherAddresses?: number;
  /** The name sent as SNI; absent for an IP address. */
  readonly servername?: string;
  /** `TLSv1.3`; absent if the handshake ended before it was known. */
  readonly protocol?: string;
  /** Whether the leaf is valid for the requested name. */
  readonly nameMatches: boolean;
  /**
   * The served chain, judged without the local trust store:
   * `complete` each certificate is signed by a later one up to a root or to an authority that is self-signed or configured as trusted;
   * `incomplete` the last issuer on the leaf's path was not served and is no known public or configured root;
   * `self-signed` the leaf signs itself and is not configured as trusted; `broken` an issuer was served by name, but its key does not verify the
   * signature.
   */
  readonly path: 'complete' | 'incomplete' | 'self-signed' | 'broken';
  /** The site requires a client certificate and ends the handshake without one; its own certificate was read nevertheless. */
  readonly clientCertificateRequired: boolean;
  /** Reached only by allowing outdated protocols or algorithms. */
  readonly legacyOnly: boolean;
  /** An OCSP response came with the handshake. */
  readonly stapled: boolean;
}

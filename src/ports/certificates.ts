import type { ApplyContext } from './apply-context.ts';
import type { ReadOptions } from './read-options.ts';
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
  readonly planRenewal?: (place: string, options: { readonly signal: AbortSignal }) => Promise<Renewal>;
}

/** The plan for renewing one certificate: same key, same names, new validity. Plain JSON. */
export interface Renewal {
  readonly place: string;
  /** The name to show for the certificate. */
  readonly name: string;
  /** SHA-256 of the certificate to replace. */
  readonly fingerprint: string;
  /** ISO 8601: when the present one expires. */
  readonly notAfter: string;
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
  /** The versions that a write requires, by place. If someone else wrote in the meantime, nothing is written. */
  readonly versions: Readonly<Record<string, number>>;
}

export interface CertificateWriter {
  /**
   * Renews exactly as planned: the authority's next serial is written first, then the certificate, each only if its version is still the planned one;
   * then both are read again and verified.
   * @throws {SourceError} `refused` if someone else wrote in the meantime or a rule forbids it: at most a serial was skipped; `unreachable` if Vault
   * did not respond: the certificate may have been renewed.
   */
  readonly renew: (renewal: Renewal, applyContext: ApplyContext) => Promise<RenewalResult>;
}

export interface RenewalResult {
  readonly fingerprint: string;
  readonly serial: string;
  /** ISO 8601. */
  readonly notAfter: string;
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

/** Plain facts of one X.509 certificate. Control characters in text are replaced when it is read. */
export interface Certificate {
  /** SHA-256 of the DER, lower-case hex without separators. */
  readonly fingerprint: string;
  /** The name to show: the subject's CN, else the first subject alternative name, else `serial <hex>`. */
  readonly name: string;
  /** One line, in the order in which Node returns it: `C=US, O=Acme, CN=x`. */
  readonly subject: string;
  readonly issuer: string;
  /** Subject alternative names with their kind: `DNS:www.example.com`, `IP:10.0.0.5`, `URI:spiffe://…`. */
  readonly alternativeNames: readonly string[];
  /** Lower-case hex without leading zeros or separators; a leading `-` for a negative one. */
  readonly serial: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Whether basicConstraints says CA. */
  readonly authority: boolean;
  /** Issuer and subject are the same and its own key verifies its signature. */
  readonly selfSigned: boolean;
  readonly key: { readonly type: string; readonly bits?: number; readonly curve?: string };
  /** As OpenSSL names it: `sha256WithRSAEncryption`, `ecdsa-with-SHA256`, `ED25519`. */
  readonly signature: string;
  /** Extended key usages by name where known (`serverAuth`), else the OID. */
  readonly extendedKeyUsage: readonly string[];
  /** Requires a stapled OCSP response (OID 1.3.6.1.5.5.7.1.24). */
  readonly mustStaple: boolean;
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

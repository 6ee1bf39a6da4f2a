import type { ApplyContext } from './apply-context.ts';
import type { SourceError } from './source-error.ts';

/** One place that keeps or serves certificates: live TLS sites, files, a Vault. */
export interface CertificateStore {
  /** The source's name in the configuration: `edge`, `disk`, `vault`. */
  readonly name: string;
  /** `served`: its places are live sites, which present their certificate to whoever connects; `stored`: its places hold certificates at rest. */
  readonly role: 'served' | 'stored';
  /**
   * For `stored`: where the certificates are stored. What the name of a place says about its content depends on it; where absent, a name says
   * nothing.
   */
  readonly storedIn?: 'files' | 'secrets';
  /**
   * Reads every place and yields what each one holds as soon as it is known, in no particular order.
   * One place that fails is yielded as `unseen` and does not end the scan.
   * @throws {SourceError} where the whole store could not be asked (login refused, no response).
   */
  readonly scan: (options: ScanOptions) => AsyncIterable<ScanResult>;
  /**
   * Reads one live site now, `host:port`: one that is configured, or that the configuration allows to be asked for by name.
   * One result for each of its certificates, and of its addresses where all are asked; a site that fails is an `unseen`. Never empty.
   * @throws {SourceError} `refused` where it is neither, saying which setting would allow it; `malformed` where `site` is not a site.
   */
  readonly inspectSite?: (site: string, options: InspectOptions) => Promise<readonly ScanResult[]>;
  /**
   * Works out how one certificate would be renewed, changing nothing. `place` is a {@link SeenPlace.place} of this store.
   * @throws {SourceError} `refused` where it cannot be renewed safely, saying why: no key beside it, no authority found, the authority
   * beside it did not sign it, no permission to write.
   */
  readonly planRenewal?: (place: string, options: { readonly signal: AbortSignal }) => Promise<Renewal>;
}

/** How one certificate would be renewed: same key, same names, a new time. Plain JSON. */
export interface Renewal {
  readonly place: string;
  /** What to call the certificate. */
  readonly name: string;
  /** SHA-256 of the certificate that is to be replaced. */
  readonly fingerprint: string;
  /** ISO 8601: when the present one ends. */
  readonly notAfter: string;
  /** The new one is valid as long as the old one was. */
  readonly lifetimeMs: number;
  readonly authority: {
    readonly place: string;
    readonly name: string;
    /** Hex, without leading zeros; absent where the authority keeps no count and a random one is taken. */
    readonly nextSerial?: string;
    /** ISO 8601: nothing that it signs is valid for longer. For a certificate that signs itself there is no such end: the year 9999. */
    readonly notAfter: string;
  };
  /** Set where the signature's hash cannot stay as it was: from SHA-1 to SHA-256. */
  readonly signature?: { readonly from: string; readonly to: string };
  /** Names of everything else in the secret, which stays as it is: `ca`, `password`. */
  readonly kept: readonly string[];
  /** Certificates behind the leaf that stay. */
  readonly intermediates: number;
  /** Versions that a write is bound to, by place: another writer in between, and nothing is written. */
  readonly versions: Readonly<Record<string, number>>;
}

export interface CertificateWriter {
  /**
   * Renews exactly as planned: the authority's next serial is written first, then the certificate, each bound to the version that was
   * planned with; then both are read again and verified.
   * @throws {SourceError} `refused` if somebody else wrote in between or a rule forbids it: at most a serial was skipped;
   * `unreachable` where Vault did not respond: the certificate may have been renewed.
   */
  readonly renew: (renewal: Renewal, applyContext: ApplyContext) => Promise<RenewalResult>;
}

export interface RenewalResult {
  readonly fingerprint: string;
  readonly serial: string;
  /** ISO 8601. */
  readonly notAfter: string;
}

export interface InspectOptions {
  readonly signal: AbortSignal;
  /** Called with the DER of each certificate of a result, before that: results have only facts. It may be called again with the same one. */
  readonly onCertificate?: ((der: Buffer) => void) | undefined;
}

export interface ScanOptions extends InspectOptions {
  /** Called for each place that was read and holds no certificate, or whose names alone show that it does not: coverage may count it. */
  readonly onEmpty?: () => void;
}

export type ScanResult = SeenPlace | UnseenPlace;

/** What one place holds. A file or secret with several unrelated certificates yields one result for each. */
export interface SeenPlace {
  readonly kind: 'seen';
  /** As its owner names it, with the source's name first: `vault:secret/cf/bbs/locket/tls:certificate`, `edge:www.example.com:443`, `disk:/etc/ssl/cf/rep.pem#2`. */
  readonly place: string;
  /**
   * The certificates as held or served; the leaf is the first. Never empty. A scan of live sites may leave out what was served
   * beside a leaf's complete path; `inspectSite` shows everything exactly as sent.
   */
  readonly chain: readonly [Certificate, ...Certificate[]];
  /**
   * For live sites: the path a client would build from the leaf, leaf first. Of several, one whose certificates are all valid now is chosen,
   * so what is not on it is not needed. It ends with the root where that was served or is configured as `trust`; a public root that was not served is left out, unless it is not valid now.
   */
  readonly path?: readonly [Certificate, ...Certificate[]];
  /** Facts of the handshake, for live sites only. */
  readonly served?: Handshake;
  /** The place is an operating system's or runtime's list of trusted authorities (`/etc/ssl/certs`): nobody here presents what is in it, or could renew it. */
  readonly trustStore?: true;
  /** Whether the private key beside it belongs to the leaf; absent where no key was compared. The key itself is dropped where it is read. */
  readonly keyMatches?: boolean;
  /** Its store could renew it: a leaf with its key beside it, and permission to write there. Planning shows whether everything else allows it. */
  readonly renewable?: true;
}

/** A place that could not be read, and why. */
export interface UnseenPlace {
  readonly kind: 'unseen';
  readonly place: string;
  readonly error: SourceError;
}

/** Plain facts of one X.509 certificate. Text is cleaned of control characters where it is read. */
export interface Certificate {
  /** SHA-256 of the DER, lower-case hex without separators. */
  readonly fingerprint: string;
  /** What to call it: the subject's CN, else the first subject alternative name, else `serial <hex>`. */
  readonly name: string;
  /** One line, RFC 2253 order as Node gives it: `C=US, O=Acme, CN=x`. */
  readonly subject: string;
  readonly issuer: string;
  /** Subject alternative names with their kind: `DNS:www.example.com`, `IP:10.0.0.5`, `URI:spiffe://…`. */
  readonly alternativeNames: readonly string[];
  /** Lower-case hex without leading zeros or separators; a leading `-` for a negative one. */
  readonly serial: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** basicConstraints says CA. */
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

/** What a live TLS site showed besides its certificates. */
export interface Handshake {
  /** The address that responded, `203.0.113.7:443`. */
  readonly address: string;
  /** How many more addresses the site has, of which this scan tries none once one has responded. Absent where there are none, or each has results of its own. */
  readonly otherAddresses?: number;
  /** The name asked for with SNI; absent where an IP address was asked. */
  readonly servername?: string;
  /** `TLSv1.3`; absent where the handshake ended before it was known. */
  readonly protocol?: string;
  /** Whether the leaf is valid for the name asked for. */
  readonly nameMatches: boolean;
  /**
   * The served chain judged by itself, without the local trust store:
   * `complete` each certificate is signed by a later one up to a root or to an authority that is self-signed or configured as trusted;
   * `incomplete` the last issuer on the leaf's path was not served and is no known public or configured root;
   * `self-signed` the leaf signs itself and is not configured as trusted; `broken` an issuer was served by name, but its key does not verify the signature.
   */
  readonly path: 'complete' | 'incomplete' | 'self-signed' | 'broken';
  /** The site asks for a client certificate and ends the handshake without one; its certificate was read all the same. */
  readonly clientCertificateRequired: boolean;
  /** Reached only by allowing outdated protocols or algorithms. */
  readonly legacyOnly: boolean;
  /** An OCSP response came with the handshake. */
  readonly stapled: boolean;
}

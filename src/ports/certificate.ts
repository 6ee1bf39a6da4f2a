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
  /** SHA-256 of the public key (SubjectPublicKeyInfo), lower-case hex: the same after a renewal that keeps the key. */
  readonly publicKey: string;
  /** Key identifiers, lower-case hex: https://www.rfc-editor.org/rfc/rfc5280#section-4.2.1.1. Absent if the certificate has none. */
  readonly subjectKeyId?: string;
  readonly authorityKeyId?: string;
  /** The DER in base64, to verify signatures: of authorities, and of certificates without `authorityKeyId`. Absent for all others, to save memory. */
  readonly der?: string;
  /** As OpenSSL names it: `sha256WithRSAEncryption`, `ecdsa-with-SHA256`, `ED25519`. */
  readonly signature: string;
  /** Extended key usages by name where known (`serverAuth`), else the OID. */
  readonly extendedKeyUsage: readonly string[];
  /** Requires a stapled OCSP response (OID 1.3.6.1.5.5.7.1.24). */
  readonly mustStaple: boolean;
}

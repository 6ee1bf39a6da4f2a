import { constants, type X509Certificate } from 'node:crypto';
import { createSecureContext, DEFAULT_CIPHERS, type SecureContext } from 'node:tls';
import { getOrCreate } from '../../wire/get-or-create.ts';

/** Types of key; a server may have a certificate for each. */
export type KeyType = 'RSA' | 'ECDSA' | 'EdDSA';

export const KEY_TYPES: readonly KeyType[] = ['RSA', 'ECDSA', 'EdDSA'];

/** TLS signature schemes: https://www.iana.org/assignments/tls-parameters/tls-parameters.xhtml#tls-signaturescheme */
const RSA_PKCS1 = ['rsa_pkcs1_sha256', 'rsa_pkcs1_sha384', 'rsa_pkcs1_sha512'];
const SIGNATURES: Readonly<Record<KeyType, readonly string[]>> = {
  RSA: [
    'rsa_pss_rsae_sha256',
    'rsa_pss_rsae_sha384',
    'rsa_pss_rsae_sha512',
    'rsa_pss_pss_sha256',
    'rsa_pss_pss_sha384',
    'rsa_pss_pss_sha512',
    ...RSA_PKCS1,
  ],
  ECDSA: [
    'ecdsa_secp256r1_sha256',
    'ecdsa_secp384r1_sha384',
    'ecdsa_secp521r1_sha512',
    'ecdsa_brainpoolP256r1tls13_sha256',
    'ecdsa_brainpoolP384r1tls13_sha384',
    'ecdsa_brainpoolP512r1tls13_sha512',
  ],
  EdDSA: ['ed25519', 'ed448'],
};

const TYPES: Readonly<Record<string, KeyType>> = {
  rsa: 'RSA',
  'rsa-pss': 'RSA',
  ec: 'ECDSA',
  ed25519: 'EdDSA',
  ed448: 'EdDSA',
};

/** @returns undefined for any other key, and for one that this OpenSSL doesn't support. */
export function keyTypeOf(certificate: X509Certificate): KeyType | undefined {
  try {
    return TYPES[certificate.publicKey.asymmetricKeyType ?? ''];
  } catch {
    return undefined;
  }
}

/**
 * One context for all handshakes of a kind, because creating one costs more than a handshake. `ca: []` trusts nothing, so that no local
 * certificate is added to a chain.
 */
const contexts = new Map<string, SecureContext>();

export function modernContext(): SecureContext {
  return getOrCreate(contexts, 'modern', () => createSecureContext({ ca: [] }));
}

const LEGACY = {
  minVersion: 'TLSv1',
  ciphers: 'DEFAULT@SECLEVEL=0',
  secureOptions: constants.SSL_OP_LEGACY_SERVER_CONNECT,
} as const;

export function legacyContext(): SecureContext {
  return getOrCreate(contexts, 'legacy', () => createSecureContext({ ...LEGACY, ca: [] }));
}

/**
 * Accepts only server certificates with a key of these types. The signature algorithms decide (RFC 8446, section 4.2.3), and until TLS 1.2
 * also the cipher suites, because some servers choose by them. EdDSA shares its suites with ECDSA there, so EdDSA without ECDSA can only be
 * requested in TLS 1.3.
 *
 * PKCS #1 signatures of RSA are offered even if RSA is not requested: some servers also check the signatures in the chain, which are mostly
 * by an RSA CA. TLS 1.3 doesn't let a server prove its own key with these.
 */
export function contextFor(keyTypes: readonly KeyType[], isLegacy = false): SecureContext {
  return getOrCreate(contexts, [isLegacy, ...keyTypes].join(), () => {
    const own = keyTypes.flatMap((keyType) => SIGNATURES[keyType]);
    const isWithRsa = keyTypes.includes('RSA');
    const leftOut = `${isWithRsa ? '' : ':!aRSA'}${keyTypes.includes('ECDSA') ? '' : ':!aECDSA'}`;
    // Before TLS 1.2, no signature algorithms are offered.
    if (isLegacy) return createSecureContext({ ...LEGACY, ca: [], ciphers: `${LEGACY.ciphers}${leftOut}` });
    return createSecureContext({
      ca: [],
      sigalgs: [...own, ...(isWithRsa ? [] : RSA_PKCS1)].join(':'),
      ciphers: `${DEFAULT_CIPHERS}${leftOut}`,
    });
  });
}

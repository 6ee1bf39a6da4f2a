import { hasCertificateEnding, namesCertificateFile, namesPemFile } from '../../wire/certificate-names.ts';

const REQUEST = /(?<![a-z])(csr|req|request)(?![a-z])/i;

/** What a file without certificates holds instead. */
export interface OtherContent {
  /** Signing requests. */
  readonly requests: number;
  /** Private and public keys, parameters, revocation lists. */
  readonly keysAndLists: number;
}

/** Whether something that cannot be read as a file is named like a certificate. */
export function isPromising(name: string): boolean {
  return hasCertificateEnding(name) || namesPemFile(name);
}

/**
 * Whether it is a gap that a file holds no certificate.
 * `.pem` is for keys too, as in `privkey.pem`; a signing request in it is only expected where the name says so.
 * @param literal it is configured by exactly this name, so anything unknown in it is a gap
 */
export function missesCertificate(
  name: string,
  literal: boolean,
  { requests, keysAndLists }: OtherContent,
): boolean {
  if (namesCertificateFile(name)) return true;
  if (namesPemFile(name) && requests > 0 && !REQUEST.test(name)) return true;
  return (literal || namesPemFile(name)) && requests + keysAndLists === 0;
}

import { hasCertificateEnding, namesCertificateFile, namesPemFile } from '../../wire/certificate-names.ts';

const REQUEST = /(?<![a-z])(csr|req|request)(?![a-z])/i;

/** What a file without certificates contains instead. */
export interface OtherContent {
  /** Signing requests. */
  readonly requests: number;
  /** Private and public keys, parameters, revocation lists. */
  readonly keysAndLists: number;
}

/** Whether something that can't be read as a file is named like a certificate. */
export function isPromising(name: string): boolean {
  return hasCertificateEnding(name) || namesPemFile(name);
}

/**
 * Whether it is a gap that a file contains no certificate. `.pem` is used for keys too, as in `privkey.pem`; a signing request in it is
 * only expected if the name says so.
 * @param literal whether it is configured by exactly this name, so that anything unknown in it is a gap
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

import { basename } from 'node:path';
import type { Certificate } from '../ports/certificate.ts';

/**
 * Where operating systems store the CAs that they trust.
 *
 * - Debian: https://manpages.debian.org/bookworm/ca-certificates/update-ca-certificates.8.en.html
 * - Fedora and RHEL: https://docs.fedoraproject.org/en-US/quick-docs/using-shared-system-certificates/
 * - Arch: https://man.archlinux.org/man/update-ca-trust.8
 * - SUSE: https://github.com/openSUSE/ca-certificates
 * - all of them, as in Go: https://github.com/golang/go/blob/master/src/crypto/x509/root_linux.go
 */
const FOLDERS = [
  '/etc/ssl/certs/',
  '/usr/lib/ssl/certs/',
  '/usr/share/ca-certificates/',
  '/usr/local/share/ca-certificates/',
  '/etc/ca-certificates/',
  '/etc/pki/ca-trust/',
  '/etc/pki/java/',
  '/etc/pki/tls/certs/',
  '/etc/pki/trust/',
  '/usr/share/pki/',
  '/var/lib/ca-certificates/',
];
const FILES = [
  '/etc/ssl/cert.pem',
  '/etc/ssl/ca-bundle.pem',
  '/etc/pki/tls/cert.pem',
  '/etc/pki/tls/cacert.pem',
];

/**
 * Generated lists and Java's, also if they are copied elsewhere. Not `cacert.pem` and `ca-bundle.crt`, because people use these names for
 * their own CAs.
 */
const NAMES = new Set(['ca-certificates.crt', 'tls-ca-bundle.pem', 'cacerts', 'jssecacerts']);

/** Mozilla's list has about 140 roots; no platform operates twenty of its own. */
const MANY_AUTHORITIES = 20;

/** Whether a path is the list of trusted CAs of an operating system or a runtime. */
export function isTrustStorePath(path: string): boolean {
  return (
    NAMES.has(basename(path)) || FILES.includes(path) || FOLDERS.some((folder) => path.startsWith(folder))
  );
}

/** Whether a file is such a list, whatever its name, such as the `cacert.pem` of curl and Python. */
export function isTrustStoreContent(chains: readonly (readonly Certificate[])[]): boolean {
  const roots = new Set(
    chains
      .flat()
      .filter(isRoot)
      .map(({ fingerprint }) => fingerprint),
  );
  return roots.size >= MANY_AUTHORITIES;
}

/** Other certificates may be among the CAs, such as Debian's `ssl-cert-snakeoil.pem`. */
export function isRoot({ authority, selfSigned }: Certificate): boolean {
  return authority && selfSigned;
}

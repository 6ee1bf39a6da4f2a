import type { CertificateStore, ScanOptions, ScanResult } from '../../ports/certificates.ts';
import type { SourceRecorder } from '../../ports/recorder.ts';
import type { Source } from '../../ports/source.ts';
import { SourceError } from '../../ports/source-error.ts';
import { readCertificate } from '../../wire/x509.ts';
import type { OpsmanConfig } from './config.ts';
import { checkOpsmanHealth, readOpsmanPermissions } from './health-check.ts';
import { listManaged, listRootAuthorities, type RootAuthority } from './managed.ts';
import { openOpsmanSession } from './session.ts';

/** An Ops Manager, read-only. Opening it reads no files and sends no requests. No call that it makes returns a private key. */
export function openOpsman(config: OpsmanConfig, recorder?: SourceRecorder): Source {
  const { name } = config;
  const session = openOpsmanSession(config, recorder);
  const reader: CertificateStore = {
    name,
    role: 'stored',
    storedIn: 'secrets',
    scan: async function* (options) {
      const authorities = await listRootAuthorities({ source: name, session, signal: options.signal });
      for (const one of authorities) if (one.isActive) yield toPlace(name, one, options);
    },
    managed: ({ signal }) => listManaged({ source: name, session, signal }),
  };
  return {
    name,
    kind: 'opsman',
    reads: { certificates: reader },
    healthCheck: (signal) => checkOpsmanHealth(name, session, signal),
    permissions: (signal) => readOpsmanPermissions(session, signal),
    close: session.close,
  };
}

function toPlace(
  source: string,
  { guid, pem = '' }: RootAuthority,
  { onCertificate }: ScanOptions,
): ScanResult {
  const place = `${source}:certificate_authorities/${guid}`;
  try {
    const certificate = readCertificate(pem);
    onCertificate?.(Buffer.from(certificate.der ?? '', 'base64'));
    return { kind: 'seen', place, chain: [certificate] };
  } catch {
    const error = new SourceError(source, 'malformed', "the certificate of this authority can't be parsed");
    return { kind: 'unseen', place, error };
  }
}

import type { Recordable, SourceRecorder } from '../../ports/recorder.ts';
import { findCertificates } from '../../wire/find-certificates.ts';
import { asObject, type JsonObject } from '../../wire/json-object.ts';

const REDACTED = '[redacted]';

/** Members of responses that are read. Others, such as metadata, may contain what no one expects. */
const READ: ReadonlySet<string> = new Set(
  (
    'error error_description status auth-server url app name version ' +
    'certificates id signed_by signs versions expiry_date transitional certificate_authority self_signed generated ' +
    'type version_created_at duration_overridden duration_used expires_in scope token_type path operations actor'
  ).split(' '),
);

/** A recorder without the secrets of a CredHub: of a credential it keeps only the certificates, of a login only its scopes. */
export function withoutCredhubKeys(recorder: SourceRecorder): SourceRecorder {
  return {
    ...recorder,
    http: (question, send) => recorder.http(question, send, keepRead),
  };
}

const keepRead: Recordable = (body) => {
  if (typeof body === 'string' && body.includes('-----')) return REDACTED;
  if (Array.isArray(body)) return body.map(keepRead);
  if (typeof body !== 'object' || body === null) return body;
  return Object.fromEntries(
    Object.entries(body as JsonObject).flatMap(([key, value]) => {
      if (key === 'value') return [[key, certificatesOf(asObject(value))] as const];
      if (key === 'data') return [[key, keepRead(value)] as const];
      return READ.has(key) ? [[key, keepRead(value)] as const] : [];
    }),
  );
};

/** Of the value of a credential. A key is recorded as present or not, because that decides whether an authority can sign. */
function certificatesOf({ ca, certificate, private_key: key }: JsonObject): JsonObject {
  return {
    ca: certificatesOnly(ca),
    certificate: certificatesOnly(certificate),
    private_key: key === null || key === undefined ? key : REDACTED,
  };
}

function certificatesOnly(value: unknown): unknown {
  if (typeof value !== 'string') return value === undefined ? undefined : null;
  const chains = findCertificates(value).certificates.map(({ chain }) => chain);
  if (chains.length === 0) return value === '' ? '' : REDACTED;
  return chains.flat().map(String).join('');
}

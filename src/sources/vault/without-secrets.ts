import type { SourceRecorder } from '../../ports/recorder.ts';
import { findCertificates } from '../../wire/find-certificates.ts';
import { asObject } from '../../wire/json-object.ts';

const REDACTED = '[redacted]';

/**
 * A recorder without the secrets of a Vault: it keeps names and the certificates in values, and replaces all other values. Whatever isn't
 * known to be harmless counts as a secret. `pki` names the mounts whose issuers and roles are recorded with their facts.
 */
export function withoutSecrets(recorder: SourceRecorder, pki: readonly string[] = []): SourceRecorder {
  return {
    ...recorder,
    http: (question, send) =>
      recorder.http(question, send, (body) => recordableBody(question.url, body, pki)),
  };
}

/** Vault's responses about itself, and lists of names, contain no secrets; all other responses may be of a key-value mount. */
function recordableBody(url: string, body: unknown, pki: readonly string[]): unknown {
  const { pathname, searchParams } = new URL(url);
  const isOfPki = pki.some((mount) =>
    ['issuer', 'roles'].some((what) => pathname.startsWith(`/v1/${mount}/${what}/`)),
  );
  if (pathname.startsWith('/v1/sys/') || searchParams.get('list') === 'true') return body;
  if (typeof body !== 'object') return REDACTED;
  const fields = Object.entries(asObject(body)).map(([name, value]) => {
    if (name === 'errors' || name === 'warnings') return [name, value] as const;
    if (name === 'data' && isOfPki) return [name, withFacts(value, PKI_FACTS)] as const;
    if (name !== 'data' || !pathname.includes('/data/')) return [name, withoutValues(value)] as const;
    return [name, withoutValues(value, VERSION_FACTS)] as const;
  });
  return Object.fromEntries(fields);
}

/**
 * The metadata that version 2 of the key-value engine adds to a secret. It is recognized only in this format, because a secret of version 1
 * can have any names.
 */
const VERSION_FACTS: Readonly<Record<string, (value: unknown) => boolean>> = {
  created_time: isTime,
  deletion_time: (value) => value === '' || isTime(value),
  destroyed: (value) => typeof value === 'boolean',
  version: (value) => Number.isInteger(value) && Number(value) < 100_000,
};

/** What a PKI says about an issuer or a role. It is recognized only in this format, because `pki` may name another kind of mount. */
const PKI_FACTS: Readonly<Record<string, (value: unknown) => boolean>> = {
  issuer_id: isName,
  issuer_name: isName,
  issuer_ref: isName,
  key_id: isName,
  leaf_not_after_behavior: isName,
  usage: (value) => typeof value === 'string' && /^[a-z-]{1,30}(,[a-z-]{1,30}){0,9}$/.test(value),
  revoked: (value) => typeof value === 'boolean',
  ttl: isDuration,
  max_ttl: isDuration,
};

function isName(value: unknown): boolean {
  return typeof value === 'string' && /^[\w-]{0,64}$/.test(value);
}

function isDuration(value: unknown): boolean {
  return Number.isInteger(value) || (typeof value === 'string' && /^(\d{1,10}[smhd]?){1,4}$/.test(value));
}

function withFacts(value: unknown, facts: typeof PKI_FACTS): unknown {
  const kept = Object.entries(asObject(value)).filter(([fact, one]) => facts[fact]?.(one) === true);
  return { ...asObject(withoutValues(value)), ...Object.fromEntries(kept) };
}

function isTime(value: unknown): boolean {
  return (
    typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/.test(value)
  );
}

/** The same structure and names, with certificates as values. `facts` are kept under `metadata`. */
function withoutValues(value: unknown, facts: typeof VERSION_FACTS = {}): unknown {
  if (value === null || value === undefined) return value;
  if (typeof value === 'string') return certificatesOnly(value);
  if (Array.isArray(value)) return value.map((item: unknown) => withoutValues(item));
  if (typeof value !== 'object') return REDACTED;
  const fields = Object.entries(value).map(([name, item]: [string, unknown]) => {
    if (name !== 'metadata') return [name, withoutValues(item)] as const;
    return [name, withFacts(item, facts)] as const;
  });
  return Object.fromEntries(fields);
}

function certificatesOnly(value: string): string {
  const chains = findCertificates(value).certificates.map(({ chain }) => chain);
  return chains.length === 0 ? REDACTED : chains.flat().map(String).join('');
}

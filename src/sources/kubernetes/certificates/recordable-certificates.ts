import type { Recordable } from '../../../ports/recorder.ts';
import { findCertificates } from '../../../wire/find-certificates.ts';
import { asObject, type JsonObject } from '../../../wire/json-object.ts';
import { asContent, fromBase64 } from './authorities.ts';

/** Not base64, so that nothing takes it for a key. */
const REDACTED = '[redacted]';

/**
 * What may be recorded of a response that may contain private keys or passwords: only what is read, and of values only certificates. undefined for all
 * other URLs.
 */
export function certificateRecordable(url: string): Recordable | undefined {
  const { pathname } = new URL(url);
  const part = PARTS.find(([path]) => path.test(pathname))?.[1];
  if (!part) return undefined;
  return (body) => {
    if (typeof body !== 'object' || body === null || Array.isArray(body)) return REDACTED;
    const object = body as JsonObject;
    if (object['kind'] === 'Status') return object;
    const { items } = object;
    if (!Array.isArray(items)) return withMetadata(object, part);
    return {
      ...pick(object, ['kind', 'apiVersion', 'metadata']),
      items: items.map((item: unknown) => withMetadata(asObject(item), part)),
    };
  };
}

type PartOf = (object: JsonObject) => JsonObject;

/** By path. Lists of APIs, and reviews of permissions, contain nothing private. */
const PARTS: readonly (readonly [RegExp, PartOf])[] = [
  [/^\/api\/v1\/(?:.+\/)?secrets(?:\/|$)/, secretPart],
  [/^\/api\/v1\/(?:.+\/)?configmaps(?:\/|$)/, configMapPart],
  [/^\/apis\/cert-manager\.io\/v1\/./, certManagerPart],
  [
    /^\/apis\/(?:admissionregistration|apiregistration|apiextensions)\.k8s\.io\/v1\/./,
    (object) => clientConfigPart(pick(object, ['webhooks', 'spec'])),
  ],
];

function withMetadata(object: JsonObject, part: PartOf): JsonObject {
  return { ...pick(object, ['kind', 'apiVersion', 'metadata']), ...part(object) };
}

function secretPart(secret: JsonObject): JsonObject {
  return { ...pick(secret, ['type', 'immutable']), data: encodedOnly(secret['data']) };
}

function configMapPart(configMap: JsonObject): JsonObject {
  const texts = Object.entries(asObject(configMap['data'])).map(([name, value]) => [
    name,
    typeof value === 'string' ? (certificatesIn(value) ?? REDACTED) : REDACTED,
  ]);
  return { data: Object.fromEntries(texts), binaryData: encodedOnly(configMap['binaryData']) };
}

function certManagerPart(object: JsonObject): JsonObject {
  const spec = asObject(object['spec']);
  return {
    spec: {
      ...pick(spec, ['secretName', 'dnsNames', 'issuerRef', 'isCA']),
      privateKey: pick(asObject(spec['privateKey']), ['rotationPolicy']),
      ca: pick(asObject(spec['ca']), ['secretName']),
    },
    status: pick(asObject(object['status']), [
      'conditions',
      'notBefore',
      'notAfter',
      'renewalTime',
      'revision',
      'lastFailureTime',
      'failedIssuanceAttempts',
      'failureTime',
    ]),
  };
}

/** How the API server calls something, at any depth. Schemas of custom resources aren't read. */
function clientConfigPart(object: JsonObject): JsonObject {
  const kept = [
    'name',
    'service',
    'strategy',
    'webhook',
    'webhooks',
    'clientConfig',
    'conversion',
    'spec',
    'namespace',
  ];
  const fields = Object.entries(object).flatMap(([name, value]): readonly (readonly [string, unknown])[] => {
    if (name === 'caBundle') return [[name, encodedCertificates(value)]];
    if (name === 'url')
      return typeof value === 'string' && URL.canParse(value) ? [[name, new URL(value).origin]] : [];
    if (!kept.includes(name)) return [];
    if (Array.isArray(value)) return [[name, value.map((one: unknown) => clientConfigPart(asObject(one)))]];
    return [
      [name, typeof value === 'object' && value !== null ? clientConfigPart(value as JsonObject) : value],
    ];
  });
  return Object.fromEntries(fields);
}

function encodedOnly(data: unknown): JsonObject {
  return Object.fromEntries(
    Object.entries(asObject(data)).map(([name, value]) => [name, encodedCertificates(value)]),
  );
}

/** The certificates in a base64 value, as base64. An empty value stays empty. */
function encodedCertificates(value: unknown): string {
  const bytes = fromBase64(value);
  if (bytes?.length === 0) return '';
  const found = bytes && certificatesIn(asContent(bytes));
  return found === undefined ? REDACTED : Buffer.from(found).toString('base64');
}

/** As PEM; undefined if there are none. */
function certificatesIn(content: Buffer | string): string | undefined {
  const chains = findCertificates(content).certificates.map(({ chain }) => chain);
  return chains.length === 0 ? undefined : chains.flat().map(String).join('');
}

function pick(object: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([name]) => names.includes(name)));
}

import { randomUUID } from 'node:crypto';
import type { Issued } from '../ca.ts';
import type { ApiObject } from './resources.ts';

const encode = (text: string): string => Buffer.from(text).toString('base64');

interface SecretRequest {
  readonly namespace?: string;
  readonly type?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** By key, not encoded. */
  readonly data: Readonly<Record<string, string>>;
  /** When the data was last written, and by whom. Default: unknown. */
  readonly written?: { readonly by: string; readonly at: string };
}

export function secretObject(name: string, request: SecretRequest): ApiObject {
  const { namespace = 'default', type = 'kubernetes.io/tls', labels, data, written } = request;
  return {
    metadata: {
      name,
      namespace,
      uid: randomUUID(),
      resourceVersion: '1',
      creationTimestamp: '2026-01-05T08:00:00Z',
      ...(labels && { labels }),
      ...(written && { managedFields: [fieldsOf(written, Object.keys(data))] }),
    },
    type,
    data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, encode(value)])),
  };
}

function fieldsOf({ by, at }: { readonly by: string; readonly at: string }, keys: readonly string[]): object {
  const owned = Object.fromEntries([['.', {}], ...keys.map((key) => [`f:${key}`, {}])]);
  return {
    manager: by,
    operation: 'Apply',
    apiVersion: 'v1',
    time: at,
    fieldsType: 'FieldsV1',
    fieldsV1: { 'f:data': owned, 'f:type': {} },
  };
}

/** What cert-manager and `kubectl create secret tls` write. */
export function tlsData(
  { certificatePem, keyPem }: Pick<Issued, 'certificatePem' | 'keyPem'>,
  { authorityPem, servedPem = '' }: { readonly authorityPem?: string; readonly servedPem?: string } = {},
): Readonly<Record<string, string>> {
  return {
    'tls.crt': certificatePem + servedPem,
    'tls.key': keyPem,
    ...(authorityPem !== undefined && { 'ca.crt': authorityPem }),
  };
}

interface CertificateRequest {
  readonly namespace?: string;
  readonly uid?: string;
  readonly spec?: object;
  /** Merged into the status of one that was issued. */
  readonly status?: object;
}

/** A Certificate of cert-manager that was issued four times and is not due. */
export function certificateObject(name: string, request: CertificateRequest = {}): ApiObject {
  const { namespace = 'default', uid = randomUUID(), spec, status } = request;
  return {
    apiVersion: 'cert-manager.io/v1',
    kind: 'Certificate',
    metadata: {
      name,
      namespace,
      uid,
      resourceVersion: '1',
      generation: 5,
      creationTimestamp: '2026-01-05T08:00:00Z',
    },
    spec: {
      secretName: `${name}-tls`,
      dnsNames: [`${name}.example.org`],
      issuerRef: { name: 'lab', kind: 'Issuer', group: 'cert-manager.io' },
      ...spec,
    },
    status: {
      conditions: [READY],
      notBefore: '2026-10-01T00:00:00Z',
      notAfter: '2026-12-30T00:00:00Z',
      renewalTime: '2026-11-30T00:00:00Z',
      revision: 4,
      ...status,
    },
  };
}

export const READY = {
  type: 'Ready',
  status: 'True',
  reason: 'Ready',
  message: 'Certificate is up to date and has not expired',
  lastTransitionTime: '2026-10-01T00:00:05Z',
  observedGeneration: 5,
} as const;

export const ISSUING = {
  type: 'Issuing',
  status: 'True',
  reason: 'Renewing',
  message: 'Renewing certificate as renewal was scheduled at 2026-10-25 13:37:21 +0000 UTC',
  lastTransitionTime: '2026-10-25T13:37:21Z',
  observedGeneration: 5,
} as const;

/** A CertificateRequest for a revision of a Certificate. */
export function certificateRequestObject(
  name: string,
  {
    namespace = 'default',
    certificate,
    revision,
    createdAt = '2026-10-25T13:50:05Z',
    status = {},
  }: {
    readonly namespace?: string;
    readonly certificate: string;
    readonly revision: number;
    readonly createdAt?: string;
    readonly status?: object;
  },
): ApiObject {
  return {
    apiVersion: 'cert-manager.io/v1',
    kind: 'CertificateRequest',
    metadata: {
      name,
      namespace,
      uid: randomUUID(),
      resourceVersion: '1',
      creationTimestamp: createdAt,
      annotations: {
        'cert-manager.io/certificate-name': certificate,
        'cert-manager.io/certificate-revision': String(revision),
      },
    },
    spec: { issuerRef: { name: 'lab', kind: 'Issuer', group: 'cert-manager.io' } },
    status,
  };
}

/** An Issuer that is a CA, or a ClusterIssuer without a namespace. */
export function issuerObject(name: string, secretName: string, namespace?: string): ApiObject {
  return {
    apiVersion: 'cert-manager.io/v1',
    kind: namespace === undefined ? 'ClusterIssuer' : 'Issuer',
    metadata: {
      name,
      ...(namespace !== undefined && { namespace }),
      uid: randomUUID(),
      resourceVersion: '1',
    },
    spec: { ca: { secretName } },
    status: { conditions: [{ ...READY, reason: 'KeyPairVerified', message: 'Signing CA verified' }] },
  };
}

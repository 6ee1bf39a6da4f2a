import type {
  Automation,
  AutomationCondition,
  CertificateVersion,
  ManagedCertificate,
} from '../../../ports/managed-certificates.ts';
import { asObject, type JsonObject, listIn, textIn } from '../../../wire/json-object.ts';
import { printable } from '../../../wire/x509.ts';
import { dateIn, optionalDate, textListIn, wholeNumberIn } from '../json-values.ts';

/** In characters. Messages of issuers may quote whole responses. */
const MAX_MESSAGE = 500;
const MAX_NAMES = 500;

/** Where the issuers of a cluster store their own certificates, by {@link issuerKey}. */
export type StoredIssuers = ReadonlyMap<string, string>;

/** Identifies an issuer: a ClusterIssuer has no namespace. */
export function issuerKey(kind: string, namespace: string, name: string): string {
  return kind === 'ClusterIssuer' ? `${kind}/${name}` : `${kind}/${namespace}/${name}`;
}

export interface ManagedFacts {
  readonly source: string;
  readonly issuers: StoredIssuers;
  readonly isRenewable: boolean;
}

/** `prod-eu:certificates/shop/shop` */
export function placeOfCertificate(source: string, namespace: string, name: string): string {
  return printable(`${source}:certificates/${namespace}/${name}`);
}

/**
 * Maps a `Certificate` of cert-manager that has a name:
 * https://cert-manager.io/docs/reference/api-docs/#cert-manager.io/v1.Certificate
 */
export function toManaged(facts: ManagedFacts, item: JsonObject): ManagedCertificate {
  const { source, isRenewable } = facts;
  const metadata = asObject(item['metadata']);
  const namespace = textIn(metadata, 'namespace') ?? '';
  const name = textIn(metadata, 'name') ?? '';
  return {
    kind: 'managed',
    place: placeOfCertificate(source, namespace, name),
    name: printable(`${namespace}/${name}`),
    versions: versionsIn(item),
    renewedBy: 'automatic',
    procedure: { name: 'cmctl renew', url: 'https://cert-manager.io/docs/reference/cmctl/#renew' },
    ...(isRenewable && { renewable: true as const }),
    automation: toAutomation(facts, item, namespace),
  };
}

/** The present one. cert-manager keeps no former ones. */
function versionsIn(item: JsonObject): readonly CertificateVersion[] {
  const spec = asObject(item['spec']);
  const status = asObject(item['status']);
  const revision = wholeNumberIn(status, 'revision');
  const notAfter = dateIn(status, 'notAfter');
  if (revision === undefined && !notAfter) return [];
  return [
    {
      id: String(revision ?? 0),
      ...optionalDate('notBefore', status),
      ...(notAfter && { notAfter }),
      transitional: false,
      authority: spec['isCA'] === true,
      generated: true,
    },
  ];
}

function toAutomation({ source, issuers }: ManagedFacts, item: JsonObject, namespace: string): Automation {
  const spec = asObject(item['spec']);
  const status = asObject(item['status']);
  const issuer = asObject(spec['issuerRef']);
  const kind = textIn(issuer, 'kind') ?? 'Issuer';
  const issuerName = textIn(issuer, 'name') ?? '';
  const storedAt = issuers.get(issuerKey(kind, namespace, issuerName));
  const ready = conditionIn(status, 'Ready');
  const issuing = conditionIn(status, 'Issuing');
  const failedAttempts = wholeNumberIn(status, 'failedIssuanceAttempts');
  const revision = wholeNumberIn(status, 'revision');
  const rotatesKey = rotatesKeyIn(spec);
  return {
    ...optionalDate('createdAt', asObject(item['metadata']), 'creationTimestamp'),
    dnsNames: textListIn(spec, 'dnsNames').slice(0, MAX_NAMES).map(printable),
    isAuthority: spec['isCA'] === true,
    writesTo: printable(`${source}:${namespace}/${textIn(spec, 'secretName') ?? ''}`),
    issuer: { name: printable(`${kind} ${issuerName}`), ...(storedAt !== undefined && { storedAt }) },
    ...optionalDate('dueAt', status, 'renewalTime'),
    ...(ready && { ready }),
    ...(issuing && { issuing }),
    ...(failedAttempts !== undefined && { failedAttempts }),
    ...optionalDate('lastFailureAt', status, 'lastFailureTime'),
    ...(revision !== undefined && { revision }),
    ...(rotatesKey !== undefined && { rotatesKey }),
  };
}

/** Without a policy it is `Never` before cert-manager 1.18, and `Always` from then on: https://cert-manager.io/docs/releases/release-notes/release-notes-1.18/ */
function rotatesKeyIn(spec: JsonObject): boolean | undefined {
  const policy = textIn(asObject(spec['privateKey']), 'rotationPolicy');
  return policy === undefined ? undefined : policy === 'Always';
}

/** A condition in a status; undefined if there is none. */
export function conditionIn(status: JsonObject, type: string): AutomationCondition | undefined {
  const condition = listIn(status, 'conditions').find((one) => one['type'] === type);
  if (!condition) return undefined;
  const known = ['True', 'False'].find((value) => value === condition['status']);
  const reason = textIn(condition, 'reason');
  const message = textIn(condition, 'message');
  return {
    status: known === 'True' || known === 'False' ? known : 'Unknown',
    ...(reason !== undefined && { reason: cut(reason) }),
    ...(message !== undefined && { message: cut(message) }),
    ...optionalDate('since', condition, 'lastTransitionTime'),
  };
}

function cut(text: string): string {
  const clean = printable(text);
  return clean.length > MAX_MESSAGE ? `${clean.slice(0, MAX_MESSAGE)}…` : clean;
}

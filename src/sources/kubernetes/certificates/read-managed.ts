import type { UnseenPlace } from '../../../ports/certificates.ts';
import type { ManagedCertificate } from '../../../ports/managed-certificates.ts';
import type { ReadOptions } from '../../../ports/read-options.ts';
import { SourceError } from '../../../ports/source-error.ts';
import { asObject, type JsonObject, textIn } from '../../../wire/json-object.ts';
import { printable } from '../../../wire/x509.ts';
import { type FindRequest, openRequestFinder } from './issuing-requests.ts';
import { type CertificateReading, listObjects, namespacesOf, type ObjectKind } from './list-objects.ts';
import { issuerKey, type StoredIssuers, toManaged } from './to-managed.ts';

export const CERTIFICATES = {
  kind: 'Certificate',
  rule: { verb: 'list', group: 'cert-manager.io', resource: 'certificates' },
} as const satisfies ObjectKind;
export const ISSUERS = {
  kind: 'Issuer',
  rule: { verb: 'list', group: 'cert-manager.io', resource: 'issuers' },
} as const satisfies ObjectKind;
export const CLUSTER_ISSUERS = {
  kind: 'ClusterIssuer',
  rule: { verb: 'list', group: 'cert-manager.io', resource: 'clusterissuers' },
} as const satisfies ObjectKind;

/** The last version before v1 that a cluster may serve instead of it: https://cert-manager.io/docs/releases/upgrading/remove-deprecated-apis/ */
const OLD_VERSION = 'v1alpha2';

/**
 * The Certificates of cert-manager. Nothing if it is not installed.
 * @throws {SourceError} if the only list can't be completed. Of several namespaces, one that can't be read is yielded as `unseen`.
 */
export async function* readManaged(
  reading: CertificateReading,
  { isRenewable, ...options }: ReadOptions & { readonly isRenewable: boolean },
): AsyncGenerator<ManagedCertificate | UnseenPlace> {
  const { source, connection } = reading;
  const { issuers, unread } = await readIssuers(reading, options);
  const findRequest = openRequestFinder(reading, options);
  const facts = { source, issuers, isRenewable };
  let hasAny = false;
  for (const namespace of namespacesOf(reading.options))
    try {
      const map = (item: JsonObject) => ({ item: namesOf(item), managed: toManaged(facts, item) });
      for await (const page of listObjects(CERTIFICATES, { connection, namespace, map, options }))
        for (const { item, managed } of page) {
          hasAny = true;
          yield await withRequest(managed, item, findRequest);
        }
    } catch (error) {
      if (!(error instanceof SourceError)) throw error;
      if (await isNotInstalled(reading, error, options)) return;
      if (namespace === undefined) throw error;
      yield { kind: 'unseen', place: `${source}:certificates/${namespace}`, error };
    }
  if (hasAny) yield* unread;
}

function namesOf(item: JsonObject): { readonly namespace: string; readonly name: string } {
  const metadata = asObject(item['metadata']);
  return { namespace: textIn(metadata, 'namespace') ?? '', name: textIn(metadata, 'name') ?? '' };
}

/** Only of a Certificate whose last request says something: one that is being issued, or is not ready. */
async function withRequest(
  managed: ManagedCertificate,
  { namespace, name }: ReturnType<typeof namesOf>,
  findRequest: FindRequest,
): Promise<ManagedCertificate> {
  const { automation } = managed;
  if (!automation || (!automation.issuing && automation.ready?.status === 'True')) return managed;
  const request = await findRequest(namespace, name);
  return request ? { ...managed, automation: { ...automation, request } } : managed;
}

/**
 * Where the issuers that are CAs store their certificates. Without them, nothing shows that a certificate is signed by a former key of its issuer, so a
 * missing permission is `unseen`.
 * A ClusterIssuer's Secret is in a namespace that the cluster doesn't show: https://cert-manager.io/docs/configuration/#cluster-resource-namespace
 */
async function readIssuers(
  reading: CertificateReading,
  options: ReadOptions,
): Promise<{ readonly issuers: StoredIssuers; readonly unread: readonly UnseenPlace[] }> {
  const { source, connection } = reading;
  const { clusterResourceNamespace } = reading.options;
  const stored = new Map<string, string>();
  const unread: UnseenPlace[] = [];
  const read = async (kind: ObjectKind, namespace?: string): Promise<void> => {
    const map = (item: JsonObject) => {
      const names = namesOf(item);
      const secret = textIn(asObject(asObject(item['spec'])['ca']), 'secretName');
      const own = kind === CLUSTER_ISSUERS ? clusterResourceNamespace : names.namespace;
      if (secret !== undefined && own !== undefined)
        stored.set(
          issuerKey(kind.kind, names.namespace, names.name),
          printable(`${source}:${own}/${secret}`),
        );
      return undefined;
    };
    try {
      for await (const _ of listObjects(kind, { connection, namespace, map, options }));
    } catch (error) {
      if (!(error instanceof SourceError)) throw error;
      const place = [`${source}:${kind.rule.resource}`, namespace]
        .filter((part) => part !== undefined)
        .join('/');
      if (error.kind !== 'missing') unread.push({ kind: 'unseen', place, error });
    }
  };
  await Promise.all([
    ...namespacesOf(reading.options).map((namespace) => read(ISSUERS, namespace)),
    ...(clusterResourceNamespace === undefined ? [] : [read(CLUSTER_ISSUERS)]),
  ]);
  return { issuers: stored, unread };
}

/**
 * Whether cert-manager is absent. RBAC is checked before the path, so without permission its absence is a 403 too; everyone may read which APIs exist.
 * @throws {SourceError} if it is so old that it can't be read.
 */
async function isNotInstalled(
  { source, connection }: CertificateReading,
  error: SourceError,
  { signal }: ReadOptions,
): Promise<boolean> {
  if (error.kind !== 'missing' && error.kind !== 'refused') return false;
  const isServed = async (version: string): Promise<boolean> => {
    const { answer } = await connection.send({
      make: ({ custom }) => custom.getAPIResources('cert-manager.io', version),
      rule: CERTIFICATES.rule,
      what: 'the APIs of cert-manager',
      signal,
    });
    // Everything but "no such API" means that it may be there.
    return answer.status !== 404;
  };
  if (error.kind === 'refused' && (await isServed('v1'))) return false;
  if (error.kind === 'missing' && (await isServed(OLD_VERSION)))
    throw new SourceError(
      source,
      'malformed',
      'cert-manager is older than 1.0, which is not supported: upgrade it, or set `certManager: none`',
    );
  return true;
}

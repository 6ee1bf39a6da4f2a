import type { Automation } from '../../../ports/managed-certificates.ts';
import type { ReadOptions } from '../../../ports/read-options.ts';
import { SourceError } from '../../../ports/source-error.ts';
import { asObject, type JsonObject, listIn, textIn } from '../../../wire/json-object.ts';
import { printable } from '../../../wire/x509.ts';
import { optionalDate } from '../json-values.ts';
import { type CertificateReading, listObjects, type ObjectKind } from './list-objects.ts';
import { conditionIn } from './to-managed.ts';

export const REQUESTS = {
  kind: 'CertificateRequest',
  rule: { verb: 'list', group: 'cert-manager.io', resource: 'certificaterequests' },
} as const satisfies ObjectKind;

type IssuingRequest = NonNullable<Automation['request']>;

/** A request, and what decides whether it is the newest of its Certificate. */
interface KnownRequest {
  readonly certificate: string;
  readonly revision: number;
  readonly request: IssuingRequest;
}

/** So that an outage of an issuer doesn't lead to thousands of requests. */
const MAX_NAMESPACES = 50;

/** Finds the newest CertificateRequest of a Certificate; undefined if there is none or it couldn't be read. */
export type FindRequest = (namespace: string, certificate: string) => Promise<IssuingRequest | undefined>;

/** Reads the requests of a namespace when they are needed first. */
export function openRequestFinder({ connection }: CertificateReading, options: ReadOptions): FindRequest {
  const byNamespace = new Map<string, Promise<ReadonlyMap<string, KnownRequest>>>();
  const read = async (namespace: string): Promise<ReadonlyMap<string, KnownRequest>> => {
    const newest = new Map<string, KnownRequest>();
    const pages = listObjects(REQUESTS, { connection, namespace, map: toRequest, options });
    try {
      for await (const page of pages)
        for (const one of page) {
          const known = newest.get(one.certificate);
          if (!known || isNewer(one, known)) newest.set(one.certificate, one);
        }
    } catch (error) {
      // They only say why a Certificate is not issued. Part of the list doesn't show which request is the newest.
      if (!(error instanceof SourceError)) throw error;
      return new Map();
    }
    return newest;
  };
  return async (namespace, certificate) => {
    const known = byNamespace.get(namespace);
    if (!known && byNamespace.size >= MAX_NAMESPACES) return undefined;
    const reading = known ?? read(namespace);
    if (!known) byNamespace.set(namespace, reading);
    return (await reading).get(certificate)?.request;
  };
}

function toRequest(item: JsonObject): KnownRequest | undefined {
  const metadata = asObject(item['metadata']);
  const annotations = asObject(metadata['annotations']);
  const owner = listIn(metadata, 'ownerReferences').find(({ kind }) => kind === 'Certificate');
  const certificate =
    textIn(annotations, 'cert-manager.io/certificate-name') ?? (owner && textIn(owner, 'name'));
  if (certificate === undefined) return undefined;
  const status = asObject(item['status']);
  const ready = conditionIn(status, 'Ready');
  return {
    certificate,
    revision: Number.parseInt(textIn(annotations, 'cert-manager.io/certificate-revision') ?? '0', 10) || 0,
    request: {
      name: printable(textIn(metadata, 'name') ?? ''),
      ...optionalDate('createdAt', metadata, 'creationTimestamp'),
      ...optionalDate('failedAt', status, 'failureTime'),
      ...(ready && { ready }),
    },
  };
}

/** A revision is requested again after a failure, so the time decides between equal ones. */
function isNewer(one: KnownRequest, other: KnownRequest): boolean {
  if (one.revision !== other.revision) return one.revision > other.revision;
  return (one.request.createdAt?.getTime() ?? 0) > (other.request.createdAt?.getTime() ?? 0);
}

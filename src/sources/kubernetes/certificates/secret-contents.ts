import { createPrivateKey } from 'node:crypto';
import type { Certificate } from '../../../ports/certificate.ts';
import type { InspectOptions, ScanResult, SeenPlace } from '../../../ports/certificates.ts';
import { SourceError } from '../../../ports/source-error.ts';
import { findCertificatesInDocument } from '../../../wire/find-certificates.ts';
import { asObject, type JsonObject, textIn } from '../../../wire/json-object.ts';
import { printable, toCertificate } from '../../../wire/x509.ts';
import { dateIn } from '../json-values.ts';
import { asContent, bundleResults, fromBase64, type openBundleReader, unseen } from './authorities.ts';

interface SecretReading extends Pick<InspectOptions, 'onCertificate'> {
  readonly source: string;
  readonly readBundle: ReturnType<typeof openBundleReader>;
}

const CERTIFICATE = 'tls.crt';
const KEY = 'tls.key';
const AUTHORITY = 'ca.crt';

/**
 * The certificates of one Secret. Private keys are compared with them and dropped here. A Secret that should have a certificate but has none that can
 * be read is an `unseen`.
 */
export function secretContents(reading: SecretReading, secret: JsonObject): readonly ScanResult[] {
  const metadata = asObject(secret['metadata']);
  const place = `${reading.source}:${textIn(metadata, 'namespace') ?? ''}/${textIn(metadata, 'name') ?? ''}`;
  const data = asObject(secret['data']);
  const isOfTls = textIn(secret, 'type') === 'kubernetes.io/tls';
  const found = { reading, place, data, secret };
  return isOfTls ? tlsContents(found) : otherContents(found);
}

interface FoundSecret {
  readonly reading: SecretReading;
  readonly place: string;
  readonly data: JsonObject;
  readonly secret: JsonObject;
}

/** Only the three keys with a meaning: others may repeat the certificate in other formats, such as keystores with a password. */
function tlsContents(found: FoundSecret): readonly ScanResult[] {
  const { reading, place, data, secret } = found;
  const { source, readBundle, onCertificate } = reading;
  const authority = fromBase64(data[AUTHORITY]);
  const bundle =
    authority && authority.length > 0 ? readBundle(asContent(authority)) : { certificates: [], ders: [] };
  const since = storedSinceOf(secret, CERTIFICATE);
  const authoritySince = storedSinceOf(secret, AUTHORITY);
  const stored = fromBase64(data[CERTIFICATE]);
  const own = stored ? pairContents(found, stored, { trusts: bundle.certificates, ...since }) : [];
  return [
    ...(own.length > 0
      ? own
      : [unseen(source, `${place}:${CERTIFICATE}`, whyNone(data[CERTIFICATE], stored))]),
    ...keyFault(found, own),
    ...(data[AUTHORITY] === undefined || authority?.length === 0
      ? []
      : bundleResults(source, `${place}:${AUTHORITY}`, bundle, { onCertificate, ...authoritySince })),
  ];
}

function whyNone(value: unknown, stored: Buffer | undefined): string {
  if (value === undefined || stored?.length === 0)
    return 'it is empty: nothing was issued yet, or it was deleted';
  return stored ? 'it contains no certificate' : 'it is not base64';
}

function pairContents(
  { reading: { source, onCertificate }, place, data }: FoundSecret,
  stored: Buffer,
  { trusts, ...facts }: Pick<SeenPlace, 'storedSince'> & { readonly trusts: readonly Certificate[] },
): readonly ScanResult[] {
  const key = fromBase64(data[KEY]);
  const { certificates, unreadable } = findCertificatesInDocument({
    [CERTIFICATE]: asContent(stored),
    ...(key && { [KEY]: asContent(key) }),
  });
  return [
    ...certificates
      .filter(({ at }) => at.startsWith(`:${CERTIFICATE}`))
      .map(({ at, chain: [leaf, ...rest], keyMatches }): ScanResult => {
        for (const { raw } of [leaf, ...rest]) onCertificate?.(raw);
        return {
          kind: 'seen',
          place: printable(place + at),
          chain: [toCertificate(leaf), ...rest.map(toCertificate)],
          ...(trusts.length > 0 && { trusts }),
          ...(keyMatches !== undefined && { keyMatches }),
          ...facts,
        };
      }),
    ...unreadable
      .filter(({ at }) => at.startsWith(`:${CERTIFICATE}`))
      .map(({ at, because }) => unseen(source, place + at, because)),
  ];
}

/** A leaf without a key that can be read can't be served. In a recording, no key is base64. */
function keyFault(
  { reading: { source }, place, data }: FoundSecret,
  own: readonly ScanResult[],
): readonly ScanResult[] {
  const needsKey = own.some(
    (one) => one.kind === 'seen' && !one.chain[0].authority && one.keyMatches === undefined,
  );
  const value = data[KEY] ?? '';
  const key = fromBase64(value);
  if (!needsKey || !key || canBeRead(key)) return [];
  const because = key.length === 0 ? 'it is empty' : 'it contains no private key that can be read';
  return [unseen(source, `${place}:${KEY}`, because)];
}

function canBeRead(key: Buffer): boolean {
  try {
    createPrivateKey(key);
    return true;
  } catch {
    return false;
  }
}

/** Any values, in any format. */
function otherContents({
  reading: { source, onCertificate },
  place,
  data,
  secret,
}: FoundSecret): readonly ScanResult[] {
  const decoded = Object.entries(data).map(([name, value]) => [name, fromBase64(value)] as const);
  const values = decoded.flatMap(([name, bytes]) => (bytes ? [[name, asContent(bytes)] as const] : []));
  const { certificates, unreadable } = findCertificatesInDocument(Object.fromEntries(values));
  return [
    ...certificates.map(({ at, chain: [leaf, ...rest], keyMatches }): ScanResult => {
      for (const { raw } of [leaf, ...rest]) onCertificate?.(raw);
      return {
        kind: 'seen',
        place: printable(place + at),
        chain: [toCertificate(leaf), ...rest.map(toCertificate)],
        ...(keyMatches !== undefined && { keyMatches }),
        ...storedSinceOf(secret, dataKey(at, data)),
      };
    }),
    ...unreadable.map(({ at, because, locked }): ScanResult => ({
      kind: 'unseen',
      place: printable(place + at),
      error: new SourceError(source, locked ? 'refused' : 'malformed', because),
    })),
    ...decoded
      .filter(([, bytes]) => !bytes)
      .map(([name]) => unseen(source, `${place}:${name}`, 'it is not base64')),
  ];
}

/** The key of `data` in a place within it: `ca.pem` of `:ca.pem#2`. Keys may contain dots. */
function dataKey(at: string, data: JsonObject): string {
  const names = Object.keys(data).filter((name) => at.startsWith(`:${name}`));
  return names.toSorted((one, other) => other.length - one.length)[0] ?? '';
}

/**
 * When the value was last written, which is when the manager of its field last changed any of its fields:
 * https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/object-meta/#ObjectMeta. The time of creation says nothing about it, except for
 * a Secret that can't be changed.
 */
function storedSinceOf(secret: JsonObject, key: string): Pick<SeenPlace, 'storedSince'> {
  const metadata = asObject(secret['metadata']);
  const managers = Array.isArray(metadata['managedFields'])
    ? (metadata['managedFields'] as readonly unknown[]).map(asObject)
    : [];
  const times = managers
    .filter((one) => {
      const fields = asObject(asObject(one['fieldsV1'])['f:data']);
      return Object.hasOwn(fields, `f:${key}`);
    })
    .flatMap((one) => dateIn(one, 'time') ?? []);
  const latest = times.toSorted((one, other) => other.getTime() - one.getTime())[0];
  const since = latest ?? (secret['immutable'] === true ? dateIn(metadata, 'creationTimestamp') : undefined);
  return since ? { storedSince: since } : {};
}

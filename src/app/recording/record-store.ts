import { createHash, X509Certificate } from 'node:crypto';
import type {
  CertificateStore,
  InspectOptions,
  ScanOptions,
  ScanResult,
  UnseenPlace,
} from '../../ports/certificates.ts';
import { asJson, questionLine, recordQuestion } from './record-question.ts';
import { toRecordedError } from './recorded-error.ts';
import type { Note, RecordedError, RecordedPlace } from './recording.ts';

/** The same store; each place is noted with its certificates, and how each reading ended. */
export function recordStore(store: CertificateStore, note: Note): CertificateStore {
  const { name, inspectSite } = store;
  return {
    ...store,
    scan: (options) => recordScan(store, options, note),
    ...(inspectSite && {
      inspectSite: async (site, options) => {
        const request = `inspect ${site}`;
        const pems = collectPems(options);
        try {
          const results = await inspectSite(site, { ...options, onCertificate: pems.onCertificate });
          for (const result of results)
            note({ request, place: result.place }, () => toRecordedPlace(name, result, pems));
          note({ request }, () => ({ empty: 0 }));
          return results;
        } catch (error) {
          note({ request }, () => ({ empty: 0, error: toRecordedError(name, error) }));
          throw error;
        }
      },
    }),
    ...recordManaged(store, note),
  };
}

type ManagedReaders = Pick<CertificateStore, 'managed' | 'contents' | 'history' | 'issuers' | 'findIssued'>;

/** What the store knows without reading places. */
function recordManaged(store: CertificateStore, note: Note): ManagedReaders {
  const { name: source, managed, contents, history, issuers, findIssued } = store;
  const question = (asked: string, query: object) => ({ source, note, request: questionLine(asked, query) });
  return {
    ...(managed && { managed: (options) => recordItems(question('managed', {}), managed(options)) }),
    ...(issuers && { issuers: (options) => recordItems(question('issuers', {}), issuers(options)) }),
    ...(contents && {
      contents: (place, options) =>
        recordQuestion(question('contents', { place, ...options }), () => contents(place, options)),
    }),
    ...(history && {
      history: (place, options) =>
        recordQuestion(question('history', { place, ...options }), () => history(place, options)),
    }),
    ...(findIssued && {
      findIssued: (certificate, options) =>
        recordQuestion(question('findIssued', { serial: certificate.serial }), () =>
          findIssued(certificate, options),
        ),
    }),
  };
}

/** The same items; they are noted once, also if reading fails or stops. */
async function* recordItems<Item extends { readonly kind: string }>(
  { source, note, request }: Parameters<typeof recordQuestion>[0],
  items: AsyncIterable<Item | UnseenPlace>,
): AsyncGenerator<Item | UnseenPlace, void> {
  const answer: unknown[] = [];
  let error: RecordedError | undefined;
  try {
    for await (const item of items) {
      answer.push('error' in item ? { ...item, error: toRecordedError(source, item.error) } : item);
      yield item;
    }
  } catch (thrown) {
    error = toRecordedError(source, thrown);
    throw thrown;
  } finally {
    note({ request }, () => ({ answer: asJson(answer), ...(error && { error }) }));
  }
}

async function* recordScan(
  store: CertificateStore,
  options: ScanOptions,
  note: Note,
): AsyncGenerator<ScanResult, void, undefined> {
  const { name } = store;
  const request = 'scan';
  const { onCertificate, pemOf } = collectPems(options);
  let empty = 0;
  let error: RecordedError | undefined;
  const onEmpty = () => {
    empty += 1;
    options.onEmpty?.();
  };
  try {
    for await (const result of store.scan({ ...options, onEmpty, onCertificate })) {
      note({ request, place: result.place }, () => toRecordedPlace(name, result, { pemOf }));
      yield result;
    }
  } catch (thrown) {
    error = toRecordedError(name, thrown);
    throw thrown;
  } finally {
    note({ request }, () => ({ empty, ...(error && { error }) }));
  }
}

interface Pems {
  readonly onCertificate: (der: Buffer) => void;
  readonly pemOf: (fingerprint: string) => string;
}

/** The certificates that results are about, by their fingerprints. */
function collectPems(options: InspectOptions): Pems {
  const ders = new Map<string, Buffer>();
  return {
    onCertificate: (der) => {
      ders.set(createHash('sha256').update(der).digest('hex'), der);
      options.onCertificate?.(der);
    },
    pemOf: (fingerprint) => {
      const der = ders.get(fingerprint);
      return der ? new X509Certificate(der).toString() : `SHA-256 ${fingerprint}`;
    },
  };
}

function toRecordedPlace(
  name: string,
  result: ScanResult,
  { pemOf }: Pick<Pems, 'pemOf'>,
): Pick<RecordedPlace, 'certificates' | 'path' | 'facts' | 'error'> {
  if (result.kind === 'unseen') return { error: toRecordedError(name, result.error) };
  const { kind: _kind, place: _place, chain, path, ...facts } = result;
  const fingerprints = chain.map(({ fingerprint }) => fingerprint);
  const indexOrPem = (fingerprint: string) => {
    const index = fingerprints.indexOf(fingerprint);
    return index >= 0 ? index : pemOf(fingerprint);
  };
  return {
    certificates: fingerprints.map(pemOf),
    ...(path && { path: path.map(({ fingerprint }) => indexOrPem(fingerprint)) }),
    ...(Object.keys(facts).length > 0 && { facts: asJson(facts) as NonNullable<RecordedPlace['facts']> }),
  };
}

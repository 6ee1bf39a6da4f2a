import { setImmediate } from 'node:timers/promises';
import { SourceError } from '../../ports/source-error.ts';
import { parseJson } from '../../text/parse-json.ts';
import { asObject } from '../../wire/json-object.ts';
import { splitJsonArray } from '../../wire/split-json-array.ts';
import type { CredhubSession } from './session.ts';

/** 20,000 certificates with thirty versions each have about 130 MB. */
const MAX_BYTES = 200_000_000;
/** A longer list is parsed in parts, which takes longer in all, but little more memory than its text. */
const MAX_PARSED_AT_ONCE = 16_000_000;
/** Other work waits for no more than these. */
const ENTRIES_AT_ONCE = 1_000;
/** Many times those of the largest foundations. A list without end would fill the memory. */
const MAX_CERTIFICATES = 200_000;

/** The list of all certificates. */
export interface CertificateEntryList {
  /** The parsed entries, some at a time. It can be called again. @throws {SourceError} `malformed` */
  readonly parts: () => AsyncGenerator<readonly unknown[], void>;
}

/** @throws {SourceError} */
export async function readCertificateList(
  session: CredhubSession,
  signal: AbortSignal,
): Promise<CertificateEntryList> {
  const malformed = (message: string): SourceError =>
    new SourceError(session.source, 'malformed', `${session.host} ${message}`);
  const { text } = await session.request({ path: '/api/v1/certificates', maxBytes: MAX_BYTES, signal });
  const list = text.length > MAX_PARSED_AT_ONCE ? splitList(text) : parseList(text);
  if (!list) throw malformed('did not respond with a list of certificates');
  if (list === 'too-many' || list.length > MAX_CERTIFICATES)
    throw malformed(`listed more than ${MAX_CERTIFICATES} certificates`);
  return {
    parts: async function* () {
      for (let from = 0; from < list.length; from += ENTRIES_AT_ONCE) {
        const part = list.slice(from, from + ENTRIES_AT_ONCE);
        if (!part) throw malformed('did not respond with a list of certificates');
        yield part;
        await setImmediate();
        signal.throwIfAborted();
      }
    },
  };
}

interface ParsedList {
  readonly length: number;
  /** undefined if they are not JSON. */
  readonly slice: (from: number, to: number) => readonly unknown[] | undefined;
}

function parseList(text: string): ParsedList | undefined {
  const { certificates } = asObject(parseJson(text));
  return Array.isArray(certificates) ? certificates : undefined;
}

function splitList(text: string): ParsedList | 'too-many' | undefined {
  const split = splitJsonArray(text, 'certificates', MAX_CERTIFICATES);
  if (split === 'too-many') return split;
  if (!split || parseJson(split.head) === undefined) return undefined;
  const { elements } = split;
  const slice: ParsedList['slice'] = (from, to) => {
    const part = parseJson(`[${elements.slice(from, to).join(',')}]`);
    return Array.isArray(part) ? part : undefined;
  };
  return { length: elements.length, slice };
}

import { setImmediate } from 'node:timers/promises';
import type { RequestContext } from '@kubernetes/client-node/dist/gen/http/http.js';
import type { HttpAnswer } from '../../ports/recorder.ts';
import type { ReadOptions } from '../../ports/read-options.ts';
import { SourceError } from '../../ports/source-error.ts';
import { parseJson } from '../../text/parse-json.ts';
import { asObject, type JsonObject, textIn } from '../../wire/json-object.ts';
import { splitJsonArray } from '../../wire/split-json-array.ts';
import type { ClusterConnection } from './connection.ts';
import { type AnswerContext, errorOfAnswer, objectIn, statusObject } from './explain-answer.ts';
import type { AccessRule } from './permissions.ts';
import type { RequestFactories } from './request-factories.ts';
import { makeSeenKeys } from './seen-keys.ts';

/** A list of the API. */
export interface ListRequest<T> extends ReadOptions {
  readonly connection: ClusterConnection;
  readonly rule: AccessRule;
  /** The resource, for messages: `nodes`, `pods`. */
  readonly items: string;
  /** The kind of the list: `NodeList`. */
  readonly kind: string;
  readonly make: (factories: RequestFactories, page: PageRequest) => Promise<RequestContext>;
  /** Maps one item, which is known to have a name. Undefined drops it. */
  readonly map: (item: JsonObject) => T | undefined;
  /** How many items a page has at most; 500 by default. */
  readonly pageSize?: number;
}

export interface PageRequest {
  readonly limit: number;
  readonly continueToken: string | undefined;
}

/** As in kubectl. */
const PAGE_SIZE = 500;
/** How often to continue a list at a newer version, or restart it, after its `continue` token has expired. */
const MAX_RESTARTS = 2;
/** Responses that are too large are requested again with fewer items, down to this. */
const MIN_PAGE_SIZE = 10;
/** Pages may be empty, but so many in a row mean that the server makes no progress. */
const MAX_PAGES_WITHOUT_ITEMS = 100;
const MAX_PAGE_BYTES = 64_000_000;
/** Small, so that the mapped items of a batch do not outlive a garbage collection. */
const BATCH_SIZE = 50;

/**
 * Reads a list page by page, yields the items in batches, and retains nothing of what was yielded. No item is yielded twice, even if the list had to be restarted because its
 * version was compacted (410): https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks
 * @throws {SourceError} if the list cannot be completed; the message has the number of items that were read.
 */
export async function* listPages<T>(list: ListRequest<T>): AsyncGenerator<readonly T[]> {
  const progress: Progress = { seen: makeSeenKeys(), delivered: 0, limit: list.pageSize ?? PAGE_SIZE };
  let continueToken: string | undefined;
  let restarts = 0;
  let pages = 0;
  /** Negative after a restart, while pages that were already read may repeat. */
  let pagesWithoutItems = 0;

  for (;;) {
    const before = progress.delivered;
    const page = yield* readPage(list, continueToken, progress);
    if ('tooLarge' in page) continue;
    const { delivered } = progress;
    if (!('expired' in page)) reportPage(list, delivered, page.remaining);
    if ('expired' in page) {
      if (++restarts > MAX_RESTARTS) throw incomplete(list, page.expired, delivered);
      continueToken = page.freshToken;
      if (continueToken === undefined) pagesWithoutItems = -pages;
      continue;
    }
    pages++;
    pagesWithoutItems = delivered === before ? pagesWithoutItems + 1 : Math.min(pagesWithoutItems, 0);
    const malformed = (because: string): SourceError => {
      const { source, host } = page.context;
      return incomplete(list, new SourceError(source, 'malformed', `${host} ${because}`), delivered);
    };
    if (page.continueToken === undefined) {
      if (!page.isCutOff) return;
      throw malformed(`returned part of the list of ${list.items}, without a token for the rest`);
    }
    if (page.continueToken === continueToken || pagesWithoutItems >= MAX_PAGES_WITHOUT_ITEMS)
      throw malformed(`makes no progress in the list of ${list.items}: it repeats pages or sends empty ones`);
    ({ continueToken } = page);
  }
}

function reportPage<T>({ items, onProgress }: ListRequest<T>, read: number, remaining = 0): void {
  onProgress?.({ read, ...(remaining > 0 && { of: read + remaining }), unit: items });
}

interface Progress {
  readonly seen: ReturnType<typeof makeSeenKeys>;
  /** How many different items were read. */
  delivered: number;
  /** The most items of a page. */
  limit: number;
}

/** What remains of a page once its items were yielded. */
interface PageEnd {
  readonly continueToken: string | undefined;
  /** Whether the response reports remaining items, with or without a token. */
  readonly isCutOff: boolean;
  /** How many items the server says remain, if it does. */
  readonly remaining: number | undefined;
  readonly context: AnswerContext;
}

interface Expired {
  readonly expired: SourceError;
  /** Continues the list at a newer version. Undefined: restart it. */
  readonly freshToken: string | undefined;
}

interface TooLarge {
  readonly tooLarge: true;
}

/** Yields one page in batches; of the last page at least one, which may be empty. The page is freed before the next one is requested. */
async function* readPage<T>(
  list: ListRequest<T>,
  continueToken: string | undefined,
  progress: Progress,
): AsyncGenerator<readonly T[], PageEnd | Expired | TooLarge> {
  const { connection, rule, items: name, signal } = list;
  let batch: T[] = [];
  try {
    const { answer, context } = await connection.send({
      make: (factories) => list.make(factories, { limit: progress.limit, continueToken }),
      rule,
      what: `the list of ${name}`,
      maxBytes: MAX_PAGE_BYTES,
      signal,
    });
    if (answer.status === 410) {
      const metadata = asObject(statusObject(answer)?.['metadata']);
      return { expired: errorOfAnswer(context, answer), freshToken: textIn(metadata, 'continue') };
    }
    if (answer.status !== 200) throw errorOfAnswer(context, answer);
    const { items, ...end } = toPage(context, list, answer);
    for (const { key, item } of items) {
      if (!progress.seen.add(key)) continue;
      progress.delivered++;
      if (item !== undefined) batch.push(item);
      if (batch.length < BATCH_SIZE) continue;
      yield batch;
      batch = [];
      // Parsing a whole page would block everything else in the process, including the garbage collector.
      await setImmediate();
    }
    if (batch.length > 0 || end.continueToken === undefined) yield batch;
    return end;
  } catch (error) {
    if (error instanceof SourceError && error.code === 'TOO_LARGE' && progress.limit > MIN_PAGE_SIZE) {
      progress.limit = Math.max(MIN_PAGE_SIZE, Math.floor(progress.limit / 4));
      return { tooLarge: true };
    }
    if (batch.length > 0) yield batch;
    throw error instanceof SourceError ? incomplete(list, error, progress.delivered) : error;
  }
}

interface Page<T> extends PageEnd {
  /** Mapped when iterated, which throws a SourceError at the first malformed item. */
  readonly items: Iterable<{ readonly key: string; readonly item: T | undefined }>;
}

function toPage<T>(
  context: AnswerContext,
  { items: name, kind: expectedKind, map }: ListRequest<T>,
  answer: HttpAnswer,
): Page<T> {
  const malformed = (because: string): SourceError =>
    new SourceError(
      context.source,
      'malformed',
      `${context.host} did not return a list of ${name}: ${because}`,
    );
  const { list, items } = parseList(context, answer);
  const { kind, metadata } = list;
  if (kind !== expectedKind) throw malformed('it is of another kind');
  if (items === undefined) throw malformed('it has no `items`');
  // Only `metadata` says whether more pages follow.
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata))
    throw malformed('it has no `metadata`');
  const { continue: token, remainingItemCount: remaining } = metadata as JsonObject;
  if (token !== undefined && token !== null && typeof token !== 'string')
    throw malformed('its `continue` token is not text');
  return {
    items: Iterator.from(items).map((raw) => {
      const item = asObject(raw);
      const itemMetadata = asObject(item['metadata']);
      const itemName = textIn(itemMetadata, 'name');
      if (itemName === undefined) throw malformed('an item has no name');
      return { key: `${textIn(itemMetadata, 'namespace') ?? ''}/${itemName}`, item: map(item) };
    }),
    continueToken: token || undefined,
    isCutOff: remaining !== undefined && remaining !== null && remaining !== 0,
    remaining: Number.isSafeInteger(remaining) ? Number(remaining) : undefined,
    context,
  };
}

interface ParsedList {
  readonly list: JsonObject;
  /** Undefined if the response has no list of items. */
  readonly items: Iterable<unknown> | undefined;
}

/**
 * Parses each item only when it is iterated, so that at most one of the 500 items of a page is in memory with all its fields.
 * @throws {SourceError} `malformed` if the response is not JSON, also while iterating.
 */
function parseList(context: AnswerContext, answer: HttpAnswer): ParsedList {
  const split = splitJsonArray(answer.text, 'items');
  if (split === 'too-many')
    throw new SourceError(context.source, 'malformed', `${context.host} returned too many items on one page`);
  const { head, elements } = split ?? {};
  const list = asObject(head === undefined ? undefined : parseJson(head));
  const { items } = list;
  if (elements && Array.isArray(items) && items.length === 0) {
    const parsed = elements.values().map((json) => {
      const item = parseJson(json);
      return item === undefined ? objectIn(context, answer) : item;
    });
    return { list, items: parsed };
  }
  const whole = objectIn(context, answer);
  // Go encodes an empty list as `null`.
  const all = whole['items'] === null ? [] : whole['items'];
  return { list: whole, items: Array.isArray(all) ? all : undefined };
}

/** The same error, with the number of items that were read before it. */
function incomplete<T>({ items }: ListRequest<T>, error: SourceError, delivered: number): SourceError {
  if (delivered === 0) return error;
  const { source, kind, message, code } = error;
  const read = delivered === 1 ? `1 ${items.replace(/s$/, '')} was` : `${delivered} ${items} were`;
  const before = `only ${read} read: ${message}`;
  return new SourceError(source, kind, before, { ...(code !== undefined && { code }), cause: error });
}

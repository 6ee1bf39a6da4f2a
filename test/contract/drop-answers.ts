import type { ScanOptions, ScanResult } from '../../src/ports/certificates.ts';
import type { Readers } from '../../src/ports/readers.ts';

/** One response of a source: the n-th call of a method with the same arguments. */
export interface Answer {
  /** `main.tree(/doppler/meta)` */
  readonly call: string;
  /** From 0. */
  readonly nth: number;
  readonly source: string;
  readonly method: string;
  /** The value it resolved to; of a stream, its results. */
  readonly value: unknown;
  readonly isStream: boolean;
  /** The number of places without content that a stream reported. */
  readonly empty: number;
}

/** The change to one response. */
export type Change =
  | { readonly kind: 'reject'; readonly error: Error; readonly after?: number }
  | { readonly kind: 'hang'; readonly isDeaf: boolean; readonly after?: number }
  | { readonly kind: 'replace'; readonly value: unknown };

export interface Drop {
  /** What is dropped and how, for people. */
  readonly label: string;
  readonly answer: Answer;
  /** Whether later calls with the same arguments fail in the same way. */
  readonly isLasting: boolean;
  /** What the report must mention. */
  readonly subject: string;
  readonly change: Change;
  /** A faulty response that is hidden. A check that ignores it does not need the response either. */
  readonly hides?: Change;
}

export interface RecordedReaders {
  readonly read: Partial<Readers>;
  /** In the order of completion. */
  readonly answers: Answer[];
  /** The number of times each call was made. */
  readonly calls: ReadonlyMap<string, number>;
}

/**
 * The same readers, with every response numbered and one of them dropped. Covers every method of every
 * source, whatever a check reads.
 */
export function recordAnswers(read: Partial<Readers>, drop?: Drop): RecordedReaders {
  const answers: Answer[] = [];
  const calls = new Map<string, number>();
  const wrapMethod = (
    source: { readonly name: string },
    method: string,
    run: Method,
    isStream = STREAMS.has(method),
  ): Method =>
    function dropped(...args) {
      const label = labelOf(args[0]);
      const call = `${source.name}.${method}(${label})`;
      const nth = calls.get(call) ?? 0;
      calls.set(call, nth + 1);
      const isDropped =
        drop?.answer.call === call && (drop.isLasting ? nth >= drop.answer.nth : nth === drop.answer.nth);
      const change = isDropped ? drop.change : undefined;
      const signal = args.flatMap((arg) => signalIn(arg))[0];
      const known = { call, nth, source: source.name, method };
      const record = (more: Pick<Answer, 'value' | 'isStream' | 'empty'>) =>
        void answers.push({ ...known, ...more });
      if (method === 'scan') return changeStream(run, args[0] as ScanOptions, change, record);
      if (isStream) {
        const pages = run.apply(source, args) as AsyncIterable<unknown>;
        return changePages(pages, signal, change, record);
      }
      return changeAnswer(() => run.apply(source, args) as Promise<unknown>, change, signal, record);
    };
  const wrapped = Object.entries(read).map(([port, sources]) => [
    port,
    sources.map((source: { readonly name: string }) =>
      Object.fromEntries(
        Object.entries(source).map(([name, member]: [string, unknown]) => [
          name,
          typeof member === 'function'
            ? wrapMethod(source, name, member as Method, isStream(port, name))
            : member,
        ]),
      ),
    ),
  ]);
  return { read: Object.fromEntries(wrapped) as Partial<Readers>, answers, calls };
}

/** Methods other than `scan` that yield pages. */
const STREAMS: ReadonlySet<string> = new Set([
  'nodes',
  'queues',
  'pods',
  'events',
  'daemonSets',
  'replicaSets',
  'containers',
  'lines',
  'logLines',
  'networks',
  'servers',
  'managed',
  'issuers',
  'ingresses',
  'files',
  'endpoints',
  'rollouts',
]);

/** Of brokers, the nodes are a list. Of clouds, the services are. */
function isStream(port: string, method: string): boolean {
  if (port === 'clusters' && method === 'services') return true;
  return STREAMS.has(method) && !(port === 'brokers' && method === 'nodes');
}

/** The subject of a call: a word, the name of an object, or the selecting options. */
function labelOf(arg: unknown): string {
  if (typeof arg === 'string') return arg;
  if (typeof arg !== 'object' || arg === null) return '';
  if ('name' in arg && typeof arg.name === 'string') return arg.name;
  return Object.values(arg)
    .filter((value) => typeof value === 'string')
    .join(' ');
}

type Method = (...args: unknown[]) => unknown;
type Record = (more: Pick<Answer, 'value' | 'isStream' | 'empty'>) => void;

function signalIn(arg: unknown): readonly AbortSignal[] {
  if (typeof arg !== 'object' || arg === null || !('signal' in arg)) return [];
  return arg.signal instanceof AbortSignal ? [arg.signal] : [];
}

async function changeAnswer(
  run: () => Promise<unknown>,
  change: Change | undefined,
  signal: AbortSignal | undefined,
  record: Record,
): Promise<unknown> {
  if (change?.kind === 'reject') throw change.error;
  if (change?.kind === 'hang') return hang(change.isDeaf ? undefined : signal);
  const value = await run();
  record({ value, isStream: false, empty: 0 });
  return change ? change.value : value;
}

/** A changed stream yields its change `after` this many results, including places without content. */
async function* changeStream(
  run: Method,
  options: ScanOptions,
  change: Change | undefined,
  record: Record,
): AsyncGenerator<ScanResult> {
  const results: ScanResult[] = [];
  let empty = 0;
  const all = run({
    ...options,
    onEmpty: () => {
      empty += 1;
    },
  }) as AsyncIterable<ScanResult>;
  for await (const result of all) results.push(result);
  record({ value: results, isStream: true, empty });
  const { value, empty: kept } =
    change?.kind === 'replace' ? (change.value as StreamContent) : { value: results, empty };
  const upTo = change && change.kind !== 'replace' ? (change.after ?? 0) : Infinity;
  for (let count = 0; count < Math.min(kept, upTo); count += 1) options.onEmpty?.();
  yield* value.slice(0, Math.max(0, upTo - kept));
  if (change?.kind === 'reject') throw change.error;
  if (change?.kind === 'hang') await hang(change.isDeaf ? undefined : options.signal);
}

/** Changed pages end `after` this many, or are replaced as a whole. */
async function* changePages(
  pages: AsyncIterable<unknown>,
  signal: AbortSignal | undefined,
  change: Change | undefined,
  record: Record,
): AsyncGenerator<unknown> {
  const results: unknown[] = [];
  for await (const page of pages) results.push(page);
  record({ value: results, isStream: true, empty: 0 });
  const value = change?.kind === 'replace' ? (change.value as readonly unknown[]) : results;
  yield* value.slice(0, change && change.kind !== 'replace' ? (change.after ?? 0) : Infinity);
  if (change?.kind === 'reject') throw change.error;
  if (change?.kind === 'hang') await hang(change.isDeaf ? undefined : signal);
}

/** The items of a stream. */
export interface StreamContent {
  readonly value: readonly ScanResult[];
  readonly empty: number;
}

/** Never ends without a signal. */
function hang(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    if (signal?.aborted) reject(signal.reason as Error);
    signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}

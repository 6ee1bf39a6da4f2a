import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { ScanOptions, ScanResult } from '../ports/certificates.ts';
import type { Readers } from '../ports/readers.ts';
import { SourceError } from '../ports/source-error.ts';
import { boundReaders, cutOffAfter } from './bound-readers.ts';
import { trackProgress } from './progress.ts';

const late = new SourceError('deadline', 'unreachable', 'not finished within 1 s');
const unseen: ScanResult = { kind: 'unseen', place: 'edge:a:443', error: late };

function bound(source: object, graceMs = 0) {
  const deadline = new AbortController();
  const cutoff = cutOffAfter(deadline.signal, graceMs);
  const tracker = trackProgress();
  const named = { name: 'edge', ...source };
  const read = boundReaders({ certificates: [named] } as unknown as Readers, cutoff, tracker);
  return { store: read.certificates[0]!, deadline, cutoff, sources: () => tracker.sources().sources };
}

async function* yieldsOnceThenHangs() {
  yield unseen;
  await new Promise(() => {});
}

test('a call that ignores the abort is given up with its reason', async () => {
  const { store, deadline } = bound({ inspectSite: () => new Promise(() => {}) });
  const asked = store.inspectSite?.('a:443', { signal: deadline.signal });
  deadline.abort(late);
  await expect(asked).rejects.toBe(late);
  await expect(store.inspectSite?.('a:443', { signal: deadline.signal })).rejects.toBe(late);
});

test('a call that is given up before it is awaited does not crash the process', async () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => unhandled.push(reason);
  process.on('unhandledRejection', note);
  const { store, deadline } = bound({ inspectSite: () => new Promise(() => {}) });
  const asked = store.inspectSite?.('a:443', { signal: deadline.signal });
  const other = store.inspectSite?.('b:443', { signal: deadline.signal });
  deadline.abort(late);
  await expect(other).rejects.toBe(late);
  await setImmediate();
  process.off('unhandledRejection', note);
  await expect(asked).rejects.toBe(late);
  expect(unhandled).toEqual([]);
});

test('a stream that ignores the abort keeps what it yielded before', async () => {
  const { store, deadline } = bound({ scan: yieldsOnceThenHangs });
  const results: ScanResult[] = [];
  const scanning = (async () => {
    for await (const result of store.scan({ signal: deadline.signal })) results.push(result);
  })();
  await expect.poll(() => results).toEqual([unseen]);
  deadline.abort(late);
  await expect(scanning).rejects.toBe(late);
});

test('a response within the grace period counts', async () => {
  const { store, deadline, cutoff } = bound(
    {
      inspectSite: async (_: string, { signal }: { readonly signal: AbortSignal }) => {
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        await setImmediate();
        return [unseen];
      },
    },
    60_000,
  );
  const asked = store.inspectSite?.('a:443', { signal: deadline.signal });
  deadline.abort(late);
  expect(await asked).toEqual([unseen]);
  cutoff.stop();
});

test('properties that are not promises stay unchanged, and a response in time is passed on', async () => {
  const { store, deadline } = bound({
    name: 'edge',
    role: 'served',
    scan: async function* () {
      yield unseen;
    },
  });
  expect(store).toMatchObject({ name: 'edge', role: 'served' });
  for await (const result of store.scan({ signal: deadline.signal })) expect(result).toBe(unseen);
});

test('a consumer that stops early ends the stream of the source', async () => {
  let isEnded = false;
  const { store, deadline } = bound({
    scan: async function* () {
      try {
        yield unseen;
        yield unseen;
      } finally {
        isEnded = true;
      }
    },
  });
  for await (const result of store.scan({ signal: deadline.signal })) {
    expect(result).toBe(unseen);
    break;
  }
  expect(isEnded).toBe(true);
});

test('a source waits until it responds, and has failed only if no read of it has succeeded', async () => {
  const first = Promise.withResolvers<readonly ScanResult[]>();
  const { store, deadline, sources } = bound({
    inspectSite: (site: string) => (site === 'a:443' ? first.promise : Promise.reject(late)),
  });
  const { signal } = deadline;
  expect(sources()).toEqual([]);
  const asked = store.inspectSite?.('a:443', { signal });
  expect(sources()).toEqual([{ source: 'edge', state: 'waiting', examined: 0 }]);
  await expect(store.inspectSite?.('b:443', { signal })).rejects.toBe(late);
  expect(sources()).toEqual([{ source: 'edge', state: 'waiting', examined: 0 }]);
  first.reject(late);
  await expect(asked).rejects.toBe(late);
  expect(sources()).toEqual([{ source: 'edge', state: 'failed', examined: 0 }]);
});

test('a stream is read until its last result, or until the check needs no more', async () => {
  const { store, deadline, sources } = bound({
    scan: async function* ({ onProgress }: ScanOptions) {
      await Promise.resolve();
      onProgress?.({ read: 1, unit: 'sites' });
      yield unseen;
    },
  });
  const { signal } = deadline;
  for await (const _ of store.scan({ signal }))
    expect(sources()).toEqual([{ source: 'edge', state: 'reading', examined: 1, unit: 'sites' }]);
  const done = [{ source: 'edge', state: 'done', examined: 1, unit: 'sites' }];
  expect(sources()).toEqual(done);
  for await (const _ of store.scan({ signal })) break;
  expect(sources()).toEqual(done);
});

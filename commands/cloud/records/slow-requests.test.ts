import { expect, test } from 'vitest';
import { slowRequestEvidence } from './slow-requests.ts';

const wordsOf = (...lines: readonly string[]) => JSON.stringify(slowRequestEvidence(lines));
const line = (request: string, seconds: number) => `${request} status: 200 len: 1109 time: ${seconds}`;

test.each([
  ['GET /v2.1/servers/detail?all_tenants=1&deleted=true', 'deleted=true'],
  ['GET /v2.1/servers?deleted=1', 'deleted=true'],
  ['GET /v2.1/servers/detail?changes-since=2026-11-01T00:00:00Z', 'changes-since'],
  ['GET /v2.1/servers/detail?status=SOFT_DELETED', 'status=deleted'],
  ['GET /v2.1/os-simple-tenant-usage?start=2026-01-01', 'usage of a time'],
  ['"GET /v2.1/servers?deleted=True HTTP/1.1"', 'deleted=true'],
])('%s reads deleted instances', (request, because) => {
  expect(wordsOf(line(request, 41.7))).toContain(because);
});

test.each([
  'GET /v2.1/servers/detail?limit=50',
  'GET /v2.1/servers/detail?deleted=false',
  'GET /v2.1/servers/detail?marker=4f1d0e6b&limit=1000',
  'POST /v2.1/servers',
])('%s is not blamed on deleted instances, however slow it is', (request) => {
  expect(wordsOf(line(request, 60))).toMatch(/1 slow request didn't read deleted instances/);
  expect(wordsOf(line(request, 60))).not.toContain('Slowed down');
});

test('a request that was fast is not mentioned', () => {
  const words = wordsOf(
    line('GET /v2.1/servers/detail?deleted=true', 41.7),
    line('GET /v2.1/servers/detail?limit=50', 0.31),
  );
  expect(words).toContain('GET /v2.1/servers/detail took 41.7 s');
  expect(words).not.toMatch(/0\.31|other slow/);
});

test('an empty log shows that nothing was slow, and no log shows nothing', () => {
  expect(wordsOf()).toContain('no slow requests');
  expect(slowRequestEvidence(undefined)).toEqual([]);
});

test('shows no part of a query', () => {
  expect(wordsOf(line('GET /v2.1/servers?deleted=true&token=s3cret', 5))).not.toContain('s3cret');
});

test('reads the lines of uWSGI', () => {
  const line = (url: string, ms: number) =>
    `[pid: 7|app: 0|req: 3/3] 10.0.0.5 () {42 vars in 840 bytes} [Thu Nov 26 11:02:11 2026] GET ${url} => generated 88211033 bytes in ${ms} msecs (HTTP/1.1 200) 9 headers in 361 bytes`;
  expect(
    JSON.stringify(
      slowRequestEvidence([line('/v2.1/servers/detail?deleted=True', 41_700), line('/v2.1/servers', 310)]),
    ),
  ).toContain('GET /v2.1/servers/detail took 41.7 s: it reads deleted instances too (deleted=true)');
});

import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Readers } from '../ports/readers.ts';
import { SourceError } from '../ports/source-error.ts';
import { ArgumentsError } from './arguments.ts';
import type { ReadContext } from './context.ts';
import { type AnyCheck, defineCheck } from './define-check.ts';
import { reportSchema } from './finding.ts';
import { type Progress, progressSchema } from './progress.ts';
import { makeRedact } from '../text/redact.ts';
import { coverageInWords, reportHeadline, listedGaps, uncheckedGaps, verdictOf } from './report-in-words.ts';
import { runCheck, type CheckRun } from './run-check.ts';

type Context = ReadContext<'certificates'>;

const certificates: Readers['certificates'] = [];
const forbidden = new SourceError('vault', 'refused', 'permission denied');

/** A check that counts what its `collect` saw and returns a finding for each of `bad`. */
function counting(collect: (context: Context) => Promise<readonly string[]>): AnyCheck {
  return defineCheck({
    title: 'Test',
    why: 'Tests.',
    uses: ['certificates'],
    args: z.object({ limit: z.string().prefault('3').meta({ description: 'how many' }) }),
    collect: async (context) => ({ bad: await collect(context) }),
    diagnose: ({ bad }) => ({
      examined: 3,
      verdict: `${bad.length} of 3 are bad`,
      findings: bad.map((target) => ({
        reason: 'bad',
        severity: 'warning',
        target,
        summary: `${target} is bad`,
      })),
    }),
  });
}

function run(check: AnyCheck, more: Partial<CheckRun> = {}) {
  return runCheck(check, {
    check: 'test/counting',
    environment: 'prod',
    args: {},
    read: { certificates },
    now: new Date('2026-02-20T07:00:00Z'),
    signal: new AbortController().signal,
    deadlineMs: 10_000,
    ...more,
  });
}

test('clear if everything was checked and nothing is wrong', async () => {
  const report = await run(
    counting(({ saw }) => {
      saw('vault', 2);
      saw('edge');
      saw('vault');
      return Promise.resolve([]);
    }),
    { args: { limit: '5' } },
  );
  expect(report).toMatchObject({
    check: 'test/counting',
    environment: 'prod',
    args: { limit: '5' },
    status: 'clear',
    verdict: '0 of 3 are bad',
    coverage: [
      { source: 'vault', examined: 3 },
      { source: 'edge', examined: 1 },
    ],
    at: '2026-02-20T07:00:00.000Z',
  });
  expect(reportSchema.parse(report)).toEqual(report);
});

test("unknown, never clear, if nothing is wrong but something couldn't be checked", async () => {
  const report = await run(
    counting(({ gap }) => {
      gap('secret/hidden', forbidden);
      return Promise.resolve([]);
    }),
  );
  expect(report.status).toBe('unknown');
  expect(report.verdict).toBe("0 of 3 are bad; couldn't check 1 source");
  expect(report.gaps).toEqual([{ what: 'secret/hidden', because: 'permission denied', kind: 'refused' }]);
});

test('places in files are counted as places, of which no total is known', async () => {
  const location = { path: 'ci/test.sh', line: 3, column: 1, message: '$OPTS decides' };
  const report = await run(
    counting(({ gap, saw }) => {
      saw('checkout', 41);
      gap('ci/test.sh:3', forbidden, { location });
      gap('ci/big.sh', forbidden);
      return Promise.resolve(['a']);
    }),
  );
  expect(report.verdict).toBe("1 of 3 are bad; couldn't check 2 places");
  expect(coverageInWords(report)).toBe('41 checked, 1 denied, 1 place unknown');
});

test("the verdict of a report with findings says what couldn't be checked", async () => {
  const report = await run(
    counting(({ gap, saw }) => {
      gap('secret/hidden', forbidden);
      saw('vault', 41);
      gap('secret/locked', forbidden);
      return Promise.resolve(['a']);
    }),
  );
  expect(report.status).toBe('found');
  expect(report.verdict).toBe("1 of 3 are bad; couldn't check 2 of 43 sources");
  expect(report.gaps).toHaveLength(2);
});

test("the verdict names configured sources that couldn't be checked at all", async () => {
  const verdict = async (whats: readonly string[]) => {
    const { verdict } = await run(
      counting(({ gap, saw }) => {
        saw('edge', 41);
        for (const what of whats) gap(what, forbidden);
        return Promise.resolve([]);
      }),
      {
        read: {
          certificates: ['edge', 'vault', 'a', 'b', 'c'].map((name) => ({
            name,
            role: 'served',
            // oxlint-disable-next-line require-yield, typescript/require-await -- nothing is scanned here
            scan: async function* () {},
          })),
        },
      },
    );
    return verdict;
  };
  expect(await verdict(['vault'])).toBe("0 of 3 are bad; couldn't check vault");
  expect(await verdict(['edge:a:443', 'vault', 'edge:b:443'])).toBe(
    "0 of 3 are bad; couldn't check vault and 2 of 43 other sources",
  );
  expect(await verdict(['--source valut'])).toBe("0 of 3 are bad; couldn't check --source valut");
  expect(await verdict(['edge', 'vault', 'a', 'b', 'c'])).toBe(
    "0 of 3 are bad; couldn't check edge, vault, a and 2 other sources",
  );
});

test("an unrelated gap is reported but doesn't change the verdict", async () => {
  const read = (bad: readonly string[]) =>
    run(
      counting(({ gap, saw }) => {
        saw('edge', 3);
        gap('edge:other.example.com:443', forbidden, { unrelated: true });
        return Promise.resolve(bad);
      }),
    );
  const clear = await read([]);
  expect(clear).toMatchObject({ status: 'clear', verdict: '0 of 3 are bad' });
  expect(clear.gaps).toEqual([
    { what: 'edge:other.example.com:443', because: 'permission denied', kind: 'refused', unrelated: true },
  ]);
  expect(reportSchema.parse(clear)).toEqual(clear);
  expect(reportHeadline(clear)).toBe('CLEAR');
  expect(coverageInWords(clear)).toBe('3 checked, 1 unrelated source not checked');
  expect((await read(['a'])).verdict).toBe('1 of 3 are bad');
});

test('reports the charts, if there are any', async () => {
  const chart = {
    kind: 'bars' as const,
    title: 'Things',
    unit: 'things',
    labels: ['bad', 'good'],
    series: [{ name: 'things', values: [1, null] }],
  };
  const withCharts = (charts: readonly (typeof chart)[]): AnyCheck => {
    const check = counting(() => Promise.resolve([]));
    return { ...check, diagnose: (...of) => ({ ...check.diagnose(...of), charts }) };
  };

  expect((await run(withCharts([chart]))).charts).toEqual([chart]);
  expect(await run(withCharts([]))).not.toHaveProperty('charts');
});

test("a note is reported once and doesn't change the verdict", async () => {
  const noted = await run(
    counting(({ note, saw }) => {
      saw('etcd');
      note('the status of n1 is not available to this user');
      note('the status of n1 is not available to this user');
      return Promise.resolve([]);
    }),
  );
  expect(noted).toMatchObject({ status: 'clear', notes: ['the status of n1 is not available to this user'] });
  expect(reportSchema.parse(noted)).toEqual(noted);
  expect(await run(counting(() => Promise.resolve([])))).not.toHaveProperty('notes');
});

test('the same gap is reported once, unless only one of them is related', async () => {
  const check = counting(({ gap, saw }) => {
    saw('vault');
    gap('pki', forbidden, { unrelated: true });
    for (let asked = 0; asked < 2; asked += 1) gap('pki', forbidden);
    return Promise.resolve([]);
  });
  const { gaps, status } = await run(check);
  expect(gaps.map(({ what, unrelated = false }) => [what, unrelated])).toEqual([
    ['pki', true],
    ['pki', false],
  ]);
  expect(status).toBe('unknown');
});

test('a gap may name its place in a file, and two places with one reason are two gaps', async () => {
  const place = { path: 'ci/test.sh', line: 3, message: '$OPTS decides' };
  const report = await run(
    counting(async ({ gap }) => {
      for (const column of [1, 9, 9])
        gap('shop/api:ci/test.sh:3', forbidden, { location: { ...place, column } });
      return [];
    }),
  );

  expect(report.gaps.map(({ location }) => location)).toEqual([
    { ...place, column: 1, target: 'shop/api:ci/test.sh:3' },
    { ...place, column: 9, target: 'shop/api:ci/test.sh:3' },
  ]);
});

test('a check knows how much time it has left, never less than zero', async () => {
  let left = [Infinity];
  const check = counting(async ({ leftMs, signal }) => {
    left = [leftMs()];
    await sleep(60_000, undefined, { signal }).catch(() => undefined);
    left.push(leftMs());
    return [];
  });
  await run(check, { deadlineMs: 50 });
  expect(left[0]).toBeGreaterThan(0);
  expect(left[0]).toBeLessThanOrEqual(50);
  expect(left[1]).toBeGreaterThanOrEqual(0);
});

test("a requested name that wasn't found is in the verdict, and doesn't count as unchecked", async () => {
  const check: AnyCheck = {
    ...counting(({ gap, saw }) => {
      saw('vault', 7);
      gap('b', forbidden);
      gap('--match uua', new SourceError('x', 'missing', 'no such name'));
      return Promise.resolve([]);
    }),
    diagnose: () => ({ examined: 0, verdict: '', findings: [] }),
  };
  const report = await run(check);
  expect(report.verdict).toBe("no such name (--match uua); couldn't check 1 of 8 sources");
  expect(uncheckedGaps(report).map(({ what }) => what)).toEqual(['b']);
  expect(coverageInWords(report)).toBe('7 checked, the rest denied');
});

test('the coverage says what it counts, which is often not what the verdict counts', async () => {
  const report = await run({
    ...counting(({ saw }) => (saw('vault', 1_200), Promise.resolve([]))),
    counts: 'place',
  });

  expect(report.counts).toBe('place');
  expect(coverageInWords(report)).toBe('1,200 places checked');
  expect(coverageInWords({ ...report, coverage: [] })).not.toContain('place');
});

test('a reason is shown once: in the verdict or in the list of gaps, never in the footer', async () => {
  const nothing = (...gaps: readonly string[]): AnyCheck => ({
    ...counting(({ gap }) => {
      for (const what of gaps) gap(what, forbidden);
      return Promise.resolve([]);
    }),
    diagnose: () => ({ examined: 0, verdict: '', findings: [] }),
  });
  const one = await run(nothing('vault'));
  expect([one.verdict, listedGaps(one), coverageInWords(one)]).toEqual([
    'vault: permission denied',
    [],
    '0 checked, all denied',
  ]);
  const two = await run(nothing('vault:a', 'vault:b'));
  expect(listedGaps(two).map(({ what }) => what)).toEqual(['vault:a', 'vault:b']);
  expect(coverageInWords(two)).toBe('0 checked, all denied');
});

test('unknown if nothing was examined, even if all gaps are unrelated', async () => {
  const check: AnyCheck = {
    ...counting(({ gap }) => Promise.resolve(gap('x', forbidden, { unrelated: true })).then(() => [])),
    diagnose: () => ({ examined: 0, verdict: '', findings: [] }),
  };
  expect((await run(check)).status).toBe('unknown');
});

test('does not capitalize a name at the start of a verdict', () => {
  for (const verdict of [
    '*.Example.com expired',
    'metron_agent is not running',
    'eDge:a:443: no response within 4 s',
  ])
    expect(verdictOf({ verdict })).toBe(verdict);
});

test('if nothing was examined, the status is unknown and the verdict says why', async () => {
  const nothing = (read: (context: Context) => void): AnyCheck => ({
    ...counting((context) => Promise.resolve(read(context)).then(() => [])),
    diagnose: () => ({ examined: 0, verdict: 'All 0 are good', findings: [] }),
  });
  const verdict = async (read: (context: Context) => void, args = {}) => {
    const report = await run(nothing(read), { args });
    expect(report.status).toBe('unknown');
    return report.verdict;
  };
  const silent = new SourceError('edge', 'unreachable', 'no response within 4 s');
  expect(await verdict(() => {})).toBe('Found nothing to check');
  expect(await verdict(({ gap }) => gap('vault', forbidden))).toBe('vault: permission denied');
  expect(await verdict(({ saw }) => saw('vault', 7))).toBe('Found nothing to check in 7 sources');
  expect(
    await verdict(({ gap }) => {
      gap('vault:a', forbidden);
      gap('edge:b:443', silent);
      gap('edge:c:443', silent);
    }),
  ).toBe("edge:b:443: no response within 4 s; couldn't check any of 3 sources");
  expect(await verdict(({ gap }) => gap('b:443', silent), { limit: 'b:443' })).toBe(
    'no response within 4 s (b:443)',
  );
  expect(await verdict(({ gap }) => gap('b:443 (::1)', silent), { limit: 'b:443' })).toBe(
    'no response within 4 s (b:443 (::1))',
  );
  expect(
    await verdict(({ gap }) =>
      gap('b:443', new SourceError('edge', 'refused', 'b:443 is none of the sites of `edge`')),
    ),
  ).toBe('b:443 is none of the sites of `edge`');
  expect(
    await verdict(({ gap, saw }) => {
      saw('disk', 7);
      gap('edge:b:443', silent);
      gap('edge:c:443', silent);
    }),
  ).toBe("edge:b:443: no response within 4 s; couldn't check 2 of 9 sources");
  expect(
    await verdict(({ gap, saw }) => {
      saw('vault', 7);
      gap('b', forbidden);
      gap('--match uua', new SourceError('x', 'missing', 'no such name'));
    }),
  ).toBe("no such name (--match uua); couldn't check 1 of 8 sources");
  expect(
    await verdict(
      ({ gap }) => {
        gap('b', forbidden);
        gap('c', forbidden);
        gap('3', silent);
      },
      { limit: '3' },
    ),
  ).toBe("no response within 4 s (3); couldn't check any of 3 sources");
});

test('a port without a configured source is a gap', async () => {
  const never = counting(() => Promise.reject(new Error('was run')));
  const report = await run(never, { read: {} });
  expect(report).toMatchObject({
    status: 'unknown',
    examined: 0,
    gaps: [{ what: 'certificates', because: 'no source configured in prod', kind: 'not-configured' }],
  });
});

test('attempt turns an error of a source into a gap and continues with the fallback', async () => {
  const report = await run(
    counting(({ attempt }) => attempt('secret/x', ['fallback'], () => Promise.reject(forbidden))),
  );
  expect(report.findings.map(({ target }) => target)).toEqual(['fallback']);
  expect(report.gaps).toEqual([{ what: 'secret/x', because: 'permission denied', kind: 'refused' }]);
});

test('any other error is a bug and is thrown, in or outside an attempt', async () => {
  const bug = new TypeError('x is undefined');
  const attempts: ((context: Context) => Promise<readonly string[]>)[] = [
    ({ attempt }) => attempt('x', [], () => Promise.reject(bug)),
    ({ gap }) => {
      gap('x', bug);
      return Promise.resolve([]);
    },
    () => Promise.reject(bug),
  ];
  for (const collect of attempts) await expect(run(counting(collect))).rejects.toBe(bug);
  const pure: AnyCheck = {
    ...counting(() => Promise.resolve([])),
    diagnose: () => {
      throw bug;
    },
  };
  await expect(run(pure)).rejects.toBe(bug);
});

test('an error of a source outside any attempt is a bug in the check, not a silent gap', async () => {
  await expect(run(counting(() => Promise.reject(forbidden)))).rejects.toBe(forbidden);
});

test('a check gets the readers it declares and no others', async () => {
  const more = { certificates, vaults: { secret: true } };
  const seen: string[] = [];
  await run(
    counting(({ read }) => {
      seen.push(...Object.keys(read));
      return Promise.resolve([]);
    }),
    { read: more },
  );
  expect(seen).toEqual(['certificates']);
});

test('at the deadline, what was seen so far counts and the rest is an unfinished gap', async () => {
  const report = await run(
    counting(async ({ attempt, saw, signal }) => {
      saw('edge', 2);
      await attempt('silent.example.com', undefined, () => sleep(60_000, undefined, { signal }));
      return ['a'];
    }),
    { deadlineMs: 30 },
  );
  expect(report.status).toBe('found');
  expect(report.coverage).toEqual([{ source: 'edge', examined: 2 }]);
  expect(report.gaps).toEqual([
    { what: 'silent.example.com', because: 'not finished within 0.03 s', kind: 'unfinished' },
  ]);
});

test('a check that throws at its deadline is unfinished, not a bug', async () => {
  const report = await run(
    counting(({ signal }) => sleep(60_000, [], { signal })),
    { deadlineMs: 30 },
  );
  expect(report).toMatchObject({ status: 'unknown', examined: 0, gaps: [{ kind: 'unfinished' }] });
});

test('abandons a check that ignores its signal', async () => {
  const hung = Promise.withResolvers<readonly string[]>();
  const report = await run(
    counting(() => hung.promise),
    { deadlineMs: 30 },
  );
  expect(report.status).toBe('unknown');
  expect(report.gaps).toEqual([
    { what: 'test/counting', because: 'not finished within 0.03 s', kind: 'unfinished' },
  ]);
  hung.resolve([]);
});

test('a source that ignores its signal loses only its own results', async () => {
  const results = { next: () => new Promise(() => {}) };
  const deaf = { name: 'deaf', scan: () => ({ [Symbol.asyncIterator]: () => results }) };
  const report = await run(
    counting(async ({ read, attempt, signal }) => {
      await attempt('deaf', undefined, async () => {
        for await (const result of read.certificates[0]!.scan({ signal })) expect(result).toBeUndefined();
      });
      return ['a'];
    }),
    { deadlineMs: 30, read: { certificates: [deaf] as unknown as Readers['certificates'] } },
  );
  expect(report).toMatchObject({
    status: 'found',
    findings: [{ target: 'a' }],
    gaps: [{ what: 'deaf', because: 'not finished within 0.03 s', kind: 'unfinished' }],
  });
});

test('when the worker must stop, the run throws the reason immediately, even if the check ignores its signal', async () => {
  const stop = new AbortController();
  const reason = new Error('the worker stops');
  const hung = Promise.withResolvers<readonly string[]>();
  const running = run(
    counting(() => hung.promise),
    { signal: stop.signal },
  );
  stop.abort(reason);
  await expect(running).rejects.toBe(reason);
  await expect(
    run(
      counting(() => Promise.resolve([])),
      { signal: stop.signal },
    ),
  ).rejects.toBe(reason);
  hung.resolve([]);
});

test('a check that is aborted because the worker stops is not reported as a bug', async () => {
  const stop = new AbortController();
  const reason = new Error('the worker stops');
  const running = run(
    counting(({ attempt, signal }) => attempt('x', [], () => sleep(60_000, [], { signal }))),
    { signal: stop.signal },
  );
  stop.abort(reason);
  await expect(running).rejects.toBe(reason);
});

test('rejects invalid arguments before anything is checked', async () => {
  const check: AnyCheck = {
    ...counting(() => Promise.reject(new Error('was run'))),
    args: z.object({ limit: z.string().regex(/^\d+$/, 'write a number') }),
  };
  await expect(run(check, { args: { limit: 'many' } })).rejects.toThrow(ArgumentsError);
});

test('the progress can be read at any time, by source and redacted', async () => {
  const progress: Progress[] = [];
  let read: () => Progress = () => ({ examined: -1, gaps: -1 });
  const canary = 'canary-s3cr3t-value';
  const edge: Readers['certificates'][number] = {
    name: 'edge',
    role: 'served',
    scan: async function* ({ onProgress }) {
      await Promise.resolve();
      onProgress?.({ read: 1, of: 2, unit: 'sites', waitingFor: `b.example.com ${canary}` });
      yield { kind: 'unseen', place: 'edge:a.example.com:443', error: forbidden };
    },
  };
  const check = counting(async ({ read: readers, saw, gap, signal }) => {
    progress.push(read());
    for (const store of readers.certificates)
      for await (const _ of store.scan({ signal })) {
        saw(store.name);
        gap('x', forbidden);
        progress.push(read());
      }
    return [];
  });

  await run(check, {
    read: { certificates: [edge] },
    onStart: (readProgress) => (read = readProgress),
    redact: makeRedact([canary]),
  });

  const source = { source: 'edge', examined: 1, of: 2, unit: 'sites' };
  expect(progress).toEqual([
    { examined: 0, gaps: 0, sources: [] },
    {
      examined: 1,
      gaps: 1,
      sources: [{ ...source, state: 'waiting', waitingFor: 'b.example.com [secret]' }],
    },
  ]);
  expect(read()).toEqual({ examined: 1, gaps: 1, sources: [{ ...source, state: 'done' }] });
  for (const one of [...progress, read()]) expect(progressSchema.parse(one)).toEqual(one);
});

test('redacts secrets and keys everywhere in a report', async () => {
  const secret = 'canary-s3cr3t-value';
  const key = '-----BEGIN RSA PRIVATE KEY-----\nCANARYCANARY\n-----END RSA PRIVATE KEY-----';
  const leaky: AnyCheck = {
    ...counting(({ gap, saw }) => {
      saw(`vault ${secret}`);
      gap(`path ${secret}`, new SourceError('vault', 'refused', `denied for ${secret} ${key}`));
      return Promise.resolve([]);
    }),
    diagnose: () => ({
      examined: 1,
      verdict: `verdict ${secret}`,
      findings: [
        {
          reason: 'bad',
          severity: 'info',
          target: `t ${secret}`,
          summary: key,
          evidence: [
            { kind: 'field', label: 'l', value: `hvs.CANARYCANARYCANARY` },
            { kind: 'log', lines: [secret, key] },
            { kind: 'table', columns: [secret], rows: [[key]] },
          ],
        },
      ],
    }),
  };
  const report = await run(leaky, { args: { limit: secret }, redact: makeRedact([secret]) });
  expect(JSON.stringify(report).toLowerCase()).not.toContain('canary');
  expect(reportSchema.safeParse(report).success).toBe(true);
});

describe('how earlier findings were resolved', () => {
  const previous = ['a', 'b', 'c'].map((target) => ({ reason: 'bad', target }));
  const asked: string[] = [];
  const check: AnyCheck = {
    ...counting(({ saw }) => {
      saw('vault', 3);
      return Promise.resolve(['a']);
    }),
    resolved: ({ bad }: { bad: readonly string[] }, { target }: { target: string }, now: Date) => {
      asked.push(target);
      return target === 'b' ? `renewed on ${now.toISOString().slice(0, 10)}, ${bad.length} left` : undefined;
    },
  };
  beforeEach(() => {
    asked.length = 0;
  });

  test('calls `resolved` for findings that are not found again, and reports what it returns', async () => {
    const report = await run(check, { previous });

    expect(asked).toEqual(['b', 'c']);
    expect(report.resolved).toEqual([
      { reason: 'bad', target: 'b', summary: 'renewed on 2026-02-20, 1 left' },
    ]);
    expect(reportSchema.parse(JSON.parse(JSON.stringify(report)))).toEqual(report);
  });

  test.each<[string, AnyCheck, Partial<CheckRun>]>([
    ['nothing was found before', check, { previous: [] }],
    ['nothing is known of earlier runs', check, {}],
    ['the check does not say', counting(() => Promise.resolve([])), { previous }],
    [
      'the check ran into its deadline',
      { ...check, collect: () => new Promise(() => undefined) },
      { previous, deadlineMs: 10 },
    ],
  ])('is not reported if %s', async (_, one, more) => {
    expect(await run(one, more)).not.toHaveProperty('resolved');
  });

  test('is redacted, and recognizes redacted targets of earlier findings', async () => {
    const redact = makeRedact(['hunter2-secret']);
    const secretive: AnyCheck = {
      ...check,
      collect: async () => ({ bad: ['hunter2-secret'] }),
      resolved: () => 'now hunter2-secret',
    };

    const report = await run(secretive, {
      redact,
      previous: [...previous.slice(0, 1), { reason: 'bad', target: '[secret]' }],
    });

    expect(report.resolved).toEqual([{ reason: 'bad', target: 'a', summary: 'now [secret]' }]);
  });

  test('is a bug if it throws', async () => {
    const broken: AnyCheck = {
      ...check,
      resolved: () => {
        throw new TypeError('x is undefined');
      },
    };

    await expect(run(broken, { previous })).rejects.toThrow('x is undefined');
  });
});

test('reports the charts of a diagnosis', async () => {
  const charts = [
    {
      kind: 'bars',
      title: 'Days left',
      unit: 'days',
      labels: ['a'],
      series: [{ name: 'left', values: [3] }],
    },
  ] as const;
  const one = counting(() => Promise.resolve([]));
  const charting: AnyCheck = {
    ...one,
    diagnose: () => ({ examined: 3, verdict: 'All well', findings: [], charts }),
  };

  expect(await run(charting)).toMatchObject({ status: 'clear', charts });
  expect(
    await run({
      ...charting,
      diagnose: () => ({ examined: 3, verdict: 'All well', findings: [], charts: [] }),
    }),
  ).not.toHaveProperty('charts');
});

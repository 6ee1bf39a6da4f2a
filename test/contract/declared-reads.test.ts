import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { runCheck } from '../../src/check/run-check.ts';
import { planRemediation } from '../../src/check/run-remediation.ts';
import type { AnyRemediation } from '../../src/check/define-remediation.ts';
import { SourceError } from '../../src/ports/source-error.ts';
import { type CheckWithFixtures, loadCheckFixtures } from './check-fixtures.ts';
import { recordAnswers } from './drop-answers.ts';
import { inVirtualTime, useRealTime, useVirtualTime } from './virtual-time.ts';

vi.mock('node:timers/promises', async () => (await import('./virtual-time.ts')).virtualTimers);

/** A check calls exactly the methods that it declares, so that roles can grant exactly what it needs. */

/** The ports that require a permission for each method. */
const PORTS = ['cloud', 'clusters'] as const;
type DeclaredPort = (typeof PORTS)[number];

const DEADLINE_MS = 60_000;

const catalogue = await loadCheckFixtures();
const readers = catalogue.flatMap((one) =>
  PORTS.filter((port) => portsOf(one).includes(port)).map((port) => ({ ...one, port })),
);

beforeEach(useVirtualTime);
afterEach(useRealTime);

test.each(readers)('$name declares what it reads of $port', async (reader) => {
  const { check, port } = reader;
  const { called } = await useFixtures(reader, port);

  expect([...called].toSorted()).toEqual([...(check.reads?.[port] ?? [])].toSorted());
});

test.each(readers)('the fixtures of $name offer each fix that reads $port', async (reader) => {
  const fixes = Object.entries(reader.check.remediations ?? {}) as readonly [string, AnyRemediation][];
  const { offered } = await useFixtures(reader, reader.port);

  expect([...offered].toSorted()).toEqual(
    fixes
      .filter(([, { uses }]) => uses.includes(reader.port))
      .map(([name]) => name)
      .toSorted(),
  );
});

test.each(catalogue)('$name declares methods only of ports that it reads', (one) => {
  expect(Object.keys(one.check.reads ?? {}).filter((port) => !portsOf(one).includes(port))).toEqual([]);
});

function portsOf({ check }: Pick<CheckWithFixtures, 'check'>): readonly string[] {
  return [...check.uses, ...(check.mayUse ?? [])];
}

interface Used {
  /** The methods that were called, including calls that failed. */
  readonly called: ReadonlySet<string>;
  /** The remediations that were offered and planned. */
  readonly offered: ReadonlySet<string>;
}

/** Runs a check on each of its fixtures, and plans the offered fixes. */
async function useFixtures({ name, check, fixtures }: CheckWithFixtures, port: DeclaredPort): Promise<Used> {
  const called = new Set<string>();
  const offered = new Set<string>();
  for (const { read: make, args = {}, now } of fixtures) {
    const sources = make();
    const recorded = recordAnswers({ [port]: sources[port] ?? [] });
    const read = { ...sources, ...recorded.read };
    const { signal } = new AbortController();
    const options = { read, now, signal, deadlineMs: DEADLINE_MS };
    await inVirtualTime(async () => {
      const report = await runCheck(check, { ...options, check: name, environment: 'test', args });
      for (const { remediation, ...offer } of report.findings.flatMap(({ offers = [] }) => offers)) {
        const declared = (check.remediations as Readonly<Record<string, AnyRemediation>>)[remediation];
        if (!declared?.uses.includes(port)) continue;
        offered.add(remediation);
        await planRemediation(declared, offer, { ...options, redact: (text) => text }).catch(
          onlySourceErrors,
        );
      }
    });
    for (const call of recorded.calls.keys()) called.add(methodOf(call));
  }
  return { called, offered };
}

/** Some fixtures have a cluster that refuses the fix. */
function onlySourceErrors(error: unknown): void {
  if (!(error instanceof SourceError)) throw error;
}

/** `lab.kubeletStats(node-a)` is a call of `kubeletStats`. */
function methodOf(call: string): string {
  return /\.(?<method>\w+)\(/.exec(call)?.groups?.['method'] ?? call;
}

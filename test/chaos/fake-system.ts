import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Catalogue } from '../../src/request/catalogue.ts';
import { type AnyCheck, defineCheck } from '../../src/check/define-check.ts';
import { defineRemediation } from '../../src/check/define-remediation.ts';

/**
 * A fake system in a folder, which several worker processes act on. Applying a fix appends one line to one file in one write (O_APPEND), so
 * that a fix applied twice is recorded twice, whichever process applied it and however it ended.
 */
export interface FakeSystemSettings {
  readonly folder: string;
  /** How many things each batch has, all of them broken. */
  readonly thingsInBatch: number;
  /** A fix waits up to this long before it is applied, and again after. */
  readonly slowMs: number;
}

export interface AppliedFix {
  readonly remediationId: string;
  readonly thing: string;
  /** Milliseconds of the epoch. */
  readonly atMs: number;
  readonly pid: number;
}

/** Where a test may stop a fix: before its line is written, or after. */
export type Gate = 'before' | 'after';

const appliedFile = (folder: string) => join(folder, 'applied.jsonl');
const startedFile = (folder: string) => join(folder, 'started.jsonl');
const gateFile = (folder: string, kind: 'hold' | 'die' | 'reached', gate: Gate) =>
  join(folder, `${kind}-${gate}`);

export function readApplied(folder: string): readonly AppliedFix[] {
  return readLines(appliedFile(folder));
}

/** Fixes that a worker started, applied or not. */
export function readStarted(folder: string): readonly AppliedFix[] {
  return readLines(startedFile(folder));
}

function readLines(path: string): readonly AppliedFix[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as AppliedFix);
}

/** `hold` stops fixes at the gate while the file exists; `die` ends the worker there with SIGKILL. */
export function setGate(folder: string, kind: 'hold' | 'die', gate: Gate): string {
  const path = gateFile(folder, kind, gate);
  writeFileSync(path, '');
  return path;
}

export function hasReached(folder: string, gate: Gate): boolean {
  return existsSync(gateFile(folder, 'reached', gate));
}

/** Things that stay broken after a fix, so that only the record of the remediation keeps it from being applied again. */
export function isUnfixable(thing: string): boolean {
  return /-[05]$/.test(thing);
}

/** Things that take a while to recover after a fix. */
function isSlow(thing: string): boolean {
  return thing.endsWith('-2');
}

const SLOW_FIX_MS = 1_000;

export function isFixed(thing: string, applied: readonly AppliedFix[], nowMs: number): boolean {
  if (isUnfixable(thing)) return false;
  const afterMs = isSlow(thing) ? SLOW_FIX_MS : 0;
  return applied.some((fix) => fix.thing === thing && fix.atMs + afterMs <= nowMs);
}

/** The catalogue of bot and workers: `/lab things <batch>`. */
export function makeFakeCatalogue(system: FakeSystemSettings): Catalogue {
  const { folder, thingsInBatch } = system;
  const things = defineCheck({
    title: 'Things of a fake system',
    why: 'They can be fixed.',
    uses: [],
    args: z.object({ batch: z.string().prefault('0').meta({ description: 'which of them' }) }),
    bareArgument: 'batch',
    collect: async ({ saw }, { batch }) => {
      saw('lab', thingsInBatch);
      const all = Array.from({ length: thingsInBatch }, (_, at) => `pump-${batch}-${at}`);
      const applied = readApplied(folder);
      return all.filter((thing) => !isFixed(thing, applied, Date.now()));
    },
    diagnose: (broken) => ({
      examined: thingsInBatch,
      verdict:
        broken.length > 0
          ? `${broken.length} of ${thingsInBatch} things are broken`
          : `All ${thingsInBatch} things are well`,
      findings: broken.map((thing) => ({
        reason: 'thing-broken',
        severity: 'critical' as const,
        target: `lab:${thing}`,
        summary: `${thing} is broken`,
        offers: [{ remediation: 'mend' as const, params: { thing } }],
      })),
    }),
    remediations: { mend: makeFix(system) },
  });
  return {
    commands: new Map([['lab', { title: 'A fake system' }]]),
    checks: new Map<string, AnyCheck>([
      ['lab/things', things],
      ['lab/question', question],
    ]),
  };
}

/** Of these questions one in so many has an answer with replies. */
const LONG_ANSWER_EVERY = 10;
const REPLIES = 3;

/** `/lab question <number>`: each number is a question of its own, and most have a short answer. */
const question = defineCheck({
  title: 'A question',
  why: 'Many people ask at once.',
  uses: [],
  args: z.object({ number: z.string().prefault('0').meta({ description: 'which question' }) }),
  bareArgument: 'number',
  collect: async ({ saw }, { number }) => {
    saw('lab', 1);
    return Number(number);
  },
  diagnose: (number) => ({
    examined: 1,
    verdict: `Answer ${number}`,
    findings:
      number % LONG_ANSWER_EVERY === 0
        ? Array.from({ length: REPLIES }, (_, at) => ({
            reason: 'question-open',
            severity: 'info' as const,
            target: `lab:question-${number}-${at}`,
            summary: `Question ${number} has part ${at}`,
            evidence: [{ kind: 'table' as const, columns: ['part', 'of'], rows: TABLE }],
          }))
        : [],
  }),
});

/** A message has one table only: each of these is a reply. */
const TABLE = Array.from({ length: 8 }, (_, at) => [`row ${at}`, 'a cell that is not short']);

function makeFix({ folder, slowMs }: FakeSystemSettings) {
  return defineRemediation({
    about: 'Mends one thing',
    title: ({ thing }) => `Mend ${thing}`,
    risk: 'disruptive',
    allow: 'restart',
    uses: [],
    params: z.strictObject({ thing: z.string() }),
    // Always the same plan: a second run would find everything that the first one found.
    plan: async (_, { thing }) => ({
      lines: [`Mend ${thing}`],
      targets: [`lab:${thing}`],
      precondition: { maker: 'lab' },
    }),
    apply: async ({ applyContext, recordStep }, { thing }) => {
      const write = (path: string) => {
        const fix: AppliedFix = {
          remediationId: applyContext.idempotencyKey,
          thing,
          atMs: Date.now(),
          pid: process.pid,
        };
        appendFileSync(path, `${JSON.stringify(fix)}\n`, { flag: 'a' });
      };
      write(startedFile(folder));
      await sleep(Math.random() * slowMs);
      await passGate(folder, 'before');
      applyContext.signal.throwIfAborted();
      write(appliedFile(folder));
      await passGate(folder, 'after');
      await sleep(Math.random() * slowMs);
      await recordStep(`mended ${thing}`);
    },
    settlesWithinSeconds: 3,
  });
}

async function passGate(folder: string, gate: Gate): Promise<void> {
  const isWatched = (kind: 'hold' | 'die') => existsSync(gateFile(folder, kind, gate));
  if (!isWatched('die') && !isWatched('hold')) return;
  writeFileSync(gateFile(folder, 'reached', gate), '');
  if (isWatched('die')) process.kill(process.pid, 'SIGKILL');
  while (isWatched('hold')) await sleep(20);
}

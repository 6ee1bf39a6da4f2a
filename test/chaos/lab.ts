import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Catalogue } from '../../src/request/catalogue.ts';
import { type AnyCheck, defineCheck } from '../../src/check/define-check.ts';
import { defineRemediation } from '../../src/check/define-remediation.ts';

/**
 * A lab in a folder, which several worker processes act on. A deed is one line at the end of one file, written in one step (O_APPEND):
 * what was done twice is there twice, whoever did it and however it ended.
 */
export interface LabSettings {
  readonly folder: string;
  /** How many things each batch has, all of them broken. */
  readonly thingsInBatch: number;
  /** A deed waits up to this long before it is done, and again after. */
  readonly slowMs: number;
}

export interface Deed {
  /** In whose name: the remediation's id. */
  readonly order: string;
  readonly thing: string;
  /** Milliseconds of the epoch. */
  readonly atMs: number;
  readonly pid: number;
}

/** Where a test may stand in the way of every deed: before its line is written, and after. */
export type Gate = 'before' | 'after';

const deedsFile = (folder: string) => join(folder, 'deeds.jsonl');
const begunFile = (folder: string) => join(folder, 'begun.jsonl');
const gateFile = (folder: string, kind: 'hold' | 'die' | 'reached', gate: Gate) =>
  join(folder, `${kind}-${gate}`);

export function readDeeds(folder: string): readonly Deed[] {
  return readLines(deedsFile(folder));
}

/** Deeds that a worker set about, whether or not they were done. */
export function readBegun(folder: string): readonly Deed[] {
  return readLines(begunFile(folder));
}

function readLines(path: string): readonly Deed[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Deed);
}

/** `hold` keeps deeds at the gate while the file is there; `die` ends the worker there with SIGKILL. */
export function setGate(folder: string, kind: 'hold' | 'die', gate: Gate): string {
  const path = gateFile(folder, kind, gate);
  writeFileSync(path, '');
  return path;
}

export function hasReached(folder: string, gate: Gate): boolean {
  return existsSync(gateFile(folder, 'reached', gate));
}

/** A deed on these helps not at all, so that nothing but memory keeps it from being done again. */
export function isStubborn(thing: string): boolean {
  return /-[05]$/.test(thing);
}

/** A deed on these helps only after a while. */
function isSlow(thing: string): boolean {
  return thing.endsWith('-2');
}

const SLOW_TO_HELP_MS = 1_000;

export function isMended(thing: string, deeds: readonly Deed[], nowMs: number): boolean {
  if (isStubborn(thing)) return false;
  const afterMs = isSlow(thing) ? SLOW_TO_HELP_MS : 0;
  return deeds.some((deed) => deed.thing === thing && deed.atMs + afterMs <= nowMs);
}

/** The catalogue of bot and workers: `/lab things <batch>`. */
export function makeLabCatalogue(lab: LabSettings): Catalogue {
  const { folder, thingsInBatch } = lab;
  const things = defineCheck({
    title: 'Things of a lab',
    why: 'Somebody must be able to mend them.',
    uses: [],
    args: z.object({ batch: z.string().prefault('0').meta({ description: 'which of them' }) }),
    bareArgument: 'batch',
    collect: async ({ saw }, { batch }) => {
      saw('lab', thingsInBatch);
      const all = Array.from({ length: thingsInBatch }, (_, at) => `pump-${batch}-${at}`);
      const deeds = readDeeds(folder);
      return all.filter((thing) => !isMended(thing, deeds, Date.now()));
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
    remediations: { mend: makeMend(lab) },
  });
  return {
    commands: new Map([['lab', { title: 'A lab' }]]),
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

function makeMend({ folder, slowMs }: LabSettings) {
  return defineRemediation({
    about: 'Mends one thing',
    title: ({ thing }) => `Mend ${thing}`,
    risk: 'disruptive',
    uses: [],
    params: z.strictObject({ thing: z.string() }),
    // Always the same plan: a second deed would find all that the first one found.
    plan: async (_, { thing }) => ({
      lines: [`Mend ${thing}`],
      targets: [`lab:${thing}`],
      precondition: { maker: 'lab' },
    }),
    apply: async ({ order, did }, { thing }) => {
      const write = (path: string) => {
        const deed: Deed = { order: order.id, thing, atMs: Date.now(), pid: process.pid };
        appendFileSync(path, `${JSON.stringify(deed)}\n`, { flag: 'a' });
      };
      write(begunFile(folder));
      await sleep(Math.random() * slowMs);
      await passGate(folder, 'before');
      order.signal.throwIfAborted();
      write(deedsFile(folder));
      await passGate(folder, 'after');
      await sleep(Math.random() * slowMs);
      await did(`mended ${thing}`);
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

import { z } from 'zod';
import { check as rabbitHealth } from '../../commands/rabbit/health/check.ts';
import type { Catalogue } from '../../src/request/catalogue.ts';
import { type AnyCheck, defineCheck } from '../../src/check/define-check.ts';
import { ACTIONS, type FixSettings, makeMend, makeShield, shieldLabel } from './fake-fixes.ts';
import { readDisturbances, readFixEvents } from './fix-log.ts';
import { makeItemsCheck } from './scripted-findings.ts';
import { type BatchSettings, hasVanished, isMended, isRack, isShielded, thingsOf } from './things.ts';
import { watchedArchiving } from './watched-archiving.ts';
import { watchedLeftovers } from './watched-removal.ts';

/** A fake system in a folder, shared by several worker processes. */
export interface FakeSystemSettings extends FixSettings, BatchSettings {}

/**
 * The catalogue of bot and workers: `/lab things <batch>`, `/lab items`, and Wrench's own `/node
 * leftovers`, `/cloud records` and `/rabbit health`.
 */
export function makeFakeCatalogue(system: FakeSystemSettings): Catalogue {
  const things = defineCheck({
    title: 'Things of a fake system',
    why: 'They can be fixed.',
    uses: [],
    args: z.object({ batch: z.string().prefault('0').meta({ description: 'which of them' }) }),
    bareArgument: 'batch',
    collect: async ({ saw }, { batch }) => {
      const all = thingsOf(batch, system);
      saw('lab', all.length);
      return { all, ...readState(system, all), isRack: isRack(batch, system), batch };
    },
    diagnose: ({ all, broken, shielded, isRack: isOneCause, batch }) => ({
      examined: all.length,
      verdict:
        broken.length > 0
          ? `${broken.length} of ${all.length} things are broken`
          : `All ${all.length} things are healthy`,
      findings: isOneCause && broken.length > 1 ? [rackFinding(batch, broken)] : broken.map(thingFinding),
      ...(isOneCause && {
        measures: all.map((thing) => ({
          label: shieldLabel(thing),
          value: shielded.has(thing) ? 1 : 0,
          unit: ACTIONS.shield.done,
        })),
      }),
    }),
    remediations: { mend: makeMend(system), shield: makeShield(system) },
  });
  return {
    commands: new Map([
      ['lab', { title: 'A fake system' }],
      ['cloud', { title: 'A database of Nova' }],
      ['rabbit', { title: 'Message brokers' }],
      ['node', { title: 'Machines with container engines' }],
    ]),
    checks: new Map<string, AnyCheck>([
      ['lab/things', things],
      ['lab/question', question],
      ['lab/items', makeItemsCheck(system.folder)],
      ['rabbit/health', rabbitHealth],
      ['node/leftovers', watchedLeftovers(system)],
      ['cloud/records', watchedArchiving(system.folder)],
    ]),
  };
}

function readState({ folder }: FakeSystemSettings, all: readonly string[]) {
  const applied = readFixEvents(folder, 'applied');
  const disturbances = readDisturbances(folder);
  const nowMs = Date.now();
  return {
    broken: all.filter((thing) => !isMended(thing, applied, nowMs) && !hasVanished(thing, disturbances)),
    shielded: new Set(all.filter((thing) => isShielded(thing, applied))),
  };
}

const named = (thing: string) => ({ target: `lab:${thing}`, params: { thing } });

function thingFinding(thing: string) {
  return {
    reason: 'thing-broken',
    severity: 'critical' as const,
    target: `lab:${thing}`,
    summary: `${thing} is broken`,
    offers: [{ remediation: 'mend' as const, params: { thing } }],
  };
}

/** How many things of a rack may be mended one by one, and how many shielded. */
const SINGLE_MENDS = 3;
const SINGLE_SHIELDS = 1;

/** One cause, with a fix for all, a mitigation for all, and fixes for some single things. */
function rackFinding(batch: string, things: readonly string[]) {
  const each = things.map(named);
  return {
    reason: 'thing-broken',
    severity: 'critical' as const,
    target: `lab:rack-${batch}`,
    targets: each.map(({ target }) => target),
    summary: `${things.length} things of rack ${batch} are broken`,
    offers: [
      { remediation: 'mend' as const, each },
      { remediation: 'shield' as const, each },
      ...each.slice(0, SINGLE_MENDS).map((one) => ({ remediation: 'mend' as const, ...one })),
      ...each.slice(0, SINGLE_SHIELDS).map((one) => ({ remediation: 'shield' as const, ...one })),
    ],
  };
}

/** One in this many questions has a report with replies. */
const LONG_ANSWER_EVERY = 10;
const REPLIES = 3;

/** `/lab question <number>`: each number is a separate check, and most have a short report. */
const question = defineCheck({
  title: 'A question',
  why: 'Many people run it at once.',
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

/** A message can have only one table: each of these is a reply. */
const TABLE = Array.from({ length: 8 }, (_, at) => [`row ${at}`, 'a cell that is not short']);

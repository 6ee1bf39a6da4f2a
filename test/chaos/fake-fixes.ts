import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { defineRemediation, type NewPlan, type Plan } from '../../src/check/define-remediation.ts';
import { SourceError } from '../../src/ports/source-error.ts';
import {
  type FakeAction,
  type FixEvent,
  type FixEventKind,
  readDisturbances,
  readFixEvents,
  writeFixEvent,
} from './fix-log.ts';
import { passGate } from './gates.ts';
import { hasVanished, isStuck, versionOf } from './things.ts';

export interface FixSettings {
  readonly folder: string;
  /** A fix waits up to this long before it is applied, and again afterwards. */
  readonly slowMs: number;
}

export const ACTIONS: Readonly<
  Record<FakeAction, { readonly done: string; readonly verb: string; readonly about: string }>
> = {
  mend: { verb: 'Mend', done: 'mended', about: 'Mends one thing' },
  shield: { verb: 'Shield', done: 'shielded', about: 'Shields one thing, which stays broken' },
};

/** The measure that proves a shield. */
export function shieldLabel(thing: string): string {
  return `shield of ${thing}`;
}

export function makeMend(settings: FixSettings) {
  return makeFix('mend', settings);
}

/** A mitigation. */
export function makeShield(settings: FixSettings) {
  return {
    ...makeFix('shield', settings),
    provenBy: ({ thing }: { readonly thing: string }) => ({ label: shieldLabel(thing), value: 1 }),
  };
}

/**
 * When a plan was made, for as long as its object exists: a plan that was stored and read again has no
 * time.
 */
const madeAtMs = new WeakMap<Plan, number>();
/** How much shorter than a whole fix each line is. */
const LINES_SHARE = 1 / 4;

function makeFix(action: FakeAction, { folder, slowMs }: FixSettings) {
  const { verb, done, about } = ACTIONS[action];
  return defineRemediation({
    about,
    title: ({ thing }) => `${verb} ${thing}`,
    risk: 'disruptive',
    allow: 'restart',
    uses: [],
    params: z.strictObject({ thing: z.string() }),
    // Always the same plan while nothing happens to the thing: a second run finds the same things as the
    // first.
    plan: async (_, { thing }): Promise<NewPlan> => {
      await sleep(Math.random() * slowMs * LINES_SHARE);
      const atMs = Date.now();
      const disturbances = readDisturbances(folder);
      if (hasVanished(thing, disturbances)) throw new SourceError('lab', 'missing', `${thing} was removed`);
      const version = versionOf(thing, action, readFixEvents(folder, 'applied'), disturbances);
      const plan = {
        lines: [`${verb} ${thing}`],
        targets: [`lab:${thing}`],
        impact: `Stops ${thing} for a moment`,
        precondition: { maker: 'lab', version },
      };
      madeAtMs.set(plan, atMs);
      return plan;
    },
    apply: async ({ applyContext, recordStep }, { thing }, plan) => {
      const [remediationId = '', line] = applyContext.idempotencyKey.split('-');
      const checkedAtMs = madeAtMs.get(plan);
      const write = (kind: FixEventKind) => {
        const event: FixEvent = {
          remediationId,
          line: Number(line ?? 1),
          action,
          thing,
          version: plan.precondition['version'] ?? '',
          atMs: Date.now(),
          ...(checkedAtMs !== undefined && { checkedAtMs }),
          pid: process.pid,
        };
        writeFixEvent(folder, kind, event);
      };
      const share = line === undefined ? 1 : LINES_SHARE;
      write('started');
      await sleep(Math.random() * slowMs * share);
      await passGate(folder, 'before');
      applyContext.signal.throwIfAborted();
      if (isStuck(thing)) {
        write('failed');
        throw new SourceError('lab', 'refused', `${thing} is stuck`);
      }
      write('applied');
      await passGate(folder, 'after');
      await sleep(Math.random() * slowMs * share);
      await recordStep(`${done} ${thing}`);
    },
    settlesWithinSeconds: 3,
    many: {
      title: (all) => `${verb} all ${all.length}`,
      impact: (all) => `Stops ${all.length} things for a moment`,
      line: ({ thing }) => `${verb} ${thing}`,
      precondition: ({ precondition }) => ({ version: precondition['version'] ?? '' }),
    },
  });
}

import { setTimeout as sleep } from 'node:timers/promises';
import { check } from '../../commands/node/leftovers/check.ts';
import { removeContainers } from '../../commands/node/leftovers/remove-containers.ts';
import type { AnyCheck } from '../../src/check/define-check.ts';
import { defineRemediation, type Plan } from '../../src/check/define-remediation.ts';
import type { FixSettings } from './fake-fixes.ts';
import { type FixEvent, type FixEventKind, writeFixEvent } from './fix-log.ts';
import { passGate } from './gates.ts';

/** The share of a whole fix's time: plans have up to 30 lines. */
const BEFORE_SHARE = 1 / 5;
const AFTER_SHARE = 1 / 20;

/** When a plan was made, for as long as its object exists. */
const madeAtMs = new WeakMap<Plan, number>();

/**
 * The real `node/leftovers`, with a removal of containers that logs its start and can be stopped. Only the
 * engine knows what was removed.
 */
export function watchedLeftovers({ folder, slowMs }: FixSettings): AnyCheck {
  const watched = defineRemediation({
    ...removeContainers,
    plan: async (context, params) => {
      const atMs = Date.now();
      const plan = await removeContainers.plan(context, params);
      madeAtMs.set(plan, atMs);
      return plan;
    },
    apply: async (context, params, plan) => {
      const { applyContext, recordStep } = context;
      const [remediationId = '', line] = applyContext.idempotencyKey.split('-');
      const checkedAtMs = madeAtMs.get(plan);
      const write = (kind: FixEventKind) => {
        const event: FixEvent = {
          remediationId,
          line: Number(line ?? 1),
          action: 'remove',
          thing: `${params.source}/${params.name}`,
          version: plan.precondition['finished'] ?? '',
          atMs: Date.now(),
          ...(checkedAtMs !== undefined && { checkedAtMs }),
          pid: process.pid,
        };
        writeFixEvent(folder, kind, event);
      };
      write('started');
      await sleep(Math.random() * slowMs * BEFORE_SHARE);
      await passGate(folder, 'before');
      applyContext.signal.throwIfAborted();
      write('removing');
      const slowly = {
        ...context,
        recordStep: async (step: string) => {
          await passGate(folder, 'after');
          await sleep(Math.random() * slowMs * AFTER_SHARE);
          await recordStep(step);
        },
      };
      try {
        await removeContainers.apply(slowly, params, plan);
      } catch (error) {
        if (!applyContext.signal.aborted) write('failed');
        throw error;
      }
    },
  });
  return { ...check, remediations: { ...check.remediations, 'remove-containers': watched } };
}

import { afterEach, expect, test } from 'vitest';
import type { AnyRemediation, WriteContext } from '../../src/check/define-remediation.ts';
import { connectBlocking } from '../../src/queue/connection.ts';
import { PREFIX } from '../../src/queue/queues.ts';
import { openAuditLog, parseEntry } from '../../src/store/audit/audit-log.ts';
import { type FakeSystem, makeFakeSystem, makeFixableCheck } from '../world/fake-system.ts';
import { makeCatalogue } from '../world/lab-checks.ts';
import type { Message } from '../workspace/model.ts';
import { ADA, GRACE, INCIDENT, KATE, setStage, type Stage } from './harness.ts';

let stage: Stage;
let system: FakeSystem;
/** The batches that were applied, each with the fix that applied it. */
let applied: { readonly batch: number; readonly by: string }[];
let gates: PromiseWithResolvers<void>[];
afterEach(async () => {
  for (const gate of gates) gate.resolve();
  await stage.close();
});

const BATCHES = 4;

/** A fix with several batches, each of which waits until it is let go. */
async function start(): Promise<void> {
  system = makeFakeSystem(['pump']);
  applied = [];
  gates = Array.from({ length: BATCHES }, () => Promise.withResolvers<void>());
  const check = makeFixableCheck(system);
  const mend: AnyRemediation = {
    ...(check.remediations?.['mend'] as AnyRemediation),
    pausable: true,
    apply: async ({ applyContext, recordStep }: WriteContext) => {
      while (applied.length < BATCHES) {
        applyContext.signal.throwIfAborted();
        const batch = applied.length + 1;
        await gates[batch - 1]?.promise;
        applied.push({ batch, by: applyContext.idempotencyKey });
        await recordStep(`batch ${batch} of ${BATCHES}`);
      }
      system.broken.clear();
    },
  };
  const catalogue = makeCatalogue({ things: { ...check, remediations: { mend } } });
  stage = await setStage({ delivery: 'http', catalogue });
  await stage.startWorker();
  await stage.startBot();
}

const messages = (): readonly Message[] =>
  stage.workspace.messages(INCIDENT).flatMap(({ ts }) => stage.workspace.thread(INCIDENT, ts));
const buttonIn = ({ blocks }: Message, actionId: string) =>
  JSON.stringify(blocks ?? []).includes(`"${actionId}"`);

async function press(userId: string, actionId: string): Promise<void> {
  const { ts } = await stage.workspace.waitFor(() => messages().find((one) => buttonIn(one, actionId)));
  await stage.workspace.click({ userId, channelId: INCIDENT, messageTs: ts, actionId });
}

async function auditKinds(): Promise<readonly (string | undefined)[]> {
  const redis = connectBlocking({ url: stage.redis.url }, () => undefined);
  try {
    const page = await openAuditLog(redis, PREFIX).page();
    return page.map(({ raw }) => parseEntry(raw)?.entry.kind);
  } finally {
    redis.disconnect();
  }
}

const card = (word: string) =>
  stage.workspace.waitFor(() => messages().find(({ text }) => text.includes(`${word} ·`)));

async function applyMend(): Promise<void> {
  await stage.workspace.command({ userId: ADA, channelId: INCIDENT, command: '/lab', text: 'things' });
  await press(ADA, 'wrench:request');
  await press(GRACE, 'wrench:approve');
}

test('a fix in batches is paused after the current one, and a new plan applies the rest', async () => {
  await start();
  gates[0]?.resolve();
  await applyMend();
  await press(ADA, 'wrench:pause');
  await stage.workspace.waitFor(() =>
    messages().find(({ text }) => text.includes('Pausing after the current step')),
  );
  expect(messages().some((one) => buttonIn(one, 'wrench:pause'))).toBe(false);

  gates[1]?.resolve();

  const paused = await card('PAUSED');
  expect(paused.text).toContain('Mend pump: after 2 steps');
  expect(paused.text).toContain(`Paused by <@${ADA}>`);
  expect(paused.text).toContain("None is half done, and the next wasn't started.");
  await stage.workspace.waitFor(() =>
    messages().find(({ text }) => text.startsWith(':double_vertical_bar: PAUSED') && !text.includes('\n')),
  );
  expect(applied.map(({ batch }) => batch)).toEqual([1, 2]);
  expect(await auditKinds()).toEqual(['asked', 'planned', 'approved', 'applying', 'pausing', 'outcome']);

  for (const gate of gates) gate.resolve();
  await applyMend();
  await card('FIXED');
  expect(applied.map(({ batch }) => batch)).toEqual([1, 2, 3, 4]);
  expect(new Set(applied.map(({ by }) => by)).size).toBe(2);
});

test('only people who may request or approve fixes can pause one', async () => {
  await start();
  gates[0]?.resolve();
  await applyMend();

  await press(KATE, 'wrench:pause');

  await stage.workspace.waitFor(() =>
    stage.workspace.ephemerals(KATE, INCIDENT).find(({ text }) => /you need the/i.test(text)),
  );
  for (const gate of gates) gate.resolve();
  await card('FIXED');
  expect(applied).toHaveLength(BATCHES);
});

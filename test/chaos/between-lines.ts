import { setTimeout as sleep } from 'node:timers/promises';
import type { RemediationRecord } from '../../src/store/remediation/record.ts';
import { type FixEvent, isContainer, readFixEvents, thingIn } from './fix-log.ts';
import type { ScenarioContext } from './scenario-context.ts';

/** What happens to a plan for many targets while people decide about it and while its lines are applied. */

/** The share of plans whose targets all stay unchanged. */
const SHARE_UNDISTURBED = 0.3;
const WITH_THINGS = ['vanish', 'change'] as const;
const WITH_CONTAINERS = ['vanish', 'change', 'start'] as const;
const MAX_DISTURBED = 2;
const DISTURBED_WITHIN_MS = 5_000;
const SHARE_BEGUN = 0.4;
const MAX_BEGUN_LINE = 8;
const SHARE_FROZEN = 0.25;
const SHARE_KILLED = 0.25;
const FREEZE_MS = 1_000;
/** Roughly as long as a line takes. */
const LINE_MS = 150;

export async function disturbLines(context: ScenarioContext, remediation: RemediationRecord): Promise<void> {
  const things = (remediation.plan?.parts ?? []).map(({ target }) => thingIn(target));
  if (things.length > 0)
    await Promise.all([
      disturbTargets(context, things),
      disturbBegunContainer(context, remediation),
      stopBetweenLines(context, remediation.id),
    ]);
}

/** One or two of the targets vanish or change. */
async function disturbTargets(
  { chance, disturbances }: ScenarioContext,
  things: readonly string[],
): Promise<void> {
  const own = chance.apart('targets');
  if (own.happens(SHARE_UNDISTURBED)) return;
  for (const thing of own.some(things, own.between(1, MAX_DISTURBED))) {
    await sleep(own.between(0, DISTURBED_WITHIN_MS));
    disturbances.inject({ thing, kind: own.oneOf(isContainer(thing) ? WITH_CONTAINERS : WITH_THINGS) });
  }
}

/** A container changes after the plan's last check, about when it is removed. */
async function disturbBegunContainer(
  context: ScenarioContext,
  { id, plan }: RemediationRecord,
): Promise<void> {
  const own = context.chance.apart('begun');
  const line = own.between(1, Math.min(MAX_BEGUN_LINE, plan?.parts?.length ?? 1));
  const isToChange = own.happens(SHARE_BEGUN);
  if (!plan?.targets.some(isContainer) || !isToChange) return;
  const started = await waitForLine(context, id, line);
  if (started) context.disturbances.inject({ thing: started.thing, kind: own.oneOf(WITH_CONTAINERS) });
}

/** Once a line has started, everything is frozen, or the worker is killed: during a line or between two. */
async function stopBetweenLines(context: ScenarioContext, id: string): Promise<void> {
  const { chance, injector } = context;
  const own = chance.apart('stop');
  const drawn = own.next();
  if (drawn > SHARE_FROZEN + SHARE_KILLED) return;
  const line = own.between(1, 3);
  const delayMs = own.between(0, LINE_MS);
  const started = await waitForLine(context, id, line);
  if (!started) return;
  await sleep(delayMs);
  if (drawn < SHARE_FROZEN) await injector.freeze(FREEZE_MS);
  else await injector.killWorkerOf(started.pid);
}

const POLL_MS = 20;

async function waitForLine(
  { stage: { folder }, timeoutMs }: ScenarioContext,
  id: string,
  line: number,
): Promise<FixEvent | undefined> {
  const deadlineMs = performance.now() + timeoutMs;
  while (performance.now() < deadlineMs) {
    const found = readFixEvents(folder, 'started').find(
      (one) => one.remediationId === id && one.line >= line,
    );
    if (found) return found;
    await sleep(POLL_MS);
  }
  return undefined;
}

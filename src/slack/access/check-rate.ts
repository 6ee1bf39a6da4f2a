import { within } from '../../telemetry/within.ts';
import type { Rate } from '../../store/access/rate.ts';
import type { Log } from '../../telemetry/log.ts';
import type { Refusal } from './refusal.ts';
import type { IdentifiedDelivery } from './identify.ts';

/** Of Slack's 3 s. */
const COUNT_WITHIN_MS = 300;

/** Limits how many commands, clicks and forms a person sends. If Redis does not respond there is no limit, because nothing can be queued then. */
export async function checkRate(
  { userId, triggerId }: IdentifiedDelivery,
  { count, limit }: Rate,
  log: Log,
): Promise<Refusal | undefined> {
  try {
    const number = await within(COUNT_WITHIN_MS, count(userId, triggerId));
    if (number <= limit) return undefined;
    return {
      rule: 'limits.perPersonPerMinute',
      because: `you sent more than ${limit} commands and clicks within a minute (limits.perPersonPerMinute); wait a minute and try again`,
      ...(number > limit + 1 && { isAudited: false }),
    };
  } catch (error) {
    log.debug({ err: error }, 'Redis could not count a delivery; it is not limited');
    return undefined;
  }
}

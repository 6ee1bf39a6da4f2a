import { within } from '../../telemetry/within.ts';
import type { Rate } from '../../store/access/rate.ts';
import type { Log } from '../../telemetry/log.ts';
import type { Refusal } from './refusal.ts';
import type { IdentifiedDelivery } from './identify.ts';

/** Of Slack's 3 s. */
const COUNT_WITHIN_MS = 300;

/** Limits how many commands, clicks and forms a person sends. If Redis doesn't respond there is no limit, because nothing can be queued then. */
export async function checkRate(
  { userId, triggerId }: IdentifiedDelivery,
  { count, limit }: Rate,
  log: Log,
): Promise<Refusal | undefined> {
  try {
    const number = await within(COUNT_WITHIN_MS, count(userId, triggerId));
    if (number <= limit) return undefined;
    const what = `sent more than ${limit} commands and clicks within a minute (limits.perPersonPerMinute)`;
    return {
      rule: 'limits.perPersonPerMinute',
      because: what,
      toPerson: `you ${what}; wait a minute and try again`,
      ...(number > limit + 1 && { isAudited: false }),
    };
  } catch (error) {
    log.debug(
      { event: 'delivery-not-counted', err: error },
      "Couldn't count a delivery in Redis; it isn't rate-limited",
    );
    return undefined;
  }
}

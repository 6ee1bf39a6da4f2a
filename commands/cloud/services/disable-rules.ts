import { wording } from '../../kit.ts';
import { isDisabledByWrench, type KnownService } from './known-service.ts';
import type { Survey } from './survey.ts';
import { stoppedTogether } from './together.ts';

/**
 * Why this compute must not be disabled; undefined if it may be. Never while something else than the compute may be the cause, and never more computes
 * than half of those that are up.
 */
export function obstacleToDisable({ host }: Pick<KnownService, 'host'>, survey: Survey): string | undefined {
  const { outage, clocks, together, group, down, otherDown, up, conductors, computes } = survey;
  if (outage.length > 0) return 'the control plane is the cause, not the compute';
  if (group.some((one) => one.host === host)) return 'others stopped at the same time: their cause is shared';
  // A plan doesn't read the clocks of hosts, so it must not depend on them.
  const suspects = [...down, ...group, ...otherDown, ...together.flatMap(({ services }) => services)];
  if (clocks.length > 0 || stoppedTogether(suspects, []).length > 0) return 'a wrong clock may be the cause';
  if (conductors.length > 0 && !conductors.some(({ isUp }) => isUp)) return 'no conductor is up';
  if (!down.some((one) => one.host === host)) return 'it is not down';
  const disabled = computes.filter((one) => !one.isUp && isDisabledByWrench(one));
  const candidates = down.filter(({ isEnabled }) => isEnabled);
  const all = new Set([...disabled, ...candidates]);
  if (2 * all.size > up.length)
    return `${wording.count(all.size, 'compute')} that ${all.size === 1 ? 'is' : 'are'} down would be disabled, and only ${up.length} ${up.length === 1 ? 'is' : 'are'} up`;
  return undefined;
}

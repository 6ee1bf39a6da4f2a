import { z } from 'zod';
import { defineRemediation, SourceError } from '../../kit.ts';
import { fitTitle } from '../../shared/title.ts';
import { computeParams, readCompute } from './compute-params.ts';
import { isDisabledByWrench } from './known-service.ts';

/** Undoes `disable-compute`. Refuses services that someone else disabled. */
export const enableCompute = defineRemediation({
  about: 'Enables a compute service that Wrench disabled, once it is up again',
  title: ({ host }) => fitTitle(`Enable compute ${host}`),
  risk: 'safe',
  allow: 'disable',
  uses: ['cloud'],
  params: computeParams.extend({ reason: z.string() }),
  effect: ({ host, cloud }) =>
    `Enables nova-compute on ${host} in ${cloud}. New instances may be placed there again; none is moved.`,
  plan: async (context, asked) => {
    const { cloud, host, id, reason } = asked;
    const { compute } = await readCompute(context, asked);
    const missing = (because: string): SourceError =>
      new SourceError(cloud, 'missing', `cannot enable ${host}: ${because}`);
    if (compute.isEnabled) throw missing('it is already enabled');
    if (!isDisabledByWrench(compute) || compute.disabledReason !== reason)
      throw missing('it was disabled for another reason');
    if (!compute.isUp || compute.isForcedDown)
      throw new SourceError(cloud, 'refused', `cannot enable ${host}: it is down`);
    return {
      lines: [`Enable nova-compute on ${host}`],
      targets: [`${cloud}:nova-compute ${host}`],
      precondition: { id, status: 'disabled', reason },
      impact: `New instances may be placed on ${host} again`,
    };
  },
  apply: async ({ write, applyContext, recordStep }, { cloud, host, id, reason }) => {
    await write.cloud(cloud).enableService({ id, binary: 'nova-compute', host, reason }, applyContext);
    await recordStep(`${host} enabled`);
  },
  settlesWithinSeconds: 30,
});

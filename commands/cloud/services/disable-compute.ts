import { defineRemediation, SourceError } from '../../kit.ts';
import { fitTitle } from '../../shared/title.ts';
import { computeParams, enabledLabel, readCompute } from './compute-params.ts';
import { obstacleToDisable } from './disable-rules.ts';

/** Keeps new instances off a compute that is down, also when it comes back before anyone has looked at it. */
export const disableCompute = defineRemediation({
  about: 'Disables a compute service that is down: no new instances, also if it comes back',
  title: ({ host }) => fitTitle(`Disable compute ${host}`),
  risk: 'disruptive',
  allow: 'disable',
  uses: ['cloud'],
  params: computeParams,
  plan: async (context, asked) => {
    const { cloud, host, id } = asked;
    const { compute, survey } = await readCompute(context, asked);
    if (!compute.isEnabled) throw new SourceError(cloud, 'missing', `${host} is already disabled`);
    if (compute.isUp) throw new SourceError(cloud, 'missing', `${host} is up again`);
    const obstacle = obstacleToDisable(compute, survey);
    if (obstacle !== undefined)
      throw new SourceError(cloud, 'refused', `cannot disable ${host}: ${obstacle}`);
    return {
      lines: [`Disable nova-compute on ${host}, with the id of this fix as the reason`],
      targets: [`${cloud}:nova-compute ${host}`],
      precondition: { id, state: 'down', status: 'enabled' },
      impact: `No new instances on ${host}; its instances aren't moved`,
      safety: ['The control plane works, and Wrench disables at most half as many computes as are up'],
      afterwards: [
        'Find out why it is down. Its instances may still be running there: never evacuate a host that was not fenced.',
        'When it is up again, Wrench offers to enable it.',
      ],
    };
  },
  apply: async ({ write, applyContext, recordStep }, { cloud, host, id }) => {
    const reason = `wrench ${applyContext.idempotencyKey}: nova-compute is down`;
    await write.cloud(cloud).disableService({ id, binary: 'nova-compute', host, reason }, applyContext);
    await recordStep(`${host} disabled`);
  },
  settlesWithinSeconds: 30,
  provenBy: (params) => ({ label: enabledLabel(params), value: 0 }),
});

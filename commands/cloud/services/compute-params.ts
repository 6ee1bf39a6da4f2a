import { z } from 'zod';
import { type ReadContext, SourceError } from '../../kit.ts';
import { sourceNamed } from '../../shared/sources.ts';
import { isCompute, knownServices, type KnownService } from './known-service.ts';
import { type Survey, surveyServices } from './survey.ts';

/** Identifies one compute service. */
export const computeParams = z.strictObject({
  cloud: z.string(),
  id: z.string(),
  host: z.string(),
});

export type ComputeParams = z.output<typeof computeParams>;

/**
 * The compute service, and what else is down in its cloud.
 * @throws {SourceError} `missing` if it no longer exists, `refused` if services may not be changed.
 */
export async function readCompute(
  { read, signal, now }: Pick<ReadContext<'cloud'>, 'read' | 'signal' | 'now'>,
  { cloud, id, host }: ComputeParams,
): Promise<{ readonly compute: KnownService; readonly survey: Survey }> {
  const source = sourceNamed(read.cloud, cloud);
  if (!source.serviceChanges.allowed) throw new SourceError(cloud, 'refused', source.serviceChanges.because);
  const services = await source.services({ signal });
  const compute = knownServices(services).find((one) => isCompute(one) && one.id === id && one.host === host);
  if (!compute)
    throw new SourceError(cloud, 'missing', `${host} no longer exists in Nova, or its cell is down`);
  return { compute, survey: surveyServices({ services }, [], now) };
}

/** The measure that is 1 while the scheduler may place new instances on this host, and 0 once it is disabled. */
export function enabledLabel({ cloud, host }: Pick<ComputeParams, 'cloud' | 'host'>): string {
  return `${host} in ${cloud}`;
}

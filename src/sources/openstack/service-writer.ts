import type { CloudService, CloudWriter, ServiceChange } from '../../ports/cloud.ts';
import { SourceError } from '../../ports/source-error.ts';
import type { NovaApi } from './nova-api.ts';
import { readServices } from './services.ts';

/** From this one on, a service has its own path: https://docs.openstack.org/nova/latest/reference/api-microversion-history.html */
const OWN_PATH_SINCE_MINOR = 53;

/**
 * Disables and enables compute services. Nova can't bind a change to a version of the service, so the service is read right before and after it.
 * https://docs.openstack.org/api-ref/compute/#compute-services-os-services
 */
export function openServiceWriter(nova: NovaApi): CloudWriter {
  const { source } = nova;
  return {
    disableService: async (service, { signal }) => {
      const name = nameOf(service);
      const isDone = (one: CloudService | undefined): boolean =>
        one?.isEnabled === false && one.disabledReason === service.reason;
      const current = await findService(nova, service, signal);
      if (isDone(current)) return;
      if (!current.isEnabled)
        throw new SourceError(source, 'missing', `${name} was disabled by someone else meanwhile`);
      await change({ nova, service, signal, isDone, isDisabling: true });
    },
    enableService: async (service, { signal }) => {
      const isDone = (one: CloudService | undefined): boolean => one?.isEnabled === true;
      const current = await findService(nova, service, signal);
      if (isDone(current)) return;
      if (current.disabledReason !== service.reason)
        throw new SourceError(
          source,
          'missing',
          `${nameOf(service)} is disabled for another reason than Wrench's`,
        );
      await change({ nova, service, signal, isDone, isDisabling: false });
    },
  };
}

interface Change {
  readonly nova: NovaApi;
  readonly service: ServiceChange;
  readonly signal: AbortSignal;
  readonly isDisabling: boolean;
  readonly isDone: (service: CloudService | undefined) => boolean;
}

/** A change without a response may have been made, so the service decides. */
async function change({ nova, service, signal, isDisabling, isDone }: Change): Promise<void> {
  const { id, binary, host, reason } = service;
  let failure: unknown;
  try {
    if (await nova.hasMinor(OWN_PATH_SINCE_MINOR, signal))
      await nova.put({
        path: `/os-services/${id}`,
        body: isDisabling ? { status: 'disabled', disabled_reason: reason } : { status: 'enabled' },
        signal,
      });
    else
      await nova.put({
        path: isDisabling ? '/os-services/disable-log-reason' : '/os-services/enable',
        body: { host, binary, ...(isDisabling && { disabled_reason: reason }) },
        signal,
      });
  } catch (error) {
    if (!(error instanceof SourceError) || signal.aborted) throw error;
    failure = error;
  }
  const after = await findService(nova, service, signal).catch((error: unknown) => {
    throw failure ?? error;
  });
  if (isDone(after)) return;
  throw (
    failure ??
    new SourceError(
      nova.source,
      'malformed',
      `Nova accepted the change, but ${nameOf(service)} is still ${after.isEnabled ? 'enabled' : 'disabled'}`,
    )
  );
}

/** @throws {SourceError} `missing` if it no longer exists, or if its state is unknown. */
async function findService(
  nova: NovaApi,
  service: ServiceChange,
  signal: AbortSignal,
): Promise<CloudService> {
  if (service.binary !== 'nova-compute')
    throw new SourceError(nova.source, 'refused', `${nameOf(service)} is not a compute service`);
  const all = await readServices(nova, { signal });
  const found = all.find(
    ({ id, binary, host }) => id === service.id && binary === service.binary && host === service.host,
  );
  if (!found) throw new SourceError(nova.source, 'missing', `${nameOf(service)} no longer exists`);
  if (found.isEnabled === undefined)
    throw new SourceError(
      nova.source,
      'unreachable',
      `the cell of ${nameOf(service)} is down, so its state is unknown`,
    );
  return found;
}

function nameOf({ binary, host }: ServiceChange): string {
  return `${binary} on ${host}`;
}

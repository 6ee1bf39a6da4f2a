import type { Queues } from '../../queue/queues.ts';
import type { RemediationRecord } from './record.ts';
import type { RemediationStore } from './remediation-store.ts';

/** Queues the card that shows a remediation as it is now; once for each revision. The sweep queues it again where that failed. */
export async function enqueueCard(
  remediations: Pick<RemediationStore, 'read'>,
  { enqueueOutbox }: Pick<Queues, 'enqueueOutbox'>,
  { id, runId, check, environment, asked }: RemediationRecord,
): Promise<void> {
  const revision = (await remediations.read(id))?.revision ?? 1;
  await enqueueOutbox(`card-${id}-${revision}`, {
    kind: 'card',
    runId,
    check,
    environment,
    asked,
    id,
    revision,
  });
}

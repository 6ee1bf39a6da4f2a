import { setTimeout as sleep } from 'node:timers/promises';
import type { Renewal, RenewalResult, RequestedRenewal } from '../../../ports/renewals.ts';
import { SourceError } from '../../../ports/source-error.ts';
import { asObject, type JsonObject, listIn } from '../../../wire/json-object.ts';
import { makeChange } from '../bound-change.ts';
import type { ClusterAnswer } from '../connection.ts';
import { FIELD_MANAGER } from '../cordon-mark.ts';
import { objectIn } from '../explain-answer.ts';
import { dateIn, wholeNumberIn } from '../json-values.ts';
import {
  nameIn,
  readCertificateObject,
  type Renewing,
  requireIdle,
  revisionOf,
  versionOf,
} from './plan-renewal.ts';
import { conditionIn } from './to-managed.ts';

/** How long to wait until cert-manager has issued a certificate, and how often to look. */
export interface IssuingWait {
  readonly limitMs: number;
  readonly everyMs: number;
}

/** An issuer that needs longer than this waits for something: a challenge, an approval. */
const WAIT: IssuingWait = { limitMs: 180_000, everyMs: 1_000 };
/** https://github.com/cert-manager/cmctl/blob/main/pkg/renew/renew.go */
const REASON = 'ManuallyTriggered';
const MESSAGE = 'Certificate re-issuance manually triggered';

/**
 * Asks cert-manager to issue a Certificate again, as `cmctl renew` does, and waits until it has.
 * @throws {SourceError} as `CertificateWriter.renew` says.
 */
export async function requestRenewal(
  renewing: Renewing,
  planned: Renewal,
  wait: IssuingWait = WAIT,
): Promise<RenewalResult> {
  if (planned.method !== 'request') throw new TypeError(`cert-manager doesn't ${planned.method}`);
  await trigger(renewing, planned);
  return untilIssued(renewing, planned, wait);
}

async function trigger(renewing: Renewing, planned: RequestedRenewal): Promise<void> {
  const { source } = renewing;
  const named = nameIn(source, planned.place);
  const words = {
    request: `request to renew ${planned.name}`,
    outcome: `cert-manager was asked to renew ${planned.name}`,
  };
  await makeChange(source, words, async () => {
    const current = await readCertificateObject(renewing, named);
    if (versionOf(current) !== planned.versions[planned.place])
      throw new SourceError(
        source,
        'refused',
        `the Certificate ${planned.name} has changed since the renewal was planned: nothing was requested`,
      );
    requireIdle(source, current, named);
    return {
      send: () => sendCondition(renewing, named, current),
      isDone: ({ context, answer }) => isTriggered(objectIn(context, answer)),
      isConflict: ({ status }) => status === 409,
      isSeenDone: async () => {
        const after = await readCertificateObject(renewing, named);
        return isTriggered(after) || revisionOf(after) > revisionOf(current);
      },
    };
  });
}

function isTriggered(certificate: JsonObject): boolean {
  const issuing = conditionIn(asObject(certificate['status']), 'Issuing');
  return issuing?.status === 'True' && issuing.reason === REASON;
}

/**
 * Sets one condition of the status. Custom resources have no merge keys, so all conditions are sent; the API server rejects the patch if the Certificate
 * has changed since it was read.
 */
function sendCondition(
  { connection, signal }: Renewing,
  { namespace, name }: ReturnType<typeof nameIn>,
  current: JsonObject,
): Promise<ClusterAnswer> {
  const metadata = asObject(current['metadata']);
  const generation = wholeNumberIn(metadata, 'generation');
  const issuing = {
    type: 'Issuing',
    status: 'True',
    reason: REASON,
    message: MESSAGE,
    lastTransitionTime: `${new Date().toISOString().slice(0, 19)}Z`,
    ...(generation !== undefined && { observedGeneration: generation }),
  };
  const others = listIn(asObject(current['status']), 'conditions').filter(({ type }) => type !== 'Issuing');
  const body = {
    metadata: { resourceVersion: metadata['resourceVersion'] },
    status: { conditions: [...others, issuing] },
  };
  return connection.send({
    make: ({ custom }) =>
      custom.patchNamespacedCustomObjectStatus(
        'cert-manager.io',
        'v1',
        namespace,
        'certificates',
        name,
        body,
        undefined,
        FIELD_MANAGER,
      ),
    contentType: 'application/merge-patch+json',
    rule: { verb: 'patch', group: 'cert-manager.io', resource: 'certificates', subresource: 'status' },
    what: `the renewal of ${namespace}/${name}`,
    signal,
  });
}

/** The revision grows once the new certificate is in the Secret. */
async function untilIssued(
  renewing: Renewing,
  planned: RequestedRenewal,
  { limitMs, everyMs }: IssuingWait,
): Promise<RenewalResult> {
  const { source, signal } = renewing;
  const named = nameIn(source, planned.place);
  const before = Number(/^revision (\d+)/.exec(String(planned.versions[planned.place]))?.[1] ?? 0);
  const untilMs = performance.now() + limitMs;
  let last: string | undefined;
  for (;;) {
    const current = await readCertificateObject(renewing, named).catch((error: unknown) => {
      // It goes on issuing while the API server doesn't respond.
      if (error instanceof SourceError && error.kind === 'unreachable' && !signal.aborted) return error;
      throw error;
    });
    if (current instanceof SourceError) last = current.message;
    else {
      const status = asObject(current['status']);
      if (revisionOf(current) > before) {
        const notAfter = dateIn(status, 'notAfter');
        return {
          version: String(revisionOf(current)),
          ...(notAfter && { notAfter: notAfter.toISOString() }),
        };
      }
      const issuing = conditionIn(status, 'Issuing');
      last = issuing?.message;
      if (issuing?.status === 'False')
        throw new SourceError(
          source,
          'refused',
          `cert-manager couldn't issue ${planned.name}: ${issuing.message ?? issuing.reason ?? 'it gives no reason'}`,
        );
    }
    if (performance.now() + everyMs > untilMs)
      throw new SourceError(
        source,
        'unreachable',
        `cert-manager has not issued ${planned.name} within ${Math.round(limitMs / 1_000)} s, and still tries${last === undefined ? '' : `: ${last}`}`,
      );
    await sleep(everyMs, undefined, { signal });
  }
}

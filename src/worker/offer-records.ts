import type { Catalogue } from '../request/catalogue.ts';
import type { Finding, Offer, Report } from '../check/finding.ts';
import {
  type RemediationRecord,
  remediationIdOf,
  remediationRecordSchema,
} from '../store/remediation/record.ts';
import { OFFER_MS } from '../store/remediation/remediation-store.ts';
import type { CheckJob } from '../queue/jobs.ts';

/**
 * Makes a record of each remediation that a report offers. It is stored, because a button in Slack carries only its id. `idScope` distinguishes the
 * reports of one run, which may offer the same for the same target. `offeredForMs` is how long it may be requested.
 */
export function makeOfferRecords(
  report: Pick<Report, 'check' | 'environment' | 'args' | 'at' | 'durationMs' | 'findings'>,
  { runId, asked }: Pick<CheckJob, 'runId' | 'asked'>,
  { checks }: Catalogue,
  {
    idScope = runId,
    offeredForMs = OFFER_MS,
  }: { readonly idScope?: string; readonly offeredForMs?: number } = {},
): readonly RemediationRecord[] {
  const { check, environment, args, at } = report;
  const until = new Date(Date.parse(at) + report.durationMs + offeredForMs).toISOString();
  return report.findings.flatMap(({ reason, target, targets, summary, offers = [] }) =>
    offers.map(({ remediation, params, each, target: only, title, risk, mitigates, effect }) =>
      remediationRecordSchema.parse({
        id: remediationIdOf(idScope, reason, target, remediation, each ? { each } : { params }),
        runId,
        check,
        environment,
        args,
        asked,
        remediation,
        title,
        about: checks.get(check)?.remediations?.[remediation]?.about ?? '',
        risk,
        ...(mitigates && { mitigates }),
        ...(effect !== undefined && { effect }),
        ...(each ? { each } : { params }),
        finding: { reason, target, summary, ...targetsOf(targets, only, each) },
        state: 'offered',
        until,
        approvals: [],
        steps: [],
      }),
    ),
  );
}

/** The targets of a finding that an offer is for. */
function targetsOf(
  targets: Finding['targets'],
  only: Offer['target'],
  each: Offer['each'],
): Pick<RemediationRecord['finding'], 'targets'> {
  const offered = each?.map(({ target }) => target) ?? (only === undefined ? targets : [only]);
  return offered ? { targets: [...offered] } : {};
}

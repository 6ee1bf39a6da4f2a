import type { AnyCheck } from './define-check.ts';
import type { Diagnosis, Finding, Offer, Proposal } from './finding.ts';

/**
 * Makes proposals whole: each with its button's words and its risk.
 * @throws {Error} our own bug: a proposal of a remediation that the check does not declare, or with params that it does not take.
 */
export function offersOf(check: AnyCheck, diagnosis: Diagnosis): Diagnosis<Offer> {
  return { ...diagnosis, findings: diagnosis.findings.map((finding) => withOffers(check, finding)) };
}

function withOffers(check: AnyCheck, { offers, ...finding }: Finding): Finding<Offer> {
  if (!offers || offers.length === 0) return finding;
  return { ...finding, offers: offers.map((proposal) => toOffer(check, proposal)) };
}

function toOffer(check: AnyCheck, { remediation: name, params }: Proposal): Offer {
  const remediation = check.remediations?.[name];
  if (!remediation) throw new Error(`an offer names a remediation that its check does not have: ${name}`);
  return {
    remediation: name,
    params,
    title: remediation.title(remediation.params.parse(params)),
    risk: remediation.risk,
  };
}

import type { AnyCheck } from './define-check.ts';
import type { Diagnosis, Finding, Offer, Proposal } from './finding.ts';

/**
 * Completes proposals with the text of their button and their risk.
 * @throws {Error} for a bug in the check: an undeclared remediation, invalid params, targets that the finding doesn't have, or a target that is
 * listed twice.
 */
export function offersOf(check: AnyCheck, diagnosis: Diagnosis): Diagnosis<Offer> {
  return { ...diagnosis, findings: diagnosis.findings.map((finding) => withOffers(check, finding)) };
}

function withOffers(check: AnyCheck, { offers, ...finding }: Finding): Finding<Offer> {
  if (!offers || offers.length === 0) return finding;
  return { ...finding, offers: offers.map((proposal) => toOffer(check, finding, proposal)) };
}

function toOffer(check: AnyCheck, { target: own, targets = [] }: Finding<never>, proposal: Proposal): Offer {
  const { remediation: name, params, each, target } = proposal;
  const remediation = check.remediations?.[name];
  if (!remediation) throw new Error(`an offer names a remediation that its check does not have: ${name}`);
  const { risk, many, provenBy } = remediation;
  const named = [...(each ?? []).map((one) => one.target), ...(target === undefined ? [] : [target])];
  const unknown = named.find((one) => !targets.includes(one) && !(one === own && one === target));
  if (unknown !== undefined)
    throw new Error(`an offer is for a target that its finding does not have: ${unknown}`);
  const names = (each ?? []).map((one) => one.target);
  if (new Set(names).size < names.length)
    throw new Error(`an offer names one of its targets twice: ${names.join(', ')}`);
  if (each && !many)
    throw new Error(`an offer for many targets names a remediation that is for one: ${name}`);
  const parse = (written: unknown): unknown => remediation.params.parse(written);
  const all = (each ?? []).map((one) => parse(one.params));
  const one = each ? undefined : parse(params);
  const title = each ? many?.title(all) : remediation.title(one);
  const effect = each ? many?.effect?.(all) : remediation.effect?.(one);
  return {
    ...proposal,
    title: title ?? name,
    risk,
    ...(provenBy && { mitigates: true }),
    ...(effect !== undefined && { effect }),
  };
}

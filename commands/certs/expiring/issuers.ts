import { wording } from '../../kit.ts';
import {
  describeDue,
  isDueStatus,
  judgeValidity,
  type ValidityThresholds,
} from '../../shared/certificate-validity.ts';
import { field } from '../../shared/evidence.ts';
import type { IssuerFact } from './collect-managed.ts';
import { validityOf } from './expiry.ts';
import type { SortableFinding } from './sort-findings.ts';

/**
 * What is wrong with an issuer of a PKI besides its dates, or with one that nothing uses. With `err`, requests fail from the end of the issuer minus what
 * a role requests: that is its real deadline. https://github.com/hashicorp/vault/issues/13193
 */
export function issuerProblems(
  issuer: IssuerFact,
  thresholds: ValidityThresholds,
  nowMs: number,
): readonly SortableFinding[] {
  const { place, name, certificate, isUsed, beyondEnd, roles } = issuer;
  const untilMs = certificate.notAfter.getTime();
  const at = { first: place, count: 1 };
  if (!isUsed) {
    const status = judgeValidity(certificate, thresholds, nowMs);
    if (!isDueStatus(status)) return [];
    const summary = `${name} ${describeDue(certificate, status, nowMs)} (${place}); no role uses it`;
    const evidence = [field('Valid', validityOf(certificate)), field('SHA-256', certificate.fingerprint)];
    return [
      {
        finding: { reason: 'issuer-unused', severity: 'info', target: place, summary, evidence },
        untilMs,
        at,
      },
    ];
  }
  if (beyondEnd !== 'err' || untilMs <= nowMs) return [];
  const failing = roles.filter(({ ttlSeconds }) => ttlSeconds * 1_000 > untilMs - nowMs);
  if (failing.length === 0) return [];
  const left = wording.span(untilMs - nowMs);
  const summary = `${name} refuses to issue for ${wording.list(failing.map((role) => role.name))}: it is valid for ${left}, less than they request (${place}). Replace the issuer first`;
  const rows = failing.map((role) => [
    role.name,
    wording.span(role.ttlSeconds * 1_000),
    wording.isoTimestamp(untilMs - role.ttlSeconds * 1_000).slice(0, 10),
  ]);
  const evidence = [
    field('Valid', validityOf(certificate)),
    { kind: 'table', columns: ['Role', 'Requests', 'Fails since'], rows } as const,
  ];
  return [
    {
      finding: { reason: 'issuer-ends-before-roles', severity: 'warning', target: place, summary, evidence },
      untilMs,
      at,
    },
  ];
}

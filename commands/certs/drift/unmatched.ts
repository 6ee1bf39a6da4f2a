import { field } from '../../shared/evidence.ts';
import { type DriftFinding, endOf, validUntil } from './finding-words.ts';
import type { Matched } from './match.ts';

/** Sites whose certificate no store has, and those that are ahead of their store. */
export function reportUnmatched(matched: readonly Matched[], now: Date): readonly DriftFinding[] {
  return matched.flatMap(({ site, leaf, host, pod, origin }): readonly DriftFinding[] => {
    const name = pod ? `${pod.pod.namespace}/${pod.pod.name}` : (host ?? site.place);
    const evidence = [
      field('Served at', site.place),
      field('Serves', `${leaf.name}, issued by ${leaf.issuer}, ${validUntil(leaf.notAfter, now)}`),
      field('SHA-256', leaf.fingerprint),
    ];
    // Not compared with a store, but an outage all the same.
    const isExpired = origin.is === 'same-authority' && leaf.notAfter < now;
    if (isExpired)
      return [
        {
          reason: 'expired-and-not-stored',
          severity: 'critical',
          target: site.place,
          summary: `${name} serves a certificate for ${leaf.name} that ${endOf(leaf, now)} and that no store has: find out where it is stored, renew it there, and deploy it`,
          evidence,
        },
      ];
    if (origin.is === 'unknown')
      return [
        {
          reason: 'unknown-origin',
          severity: 'warning',
          target: site.place,
          summary: origin.similar
            ? `${name} serves a certificate for ${leaf.name} that no store has, from another authority than the one stored at ${origin.similar.place}: find out who deployed it`
            : `${name} serves a certificate for ${leaf.name} that no store has: find out who deployed it, and store it`,
          evidence,
        },
      ];
    if (origin.is !== 'newer') return [];
    return [
      {
        reason: 'served-newer-than-stored',
        severity: 'warning',
        target: site.place,
        summary: `${name} serves a newer certificate for ${leaf.name} than the one stored at ${origin.at.place}, which ${origin.at.notAfter ? endOf({ notAfter: origin.at.notAfter }, now) : 'is older'}: store it, or the next deploy brings back the old one`,
        evidence,
      },
    ];
  });
}

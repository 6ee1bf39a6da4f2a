import { type Diagnosis, type Finding, wording } from '../../kit.ts';
import { field } from '../../shared/evidence.ts';
import { agree, be, type Predicate, shareOf } from '../../shared/grammar.ts';
import { compareSeverity } from '../../shared/severity.ts';
import type { Facts, Negotiated } from './collect.ts';

const NEGOTIATES_TLS_13: Predicate = { one: 'negotiates TLS 1.3', many: 'negotiate TLS 1.3' };

/** Judges each site by its worst handshake, because several servers may be behind one address. */
export function diagnose({ handshakes }: Facts): Diagnosis {
  const sites = Map.groupBy(handshakes, ({ address, servername = '' }) => `${servername} ${address}`);
  const findings = [...sites.values()]
    .flatMap((site) => site.flatMap(judge).toSorted(compare).slice(0, 1))
    .toSorted(compare);
  const outdated = findings.filter(({ reason }) => reason === 'outdated-tls').length;
  const counts: readonly (readonly [number, Predicate])[] = [
    [outdated, { one: 'needs outdated TLS', many: 'need outdated TLS' }],
    [findings.length - outdated, be('limited to TLS 1.2')],
  ];
  const faults = counts
    .filter(([count]) => count > 0)
    .map(([count, predicate], index) => {
      const which = index > 0 ? `${count} more` : shareOf(count, sites.size, 'live site');
      return `${which} ${agree(count, predicate)}`;
    });
  const allGood = `${shareOf(sites.size, sites.size, 'live site')} ${agree(sites.size, NEGOTIATES_TLS_13)}`;
  return {
    examined: sites.size,
    verdict: wording.capitalize(faults.length > 0 ? faults.join(', ') : allGood),
    findings,
  };
}

function compare(a: Finding, b: Finding): number {
  return compareSeverity(a, b) || (a.target < b.target ? -1 : 1);
}

/** TLS 1.0 and 1.1 must not be negotiated, TLS 1.2 may be, and TLS 1.3 should be supported: https://www.rfc-editor.org/rfc/rfc9325#section-3.1.1 */
function judge({ place, address, protocol, legacyOnly }: Negotiated): Finding[] {
  const isCurrent = protocol === 'TLSv1.2' || protocol === 'TLSv1.3';
  const isOutdated = !isCurrent || legacyOnly;
  if (!isOutdated && protocol === 'TLSv1.3') return [];
  const name = protocol.replace(/^TLSv1$/, 'TLSv1.0').replace('v', ' ');
  const how = isCurrent && legacyOnly ? `${name} with outdated algorithms` : name;
  return [
    {
      reason: isOutdated ? 'outdated-tls' : 'no-tls-13',
      severity: isOutdated ? 'warning' : 'info',
      target: place,
      summary: `${place} negotiates only ${how}: clients ${isOutdated ? 'with current defaults' : 'that require TLS 1.3'} can't connect`,
      evidence: [field('Address', address)],
    },
  ];
}

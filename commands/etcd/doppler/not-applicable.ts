import { type Diagnosis, type Finding, wording } from '../../kit.ts';
import type { StoreCause } from './causes.ts';
import type { Facts } from './collect.ts';
import { blastRadius } from './dependents.ts';
import { tooNew } from './expected.ts';
import type { RestartOffer } from '../../shared/define-restart.ts';
import type { Service } from './services.ts';

/** Neither an expected instance nor a key: reported, because an empty report would look healthy. */
export function notApplicable(
  service: Service,
  facts: Facts,
  causes: readonly StoreCause[],
): Diagnosis<RestartOffer> {
  const { name, ended, roots } = service;
  const modern = tooNew(service, facts);
  const wasRead = facts.stores.length > 0 && facts.stores.every(({ later }) => later !== undefined);
  const isCertain = modern.length > 0 || (wasRead && facts.instances !== 'partly');
  const radius = blastRadius(service, facts, { kind: 'unseen' });
  const findings: Finding<RestartOffer>[] = [
    ...causes.map(({ finding }) => finding),
    ...(radius.finding ? [radius.finding] : []),
  ];
  const verdict =
    modern.length > 0
      ? `The ${name}s of ${wording.list(modern.map((one) => one.name))} do not register in etcd (${ended?.since} and later): nothing to check`
      : `No ${name} found, and none ever registered under ${roots.map(({ prefix }) => prefix).join(' or ')}: nothing to check${ended ? `. Since ${ended.since} they do not register` : ''}`;
  const storeProblems = causes.map(({ because }) => because);
  const whole = [isCertain ? verdict : `Couldn't check any ${name}`, ...storeProblems].join('; ');
  if (!isCertain) return { examined: 0, verdict: whole, findings, measures: radius.measures };
  const note: Finding<RestartOffer> = {
    reason: 'not-applicable',
    severity: 'info',
    target: roots[0].prefix,
    summary: verdict,
  };
  return { examined: 0, verdict: whole, findings: [...findings, note], measures: radius.measures };
}

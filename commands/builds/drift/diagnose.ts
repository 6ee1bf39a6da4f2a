import { type Diagnosis, wording } from '../../kit.ts';
import { compareSeverity } from '../../shared/severity.ts';
import { shareOf } from '../../shared/grammar.ts';
import { buildInWords } from './build.ts';
import type { BuildFinding, DriftOffer } from './drift-finding.ts';
import type { Facts, ServiceFacts } from './facts.ts';
import { judgeService } from './judge-service.ts';

export interface DriftArgs {
  readonly expect?: string | undefined;
}

export function diagnose({ services }: Facts, _args: DriftArgs, now: Date): Diagnosis<DriftOffer> {
  const findings = services
    .flatMap((service) => judgeService(service, now))
    .toSorted(
      (a, b) => compareSeverity(a.finding, b.finding) || a.finding.target.localeCompare(b.finding.target),
    );
  const examined = sum(services, (one) => one.replicas.filter(({ build }) => build).length);
  return {
    examined,
    verdict: findings.length > 0 ? faultIn(services, findings) : clearVerdict(services),
    findings: findings.map(({ finding }) => finding),
  };
}

function answered({ replicas }: ServiceFacts) {
  return replicas.filter(({ state, build }) => state === 'serving' && build);
}

function faultIn(services: readonly ServiceFacts[], findings: readonly BuildFinding[]): string {
  const faults = findings.filter(({ finding }) => finding.severity !== 'info');
  const shown = faults.length > 0 ? faults : findings;
  const targets = [...new Set(shown.map(({ finding }) => finding.target))];
  const [first] = shown;
  if (first && targets.length === 1) return first.headline;
  const what = faults.length > 0 ? 'run different builds, or not the expected one' : 'are being updated';
  return `${targets.length} of ${wording.count(services.length, 'service')} ${what}: ${wording.list(targets)}`;
}

/** The kernel adds what couldn't be checked, so replicas that said nothing only count as a part that is missing. */
function clearVerdict(services: readonly ServiceFacts[]): string {
  const known = services.filter((one) => answered(one).length > 0);
  const [first] = known;
  if (!first) return '';
  const said = sum(known, (one) => answered(one).length);
  const serving = sum(known, (one) => servingIn(one).length);
  const subject = wording.capitalize(shareOf(said, Math.max(said, serving), 'replica'));
  if (known.length > 1)
    return `${subject} of ${wording.count(known.length, 'service')} ${known.every(({ expected }) => expected) ? 'run the expected build' : 'run the same build as the others of their service'}`;
  const build = buildInWords(answered(first)[0]?.build ?? {});
  return `${subject} of ${first.name} ${said === 1 ? 'runs' : 'run'} ${build}${first.expected ? ', as expected' : ''}`;
}

function servingIn({ replicas }: ServiceFacts) {
  return replicas.filter(({ state }) => state === 'serving');
}

function sum(services: readonly ServiceFacts[], countOf: (one: ServiceFacts) => number): number {
  return services.reduce((total, one) => total + countOf(one), 0);
}

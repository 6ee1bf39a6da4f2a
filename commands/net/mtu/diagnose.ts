import { type Diagnosis, type Finding, wording } from '../../kit.ts';
import { agree, have, shareOf } from '../../shared/grammar.ts';
import { hostKeyFindings } from '../../shared/host-survey.ts';
import { compareSeverity } from '../../shared/severity.ts';
import { differenceFindings } from './difference-findings.ts';
import type { Facts } from './facts.ts';
import { hostsIn } from './finding-parts.ts';
import { isTunnel } from './overhead.ts';
import { bridgeFindings, pathFindings, slaveFindings } from './port-findings.ts';
import { shortageFindings } from './shortage-findings.ts';
import { type LinkSurvey, surveyOf } from './survey.ts';

export function diagnose(facts: Facts): Diagnosis<never> {
  const survey = surveyOf(facts);
  const findings = [
    ...shortageFindings(survey.shortages, survey.chains, facts.networks),
    ...bridgeFindings(survey.bridges),
    ...pathFindings(facts.probes),
    ...differenceFindings(survey.legs),
    ...slaveFindings(survey.slaves),
    ...hostKeyFindings(facts.rejectedKeys),
  ].toSorted((a, b) => compareSeverity(a, b) || (a.target < b.target ? -1 : 1));
  return {
    examined: facts.hosts.length,
    verdict: verdictOf(facts, survey, findings),
    findings,
  };
}

function verdictOf(
  { hosts }: Facts,
  { shortages, chains, bridges, unjudged }: LinkSurvey,
  findings: readonly Finding<never>[],
): string {
  const [worst] = findings;
  if (!worst && chains.length === 0 && unjudged.length > 0)
    return `${wording.count(unjudged.length, 'link')} on ${wording.count(hosts.length, 'host')} couldn't be judged`;
  if (!worst)
    return chains.length === 0
      ? `${wording.count(hosts.length, 'host')} ${agree(hosts.length, have('no VLANs or tunnels'))}`
      : `The frames of ${chainsInWords(chains)} on ${wording.count(hosts.length, 'host')} fit the links below them`;
  const urgent = shortages.filter(({ severity }) => severity === worst.severity);
  const small = bridges.filter(({ severity }) => severity === worst.severity);
  const affected = hostsIn([...urgent.map(({ chain }) => chain), ...small]);
  if (worst.reason === 'path-mtu') return `Full-size packets don't pass between ${worst.target}`;
  if (affected === 0 || worst.reason === 'mtu-differs') return firstSentence(worst.summary);
  const share = shareOf(affected, hosts.length, 'host');
  return wording.capitalize(`${share} ${agree(affected, have("links whose frames don't fit"))}`);
}

function chainsInWords(chains: LinkSurvey['chains']): string {
  const tunnels = chains.filter(({ link }) => isTunnel(link.kind)).length;
  const vlans = chains.length - tunnels;
  return wording.list([
    ...(vlans > 0 ? [wording.count(vlans, 'VLAN')] : []),
    ...(tunnels > 0 ? [wording.count(tunnels, 'tunnel')] : []),
  ]);
}

/** The fault, without what to do about it. */
function firstSentence(summary: string): string {
  return summary.split(': larger frames')[0]?.split('. ')[0] ?? summary;
}

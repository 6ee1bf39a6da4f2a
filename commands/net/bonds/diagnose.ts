import type { Diagnosis } from '../../kit.ts';
import { hostKeyFindings } from '../../shared/host-survey.ts';
import { compareSeverity } from '../../shared/severity.ts';
import { aggregationProblem } from './aggregation.ts';
import { bondsOf } from './bond-state.ts';
import { bpduProblems } from './bpdu-guard.ts';
import { areAllDisabled, disabledPortsOf, unassignedPorts } from './disabled-ports.ts';
import type { Facts } from './facts.ts';
import { hints } from './hints.ts';
import { linkProblem, unmonitoredProblem } from './link-problems.ts';
import type { BondProblem } from './problem.ts';
import { verdictOf } from './verdict.ts';

export function diagnose(facts: Facts): Diagnosis<never> {
  const { hosts, rejectedKeys, earlier } = facts;
  const bonds = hosts.flatMap(bondsOf);
  const disabled = disabledPortsOf(facts);
  const unassigned = unassignedPorts(facts, disabled);
  const portsOf = (target: string) => disabled.get(target) ?? [];
  const isBlocked = (target: string) => portsOf(target).some((one) => one.disabled.by === 'bpdu-guard');
  const problems: readonly BondProblem[] = [
    ...bpduProblems(
      bonds
        .concat((facts.silent ?? []).flatMap(bondsOf))
        .filter(({ target, isAdminDown }) => isBlocked(target) && !isAdminDown)
        .map((bond) => ({
          bond,
          disabled: portsOf(bond.target),
          isCutOff: bond.host.isSilent === true && areAllDisabled(facts, bond.host),
        })),
      facts.cloud,
      hosts,
    ),
    ...bonds
      .filter(({ target, isAdminDown }) => !isBlocked(target) || isAdminDown)
      .flatMap((bond) => {
        const context = {
          disabled: portsOf(bond.target),
          unassigned,
          wereLogsRead: facts.switches?.isComplete ?? false,
        };
        return linkProblem(bond, context) ?? [];
      }),
    ...unmonitoredProblem(bonds),
    ...bonds.flatMap((bond) => aggregationProblem(bond, bonds) ?? []),
    ...bonds.flatMap((bond) => hints(bond, earlier)),
  ];
  return {
    examined: hosts.length,
    verdict: verdictOf(hosts, bonds, problems),
    findings: [...problems.map(({ finding }) => finding), ...hostKeyFindings(rejectedKeys)].toSorted((a, b) =>
      compareSeverity(a, b),
    ),
  };
}

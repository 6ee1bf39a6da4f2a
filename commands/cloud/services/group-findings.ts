import { wording } from '../../kit.ts';
import { field, optionalField, steps } from '../../shared/evidence.ts';
import { shareOf } from '../../shared/grammar.ts';
import { alarmFields, alarmsIn, reportsOf, sshFields, whenOf } from './control-plane.ts';
import { type CloudView, hostFactsOf, hostsOf, nameIn, type Problem } from './problem.ts';
import type { KnownService } from './known-service.ts';

/** Some of the computes stopped at the same time, while others go on: what these share is the cause, not each of them. */
export function groupProblems(view: CloudView): readonly Problem[] {
  const { survey, facts } = view;
  const { group, computes } = survey;
  if (group.length === 0) return [];
  const zone = zoneOf(view, group);
  const alarms = alarmsIn(facts);
  const share = wording.capitalize(shareOf(group.length, computes.length, 'compute'));
  const asked = group.flatMap(({ host }) => hostFactsOf(view, host) ?? []);
  const areUnreachable = asked.length > 1 && asked.every(({ unreachable }) => unreachable !== undefined);
  const cause =
    alarms.length > 0
      ? `RabbitMQ has ${wording.count(alarms.length, 'alarm')}: ${wording.list(alarms)}`
      : areUnreachable
        ? `the ${asked.length} hosts that Wrench asked can't be reached over ssh from here either: check their network and power`
        : `check what they share${zone === undefined ? '' : `, all of the zone ${zone}`}: rack, switch, power, or the RabbitMQ of their cell`;
  return [
    {
      headline: `${share} stopped reporting together`,
      finding: {
        reason: 'computes-together',
        severity: 'critical',
        target: nameIn(
          view,
          alarms.length > 0
            ? 'control plane (RabbitMQ)'
            : zone === undefined
              ? 'nova-compute'
              : `zone ${zone}`,
        ),
        targets: hostsOf(group).map((host) => nameIn(view, host)),
        summary: `${share} stopped reporting ${whenOf(group)}, and ${cause}`,
        evidence: [
          ...optionalField('Zone', zone),
          ...alarmFields(view),
          ...sshFields(view, group),
          field('Still up', wording.list(hostsOf(survey.up), 5)),
          ...steps([
            'Check `/rabbit health`, and the links of one of these hosts with `/net bonds`',
            "Don't disable, force down or evacuate any of them before that: their instances may be running",
          ]),
          ...reportsOf(view, group),
        ],
        next: [{ check: 'rabbit/health', args: {} }],
      },
    },
  ];
}

/** The zone of all of them, if none of its computes is up. */
function zoneOf({ survey }: CloudView, group: readonly KnownService[]): string | undefined {
  const zones = new Set(group.map(({ zone }) => zone));
  const [only] = zones;
  return zones.size === 1 && !survey.up.some(({ zone }) => zone === only) ? only : undefined;
}

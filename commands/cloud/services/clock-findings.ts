import { wording } from '../../kit.ts';
import { field, optionalField, steps } from '../../shared/evidence.ts';
import type { ClockFault } from './clocks.ts';
import { type CloudView, hostsOf, lastReport, nameIn, type Problem } from './problem.ts';
import { isCompute } from './known-service.ts';
import type { StoppedTogether } from './together.ts';

export function clockProblems(view: CloudView): readonly Problem[] {
  const { clocks, together } = view.survey;
  return [
    ...clocks.map((fault) => wrongClock(view, fault)),
    ...together.map((group) => stoppedTogether(view, group)),
  ];
}

function wrongClock(
  view: CloudView,
  { conductor, aheadMs, services, uncertain, knownFrom }: ClockFault,
): Problem {
  const computes = services.filter(isCompute);
  const others = services.filter((one) => !isCompute(one) && one !== conductor);
  const offset = `${wording.span(aheadMs)} ${aheadMs > 0 ? 'ahead' : 'behind'}`;
  const name = conductor?.host ?? 'a conductor';
  const isOne = computes.length === 1;
  const only =
    computes.length === 0
      ? 'Nova calls computes down when it saves their reports'
      : `${wording.list(hostsOf(computes))} ${isOne ? 'counts' : 'count'} as down only because ${conductor ? 'it' : 'one'} saved ${isOne ? 'its last report' : 'their last reports'}`;
  return {
    headline: `The clock of ${name} is ${offset}, so Nova misjudges ${computes.length === 0 ? 'computes' : wording.count(computes.length, 'compute')}`,
    finding: {
      reason: 'conductor-clock',
      severity: 'critical',
      target: nameIn(view, conductor?.host ?? 'nova-conductor'),
      summary: `The clock of ${name} is ${offset}: ${only}. Check time sync on ${conductor?.host ?? 'the conductors'}, then check again`,
      evidence: [
        field(
          'Known from',
          knownFrom === 'clock'
            ? 'the clock of the host, read over ssh'
            : 'times of reports that are in the future',
        ),
        ...optionalField(
          'Also',
          others.length === 0
            ? undefined
            : wording.list(
                others.map(({ binary, host }) => `${binary} on ${host}`),
                5,
              ),
        ),
        ...optionalField(
          'Or saved by another',
          uncertain.length === 0
            ? undefined
            : `${wording.list(hostsOf(uncertain), 5)}: several clocks are wrong by about as much`,
        ),
        ...optionalField('Computes', computes.length > 3 ? wording.list(hostsOf(computes), 20) : undefined),
        field('Until fixed', 'Other computes count as down too, whenever this conductor saves their reports'),
        ...steps([
          `Check and fix time sync on ${conductor?.host ?? 'each conductor'}: \`chronyc tracking\` or \`timedatectl\``,
          'Check again. Computes that are still down then are down',
          "Until then, don't disable, force down or evacuate any of them",
        ]),
      ],
    },
  };
}

function stoppedTogether(view: CloudView, { conductor, services }: StoppedTogether): Problem {
  const computes = services.filter(isCompute);
  const victims = wording.count(computes.length, 'compute');
  const behind = view.now.getTime() - (conductor.updatedAt?.getTime() ?? 0);
  return {
    headline: `The conductor on ${conductor.host} and ${victims} stopped reporting together`,
    finding: {
      reason: 'conductor-and-computes',
      severity: 'critical',
      target: nameIn(view, conductor.host),
      targets: hostsOf(services).map((host) => nameIn(view, host)),
      summary: `The conductor on ${conductor.host} and ${victims} stopped reporting together. Either the clock of ${conductor.host} is ${wording.span(behind)} behind, or they lost their connection together: check time sync on ${conductor.host} first`,
      evidence: [
        ...optionalField('Last report', lastReport(conductor, view.now)),
        field('Computes', wording.list(hostsOf(computes), 10)),
        ...steps([
          `Check time sync on ${conductor.host}: \`chronyc tracking\` or \`timedatectl\`. If its clock is behind, fix that and check again`,
          'If the time is right, check what these hosts share: rack, switch, power',
          "Until then, don't disable, force down or evacuate any of them",
        ]),
      ],
    },
  };
}

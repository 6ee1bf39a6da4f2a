import { wording } from '../../kit.ts';
import { field, optionalField, steps } from '../../shared/evidence.ts';
import {
  type CloudView,
  binariesOf,
  hostFactsOf,
  hostsOf,
  lastReport,
  nameIn,
  type Problem,
} from './problem.ts';
import { isPlanned, type KnownService } from './known-service.ts';

/** Conductors, schedulers and others that are down: one finding for each host, and one if no scheduler is left. */
export function otherProblems(view: CloudView): readonly Problem[] {
  const { survey } = view;
  const { otherDown, schedulers, conductors } = survey;
  const deadSchedulers = otherDown.filter((one) => schedulers.includes(one));
  const areConductorsDown = conductors.length > 0 && !conductors.some(({ isUp }) => isUp);
  // The finding about the control plane includes them.
  const isUnscheduled =
    !(survey.outage.length > 0 && areConductorsDown) &&
    deadSchedulers.length > 0 &&
    !schedulers.some(({ isUp }) => isUp);
  const isToldOtherwise = (one: KnownService): boolean =>
    (areConductorsDown && conductors.includes(one)) ||
    (schedulers.includes(one) && !schedulers.some(({ isUp }) => isUp));
  const rest = Map.groupBy(
    otherDown.filter((one) => !isToldOtherwise(one)),
    ({ host }) => host,
  );
  return [
    ...(isUnscheduled ? [noScheduler(view, deadSchedulers)] : []),
    ...[...rest].map(([host, services]) => downOn(view, host, services)),
  ];
}

function noScheduler(view: CloudView, down: readonly KnownService[]): Problem {
  return {
    headline: `No new instances can start: no scheduler is up`,
    finding: {
      reason: 'no-scheduler',
      severity: 'critical',
      target: nameIn(view, 'nova-scheduler'),
      targets: hostsOf(down).map((host) => nameIn(view, host)),
      summary: `No new instances can start, because ${down.length === 1 ? 'the only scheduler is' : `all ${down.length} schedulers are`} down: check nova-scheduler on ${wording.list(hostsOf(down))}`,
      evidence: [
        ...optionalField('Last report', lastReport(down[0]!, view.now)),
        ...steps(['On each: `systemctl status nova-scheduler` and its log', 'Check the database of Nova']),
      ],
    },
  };
}

function downOn(view: CloudView, host: string, services: readonly KnownService[]): Problem {
  const [first] = services as readonly [KnownService, ...KnownService[]];
  const are = services.length === 1 ? 'is' : 'are';
  const known = hostFactsOf(view, host);
  const isIntended = services.every(isPlanned);
  return {
    ...(!isIntended && { headline: `${binariesOf(services)} on ${host} ${are} down` }),
    finding: {
      reason: 'service-down',
      severity: isIntended ? 'info' : 'warning',
      target: nameIn(view, host),
      summary: `${binariesOf(services)} on ${host} ${are} down, and others do ${services.length === 1 ? 'its' : 'their'} work: check ${host}, or delete the record if it was removed`,
      evidence: [
        ...optionalField('Last report', lastReport(first, view.now)),
        ...optionalField('Disabled because', first.disabledReason),
        ...optionalField(
          'Host',
          known?.unreachable === undefined ? undefined : `not reachable from here (${known.unreachable})`,
        ),
        field('Clock', 'A clock that is wrong by more than a minute has the same effect'),
      ],
    },
  };
}

import { type Evidence, type Finding, wording } from '../../kit.ts';
import { field, optionalField, steps } from '../../shared/evidence.ts';
import { allOf, be, say, shareOf } from '../../shared/grammar.ts';
import type { Facts } from './facts.ts';
import { type CloudView, hostFactsOf, hostsOf, nameIn, type Problem } from './problem.ts';
import type { KnownService } from './known-service.ts';
import { timeOf } from './together.ts';

/** Of 2,000 computes, a few say enough. */
const MAX_NAMED = 10;

/**
 * Computes report through RabbitMQ to a conductor; conductors and schedulers write to the database themselves. So computes that stop together while those are
 * up lost the path: https://opendev.org/openstack/nova/src/branch/master/nova/servicegroup/drivers/db.py
 */
export function controlPlaneProblems(view: CloudView): readonly Problem[] {
  const { survey } = view;
  if (survey.outage.length === 0) return conductorProblems(view);
  const { outage, computes, conductors } = survey;
  const cause = causeOf(view);
  const share = shareOf(outage.length, computes.length, 'compute');
  return [
    {
      headline: `${wording.capitalize(share)} stopped reporting together: ${cause.headline}`,
      finding: {
        reason: 'control-plane',
        severity: 'critical',
        target: nameIn(view, cause.isBroker ? 'control plane (RabbitMQ)' : 'control plane'),
        summary: `${wording.capitalize(share)} stopped reporting ${whenOf(outage)}, so the cause is ${cause.summary}`,
        evidence: [
          field('Computes', wording.list(hostsOf(outage), MAX_NAMED)),
          ...optionalField('Conductors', conductors.length === 0 ? undefined : statesOf(conductors)),
          ...optionalField(
            'Schedulers',
            survey.schedulers.length === 0 ? undefined : statesOf(survey.schedulers),
          ),
          ...alarmFields(view),
          ...sshFields(view, outage),
          ...optionalField(
            'Still up',
            survey.up.length === 0 ? undefined : wording.list(hostsOf(survey.up), MAX_NAMED),
          ),
          ...steps([
            ...cause.steps,
            "Don't restart, disable, force down or evacuate computes: their instances are probably running",
          ]),
          ...reportsOf(view, outage),
        ],
        next: [{ check: 'rabbit/health', args: {} }],
      },
    },
  ];
}

interface Cause {
  readonly isBroker: boolean;
  readonly headline: string;
  readonly summary: string;
  readonly steps: readonly string[];
}

function causeOf(view: CloudView): Cause {
  const { facts, survey } = view;
  const { conductors, schedulers, outage } = survey;
  const alarms = alarmsIn(facts);
  const areConductorsDown = conductors.length > 0 && !conductors.some(({ isUp }) => isUp);
  const areSchedulersDown = schedulers.length > 0 && !schedulers.some(({ isUp }) => isUp);
  if (areConductorsDown && areSchedulersDown)
    return {
      isBroker: false,
      headline: 'conductors and schedulers are down too',
      summary:
        'what they share with the conductors and schedulers, which are down too: the database, or the clocks',
      steps: [
        'Check the database of Nova and the time on the controllers',
        'Then check nova-conductor on one of them',
      ],
    };
  if (areConductorsDown)
    return {
      isBroker: false,
      headline: 'no conductor is up',
      summary: `the conductors: ${conductors.length === 1 ? 'the only one is' : `all ${conductors.length} are`} down, and they save the reports of computes`,
      steps: ['Check nova-conductor on the controllers, and its connections to the database and to RabbitMQ'],
    };
  if (alarms.length > 0)
    return {
      isBroker: true,
      headline: `RabbitMQ has ${alarms.length === 1 ? 'an alarm' : `${alarms.length} alarms`}`,
      summary: `RabbitMQ: its ${alarms.length === 1 ? 'alarm' : 'alarms'} (${wording.list(alarms)}) ${alarms.length === 1 ? 'blocks' : 'block'} publishers. Check \`/rabbit health\``,
      steps: ['Clear the alarm. The computes then report again automatically'],
    };
  const asked = outage.flatMap(({ host }) => hostFactsOf(view, host) ?? []);
  if (asked.length > 1 && asked.every(({ unreachable }) => unreachable !== undefined))
    return {
      isBroker: false,
      headline: "their hosts can't be reached either",
      summary: `what they share: the ${asked.length} hosts that Wrench asked can't be reached over ssh from here either`,
      steps: ['Check the network and the power of these hosts', 'If they run, check `/rabbit health`'],
    };
  const isKnown = conductors.length > 0;
  return {
    isBroker: isKnown,
    headline: isKnown ? 'RabbitMQ is the likely cause' : 'the control plane is the likely cause',
    summary: isKnown
      ? 'probably RabbitMQ, through which they report to conductors that are up: check `/rabbit health`'
      : 'the path of their reports, not the hosts: check `/rabbit health`, then conductors and database',
    steps: [
      'Check `/rabbit health`',
      'If RabbitMQ is healthy, check the network between computes and controllers',
    ],
  };
}

/** `memory on rabbit@ctl-2`, with the name of the source if there are several. */
export function alarmsIn({ alarms }: Facts): readonly string[] {
  const isShared = new Set(alarms.map(({ broker }) => broker)).size > 1;
  return [
    ...new Set(
      alarms.flatMap(({ broker, alarms: all }) =>
        all.map(({ node, resource }) => `${resource} on ${node}${isShared ? ` (${broker})` : ''}`),
      ),
    ),
  ].toSorted();
}

/** An alarm is in the summary. */
export function alarmFields({ facts }: CloudView): readonly Evidence[] {
  const brokers = [...new Set(facts.alarms.map(({ broker }) => broker))].toSorted();
  return brokers.length === 0 || alarmsIn(facts).length > 0
    ? []
    : [field('Alarms', `none in ${wording.list(brokers)}`)];
}

export function sshFields(view: CloudView, services: readonly KnownService[]): readonly Evidence[] {
  const asked = services.flatMap(({ host }) => hostFactsOf(view, host) ?? []);
  const reached = asked.filter(({ unreachable }) => unreachable === undefined).map(({ host }) => host);
  const failed = asked.flatMap(({ host, unreachable }) =>
    unreachable === undefined ? [] : `${host} (${unreachable})`,
  );
  return [
    ...optionalField(
      'Reachable over ssh',
      reached.length === 0 ? undefined : wording.list(reached.toSorted(), 5),
    ),
    ...optionalField(
      'Not reachable from here',
      failed.length === 0 ? undefined : wording.list(failed.toSorted(), 3),
    ),
  ];
}

function statesOf(services: readonly KnownService[]): string {
  const up = services.filter(({ isUp }) => isUp).length;
  return `${up} of ${services.length} up`;
}

/** `within 7 s, at 2026-11-26 11:41 UTC`. */
export function whenOf(services: readonly KnownService[]): string {
  const sorted = services.toSorted((a, b) => timeOf(a) - timeOf(b));
  const [first] = sorted;
  const withinMs = timeOf(sorted.at(-1)!) - timeOf(first!);
  const within = withinMs < 1_000 ? 'in one second' : `within ${wording.elapsed(withinMs)}`;
  return first?.updatedAt ? `${within}, at ${wording.utcTime(first.updatedAt)}` : within;
}

export function reportsOf(view: CloudView, services: readonly KnownService[]): readonly Evidence[] {
  const lines = hostsOf(services).flatMap((host) =>
    (hostFactsOf(view, host)?.reports ?? []).map((line) => `${host}: ${line}`),
  );
  return lines.length === 0 ? [] : [{ kind: 'log', lines: lines.slice(0, 5) }];
}

/** Computes are about to go down too, or none was counted. */
function conductorProblems(view: CloudView): readonly Problem[] {
  const { conductors, otherDown } = view.survey;
  const down = otherDown.filter((one) => conductors.includes(one));
  if (down.length === 0 || down.length < conductors.length) return [];
  const finding: Finding<never> = {
    reason: 'no-conductor',
    severity: 'critical',
    target: nameIn(view, 'control plane'),
    targets: hostsOf(down).map((host) => nameIn(view, host)),
    summary: `${say(
      hostsOf(down).map((host) => `nova-conductor on ${host}`),
      be('down'),
    )}, and no other conductor is up: computes can't report or change anything`,
    evidence: steps([
      'Check nova-conductor on the controllers, and its connections to the database and to RabbitMQ',
    ]),
  };
  return [
    {
      headline: `${wording.capitalize(allOf(down.length, 'conductor'))} ${down.length === 1 ? 'is' : 'are'} down`,
      finding,
    },
  ];
}

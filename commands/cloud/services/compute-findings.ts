import { type Evidence, wording } from '../../kit.ts';
import { field, optionalField, steps } from '../../shared/evidence.ts';
import { shareOf } from '../../shared/grammar.ts';
import { obstacleToDisable } from './disable-rules.ts';
import {
  type CloudView,
  hostFactsOf,
  lastReport,
  nameIn,
  type Problem,
  type ServicesOffer,
} from './problem.ts';
import {
  isCompute,
  isDisabledByNova,
  isDisabledByWrench,
  isPlanned,
  type KnownService,
} from './known-service.ts';

/** Computes that are down for reasons of their own: one finding for each. */
export function downProblems(view: CloudView): readonly Problem[] {
  const { survey } = view;
  const unplanned = survey.down.filter((one) => !isPlanned(one));
  const amount = shareOf(unplanned.length, survey.computes.length, 'compute');
  const headline = `${wording.capitalize(amount)} ${unplanned.length === 1 ? 'is' : 'are'} down`;
  return [
    ...unplanned.map((one) => ({ headline, finding: downFinding(view, one) })),
    ...survey.down.filter(isPlanned).map((one) => ({
      finding: {
        reason: 'disabled',
        severity: 'info' as const,
        target: nameIn(view, one.host),
        summary: `${one.host} is down, and was disabled before with a reason`,
        evidence: [reasonField(one), ...optionalField('Last report', lastReport(one, view.now))],
      },
    })),
  ];
}

function downFinding(view: CloudView, compute: KnownService): Problem['finding'] {
  const { host, isEnabled } = compute;
  const isUnexplained = !isEnabled && !isDisabledByWrench(compute) && !isDisabledByNova(compute);
  const known = hostFactsOf(view, host);
  const { offer, because } = disableOffer(view, compute);
  return {
    reason: 'compute-down',
    severity: isUnexplained ? 'warning' : 'critical',
    target: nameIn(view, host),
    summary: isUnexplained
      ? `${host} is down, and was disabled without a reason: ask who disabled it`
      : `${host} is down${lastSeen(view, compute)}${known?.unreachable === undefined && known ? ', but the host responds over ssh' : ''}: check the host before its instances`,
    evidence: [
      ...(compute.disabledReason === undefined ? [] : [reasonField(compute)]),
      ...optionalField('Last report', compute.updatedAt && wording.utcTime(compute.updatedAt)),
      ...optionalField('Host', known?.unreachable && `not reachable from here (${known.unreachable})`),
      ...sameTime(view, compute),
      ...steps([
        known === undefined ? `Check whether ${host} is reachable, over ssh or its console` : undefined,
        known?.unreachable === undefined
          ? `${known ? `On ${host}, check` : 'If it is, check'} \`systemctl status nova-compute\` and its log`
          : `Check over its management interface whether ${host} is off or hangs`,
        `Check its links with \`/net bonds\`: a bond that lost its links takes a host off the network while it runs`,
        'Its instances may be running: evacuate only once the host is fenced',
      ]),
      ...optionalField('Disable', because && `not offered: ${because}`),
      ...(known && known.reports.length > 0 ? [{ kind: 'log', lines: known.reports } as const] : []),
    ],
    ...(known && { next: [{ check: 'net/bonds', args: { hosts: known.sshName } }] }),
    ...(offer && { offers: [offer] }),
  };
}

function lastSeen({ now }: CloudView, { updatedAt }: KnownService): string {
  return updatedAt ? `, without a report for ${wording.span(now.getTime() - updatedAt.getTime())}` : '';
}

/** Others that are down since the same time point to something that they share. */
function sameTime({ survey }: CloudView, compute: KnownService): readonly Evidence[] {
  const at = compute.updatedAt?.getTime() ?? 0;
  const others = [...survey.down, ...survey.otherDown].filter(
    (one) => one !== compute && Math.abs((one.updatedAt?.getTime() ?? 0) - at) <= 120_000,
  );
  return optionalField(
    'At the same time',
    others.length === 0
      ? undefined
      : wording.list([...new Set(others.map(({ host }) => host))].toSorted(), 5),
  );
}

function disableOffer(
  { cloud, survey }: CloudView,
  compute: KnownService,
): { readonly offer?: ServicesOffer; readonly because?: string } {
  const { id, host, isEnabled } = compute;
  if (!isEnabled) return {};
  const obstacle = obstacleToDisable(compute, survey);
  if (obstacle !== undefined) return { because: obstacle };
  if (!cloud.changes.allowed) return { because: cloud.changes.because };
  if (id === undefined) return { because: 'Nova did not return its id' };
  return { offer: { remediation: 'disable-compute', params: { cloud: cloud.name, id, host } } };
}

function reasonField({ disabledReason }: KnownService): Evidence {
  return field('Disabled because', disabledReason ?? 'no reason given');
}

/** Computes that are fenced, new, or disabled while they are up, and a cloud that can't start instances. */
export function stateProblems(view: CloudView): readonly Problem[] {
  const { survey, cloud } = view;
  const enabled = survey.computes.filter(({ isEnabled }) => isEnabled);
  const isBlocked =
    enabled.length === 0 &&
    (survey.up.length > 0 || survey.outage.length === 0) &&
    survey.known.some(isCompute);
  const all = survey.known.filter(isCompute);
  const disabled = survey.up.filter(({ isEnabled }) => !isEnabled);
  const blocked: readonly Problem[] = isBlocked
    ? [
        {
          headline: `No new instances can start: ${all.length === 1 ? 'the only compute is' : `all ${all.length} computes are`} disabled or fenced`,
          finding: {
            reason: 'all-disabled',
            severity: 'critical',
            target: nameIn(view, 'nova-compute'),
            targets: all.map(({ host }) => nameIn(view, host)).toSorted(),
            summary: `No compute accepts new instances, because ${all.length === 1 ? 'the only one is' : `all ${all.length} are`} disabled or fenced: enable some, or add others`,
            evidence: [
              {
                kind: 'table',
                columns: ['Host', 'Disabled because'],
                rows: all.map(({ host, disabledReason = 'no reason given' }) => [host, disabledReason]),
              },
            ],
          },
        },
      ]
    : [];
  return [
    ...blocked,
    ...survey.fenced.map((one) => ({
      finding: {
        reason: 'fenced',
        severity: 'info' as const,
        target: nameIn(view, one.host),
        summary: `${one.host} is fenced: an operator forced it down, so it isn't counted`,
        evidence: [reasonField(one), ...optionalField('Last report', lastReport(one, view.now))],
      },
    })),
    ...survey.unreported.map((one) => ({
      finding: {
        reason: 'never-reported',
        severity: 'info' as const,
        target: nameIn(view, isCompute(one) ? one.host : `${one.host} (${one.binary})`),
        summary: `${one.binary} on ${one.host} has never reported since it was registered: finish its installation, or delete its record`,
      },
    })),
    ...disabled
      .filter((one) => isDisabledByWrench(one))
      .map((one) => stillDisabled(view, one, cloud.changes)),
    ...disabled.filter(isDisabledByNova).map((one) => ({
      headline: `Nova has disabled ${one.host} itself`,
      finding: {
        reason: 'disabled-by-nova',
        severity: 'warning' as const,
        target: nameIn(view, one.host),
        summary: `Nova has disabled ${one.host} itself, because its hypervisor doesn't respond: check libvirtd there`,
        evidence: [reasonField(one)],
      },
    })),
    ...(isBlocked ? [] : disabled)
      .filter((one) => !isDisabledByWrench(one) && !isDisabledByNova(one))
      .map((one) => ({
        finding: {
          reason: 'disabled',
          severity: 'info' as const,
          target: nameIn(view, one.host),
          summary: `${one.host} is disabled: it is up, and gets no new instances`,
          evidence: [reasonField(one)],
        },
      })),
  ];
}

function stillDisabled(
  view: CloudView,
  { host, id, disabledReason: reason }: KnownService,
  changes: CloudView['cloud']['changes'],
): Problem {
  const { cloud } = view;
  return {
    finding: {
      reason: 'still-disabled',
      severity: 'info',
      target: nameIn(view, host),
      summary: `${host} is up again, and still disabled by Wrench: enable it once the cause is known`,
      evidence: changes.allowed ? [] : [field('Enable', `not offered: ${changes.because}`)],
      ...(changes.allowed &&
        id !== undefined &&
        reason !== undefined && {
          offers: [{ remediation: 'enable-compute', params: { cloud: cloud.name, id, host, reason } }],
        }),
    },
  };
}

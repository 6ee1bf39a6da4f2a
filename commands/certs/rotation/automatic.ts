import { type Evidence, type Finding, type ports, wording } from '../../kit.ts';
import type { SurveyedPlace } from '../../shared/certificate-survey.ts';
import { field } from '../../shared/evidence.ts';
import { isSignedBy } from '../../shared/signed-by.ts';
import type { KnownCertificate } from '../../shared/managed-chain.ts';
import { withoutSource } from '../../shared/sources.ts';
import { leafTarget } from './former-signers.ts';
import { namesOf, type PlanContext } from './plan-context.ts';
import { earliest, endsIn, isOnSchedule, renewOffers, type Rotation, severityAt } from './rotation.ts';
import { memberOf } from './signed-by.ts';
import { checklist, day, type Step } from './steps.ts';
import type { TrustFile } from './trust.ts';

/** A certificate that cert-manager renews by itself, with what is stored of it. */
interface Automatic {
  readonly certificate: KnownCertificate;
  readonly automation: ports.Automation;
  readonly content?: SurveyedPlace;
  /** The present certificate of its issuer. */
  readonly authority?: ports.Certificate;
  readonly endMs?: number;
}

const HOUR_MS = 3_600_000;

/**
 * Certificates of cert-manager that need someone: signed by a former key of their authority, or not renewed although it is time. A renewed authority has a
 * new key since 1.18, and what it signed isn't issued again: https://cert-manager.io/docs/releases/release-notes/release-notes-1.18/
 */
export function automaticRotations(plan: PlanContext): readonly Rotation[] {
  const contentAt = indexContents(plan.facts.places);
  const all = plan.managed.all.flatMap((certificate): readonly Automatic[] => {
    const { automation } = certificate;
    if (!automation) return [];
    const content = contentAt(automation.writesTo);
    const { storedAt } = automation.issuer;
    const authority = storedAt === undefined ? undefined : contentAt(storedAt)?.chain[0];
    const notAfter = content?.chain[0].notAfter ?? certificate.versions[0]?.notAfter;
    return [
      {
        certificate,
        automation,
        ...(content && { content }),
        ...(authority && authority.fingerprint !== content?.chain[0].fingerprint && { authority }),
        ...(notAfter && { endMs: notAfter.getTime() }),
      },
    ];
  });
  const former = all.filter((one) => isFormer(plan, one));
  const groups = Map.groupBy(former, ({ automation }) => automation.issuer.storedAt);
  return [
    ...[...groups.values()].flatMap((group) => leftBehind(plan, group as [Automatic, ...Automatic[]])),
    ...all.filter((one) => !former.includes(one)).flatMap((one) => overdue(plan, one)),
    ...all.flatMap((one) => comingKey(plan, one)),
  ];
}

/** By the place that is written: `prod:shop/shop-tls`. */
function indexContents(places: readonly SurveyedPlace[]): (target: string) => SurveyedPlace | undefined {
  const byTarget = new Map<string, SurveyedPlace>();
  for (const one of places) {
    if (one.role !== 'stored' || /#\d+$/.test(one.place)) continue;
    const target = one.place.replace(/:[^:]+$/, '');
    if (!byTarget.has(target) || one.place.endsWith(':tls.crt')) byTarget.set(target, one);
  }
  return (target) => byTarget.get(target);
}

/** Without its content, it may be signed by the former key if it is older than the present certificate of its authority. */
function isFormer(plan: PlanContext, { certificate, content, authority }: Automatic): boolean {
  if (content && authority) return isSignedBy(content.chain[0], authority) === false;
  if (content?.chain[0].selfSigned) return false;
  const issuer = plan.managed.authorityOf(certificate);
  if (!issuer || issuer.automation?.rotatesKey === false) return false;
  const [own, its] = [certificate.versions[0]?.notBefore, issuer.versions[0]?.notBefore];
  const isRenewed = (issuer.automation?.revision ?? 1) > 1;
  return own !== undefined && its !== undefined && own < its && isRenewed;
}

interface Rejection {
  /** Trust files that don't verify what is in use. */
  readonly rejecting: readonly TrustFile[];
  /** Trust files that don't have the present certificate of the authority. */
  readonly lacking: readonly TrustFile[];
  readonly all: readonly TrustFile[];
  readonly servedAt: readonly string[];
}

function leftBehind(plan: PlanContext, group: readonly [Automatic, ...Automatic[]]): readonly Rotation[] {
  const { nowMs, horizonMs } = plan;
  const [first] = group;
  const authority = plan.managed.authorityOf(first.certificate);
  const authorityName = authority ? plan.nameOf(authority) : first.automation.issuer.name;
  const isProven = group.every(({ content, authority: its }) => content && its);
  const rejections = group.map((one) => rejectionOf(plan, one));
  const ends = group.map((one) => earliest([one.endMs, signerEnd(one)]));
  const endMs = earliest(ends);
  const isRejected = rejections.some(({ rejecting }) => rejecting.length > 0);
  // Without contents, it isn't known when the former certificate of the authority ends.
  if (isProven && !isRejected && endMs !== undefined && endMs > horizonMs) return [];
  const rejecting = unique(rejections.flatMap((one) => one.rejecting));
  const lacking = unique(rejections.flatMap((one) => one.lacking));
  const files = unique(rejections.flatMap((one) => one.all));
  const servedAt = [...new Set(rejections.flatMap((one) => one.servedAt))];
  const members = group.map((one, at) =>
    memberOf(plan, { certificate: one.certificate, ...(ends[at] !== undefined && { endMs: ends[at] }) }),
  );
  const issuing = group.filter(({ automation }) => automation.issuing?.status === 'True');
  const steps = stepsAfterKey({ group, authorityName, lacking, files, issuing: issuing.length });
  const { target, place, many } = leafTarget(
    members,
    authorityName,
    authority?.place ?? first.certificate.place,
  );
  const isSoonDone = group.every(
    ({ automation: { dueAt } }, at) =>
      dueAt !== undefined && dueAt.getTime() > nowMs && (ends[at] ?? 0) > dueAt.getTime(),
  );
  const how = isProven ? 'signed by a former key of' : 'older than the present certificate of';
  const may = isProven ? '' : ', whose key may have changed';
  const effect =
    rejecting.length > 0
      ? `, and ${namesOf(rejecting)} ${rejecting.length === 1 ? 'trusts' : 'trust'} only the present one`
      : '';
  return [
    {
      reason: 'signed-by-former-version',
      place,
      target,
      severity: severityAfterKey({
        dates: severityAt(endMs, nowMs),
        isProven,
        isRejected,
        isServed: servedAt.length > 0,
        isSoonDone,
        isYoung:
          issuing.length === group.length && issuing.every(({ automation }) => isYoung(automation, nowMs)),
      }),
      endMs,
      summary: `${many} ${how} ${authorityName}${may}${effect}; ${lacking.length > 0 ? 'add the present one to what trusts it, then renew' : 'renew'} ${members.length === 1 ? 'it' : 'them'}`,
      steps,
      members,
      evidence: [
        ...checklist(steps),
        ...(servedAt.length > 0 ? [field('Served at', wording.list(servedAt, 10))] : []),
        ...(endMs === undefined ? [] : [field('Ends', `${day(endMs)}, with the key that signed it`)]),
        ...(isProven ? [] : [field('Assumed', 'from dates, because the Secrets were not read')]),
      ],
      covers: files.map((one) => one.place),
      offers: lacking.length > 0 || issuing.length > 0 ? [] : renewOffers(members),
      names: [place, target, ...members.map((one) => one.place), ...(authority ? [authority.place] : [])],
    },
  ];
}

/** Something that trusts only the present key rejects what is served: that is broken now. An assumption isn't. */
function severityAfterKey({
  dates,
  isProven,
  isRejected,
  isServed,
  isSoonDone,
  isYoung,
}: {
  readonly dates: Finding['severity'];
  readonly isProven: boolean;
  readonly isRejected: boolean;
  readonly isServed: boolean;
  readonly isSoonDone: boolean;
  readonly isYoung: boolean;
}): Finding['severity'] {
  if (isYoung) return 'info';
  if (isRejected && isProven) return isServed || dates === 'critical' ? 'critical' : 'warning';
  if (isSoonDone) return 'info';
  return !isProven && dates === 'critical' ? 'warning' : dates;
}

interface AfterKey {
  readonly group: readonly Automatic[];
  readonly authorityName: string;
  readonly lacking: readonly TrustFile[];
  readonly files: readonly TrustFile[];
  readonly issuing: number;
}

function stepsAfterKey({ group, authorityName, lacking, files, issuing }: AfterKey): readonly Step[] {
  const since = group[0]?.authority?.notBefore;
  const trust: readonly Step[] =
    files.length === 0
      ? []
      : [
          lacking.length > 0
            ? {
                id: 'trust',
                state: 'open',
                by: 'person',
                what: `add the present certificate of ${authorityName} to ${namesOf(lacking, 5)}`,
                note: 'Before that, what is renewed would be rejected there',
              }
            : {
                id: 'trust',
                state: 'done',
                by: 'person',
                what: `The present certificate of ${authorityName} is in ${namesOf(files, 5)}`,
              },
        ];
  const canRenew = group.some(({ certificate }) => certificate.renewable) && issuing === 0;
  return [
    {
      id: 'add-version',
      state: 'done',
      by: 'automatic',
      what: `${authorityName} has a new key`,
      ...(since && { doneMs: since.getTime() }),
    },
    ...trust,
    {
      id: 'renew',
      state: 'open',
      by: issuing > 0 ? 'automatic' : canRenew ? 'button' : 'person',
      what: `renew ${group
        .slice(0, MAX_COMMANDS)
        .map(({ certificate }) => renewCommand(certificate))
        .join(', ')}${group.length > MAX_COMMANDS ? ` and ${group.length - MAX_COMMANDS} more` : ''}`,
      ...(issuing > 0 && {
        note: `${wording.count(issuing, 'certificate')} of them ${issuing === 1 ? 'is' : 'are'} being issued`,
      }),
    },
    {
      id: 'restart',
      state: 'open',
      by: 'automatic',
      what: 'pods load it within about two minutes; restart those that mount it with `subPath` or read it only when they start',
    },
    ...(files.some(({ certificates }) =>
      certificates.some((one) =>
        group.some(({ content }) => content && isSignedBy(content.chain[0], one) === true),
      ),
    )
      ? [
          {
            id: 'untrust' as const,
            state: 'open' as const,
            by: 'person' as const,
            what: `remove the former certificate of ${authorityName} from ${namesOf(files, 5)}`,
          },
        ]
      : []),
  ];
}

const MAX_COMMANDS = 3;

function renewCommand({ name }: KnownCertificate): string {
  const [namespace = '', certificate = name] = name.split('/');
  return `\`cmctl renew ${certificate} -n ${namespace}\``;
}

/** Of the certificate that signed it, which is handed out beside it. */
function signerEnd({ content }: Automatic): number | undefined {
  if (!content) return undefined;
  const [leaf, ...behind] = content.chain;
  const signers = [...behind, ...(content.trusts ?? [])].filter((one) => isSignedBy(leaf, one) === true);
  return signers.length === 0 ? undefined : Math.max(...signers.map(({ notAfter }) => notAfter.getTime()));
}

/** Trust files of its namespace, and webhooks that verify its name, with a certificate of an authority of this name. */
function rejectionOf(
  plan: PlanContext,
  { certificate, content, authority, automation }: Automatic,
): Rejection {
  if (!content || !authority) return { rejecting: [], lacking: [], all: [], servedAt: [] };
  const [leaf] = content.chain;
  const namespace = automation.writesTo.slice(0, automation.writesTo.indexOf('/') + 1);
  const all = plan.trust
    .ofAuthority(authority.subject)
    .filter(
      ({ store, place, verifies }) =>
        store === certificate.store &&
        (place.startsWith(namespace) ||
          (verifies !== undefined && leaf.alternativeNames.includes(`DNS:${verifies}`))),
    );
  const rejecting = all.filter(({ certificates }) =>
    certificates.every((one) => isSignedBy(leaf, one) === false),
  );
  const lacking = all.filter(({ certificates }) =>
    certificates.every(({ publicKey }) => publicKey !== authority.publicKey),
  );
  const servedAt = plan.servedAt(leaf.fingerprint).map(withoutSource);
  return { rejecting, lacking, all, servedAt };
}

/** Not renewed although it is time, and not being issued for the last hour. */
function overdue(
  plan: PlanContext,
  { certificate, automation, content, endMs }: Automatic,
): readonly Rotation[] {
  const { nowMs, horizonMs } = plan;
  if (endMs === undefined || endMs > horizonMs) return [];
  const { dueAt, issuing } = automation;
  const from = content?.chain[0].notBefore ?? certificate.versions[0]?.notBefore;
  if (
    dueAt ? dueAt.getTime() > nowMs - HOUR_MS && endMs > nowMs : isOnSchedule(endMs, nowMs, from?.getTime())
  )
    return [];
  if (issuing?.status === 'True' && isYoung(automation, nowMs) && endMs > nowMs) return [];
  const name = plan.nameOf(certificate);
  const [namespace = '', short = name] = certificate.name.split('/');
  const isIssuing = issuing?.status === 'True';
  const members = [memberOf(plan, { certificate, endMs })];
  const canRenew = certificate.renewable === true && !isIssuing;
  const steps: readonly Step[] = [
    {
      id: 'add-version',
      state: 'open',
      by: 'person',
      what: `find out why cert-manager doesn't renew it: \`kubectl describe certificate -n ${namespace} ${short}\``,
    },
    { id: 'renew', state: 'open', by: 'automatic', what: 'cert-manager issues it' },
  ];
  const why: readonly Evidence[] = dueAt ? [field('Renewal was due', wording.utcTime(dueAt))] : [];
  return [
    {
      reason: 'renewal-due',
      place: certificate.place,
      target: name,
      severity: severityAt(endMs, nowMs, from?.getTime()),
      endMs,
      summary: `${name} ${endsIn(endMs, nowMs)}, and cert-manager ${isIssuing ? "hasn't finished issuing it" : 'has not renewed it'}; \`/certs expiring\` shows why`,
      steps,
      members,
      evidence: [...checklist(steps), ...why],
      offers: canRenew
        ? [{ remediation: 'renew', params: { store: certificate.store, place: certificate.place } }]
        : [],
      names: [certificate.place, name],
    },
  ];
}

function isYoung({ issuing }: ports.Automation, nowMs: number): boolean {
  return issuing?.since !== undefined && nowMs - issuing.since.getTime() < HOUR_MS;
}

/** An authority that gets a new key within the window: what it signed must be renewed after that. */
function comingKey(plan: PlanContext, { certificate, automation, endMs }: Automatic): readonly Rotation[] {
  const { dueAt, rotatesKey, isAuthority } = automation;
  const signed = plan.managed.signedBy(certificate).filter((one) => one !== certificate);
  if (!isAuthority || rotatesKey === false || signed.length === 0 || !dueAt) return [];
  if (dueAt.getTime() <= plan.nowMs || dueAt.getTime() > plan.horizonMs) return [];
  const name = plan.nameOf(certificate);
  const members = signed.map((one) => memberOf(plan, { certificate: one }));
  const steps: readonly Step[] = [
    {
      id: 'add-version',
      state: 'open',
      by: 'automatic',
      what: `cert-manager renews ${name} on ${day(dueAt.getTime())}`,
    },
    {
      id: 'trust',
      state: 'open',
      by: 'person',
      what: 'add its new certificate to what trusts it, and keep the former one',
    },
    {
      id: 'renew',
      state: 'open',
      by: 'person',
      what: `renew ${wording.count(signed.length, 'certificate')} that it signed: ${namesOf(members)}`,
    },
    { id: 'untrust', state: 'open', by: 'person', what: 'remove the former certificate from what trusts it' },
  ];
  return [
    {
      reason: 'rotation-due',
      place: certificate.place,
      target: name,
      severity: 'info',
      endMs,
      summary: `${name} is renewed in ${wording.span(dueAt.getTime() - plan.nowMs)}, ${rotatesKey === undefined ? 'by default' : 'with'}${rotatesKey === undefined ? ' of cert-manager 1.18 and later with' : ''} a new key; cert-manager doesn't issue what it signed again`,
      steps,
      members,
      evidence: checklist(steps),
      offers: [],
      names: [certificate.place, name, ...members.map(({ place }) => place)],
    },
  ];
}

function unique(files: readonly TrustFile[]): readonly TrustFile[] {
  return [...new Set(files)];
}

import { type ports, wording } from '../kit.ts';

/** A renewal that should have happened by itself, and has not. */
export interface StuckIssuance {
  /** Continues a sentence after the certificate's name. */
  readonly says: string;
  /** What to do about it. */
  readonly step: string;
  /** Whether a renewal is already requested: requesting another one changes nothing. */
  readonly isRequested: boolean;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** An order of ACME with DNS takes minutes. */
const LONGEST_ISSUING_MS = HOUR_MS;
const SHORTEST_ISSUING_MS = 10 * MINUTE_MS;
/** Of a certificate that lives only for hours. */
const ISSUING_SHARE = 0.05;
const MAX_MESSAGE_LENGTH = 200;

/**
 * Why a certificate is not renewed, judged by the clock alone: cert-manager shows `Ready` on certificates that have expired, and no failed attempt while
 * it makes no progress. https://github.com/cert-manager/cert-manager/issues/7895
 */
export function findStuckIssuance(
  { automation, versions }: Pick<ports.ManagedCertificate, 'automation' | 'versions'>,
  nowMs: number,
): StuckIssuance | undefined {
  if (!automation) return undefined;
  const { issuing, ready, dueAt, createdAt, request } = automation;
  const patienceMs = patienceFor(versions[0]);
  const isLate = (since: Date | undefined) => since !== undefined && nowMs - since.getTime() > patienceMs;
  if (issuing?.status === 'True') {
    const since = issuing.since ?? request?.createdAt ?? dueAt;
    // Without any time, it may have begun just now, unless what it should replace is already due.
    if (!isLate(since)) return undefined;
    const says = `issuing has made no progress for ${wording.span(nowMs - (since?.getTime() ?? nowMs))}${describeReady(ready)}`;
    return { says, step: stepFor(automation), isRequested: true };
  }
  if (issuing?.status === 'False') {
    const times = automation.failedAttempts;
    const tried =
      times === undefined
        ? 'the last attempt to issue it failed'
        : `${wording.count(times, 'attempt')} to issue it failed`;
    return { says: `${tried}${describeCause(issuing)}`, step: stepFor(automation), isRequested: false };
  }
  if (isLate(dueAt)) {
    const says = `its renewal was due ${wording.span(nowMs - (dueAt?.getTime() ?? nowMs))} ago and has not begun${describeReady(ready)}`;
    return { says, step: CONTROLLER, isRequested: false };
  }
  if (versions.length === 0 && ready?.status !== 'True' && (!createdAt || isLate(createdAt))) {
    const age = createdAt ? ` in ${wording.span(nowMs - createdAt.getTime())}` : '';
    return { says: `was never issued${age}${describeCause(ready)}`, step: CONTROLLER, isRequested: false };
  }
  if (ready?.status === 'False' && isLate(ready.since))
    return {
      says: `has not been ready for ${wording.span(nowMs - (ready.since?.getTime() ?? nowMs))}${describeCause(ready)}`,
      step: CONTROLLER,
      isRequested: false,
    };
  return undefined;
}

const CONTROLLER = 'Check that the controller of cert-manager is running, and read its log.';

/** How long issuing may take: at most an hour, and less for a certificate that lives for hours. */
function patienceFor(version: ports.CertificateVersion | undefined): number {
  const { notBefore, notAfter } = version ?? {};
  if (!notBefore || !notAfter) return LONGEST_ISSUING_MS;
  const share = (notAfter.getTime() - notBefore.getTime()) * ISSUING_SHARE;
  return Math.min(LONGEST_ISSUING_MS, Math.max(SHORTEST_ISSUING_MS, share));
}

function describeReady(ready: ports.AutomationCondition | undefined): string {
  return ready?.status === 'True' ? ', although it says `Ready`' : '';
}

function describeCause(condition: ports.AutomationCondition | undefined): string {
  const text = condition?.message ?? condition?.reason ?? '';
  if (text === '') return '';
  return `: ${text.length > MAX_MESSAGE_LENGTH ? `${text.slice(0, MAX_MESSAGE_LENGTH - 1)}…` : text}`;
}

/** A request that failed without the condition that says so is never retried: only deleting it makes a new one. */
function stepFor({ request, issuer }: ports.Automation): string {
  if (!request) return `Look at the CertificateRequest and the issuer ${issuer.name}: why is nothing issued?`;
  const state = [
    ...(request.failedAt ? [`failed at ${wording.utcTime(request.failedAt)}`] : []),
    request.ready ? `Ready=${request.ready.status}${describeCause(request.ready)}` : 'no Ready condition',
  ];
  const look = `Look at CertificateRequest ${request.name} (${state.join(', ')})`;
  return `${look}, remove the cause at ${issuer.name}, then delete the request: cert-manager makes a new one.`;
}

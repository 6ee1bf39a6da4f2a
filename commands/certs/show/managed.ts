import {
  type Evidence,
  type Finding,
  type ports,
  type ReadContext,
  SourceError,
  wording,
} from '../../kit.ts';
import {
  DEFAULT_THRESHOLDS,
  describeDue,
  isDueStatus,
  judgeValidity,
  neverEnds,
  VALIDITY_REASONS,
} from '../../shared/certificate-validity.ts';
import { field, optionalField } from '../../shared/evidence.ts';
import {
  activeVersion,
  contentOf,
  datesOf,
  indexManaged,
  type KnownCertificate,
} from '../../shared/managed-chain.ts';
import { findStuckIssuance } from '../../shared/stuck-issuance.ts';
import type { Search } from './search.ts';

export interface Problem {
  readonly finding: Finding;
  /** It is about the certificate's own dates, which the verdict always contains. */
  readonly isDated: boolean;
}

/** A certificate that something manages under a name, with what signs it. */
export interface ShownManaged {
  readonly certificate: KnownCertificate;
  readonly authority?: KnownCertificate;
  /** The names of what it signs. */
  readonly signs: readonly string[];
}

export interface ManagedMatches {
  /** Named exactly. */
  readonly exact: readonly KnownCertificate[];
  readonly part: readonly KnownCertificate[];
}

/** Names are matched without case, as their managers do. */
export function matchManaged(all: readonly KnownCertificate[], what: string, search: Search): ManagedMatches {
  const asked = what.toLowerCase();
  const isExact = ({ place, name }: KnownCertificate) =>
    search.isPlace(place) || name.toLowerCase() === asked;
  const exact = all.filter(isExact);
  const part = all.filter(
    (one) =>
      !isExact(one) &&
      [one.place, one.name, ...(one.automation?.dnsNames ?? [])].some((text) => search.isPartOf(text)),
  );
  return { exact, part };
}

/** Reads what shows who signed it: its active version, and its authority if that has several. Without contents, who signed it is assumed. */
export async function readManaged(
  { attempt, signal }: Pick<ReadContext<'certificates'>, 'attempt' | 'signal'>,
  stores: readonly ports.CertificateStore[],
  all: readonly KnownCertificate[],
  certificate: KnownCertificate,
): Promise<ShownManaged> {
  const index = indexManaged(all);
  const authority = index.authorityOf(certificate);
  const store = stores.find(({ name }) => name === certificate.store);
  const read = async (one: KnownCertificate, versions: readonly ports.CertificateVersion[]) => {
    if (!store?.contents || versions.length === 0) return one;
    const contents = await attempt(one.place, undefined, async () => {
      try {
        return await store.contents?.(one.place, { versions: versions.map(({ id }) => id), signal });
      } catch (error) {
        // The configuration forbids it, or the credential may not: the details that a list has are shown all the same.
        const isHidden =
          error instanceof SourceError && (error.kind === 'refused' || error.kind === 'missing');
        if (isHidden && !signal.aborted) return undefined;
        throw error;
      }
    });
    return { ...one, contents: contents ?? [] };
  };
  const active = activeVersion(certificate);
  const [own, above] = await Promise.all([
    read(certificate, active ? [active] : []),
    authority && read(authority, authority.versions.length > 1 ? authority.versions : []),
  ]);
  return {
    certificate: own,
    ...(above && { authority: above }),
    signs: index.signedBy(certificate).map(({ name }) => name),
  };
}

const MAX_LISTED = 10;

/** The state of the active version, for sentences: `expires in 9 days, at …`. */
export function describeManagedDates(certificate: KnownCertificate, nowMs: number): string {
  const active = activeVersion(certificate);
  if (!active) return certificate.versions.length === 0 ? 'was never issued' : 'has no active version';
  const dates = datesOf(certificate, active);
  const status = judgeValidity(dates, DEFAULT_THRESHOLDS, nowMs);
  const until = dates.notAfter ? wording.utcTime(dates.notAfter) : '';
  if (isDueStatus(status)) {
    const says = describeDue(dates, status, nowMs);
    return status.is === 'expiring' ? `${says}, at ${until}` : says;
  }
  if (!dates.notAfter || neverEnds({ notAfter: dates.notAfter })) return 'never expires';
  return `is valid for ${wording.span(dates.notAfter.getTime() - nowMs)}, until ${until}`;
}

/** The problems, with the reasons and severities of `/certs expiring`. */
export function managedProblems({ certificate, authority }: ShownManaged, nowMs: number): readonly Problem[] {
  const { name, place } = certificate;
  const active = activeVersion(certificate);
  const problem = (
    reason: string,
    severity: Finding['severity'],
    says: string,
    isDated = false,
  ): Problem => ({
    finding: { reason, severity, target: place, summary: `${name} ${says}` },
    isDated,
  });
  const stuck = findStuckIssuance(certificate, nowMs);
  const stuckProblems = stuck ? [problem('renewal-stuck', 'warning', `is not renewed: ${stuck.says}`)] : [];
  if (!active) return stuckProblems;
  const dates = datesOf(certificate, active);
  const status = judgeValidity(dates, DEFAULT_THRESHOLDS, nowMs);
  const due = isDueStatus(status)
    ? [problem(VALIDITY_REASONS[status.is], status.severity, describeManagedDates(certificate, nowMs), true)]
    : [];
  const chain = indexManaged(authority ? [certificate, authority] : [certificate]).chainOf(certificate);
  const { ends } = chain ?? {};
  const isEarly = ends && ends !== chain?.links[0] && (!dates.notAfter || ends.notAfter < dates.notAfter);
  if (!ends || !isEarly) return [...due, ...stuckProblems];
  const isOver = ends.notAfter.getTime() < nowMs;
  const when = `${ends.name}, until ${wording.utcTime(ends.notAfter)}${chain?.isAssumed ? ' (assumed)' : ''}`;
  const early = isOver
    ? problem(
        'issuer-expired',
        chain?.isAssumed ? 'warning' : 'critical',
        `depends on an expired issuer: ${when}`,
      )
    : problem('issuer-expires-first', 'warning', `expires later than its issuer: ${when}`);
  return [...due, early, ...stuckProblems];
}

export function managedInFull({ certificate, authority, signs }: ShownManaged): Finding {
  const { name, place, store, procedure, deployments = [], outdatedDeployments = [] } = certificate;
  const active = activeVersion(certificate);
  const content = active && contentOf(certificate, active)?.chain[0];
  const signer =
    active &&
    indexManaged(authority ? [certificate, authority] : [certificate]).signerOf(certificate, active);
  const version =
    signer?.version && authority && authority.versions.length > 1 ? `, version ${signer.version.id}` : '';
  const assumed = signer?.known === 'assumed' ? ' (assumed: no content could be read)' : '';
  const issuer = signer
    ? `${signer.name}${version}${assumed}`
    : (certificate.issuer ?? (active?.selfSigned ? 'itself' : certificate.automation?.issuer.name));
  return {
    reason: 'certificate-shown',
    severity: 'info',
    target: place,
    summary: `Details of ${name} (${store})`,
    evidence: [
      ...versionsTable(certificate),
      ...optionalField('Signed by', issuer),
      ...(signs.length === 0 ? [] : [field('Signs', wording.list(signs, MAX_LISTED))]),
      ...(deployments.length === 0 ? [] : [field('Deployments', wording.list(deployments, MAX_LISTED))]),
      ...(outdatedDeployments.length === 0
        ? []
        : [field('Use an older version', wording.list(outdatedDeployments, MAX_LISTED))]),
      field('Renewed by', RENEWED_BY[certificate.renewedBy]),
      ...optionalField(
        'Procedure',
        procedure && [procedure.name, procedure.url].filter((one) => one !== undefined).join(': '),
      ),
      ...automationFields(certificate.automation),
      ...(content
        ? [
            field(
              'Names',
              content.alternativeNames.length > 0
                ? wording.list(content.alternativeNames, 20)
                : 'none except the subject',
            ),
            field('Serial', content.serial),
            field('SHA-256', content.fingerprint),
          ]
        : []),
    ],
  };
}

const RENEWED_BY = {
  store: 'its store, when asked to',
  automatic: 'itself, before it expires',
  person: 'a person',
} as const;

function versionsTable(certificate: KnownCertificate): readonly Evidence[] {
  const { versions } = certificate;
  const active = activeVersion(certificate);
  const rows = versions.map((one) => {
    const { notAfter } = datesOf(certificate, one);
    const state = one === active ? 'active' : one.transitional ? 'transitional: only trusted' : 'former';
    return [
      one.id,
      state,
      notAfter ? wording.utcTime(notAfter) : 'unknown',
      one.createdAt ? wording.utcTime(one.createdAt) : '',
    ];
  });
  return rows.length === 0
    ? []
    : [{ kind: 'table', columns: ['Version', 'State', 'Expires', 'Created'], rows }];
}

function automationFields(automation: ports.Automation | undefined): readonly Evidence[] {
  if (!automation) return [];
  const { ready, issuing, dueAt, revision, request, writesTo, dnsNames } = automation;
  return [
    field('Writes to', writesTo),
    ...(dnsNames.length === 0 ? [] : [field('DNS names', wording.list(dnsNames, MAX_LISTED))]),
    ...optionalField('Renews at', dueAt && wording.utcTime(dueAt)),
    ...optionalField('Ready', ready && describeCondition(ready)),
    ...optionalField('Issuing', issuing && describeCondition(issuing)),
    ...optionalField('Revision', revision === undefined ? undefined : String(revision)),
    ...optionalField('CertificateRequest', request?.name),
  ];
}

function describeCondition({ status, reason, message, since }: ports.AutomationCondition): string {
  const when = since ? ` since ${wording.utcTime(since)}` : '';
  return [`${status}${when}`, ...[reason, message].filter((one) => one !== undefined)].join(': ');
}

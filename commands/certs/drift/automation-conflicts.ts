import { type ports, wording } from '../../kit.ts';
import type { CertificateSurvey, SurveyedCertificate } from '../../shared/certificate-survey.ts';
import { field, optionalField } from '../../shared/evidence.ts';
import type { DriftFinding } from './finding-words.ts';

type Automated = SurveyedCertificate & { readonly automation: ports.Automation };

const MINUTE_MS = 60_000;
/** While it issues, or right after a Secret was written, its conditions are about the former state. */
const PATIENCE_MS = 10 * MINUTE_MS;
/** The Secret isn't what the Certificate wants: https://github.com/cert-manager/cert-manager/blob/master/internal/controller/certificates/policies/constants.go */
const MISMATCHES: Readonly<Record<string, string>> = {
  IncorrectCertificate: 'was issued for another Certificate',
  IncorrectIssuer: 'was issued by another issuer',
  SecretMismatch: "doesn't have what the Certificate requests",
  InvalidKeyPair: 'has a key that belongs to another certificate',
  InvalidCertificate: 'has no readable certificate',
  MissingData: 'lacks its certificate or its key',
  DoesNotExist: "doesn't exist",
};

/** So does a changed specification look whose certificate can't be issued. */
const CHANGED: ReadonlySet<string> = new Set(['IncorrectIssuer', 'SecretMismatch']);

export function reportAutomation(
  { managed }: Pick<CertificateSurvey, 'managed'>,
  now: Date,
): readonly DriftFinding[] {
  const automated = managed.filter((one): one is Automated => one.automation !== undefined);
  const shared = [...Map.groupBy(automated, ({ automation }) => automation.writesTo).values()].filter(
    (group) => group.length > 1,
  );
  const isShared = new Set(shared.flat());
  return [
    ...shared.map((group) => sharedFinding(group, now)),
    ...automated.filter((one) => !isShared.has(one)).flatMap((one) => mismatchFinding(one, now)),
  ];
}

/** Each overwrites what the other wrote, and renewing either continues that: https://github.com/cert-manager/cert-manager/issues/2941 */
function sharedFinding(group: readonly Automated[], now: Date): DriftFinding {
  const names = group.map(({ name }) => name).toSorted();
  const [first] = group;
  const secret = first?.automation.writesTo ?? '';
  return {
    reason: 'secret-shared',
    severity: 'warning',
    target: secret,
    targets: names,
    summary: `${wording.list(names)} write the same Secret ${nameOfSecret(secret)} in turn: give each Certificate its own \`secretName\``,
    evidence: [
      {
        kind: 'table',
        columns: ['Certificate', 'Revisions', 'Ready'],
        rows: group.map(({ name, automation: { revision, createdAt, ready } }) => [
          name,
          `${revision ?? 'unknown'}${createdAt ? ` in ${wording.span(now.getTime() - createdAt.getTime())}` : ''}`,
          ready ? [ready.status, ready.reason].filter(Boolean).join(', ') : 'unknown',
        ]),
      },
      field('Do not', 'renew either: the other one overwrites it'),
    ],
  };
}

function mismatchFinding({ name, automation }: Automated, now: Date): readonly DriftFinding[] {
  const { ready, issuing, writesTo } = automation;
  const what = MISMATCHES[ready?.reason ?? ''];
  const ageMs = now.getTime() - (ready?.since?.getTime() ?? Number.NEGATIVE_INFINITY);
  const isIssuing = issuing?.status === 'True';
  if (what === undefined || ready?.status === 'True' || isIssuing || ageMs < PATIENCE_MS) return [];
  return [
    {
      reason: 'secret-mismatch',
      severity: 'warning',
      target: name,
      summary: `Secret ${nameOfSecret(writesTo)} ${what}, and ${name} isn't issuing: ${CHANGED.has(ready?.reason ?? '') ? 'look at its CertificateRequests; if its specification was not changed, find out what else writes that Secret' : 'find out what else writes that Secret'}`,
      evidence: [
        ...optionalField('Message', ready?.message),
        ...optionalField('Since', ready?.since && wording.utcTime(ready.since)),
      ],
    },
  ];
}

function nameOfSecret(place: string): string {
  return place.slice(place.indexOf(':') + 1);
}

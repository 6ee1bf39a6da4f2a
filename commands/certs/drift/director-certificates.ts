import { wording } from '../../kit.ts';
import type { CertificateSurvey } from '../../shared/certificate-survey.ts';
import { field } from '../../shared/evidence.ts';
import { type DriftFinding, endOf } from './finding-words.ts';
import { severityOfServed } from './stale-sites.ts';

const DAY_MS = 86_400_000;
const SOON_DAYS = 30;

/** The certificates of directors themselves, which no store lists: https://bosh.io/docs/director-api-v1/ */
export function reportDirectors(
  { directors }: Pick<CertificateSurvey, 'directors'>,
  now: Date,
): readonly DriftFinding[] {
  return directors.flatMap(({ source, own }) =>
    own.flatMap(({ path, notAfter }): readonly DriftFinding[] => {
      if (!notAfter || notAfter.getTime() - now.getTime() > SOON_DAYS * DAY_MS) return [];
      return [
        {
          reason: 'director-certificate-due',
          severity: severityOfServed({ notAfter }, now),
          target: `${source} ${path}`,
          summary: `The certificate ${path} of the director ${source} ${endOf({ notAfter }, now)}: replace it, and deploy the director with \`bosh create-env\``,
          evidence: [field('Ends', wording.utcTime(notAfter))],
        },
      ];
    }),
  );
}

import type { Remembered } from '../../kit.ts';
import type { CertificateSurvey } from '../../shared/certificate-survey.ts';
import type { RotationSample } from './samples.ts';

export interface Facts extends CertificateSurvey {
  /** Directors that didn't say completely what is deployed. */
  readonly unreadDirectors: readonly string[];
  readonly earlier: readonly Remembered<RotationSample>[];
}

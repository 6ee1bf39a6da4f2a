import type { ports } from '../../kit.ts';
import type { CertificateSurvey, SurveyedPlace } from '../../shared/certificate-survey.ts';
import { coversHost } from './default-certificates.ts';

/** A site, with the machine or pod that serves it. */
interface Place {
  readonly site: SurveyedPlace;
  readonly host?: string;
  readonly pod?: object;
}

/** Served at a private address, or where `isOursByName` says so. */
export function isOurs(served: Place, survey: CertificateSurvey): boolean {
  return PRIVATE_ADDRESS.test(served.site.served?.address ?? '') || isOursByName(served, survey);
}

/** Served by a known machine or pod, or for a host of an Ingress. */
export function isOursByName({ site, host, pod }: Place, { clusters }: CertificateSurvey): boolean {
  const name = site.served?.servername ?? '';
  return (
    host !== undefined ||
    pod !== undefined ||
    clusters.some(({ ingresses }) =>
      ingresses.some(({ tls }) => tls.some(({ hosts }) => hosts.some((one) => coversHost(one, name)))),
    )
  );
}

/** Not from a public authority, which issues for anyone who has the name: its own certificate is stored beside it, or its names are not public. */
export function isPrivate({ trusts = [], chain: [leaf] }: SurveyedPlace): boolean {
  return (
    trusts.length > 0 ||
    leaf.alternativeNames.length === 0 ||
    leaf.alternativeNames.some((name) => !PUBLIC_NAME.test(name) || INTERNAL_NAME.test(name))
  );
}

/** https://www.rfc-editor.org/rfc/rfc1918, https://www.rfc-editor.org/rfc/rfc6598, https://www.rfc-editor.org/rfc/rfc4193 */
const PRIVATE_ADDRESS =
  /^(?:10\.|127\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|\[?f[cd][0-9a-f]{2}:)/i;
const PUBLIC_NAME = /^DNS:[^.]+\..+/;
/** https://www.rfc-editor.org/rfc/rfc6762#appendix-G, and names of Kubernetes Services. */
const INTERNAL_NAME = /\.(?:svc|internal|intranet|private|corp|home|lan|local|localdomain|test)$/i;

/** Components of Kubernetes make one for themselves when they have none: https://github.com/kubernetes/client-go/blob/master/util/cert/cert.go */
export function isMadeAtStart({ subject, issuer }: ports.Certificate): boolean {
  return /CN=[^,]+@\d{10}\b/.test(subject) && /CN=[^,]+@\d{10}\b/.test(issuer);
}

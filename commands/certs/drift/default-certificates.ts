import type { ports } from '../../kit.ts';

/** The certificates that ingress controllers make for hosts without a usable one. */
const DEFAULTS: readonly (readonly [RegExp, string])[] = [
  // https://kubernetes.github.io/ingress-nginx/user-guide/tls/#default-ssl-certificate; haproxy-ingress began as a copy of it.
  [/CN=[^,]*Ingress Controller (?:Fake|Default) Certificate\b/i, 'the ingress controller'],
  // https://doc.traefik.io/traefik/https/tls/#default-certificate
  [/CN=TRAEFIK DEFAULT CERT\b/i, 'Traefik'],
  // https://github.com/nginx/kubernetes-ingress
  [/CN=NGINXIngressController\b/i, 'NGINX Ingress Controller'],
  // https://docs.konghq.com/gateway/latest/reference/configuration/#ssl_cert
  [/(?=.*\bO=Kong\b)(?=.*\bCN=localhost\b)/i, 'Kong'],
];

/** Whose default certificate it is. undefined if it is none. */
export function defaultCertificateOf({ subject, selfSigned }: ports.Certificate): string | undefined {
  return selfSigned ? DEFAULTS.find(([pattern]) => pattern.test(subject))?.[1] : undefined;
}

/** A wildcard stands for one label: https://www.rfc-editor.org/rfc/rfc6125#section-6.4.3 */
export function coversHost(pattern: string, host: string): boolean {
  const [one, other] = [pattern.toLowerCase(), host.toLowerCase()];
  if (!one.startsWith('*.')) return one === other;
  return other.slice(other.indexOf('.')) === one.slice(1) && other.indexOf('.') > 0;
}

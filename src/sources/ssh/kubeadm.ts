import type { ManagedCertificate } from '../../ports/managed-certificates.ts';
import { parseJson } from '../../text/parse-json.ts';
import { asObject, listIn } from '../../wire/json-object.ts';
import { printable } from '../../wire/x509.ts';
import { linesOf } from './ask-host.ts';
import { toWord } from './values.ts';

/** A certificate as `kubeadm certs check-expiration` lists it. */
export interface KubeadmCertificate {
  /** `apiserver`, `admin.conf` */
  readonly name: string;
  readonly notAfter: Date;
  readonly authority: boolean;
  /** The name of the authority that signs it: `etcd-ca`. */
  readonly signedBy?: string;
}

/**
 * Parses `kubeadm certs check-expiration -o json`. undefined if it isn't understood. Certificates that are missing are left out.
 *
 * https://github.com/kubernetes/kubernetes/blob/master/cmd/kubeadm/app/apis/output/v1alpha3/types.go
 */
export function parseKubeadm(text: string): readonly KubeadmCertificate[] | undefined {
  // Warnings may come first.
  const info = asObject(parseJson(text.slice(Math.max(0, text.indexOf('{')))));
  if (!Array.isArray(info['certificates'])) return undefined;
  const all = [
    ...listIn(info, 'certificates').map((one) => ({ one, authority: false })),
    ...listIn(info, 'certificateAuthorities').map((one) => ({ one, authority: true })),
  ].filter(({ one }) => one['missing'] !== true);
  const certificates = all.map(({ one, authority }) =>
    toCertificate(toWord(one['name']), String(one['expirationDate']), authority, toWord(one['caName'])),
  );
  return certificates.every((one) => one !== undefined) ? certificates : undefined;
}

const ROW =
  /^(?<name>\S+) +(?<time>[A-Z][a-z]{2} \d{2}, \d{4} \d{2}:\d{2} UTC) +\S+ +(?:(?<ca>[a-z][\w-]*) +)?(?:yes|no) *$/;

/** Parses `kubeadm certs check-expiration`. undefined if it isn't understood. */
export function parseKubeadmText(text: string): readonly KubeadmCertificate[] | undefined {
  let isOfAuthorities = false;
  const rows: (KubeadmCertificate | undefined)[] = [];
  for (const line of linesOf(text)) {
    if (line.startsWith('CERTIFICATE AUTHORITY ')) isOfAuthorities = true;
    if (/^(?:CERTIFICATE|\[|!MISSING!|W\d{4} |I\d{4} )/.test(line)) continue;
    const { name, time = '', ca } = ROW.exec(line)?.groups ?? {};
    rows.push(toCertificate(name, time, isOfAuthorities, ca));
  }
  return rows.length > 0 && rows.every((one) => one !== undefined) ? rows : undefined;
}

function toCertificate(
  name: string | undefined,
  time: string,
  authority: boolean,
  signedBy: string | undefined,
): KubeadmCertificate | undefined {
  const notAfter = new Date(time);
  if (name === undefined || Number.isNaN(notAfter.getTime())) return undefined;
  return {
    name: printable(name),
    notAfter,
    authority,
    ...(signedBy !== undefined && { signedBy: printable(signedBy) }),
  };
}

/** Where kubeadm stores a certificate: https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/ */
export function fileOfKubeadm(name: string): string {
  if (name.endsWith('.conf')) return `/etc/kubernetes/${name}`;
  const etcd = /^etcd-(?<rest>ca|server|peer|healthcheck-client)$/.exec(name)?.groups?.['rest'];
  return `/etc/kubernetes/pki/${etcd === undefined ? name : `etcd/${etcd}`}.crt`;
}

const PROCEDURE = {
  name: 'Certificate management with kubeadm',
  url: 'https://kubernetes.io/docs/tasks/administer-cluster/kubeadm/kubeadm-certs/',
};

/** @param prefix the source and the host: `hosts:cp-1:` */
export function toManagedByKubeadm(
  prefix: string,
  { name, notAfter, authority, signedBy }: KubeadmCertificate,
): ManagedCertificate {
  return {
    kind: 'managed',
    place: `${prefix}${fileOfKubeadm(name)}${name.endsWith('.conf') ? '#client-certificate' : ''}`,
    name,
    versions: [{ id: notAfter.toISOString(), notAfter, transitional: false, authority }],
    ...(signedBy !== undefined && { signedBy }),
    renewedBy: 'person',
    procedure: PROCEDURE,
  };
}

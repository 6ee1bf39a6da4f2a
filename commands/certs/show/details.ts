import { type Evidence, type ports, wording } from '../../kit.ts';
import { validityPeriod } from '../../shared/certificate-validity.ts';
import { field } from '../../shared/evidence.ts';
import type { Shown } from './collect.ts';

/** All details of a certificate at one place. `unchecked` is the number of places that may also contain it. */
export function certificateDetails(
  { certificate, seen, places, count }: Shown,
  unchecked: number,
): Evidence[] {
  const { subject, issuer, serial, alternativeNames, extendedKeyUsage } = certificate;
  return [
    field('Valid', validityPeriod(certificate)),
    field('Issuer', issuer || 'none'),
    field('Subject', subject || 'none'),
    field(
      'Names',
      alternativeNames.length > 0 ? wording.list(alternativeNames, 20) : 'none except the subject',
    ),
    field('Key', keyOf(certificate)),
    field('Signature', certificate.signature),
    field('Serial', serial),
    field('SHA-256', certificate.fingerprint),
    field('Extended key usage', extendedKeyUsage.length > 0 ? extendedKeyUsage.join(', ') : 'any'),
    ...traits(certificate),
    ...(seen.served ? handshake(seen.served) : []),
    ...(seen.keyMatches === undefined
      ? []
      : [field('Private key', seen.keyMatches ? 'matches' : 'does not match')]),
    ...chainTable(seen),
    ...placesTable({ places, count }, unchecked),
  ];
}

export function keyOf({ key }: ports.Certificate): string {
  const size = key.curve ?? (key.bits === undefined ? '' : `${key.bits} bits`);
  return [key.type, size].filter(Boolean).join(' ');
}

function traits({ authority, selfSigned, mustStaple }: ports.Certificate): Evidence[] {
  const words = [authority && 'CA', selfSigned && 'self-signed', mustStaple && 'must-staple'].filter(
    (word) => word !== false,
  );
  return words.length > 0 ? [field('Properties', words.join(', '))] : [];
}

const PATH = {
  complete: 'complete',
  incomplete: 'incomplete: the last issuer is neither served nor a known root',
  'self-signed': 'self-signed',
  broken: 'broken: the issuer that is served did not sign the certificate',
} as const;

function handshake(served: NonNullable<Shown['seen']['served']>): Evidence[] {
  const { address, servername, protocol, nameMatches, path } = served;
  return [
    field('Address', address),
    field('Server name (SNI)', servername ?? 'none'),
    field('Protocol', `${protocol ?? 'unknown'}${served.legacyOnly ? ', outdated algorithms only' : ''}`),
    field('Name check', nameMatches ? 'matches' : 'does not match'),
    field('Chain', PATH[path]),
    field('Client certificate', served.clientCertificateRequired ? 'required' : 'not required'),
    field('OCSP response', served.stapled ? 'stapled' : 'not stapled'),
  ];
}

/** The certificates behind this one, as stored or served, then the root from the configuration. */
function chainTable({ chain, path }: Shown['seen']): Evidence[] {
  const isIn = (list: readonly ports.Certificate[], { fingerprint }: ports.Certificate) =>
    list.some((one) => one.fingerprint === fingerprint);
  const served = chain.slice(1).map((one, at) => {
    const position = String(at + 1);
    return rowOf(path && !isIn(path, one) ? `${position}, not needed` : position, one);
  });
  const configured = (path ?? []).filter((one) => !isIn(chain, one)).map((one) => rowOf('trusted root', one));
  const rows = [...served, ...configured];
  const columns = [
    'Certificate',
    'Position in the chain',
    'Issuer',
    'Expires',
    'Key',
    'Signature',
    'Serial',
    'SHA-256',
  ];
  return rows.length === 0 ? [] : [{ kind: 'table', columns, rows }];
}

function rowOf(position: string, one: ports.Certificate): readonly string[] {
  const { name, issuer, notAfter, signature, serial, fingerprint } = one;
  return [name, position, issuer, wording.utcTime(notAfter), keyOf(one), signature, serial, fingerprint];
}

function placesTable({ places, count }: Pick<Shown, 'places' | 'count'>, unchecked: number): Evidence[] {
  const others = unchecked > 0 ? `; couldn't check ${wording.count(unchecked, 'other place')}` : '';
  if (count < 2) return others === '' ? [] : [field('Places', `1${others}`)];
  const listed = count > places.length ? `${places.length} of ${count} listed` : '';
  return [
    ...(listed + others === '' ? [] : [field('Places', `${listed || count}${others}`)]),
    { kind: 'table', columns: ['Place'], rows: places.map(({ place }) => [place]) },
  ];
}

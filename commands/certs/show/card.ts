import { type Finding, type ports, wording } from '../../kit.ts';
import type { Shown } from './collect.ts';

type Evidence = NonNullable<Finding['evidence']>[number];

/** Everything there is to say about a certificate at one place. */
export function card({ certificate, seen, places, placeCount }: Shown): Evidence[] {
  const { subject, issuer, serial, notBefore, notAfter, alternativeNames, extendedKeyUsage } = certificate;
  return [
    field('Subject', subject || 'none'),
    field('Issuer', issuer || 'none'),
    field('Valid', `${wording.moment(notBefore)} to ${wording.moment(notAfter)}`),
    field(
      'Names',
      alternativeNames.length > 0 ? wording.list(alternativeNames, 20) : 'none besides the subject',
    ),
    field('Key', keyOf(certificate)),
    field('Signature', certificate.signature),
    field('Serial', serial),
    field('SHA-256', certificate.fingerprint),
    field('May be used for', extendedKeyUsage.length > 0 ? extendedKeyUsage.join(', ') : 'anything'),
    ...traits(certificate),
    ...(seen.served ? handshake(seen.served) : []),
    ...(seen.keyMatches === undefined
      ? []
      : [
          field(
            'Private key beside it',
            seen.keyMatches ? 'belongs to it' : 'belongs to another certificate',
          ),
        ]),
    chainTable(seen.chain),
    ...placesTable(places, placeCount),
  ];
}

function field(label: string, value: string): Evidence {
  return { kind: 'field', label, value };
}

export function keyOf({ key }: ports.Certificate): string {
  const size = key.curve ?? (key.bits === undefined ? '' : `${key.bits} bits`);
  return [key.type, size].filter(Boolean).join(' ');
}

function traits({ authority, selfSigned, mustStaple }: ports.Certificate): Evidence[] {
  const words = [
    authority && 'may sign others (CA)',
    selfSigned && 'signed by itself',
    mustStaple && 'demands a stapled OCSP answer',
  ].filter((word) => word !== false);
  return words.length > 0 ? [field('Besides', words.join(', '))] : [];
}

const PATH = {
  complete: 'complete, up to a root',
  incomplete: 'incomplete: the last issuer is neither served nor a known root',
  'self-signed': 'signed by itself',
  broken: 'broken: the issuer served is not the one that signed',
} as const;

function handshake(served: NonNullable<Shown['seen']['served']>): Evidence[] {
  const { address, servername, protocol, nameMatches, path } = served;
  return [
    field('Answered by', address),
    field('Asked for', servername ?? 'no name: an address was asked'),
    field(
      'Protocol',
      `${protocol ?? 'not known'}${served.legacyOnly ? ', only with algorithms of another age' : ''}`,
    ),
    field('Name', nameMatches ? 'matches' : 'does not match'),
    field('Chain', PATH[path]),
    field('Client certificate', served.clientCertificateRequired ? 'required' : 'not required'),
    field('OCSP answer', served.stapled ? 'stapled' : 'not stapled'),
  ];
}

function chainTable(chain: Shown['seen']['chain']): Evidence {
  const rows = chain.map((one, at) => [
    at === 0 ? 'leaf' : String(at),
    one.name,
    one.issuer,
    wording.moment(one.notAfter),
    keyOf(one),
    one.signature,
    one.serial,
    one.fingerprint,
  ]);
  const columns = ['Position', 'Name', 'Issuer', 'Until', 'Key', 'Signature', 'Serial', 'SHA-256'];
  return { kind: 'table', columns, rows };
}

function placesTable(places: readonly string[], count: number): Evidence[] {
  if (count < 2) return [];
  const total = count > places.length ? `${count}, the first ${places.length} of them here` : String(count);
  return [
    field('Places', total),
    { kind: 'table', columns: ['Place'], rows: places.map((place) => [place]) },
  ];
}

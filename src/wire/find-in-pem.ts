import type { X509Certificate } from 'node:crypto';
import {
  prefixPlaces,
  HARMLESS_CONTENT,
  type FoundContent,
  contentOfKey,
  isEmpty,
  matchKeys,
  matchOnlyKey,
  NO_CONTENT,
  ordinal,
  REQUEST_CONTENT,
  mergeContent,
  UNKNOWN_CONTENT,
  unreadableContent,
} from './found-content.ts';
import { derOf, type PemBlock, type PemText } from './pem.ts';
import { readX509 } from './read-x509.ts';
import { groupChains } from './x509.ts';

const CERTIFICATE = /^(X509 |TRUSTED )?CERTIFICATE$/;
/** Labels of blocks without certificates: RFC 7468, OpenSSL's, OpenSSH's, RFC 4880's and OpenVPN's. */
const HARMLESS =
  /^(.*PRIVATE KEY|.*PUBLIC KEY|.*PARAMETERS|X509 CRL|ATTRIBUTE CERTIFICATE|PGP PUBLIC KEY BLOCK|PGP PRIVATE KEY BLOCK|PGP SIGNATURE|PGP SIGNED MESSAGE|SSH SIGNATURE|OPENVPN STATIC KEY V1)$/;
const REQUEST = /^(NEW )?CERTIFICATE REQUEST$/;
/** Other labels of blocks with certificates: an unreadable one is a gap. */
const PROMISING = /CERT|PKCS|CMS|X509|KEYSTORE|TRUSTSTORE/;
/** OpenSSL's session files have a label that ends in `PARAMETERS` and contain the peer's certificate. */
const SESSION = 'SSL SESSION PARAMETERS';

/**
 * The content of the blocks of a text. Places are counted over the blocks that should contain certificates, without keys.
 * @param find searches the bytes of other blocks: PKCS#7, PKCS#12, PEM inside PEM
 */
export function findInPem(
  text: string,
  { blocks, broken }: PemText,
  find: (bytes: Buffer) => FoundContent,
): { readonly contents: FoundContent; readonly count: number } {
  if (blocks.length + broken.length === 0) return { contents: NO_CONTENT, count: 0 };
  const wanted = [...blocks, ...broken].filter(({ label }) => isWanted(label));
  if (broken.length > 0) wanted.sort((a, b) => a.at - b.at);
  const places = new Map(wanted.map(({ at }, index) => [at, ordinal(index + 1)]));
  const placeOf = ({ at }: { at: number }) => places.get(at) ?? '';

  const parts: FoundContent[] = [];
  const loose: { place: string; certificate: X509Certificate }[] = [];
  for (const block of blocks) {
    if (CERTIFICATE.test(block.label)) {
      const certificate = readX509(block.text);
      if (typeof certificate === 'string')
        parts.push(prefixPlaces(placeOf(block), readOtherwise(block, certificate, find)));
      else loose.push({ place: placeOf(block), certificate });
    } else if (block.label.endsWith('PRIVATE KEY')) parts.push(contentOfKey(block.text, block.label));
    else if (REQUEST.test(block.label)) parts.push(REQUEST_CONTENT);
    else if (isWanted(block.label))
      parts.push(prefixPlaces(placeOf(block), readOtherwise(block, undefined, find)));
    else parts.push(HARMLESS_CONTENT);
  }
  for (const block of broken)
    parts.push(
      isWanted(block.label) && isPromising(block.label)
        ? unreadableContent(placeOf(block), block.because)
        : HARMLESS_CONTENT,
    );
  const contents = mergeContent([{ ...NO_CONTENT, chains: chainsOf(loose) }, ...parts]);
  return {
    contents: isOneFile(text, blocks) ? matchOnlyKey(contents) : matchKeys(contents),
    count: places.size,
  };
}

/** A block that is not a certificate itself may still contain one. */
function readOtherwise(
  block: PemBlock,
  because: string | undefined,
  find: (bytes: Buffer) => FoundContent,
): FoundContent {
  const contents = find(derOf(block));
  if (!isEmpty(contents)) return contents;
  if (because !== undefined) return unreadableContent('', because);
  if (contents.others.harmless + contents.others.requests > 0) return contents;
  return PROMISING.test(block.label)
    ? unreadableContent('', 'it is a PEM block of a kind that is not supported')
    : UNKNOWN_CONTENT;
}

function chainsOf(loose: readonly { place: string; certificate: X509Certificate }[]): FoundContent['chains'] {
  const places = new Map(loose.map(({ place, certificate }) => [certificate, place]));
  return groupChains([...places.keys()]).flatMap(([leaf, ...issuers]) =>
    leaf ? [{ at: places.get(leaf) ?? '', chain: [leaf, ...issuers] as const }] : [],
  );
}

function isWanted(label: string): boolean {
  return CERTIFICATE.test(label) || label === SESSION || !(HARMLESS.test(label) || REQUEST.test(label));
}

function isPromising(label: string): boolean {
  return label === '' || label === SESSION || PROMISING.test(label);
}

/**
 * Whether the text is one PEM file as servers load it, with a certificate and its key (HAProxy's `crt`, nginx, `combined` of `safe`): besides blocks
 * it has only comments and output of OpenSSL. In a settings file, a name before each block says what it is for.
 */
function isOneFile(text: string, blocks: readonly PemBlock[]): boolean {
  let at = 0;
  for (const { from, to } of [...blocks, { from: text.length, to: text.length }]) {
    const between = text.slice(at, from).replace(/^\uFEFF/, '');
    if (!between.split(/\r\n|\r|\n/).every((line) => PRINTED.test(line))) return false;
    at = to;
  }
  return true;
}

/** Empty, a comment, or printed by `openssl x509`, `pkcs12` and `s_client`. */
const PRINTED =
  /^(?:\s*|#.*|(?:Bag|Key) Attributes.*|(?:subject|issuer)\s?=.*|Certificate:|\s+(?:friendlyName|localKeyID|Microsoft [\w ]+|\d(?:\.\d+)+): .*|\s{4}.*)$/;

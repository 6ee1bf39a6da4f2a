import {
  type Authority,
  issue,
  type Issued,
  issueSelfSigned,
  type LeafRequest,
  makeAuthority,
} from './ca.ts';

/** One server's leaf, and the certificates that it sends after it (PEM). */
export interface ServedLeaf {
  readonly leaf: Issued;
  readonly chain: string;
}

const DAY_MS = 86_400_000;

/** Leaves by kind of fault. Every one is for `<kind>.world.test`. */
const LEAVES: Readonly<Record<LeafKind, (days: (days: number) => Date) => Partial<LeafRequest>>> = {
  healthy: (day) => ({ notBefore: day(-30), notAfter: day(367) }),
  'expired-leaf': (day) => ({ notBefore: day(-398), notAfter: day(-1) }),
  'soon-397-days': (day) => ({ notBefore: day(-381), notAfter: day(16) }),
  'soon-47-days': (day) => ({ notBefore: day(-43), notAfter: day(4) }),
  'fine-47-days': (day) => ({ notBefore: day(-31), notAfter: day(16) }),
  'not-yet-valid': (day) => ({ notBefore: day(2), notAfter: day(399) }),
  'never-expires': (day) => ({ notBefore: day(-30), notAfter: new Date('9999-12-31T23:59:59Z') }),
  'weak-key': () => ({ keyType: 'rsa1024' }),
  rsa: () => ({ keyType: 'rsa2048' }),
  ed25519: () => ({ keyType: 'ed25519' }),
  'must-staple': () => ({ mustStaple: true }),
  'common-name-only': () => ({ names: [] }),
  'negative-serial': () => ({ serial: '-05' }),
  'for-address': () => ({ names: ['127.0.0.1'] }),
  'hostile-name': () => ({
    subject: [{ CN: [{ utf8String: '<!channel>\u001b[2J\r\n<https://evil.test|login>' }] }],
  }),
};

type LeafKind =
  | 'healthy'
  | 'expired-leaf'
  | 'soon-397-days'
  | 'soon-47-days'
  | 'fine-47-days'
  | 'not-yet-valid'
  | 'never-expires'
  | 'weak-key'
  | 'rsa'
  | 'ed25519'
  | 'must-staple'
  | 'common-name-only'
  | 'negative-serial'
  | 'for-address'
  | 'hostile-name';

export interface WorldCertificates {
  readonly root: Authority;
  /** Signed by `root`; issues the healthy leaves. */
  readonly middle: Authority;
  /** An unrelated CA. */
  readonly unrelated: Authority;
  /** For every `*.many.world.test`. */
  readonly many: Issued;
  readonly leaves: Readonly<
    Record<LeafKind | 'expired-intermediate' | 'self-signed' | 'weak-signature' | 'broken-path', ServedLeaf>
  >;
}

export async function makeWorldCertificates(now: Date): Promise<WorldCertificates> {
  const day = (days: number) => new Date(now.getTime() + days * DAY_MS);
  const ages = { notBefore: day(-1500), notAfter: day(2150) };
  const root = await makeAuthority({ name: 'World Root', ...ages });
  const middle = await makeAuthority({ name: 'World Middle', issuer: root, ...ages });
  const unrelated = await makeAuthority({ name: 'Unrelated Root', ...ages });
  const valid = { notBefore: day(-30), notAfter: day(367) };

  const signed = async (
    kind: string,
    authority: Authority,
    request: Partial<LeafRequest> = {},
    chain = '',
  ) => {
    const leaf = await issue(authority, { name: `${kind}.world.test`, ...valid, ...request });
    return { leaf, chain: chain === '' ? authority.servedPem : chain };
  };
  const kinds = Object.keys(LEAVES) as LeafKind[];
  const plain: Partial<Record<LeafKind, ServedLeaf>> = {};
  for (const kind of kinds) plain[kind] = await signed(kind, middle, LEAVES[kind](day));

  const expired = { notBefore: day(-1500), notAfter: day(-3) };
  const expiredMiddle = await makeAuthority({ name: 'World Old Middle', issuer: root, ...expired });
  const oldRoot = await makeAuthority({
    name: 'World SHA-1 Root',
    keyType: 'rsa2048',
    signsWith: 'SHA-1',
    ...ages,
  });
  const renewedMiddle = await makeAuthority({ name: 'World Middle', issuer: root, ...ages });
  const selfSigned = await issueSelfSigned({ name: 'self-signed.world.test', ...valid });
  const leaves = {
    ...(plain as Record<LeafKind, ServedLeaf>),
    'expired-intermediate': await signed('expired-intermediate', expiredMiddle),
    'self-signed': { leaf: selfSigned, chain: '' },
    'weak-signature': await signed('weak-signature', oldRoot, {}, oldRoot.certificatePem),
    // The CA was renewed with a new key under its old name, and the server sends the new one.
    'broken-path': await signed('broken-path', middle, {}, renewedMiddle.certificatePem),
  };
  const many = await issue(middle, { name: 'many.world.test', names: ['*.many.world.test'], ...valid });
  return { root, middle, unrelated, many, leaves };
}

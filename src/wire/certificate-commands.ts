import { type AsRoot, command, type HostCommand, KIB, MIB } from './host-command.ts';

/** Larger files are listed, but not read. */
export const MAX_CERTIFICATE_FILE_BYTES = MIB;
/** Of all files that one command reads. */
const MAX_OUTPUT_BYTES = 16 * MIB;
/** Two programs are started for each file, of which a BOSH instance may have a thousand. */
const READ_FILES_MS = 60_000;

/** GNU's `sed` would stop at bytes that aren't UTF-8, and print what follows. With `sudo`, the locale may be another one than in the prefix. */
const SED = 'env LC_ALL=C sed -n';
/** Reads the whole file, without the character that marks what may be printed. */
const READ = '-e :a -e $!{N;ba -e } -e s/~//g';
/** Drops everything before, between and after what is marked, and ends the line. It comes last, so that nothing else is ever printed. */
const KEEP_MARKED = '-e s/^[^~]*// -e s/~-[^~]*/~-/g -e G -e p';
const LABEL = '[A-Z0-9[:blank:]]*CERTIFICATE-----';
/** A certificate that isn't complete, such as one without an END line. A comment may have only the BEGIN line. */
const MARK_BROKEN = String.raw`-e s%-----BEGIN${LABEL}[^[:alnum:]-]*[[:alnum:]+/]\{24\}%~!~-%g`;

/** How the base64 of a certificate begins: a sequence that begins with a sequence with a version or a serial number. No private key begins like this. */
const CERTIFICATE_HEAD = String.raw`\(MI[I-L]..[DTjz]C[BC]\|MIM....wg\|MI[GH].M\([A-H].[gC]\|I[GH].[oA]\)\)`;
/** How the base64 of a private key begins: a sequence with a version, or with the algorithm of its encryption; or OpenSSH's. */
const KEY_HEAD = String.raw`\(MI[I-L]..[AQgw]IBA\|MI[GH].AgE\|M[A-H].CAQ\|MI[^~]\{4,10\}\(BgkqhkiG9w0BBQ\|CSqGSIb3DQEF\)\|b3BlbnNzaC1rZXktdjE\)`;
/**
 * `~cBODY~-` becomes `~+BODY~-` if the body is a certificate, else `~!~-`. What has this label may be a key, or a certificate with a key in the lines
 * after it.
 */
const ONLY_CERTIFICATES = [
  String.raw`-e s%~c\(\(\\[rn]\|[^[:alnum:]~]\)*${CERTIFICATE_HEAD}\)%~+\1%g`,
  String.raw`-e s%~+[^~]*\(\\[rn]\|[^[:alnum:]+/]\)${KEY_HEAD}[^~]*~-%~!~-%g`,
  '-e s%~c[^~]*~-%~!~-%g',
];

/** `~+BASE64~-`, `~!~-` for a broken certificate, `~o~-` for anything else in PEM. A body has no dash, so it never reaches into a key. */
const PEM_FILTER = [
  READ,
  String.raw`-e s/-----BEGIN${LABEL}\([^-~":]*\)-----END${LABEL}/~c\1~-/g`,
  ...ONLY_CERTIFICATES,
  MARK_BROKEN,
  '-e s/-----BEGIN.[^-]*-----/~o~-/g',
  KEEP_MARKED,
].join(' ');

/** `PRIVATE KEY` in base64. How it looks depends on how many bytes are before it. */
const ENCODED_KEY = ['UFJJVkFURSBLRV', 'BSSVZBVEUgS0VZ', 'QUklWQVRFIEtFW'].join(String.raw`\|`);
/** A PEM block with a body as in `CERTIFICATE_HEAD`, in base64. */
const ENCODED_CERTIFICATE = 'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1J[ST]...[RVae][Ek]N[CD]';
/**
 * `~client-certificate-data:LS0tLS1CRUdJTi…~-` or `~client-certificate:/path~-`; `~client-certificate:!~-` for anything else, which may be a key. Data
 * may have the key after the certificate, as kubelet's file: it is cut off where a key begins.
 */
const KUBECONFIG_FILTER = [
  READ,
  `-e s/${ENCODED_KEY}/@/g`,
  String.raw`-e s%\(\(client-certificate\|certificate-authority\)\(-data\)*\)"*[[:blank:]]*:[[:blank:]]*[^[:alnum:][:space:]/|>]*\([|>]*[[:alnum:]+/=._-]*\)%~\1;\4~-%g`,
  // A certificate, an absolute path, or nothing.
  String.raw`-e s%-data;\(${ENCODED_CERTIFICATE}\)%-data:\1%g`,
  String.raw`-e s%\([aey]\);\([|>]*~-\)%\1:\2%g`,
  String.raw`-e s%\([ey]\);/%\1:/%g`,
  '-e s/;[^~]*~-/:!~-/g',
  KEEP_MARKED,
].join(' ');

/** The keys on the way to the certificate with which a BOSH agent connects to NATS. */
const SETTINGS_KEYS = ['env', 'bosh', 'mbus', 'cert', 'ca', 'certificate'].join(String.raw`\|`);
/** The structure of JSON: `~{~-`, `~}~-`, `~,~-`, `~mbus~-` for a key, and certificates as in PEM files. All other text is dropped. */
const SETTINGS_FILTER = [
  READ,
  String.raw`-e s/\\"//g`,
  String.raw`-e s/-----BEGIN${LABEL}\([^-~":}{]*\)-----END${LABEL}/~c\1~-/g`,
  ...ONLY_CERTIFICATES,
  MARK_BROKEN,
  // Without the quotes of strings that have certificates, so that the other strings have an even number of quotes.
  String.raw`-e s/"[^"~]*~\([+!]\)/~\1/g`,
  '-e s/~-[^"~]*"/~-/g',
  String.raw`-e s/"\(${SETTINGS_KEYS}\)"[[:space:]]*:/~\1~-/g`,
  '-e s/"[^"~]*"//g',
  '-e s/[}{,]/~&~-/g',
  KEEP_MARKED,
].join(' ');

/**
 * For each file a line `=1764158400,1120,/path` with the time of its last change and its size, and then what the filter prints. `=! /path`: it can't be
 * read. `=- /path`: it is a link to nothing. `-L` follows the links of BOSH's jobs and of kubelet's current certificate.
 */
function readFiles(
  { sudo }: AsRoot,
  { below, matching, filter }: { readonly below: string; readonly matching: string; readonly filter: string },
): HostCommand {
  const { line, maxBytes } = command(
    [
      `find -L ${below} ${matching}`,
      '( -exec stat -L -c =%Y,%s,%n {} ; -o -exec echo =- {} ; )',
      `-type f -size -${MAX_CERTIFICATE_FILE_BYTES + 1}c ( -exec ${filter} {} ; -o -exec echo =! {} ; )`,
    ],
    { sudo, maxBytes: MAX_OUTPUT_BYTES },
  );
  return { line, maxBytes, timeoutMs: READ_FILES_MS };
}

function named(...names: readonly string[]): string {
  return `! -type d ( ${names.map((name) => `-name ${name}`).join(' -o ')} )`;
}

/**
 * Certificates in files. What they print never has a private key, a password or a token: filters on the host print certificates only.
 *
 * - kubeadm: https://kubernetes.io/docs/setup/best-practices/certificates/
 * - kubelet: https://kubernetes.io/docs/reference/access-authn-authz/kubelet-tls-bootstrapping/
 * - BOSH: https://bosh.io/docs/vm-config/
 */
export const CERTIFICATE_COMMANDS = {
  kubernetesCertificates: (as: AsRoot) =>
    readFiles(as, {
      below: '/etc/kubernetes/pki /var/lib/kubelet/pki -maxdepth 6',
      matching: named('*.crt', 'kubelet-client-current.pem', 'kubelet-server-current.pem'),
      filter: `${SED} ${PEM_FILTER}`,
    }),
  kubeconfigs: (as: AsRoot) =>
    readFiles(as, {
      below: '/etc/kubernetes -maxdepth 1',
      matching: named('*.conf'),
      filter: `${SED} ${KUBECONFIG_FILTER}`,
    }),
  /** Also those inside the settings of jobs. Without the packages that a job uses, which have certificates of tests. */
  boshCertificates: (as: AsRoot) =>
    readFiles(as, {
      below: '/var/vcap/jobs -maxdepth 8 -name packages -prune -o',
      matching: named(
        '*.crt',
        '*.pem',
        '*.cert',
        '*.cer',
        '*.yml',
        '*.yaml',
        '*.json',
        '*.conf',
        'ca',
        'cert',
      ),
      filter: `${SED} ${PEM_FILTER}`,
    }),
  agentSettings: (as: AsRoot) =>
    readFiles(as, {
      below: '/var/vcap/bosh -maxdepth 1',
      matching: named('settings.json', 'update_settings.json'),
      filter: `${SED} ${SETTINGS_FILTER}`,
    }),

  kubeadm: ({ sudo }: AsRoot) =>
    command(['kubeadm certs check-expiration -o json'], { sudo, maxBytes: 256 * KIB }),
  /** Of versions without JSON. */
  kubeadmAsText: ({ sudo }: AsRoot) =>
    command(['kubeadm certs check-expiration'], { sudo, maxBytes: 256 * KIB }),
} as const satisfies Readonly<Record<string, (argument: never) => HostCommand>>;

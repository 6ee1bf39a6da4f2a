import { readFile, stat } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import { dirname, isAbsolute, join } from 'node:path';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { SourceError } from '../../ports/source-error.ts';
import { nearest } from '../../text/nearest.ts';
import { serviceAddress } from './process-environment.ts';

/** How to reach and authenticate to a cluster: one context of a kubeconfig, with absolute paths, or the service account of a pod. */
export interface ClusterAccess {
  /** URL of the API server, without a trailing slash. */
  readonly server: string;
  /** PEM. Absent: the public roots. */
  readonly ca?: string;
  /** `insecure-skip-tls-verify`: the certificate of the API server is not verified. */
  readonly insecure: boolean;
  readonly serverName?: string;
  /** URL; may include a user and a password. */
  readonly proxy?: string;
  readonly user: ClusterUser;
}

export interface ClusterUser {
  readonly token?: string;
  /** Rotated, so it is read again regularly. */
  readonly tokenFile?: string;
  readonly basic?: { readonly username: string; readonly password: string };
  readonly certificate?: ClientCertificate;
  readonly exec?: ExecPlugin;
  readonly impersonate?: { readonly user: string; readonly groups: readonly string[]; readonly uid?: string };
}

interface ClientCertificate {
  readonly cert: PemOrFile;
  readonly key: PemOrFile;
}

export type PemOrFile = { readonly pem: string } | { readonly file: string };

/** https://kubernetes.io/docs/reference/config-api/client-authentication.v1/ */
export interface ExecPlugin {
  readonly apiVersion: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Passed to the plugin if it has `provideClusterInfo`. */
  readonly cluster?: object;
}

interface KubeconfigChoice {
  readonly kubeconfig: string;
  readonly context?: string;
}

const text = z.string().min(1);
const name = z.union([text, z.number().transform(String)]);

const clusterSchema = z.object({
  server: text.refine((url) => URL.canParse(url) && /^https?:/.test(url)),
  'certificate-authority': text.nullish(),
  'certificate-authority-data': text.nullish(),
  'insecure-skip-tls-verify': z.boolean().nullish(),
  'tls-server-name': text.nullish(),
  'proxy-url': text.nullish(),
  extensions: z.array(z.object({ name: text, extension: z.unknown() })).nullish(),
});

const userSchema = z.object({
  token: text.nullish(),
  tokenFile: text.nullish(),
  username: text.nullish(),
  password: z.string().nullish(),
  'client-certificate': text.nullish(),
  'client-certificate-data': text.nullish(),
  'client-key': text.nullish(),
  'client-key-data': text.nullish(),
  'auth-provider': z.object({ name: text }).nullish(),
  as: text.nullish(),
  'as-uid': text.nullish(),
  'as-groups': z.array(text).nullish(),
  'as-user-extra': z.record(z.string(), z.unknown()).nullish(),
  exec: z
    .object({
      apiVersion: text,
      command: text,
      args: z.array(z.string()).nullish(),
      env: z.array(z.object({ name: text, value: z.string() })).nullish(),
      interactiveMode: z.enum(['Never', 'IfAvailable', 'Always']).nullish(),
      provideClusterInfo: z.boolean().nullish(),
    })
    .nullish(),
});

const named = z.array(z.looseObject({ name })).nullish();
const kubeconfigSchema = z.object({
  'current-context': name.nullish(),
  contexts: named,
  clusters: named,
  users: named,
});

/**
 * Reads one context of a kubeconfig file; the rest of the file may be invalid. The loader of `@kubernetes/client-node` is not used because it ignores
 * `tokenFile`, runs exec plugins without a timeout, and includes what they print to stderr in errors, which may be a token.
 * @throws {SourceError} that says what to correct. It quotes only names from the file.
 */
export async function readKubeconfig(
  source: string,
  { kubeconfig: path, context }: KubeconfigChoice,
): Promise<ClusterAccess> {
  const malformed = (what: string): SourceError =>
    new SourceError(source, 'malformed', `the kubeconfig ${path} ${what}`);
  const missing = (what: string): SourceError =>
    new SourceError(source, 'missing', `the kubeconfig ${path} ${what}`);

  const parsed = kubeconfigSchema.safeParse(parseYaml(await readText(source, path), malformed));
  if (!parsed.success) {
    const at = parsed.error.issues[0]?.path.join('.') ?? '';
    throw malformed(at === '' ? 'is not a kubeconfig' : `is invalid: \`${at}\``);
  }
  const { contexts, clusters, users, 'current-context': current } = parsed.data;

  const find = (entries: z.output<typeof named>, kind: string, wanted: string): Record<string, unknown> => {
    const found = entries?.find((entry) => entry.name === wanted);
    if (found) return found;
    const meant = nearest(
      wanted,
      (entries ?? []).map((entry) => entry.name),
    );
    throw missing(`has no ${kind} ${wanted}${meant === undefined ? '' : `. Did you mean ${meant}?`}`);
  };
  const parse = <Schema extends z.ZodType>(
    schema: Schema,
    value: unknown,
    where: string,
  ): z.output<Schema> => {
    const result = schema.safeParse(value ?? {});
    if (result.success) return result.data;
    const at = result.error.issues[0]?.path.join('.') ?? '';
    throw malformed(`is invalid: ${where}${at === '' ? '' : `, \`${at}\``}`);
  };

  const wanted = context ?? current ?? undefined;
  if (wanted === undefined) throw missing('has no current context: set `context`');
  const chosen = parse(
    z.object({ cluster: name, user: name.nullish() }),
    find(contexts, 'context', wanted)['context'],
    `context ${wanted}`,
  );
  const clusterEntry = find(clusters, 'cluster', chosen.cluster)['cluster'];
  const cluster = parse(clusterSchema, clusterEntry, `cluster ${chosen.cluster}`);
  const userName = chosen.user ?? undefined;
  const userEntry = userName === undefined ? {} : find(users, 'user', userName)['user'];
  const user = parse(userSchema, userEntry, `user ${userName}`);
  if (user['auth-provider'])
    throw malformed(
      `uses the auth provider ${user['auth-provider'].name}, which is not supported: use an exec plugin or a token`,
    );
  if (user.exec?.interactiveMode === 'Always')
    throw malformed(
      `uses the exec plugin ${user.exec.command}, which requires a terminal (\`interactiveMode: Always\`): use another plugin, or a token`,
    );

  // Ignoring them would grant more permissions than intended.
  const extra = Object.keys(user['as-user-extra'] ?? {});
  const impersonates = extra.length > 0 || user['as-uid'] || (user['as-groups'] ?? []).length > 0;
  if (!user.as && impersonates)
    throw malformed(
      `is invalid: user ${userName} impersonates (\`as-uid\`, \`as-groups\` or \`as-user-extra\`) without \`as\``,
    );
  if (extra.length > 0) throw malformed(`uses \`as-user-extra\`, which is not supported`);
  const hasCertificate = Boolean(user['client-certificate-data'] || user['client-certificate']);
  if (hasCertificate !== Boolean(user['client-key-data'] || user['client-key']))
    throw malformed(`is invalid: user ${userName} needs both a client certificate and its key`);

  const folder = dirname(path);
  const absolute = (file: string): string => (isAbsolute(file) ? file : join(folder, file));
  const caFile = cluster['certificate-authority'];
  const caData = cluster['certificate-authority-data'];
  const insecure = cluster['insecure-skip-tls-verify'] === true;
  if (insecure && (caData || caFile))
    throw malformed(
      `is invalid: cluster ${chosen.cluster} has a CA and \`insecure-skip-tls-verify\`: remove one of them`,
    );
  const ca = caData
    ? fromBase64(caData)
    : caFile
      ? await readAuthorities(source, absolute(caFile))
      : undefined;
  if (ca !== undefined && !hasCertificates(ca))
    throw malformed(`is invalid: cluster ${chosen.cluster}, \`certificate-authority-data\``);
  return {
    server: cluster.server.replace(/\/+$/, ''),
    ...(ca !== undefined && { ca }),
    insecure,
    ...(cluster['tls-server-name'] && { serverName: cluster['tls-server-name'] }),
    ...(cluster['proxy-url'] && { proxy: cluster['proxy-url'] }),
    user: toUser(user, cluster, ca, absolute),
  };
}

function toUser(
  user: z.output<typeof userSchema>,
  cluster: z.output<typeof clusterSchema>,
  ca: string | undefined,
  absolute: (file: string) => string,
): ClusterUser {
  const { exec } = user;
  // As in client-go, the value wins over the file.
  const either = (data?: string | null, file?: string | null): PemOrFile | undefined =>
    data ? { pem: fromBase64(data) } : file ? { file: absolute(file) } : undefined;
  const cert = either(user['client-certificate-data'], user['client-certificate']);
  const key = either(user['client-key-data'], user['client-key']);
  return {
    // As in client-go, the file wins over the value.
    ...(user.tokenFile
      ? { tokenFile: absolute(user.tokenFile) }
      : user.token
        ? { token: user.token.trim() }
        : {}),
    ...(user.username && { basic: { username: user.username, password: user.password ?? '' } }),
    ...(cert && key && { certificate: { cert, key } }),
    ...(user.as && {
      impersonate: {
        user: user.as,
        groups: user['as-groups'] ?? [],
        ...(user['as-uid'] && { uid: user['as-uid'] }),
      },
    }),
    ...(exec && {
      exec: {
        apiVersion: exec.apiVersion,
        // A bare name is looked up in PATH.
        command: /[/\\]/.test(exec.command) ? absolute(exec.command) : exec.command,
        args: exec.args ?? [],
        env: Object.fromEntries((exec.env ?? []).map(({ name, value }) => [name, value])),
        ...(exec.provideClusterInfo && {
          cluster: {
            server: cluster.server,
            ...(ca !== undefined && {
              'certificate-authority-data': Buffer.from(ca).toString('base64'),
            }),
            ...(cluster['tls-server-name'] && { 'tls-server-name': cluster['tls-server-name'] }),
            ...(cluster['insecure-skip-tls-verify'] && { 'insecure-skip-tls-verify': true }),
            config: cluster.extensions?.find((one) => one.name === 'client.authentication.k8s.io/exec')
              ?.extension,
          },
        }),
      },
    }),
  };
}

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * The service account of the pod that this process runs in.
 * @throws {SourceError} `missing` outside a pod.
 */
export async function readServiceAccount(
  source: string,
  folder = SERVICE_ACCOUNT,
  address = serviceAddress(),
): Promise<ClusterAccess> {
  const ca = await readFile(join(folder, 'ca.crt'), 'utf8').catch(() => undefined);
  if (!address || ca === undefined)
    throw new SourceError(
      source,
      'missing',
      'no service account found: set `kubeconfig`, or run in a pod that mounts the token of its service account',
    );
  if (!hasCertificates(ca))
    throw new SourceError(source, 'malformed', `${join(folder, 'ca.crt')} contains no certificate`);
  const { host, port } = address;
  return {
    server: `https://${isIPv6(host) ? `[${host}]` : host}:${port}`,
    ca,
    insecure: false,
    user: { tokenFile: join(folder, 'token') },
  };
}

/** Errors give only the line: the parser's messages quote the text, which may be a token. */
function parseYaml(content: string, malformed: (what: string) => SourceError): unknown {
  const document = parseDocument(content, { logLevel: 'silent' });
  const [error] = document.errors;
  if (error) throw malformed(`is not valid YAML (line ${error.linePos?.[0].line ?? '?'})`);
  try {
    return document.toJS() as unknown;
  } catch {
    throw malformed('is not valid YAML');
  }
}

function fromBase64(data: string): string {
  return Buffer.from(data, 'base64').toString('utf8');
}

/**
 * A PEM file with certificates. Without one, Node would silently trust the public authorities instead.
 * @throws {SourceError}
 */
export async function readAuthorities(source: string, path: string): Promise<string> {
  const pem = await readText(source, path);
  if (hasCertificates(pem)) return pem;
  throw new SourceError(source, 'malformed', `the file ${path} contains no certificate`);
}

function hasCertificates(pem: string): boolean {
  return /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----/.test(pem);
}

const MAX_FILE_BYTES = 10_000_000;

/**
 * A text file. A pipe or device, whose end may never come, is not read.
 * @throws {SourceError} `missing`
 */
export async function readText(source: string, path: string): Promise<string> {
  try {
    const found = await stat(path);
    const because = found.isFile() ? 'it is larger than 10 MB' : 'it is not a file';
    if (found.isFile() && found.size <= MAX_FILE_BYTES) return await readFile(path, 'utf8');
    throw new SourceError(source, 'missing', `couldn't read the file ${path}: ${because}`);
  } catch (error) {
    if (error instanceof SourceError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw new SourceError(source, 'missing', `couldn't read the file ${path} (${code})`);
  }
}

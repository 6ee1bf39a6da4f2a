import { isIP } from 'node:net';
import { z } from 'zod';
import {
  allowOption,
  caOption,
  clientCertificateOption,
  nameOption,
  nonEmptyText,
  timeoutOption,
} from '../options.ts';

const HOST = '{host}';
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/i;

/** Whether Wrench can connect to an address that has a host in place of `{host}`. */
function isAddress(url: string): boolean {
  const filled = url.replaceAll(HOST, 'host');
  if (/^unix:\/\/\/./.test(filled)) return true;
  if (!/^(tcp|ssh):\/\//.test(filled) || !URL.canParse(filled)) return false;
  const { hostname, pathname, search, hash, username } = new URL(filled);
  // What is left of a `%` is not percent-encoded.
  if (/%(?![\da-f]{2})/i.test(username)) return false;
  return hostname !== '' && (pathname === '' || pathname === '/') && search === '' && hash === '';
}

function hasPassword(url: string): boolean {
  return /^(tcp:\/\/[^/]*@|ssh:\/\/[^/@]*:[^/@]*@)/.test(url);
}

const address = nonEmptyText
  .refine(isAddress, {
    error: 'must be `unix:///path`, `tcp://host:port` or `ssh://user@host`',
    abort: true,
  })
  .refine((url) => !hasPassword(url), {
    error: 'must not contain a password, and a user only for ssh://',
  });

const ssh = {
  key: nonEmptyText.meta({
    description:
      'A file with the private key of the user in `url`, in PEM or OpenSSH format, without a passphrase.',
  }),
  knownHosts: nonEmptyText.exactOptional().meta({
    description: 'A file with the host keys, in the format of OpenSSH. Default: `~/.ssh/known_hosts`.',
  }),
};

const certificate = clientCertificateOption('The client certificate, for `tcp://` with `--tlsverify`.');

const remove = z
  .strictObject({
    url: address.exactOptional().meta({
      description:
        'The address for removing, such as that of another user: `ssh://cleaner@{host}`. Default: `url` of the source.',
    }),
    ca: caOption('the certificates of the engines').meta({
      description:
        'A PEM file with the CA that signed the certificates of the engines. Default: `ca` of the source.',
    }),
    clientCertificate: certificate,
    ssh: z
      .strictObject({ key: ssh.key.exactOptional(), knownHosts: ssh.knownHosts })
      .exactOptional()
      .meta({ description: 'The key for removing. Default: `ssh` of the source.' }),
  })
  .meta({
    description:
      'Allows removing stopped containers and dangling images, each by its id. `{}` uses the access for reading; `url`, `clientCertificate` ' +
      'or `ssh` here are used only for removing.',
  });

/** How an engine is reached: all that `url` needs besides itself. */
export interface DockerAccess {
  readonly url: string;
  readonly ca?: string | undefined;
  readonly clientCertificate?: { readonly cert: string; readonly key: string } | undefined;
  readonly ssh?: { readonly key?: string; readonly knownHosts?: string } | undefined;
}

/** The access for removing: what `allow.remove` does not set is as for reading. */
export function accessForRemoving(
  { url, ca, clientCertificate, ssh: keys }: DockerAccess,
  other: z.output<typeof remove>,
): DockerAccess {
  return {
    url: other.url ?? url,
    ca: other.ca ?? ca,
    clientCertificate: other.clientCertificate ?? clientCertificate,
    ssh: { ...keys, ...other.ssh },
  };
}

/** The address on one host: `ssh://wrench@node-b`. */
export function addressOn(url: string, host: string | undefined): string {
  return host === undefined ? url : url.replaceAll(HOST, isIP(host) === 6 ? `[${host}]` : host);
}

/** Why this access must or cannot be used, as the option and what is wrong with it. */
function accessProblem(
  { url, ca, clientCertificate, ssh: keys }: DockerAccess,
  hosts: readonly string[],
): readonly [option: string, error: string] | undefined {
  const usesTls = ca !== undefined || clientCertificate !== undefined;
  if (url.startsWith('ssh:') && keys?.key === undefined)
    return ['ssh', 'is needed for `ssh://`: `{ key: PATH }`'];
  if (url.startsWith('unix:') && usesTls)
    return [ca === undefined ? 'clientCertificate' : 'ca', 'is only used with `tcp://`'];
  if (!url.startsWith('tcp:') || usesTls) return undefined;
  const addresses = hosts.length > 0 ? hosts.map((host) => addressOn(url, host)) : [url];
  return addresses.every((one) => LOOPBACK.test(new URL(one).hostname))
    ? undefined
    : [
        'url',
        'needs `ca` or `clientCertificate`: Docker without TLS gives root on the machine to anyone who can reach the port',
      ];
}

/** The `docker` source in `wrench.yaml`: one container engine, or one on each of many hosts. */
export const dockerConfig = z
  .strictObject({
    kind: z.literal('docker').meta({
      description:
        'Container engines: Docker, or Podman through its Docker API. Access to an engine is root access to its machine.',
    }),
    name: nameOption('docker'),
    url: address.default('unix:///var/run/docker.sock').meta({
      description:
        'Where the engine listens: `unix:///var/run/docker.sock`, `tcp://{host}:2376` with TLS, or `ssh://user@{host}`, which runs ' +
        '`docker system dial-stdio` there. `{host}` is each of `hosts`.',
    }),
    hosts: z
      .array(
        nonEmptyText.regex(/^([\w.-]+|[\da-fA-F:.]*:[\da-fA-F:.]*)$/, {
          error: 'must be a host name or an address',
        }),
      )
      .min(1)
      .refine((hosts) => new Set(hosts).size === hosts.length, { error: 'must not list a host twice' })
      .exactOptional()
      .meta({ description: 'The hosts that replace `{host}` in `url`, with one engine each.' }),
    node: nonEmptyText.exactOptional().meta({
      description:
        "The name or an address of the Kubernetes node that the engine runs on: `{host}.example.internal`. Default: `{host}`; without `hosts`, the engine's own host name.",
    }),
    publishedOn: nonEmptyText
      .regex(/^([\w.{}-]+|[\da-fA-F:.]*:[\da-fA-F:.]*)$/, { error: 'must be a host name or an address' })
      .exactOptional()
      .meta({
        description:
          'The host on which the worker reaches published ports of containers: `{host}.example.internal`. Default: the host in `url`; for a ' +
          'socket, `127.0.0.1`.',
      }),
    ca: caOption('the certificates of the engines, for `tcp://`'),
    clientCertificate: certificate,
    ssh: z
      .strictObject(ssh)
      .exactOptional()
      .meta({ description: 'The key for `ssh://`. Host keys are always verified.' }),
    allow: allowOption({ remove: remove.exactOptional() }).default({}),
    timeoutMs: timeoutOption({
      description:
        'The timeout for one request, in milliseconds. Removals, and sizes, which the engine computes on each request, may take six times as long.',
    }),
  })
  .superRefine((config, context) => {
    const { url, hosts, node, publishedOn, allow } = config;
    const problem = (path: readonly string[], message: string): void =>
      context.addIssue({ code: 'custom', path: [...path], message });
    const needsHosts = [url, allow.remove?.url].some((one) => one?.includes(HOST));
    if (needsHosts && !hosts) return problem(['hosts'], 'is needed because the url has `{host}`');
    if (hosts && !url.includes(HOST)) return problem(['url'], 'needs `{host}` because there are `hosts`');
    if (hosts && allow.remove?.url !== undefined && !allow.remove.url.includes(HOST))
      return problem(['allow', 'remove', 'url'], 'needs `{host}` because there are `hosts`');
    if (hosts && node !== undefined && !node.includes(HOST))
      return problem(['node'], 'needs `{host}` because there are `hosts`');
    if (!hosts && node?.includes(HOST)) return problem(['node'], 'has `{host}`, but there are no `hosts`');
    if (hosts && publishedOn !== undefined && !publishedOn.includes(HOST))
      return problem(['publishedOn'], 'needs `{host}` because there are `hosts`');
    if (publishedOn !== undefined && /[{}]/.test(hosts ? publishedOn.replaceAll(HOST, '') : publishedOn))
      return problem(
        ['publishedOn'],
        hosts ? 'may contain only `{host}` in braces' : 'has `{host}`, but there are no `hosts`',
      );
    const reading = accessProblem(config, hosts ?? []);
    if (reading) problem([reading[0]], reading[1]);
    if (!allow.remove || reading) return undefined;
    const removing = accessProblem(accessForRemoving(config, allow.remove), hosts ?? []);
    if (removing) problem(['allow', 'remove', removing[0]], removing[1]);
    return undefined;
  })
  .meta({ description: 'Containers, images and volumes of container engines.' });

export type DockerConfig = z.output<typeof dockerConfig>;

import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import { z } from 'zod';
import {
  caOption,
  clientCertificateOption,
  nameOption,
  nonEmptyText,
  timeoutOption,
  urlOption,
} from '../options.ts';

/** `10.244.0.0/16`. Undefined if it is no address with an optional length of its network. */
export function parseNetwork(
  text: string,
): { readonly address: string; readonly prefix: number; readonly family: 4 | 6 } | undefined {
  const [, address = '', length] = /^([^/%]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const family = isIP(address);
  if (family !== 4 && family !== 6) return undefined;
  const most = family === 4 ? 32 : 128;
  const prefix = length === undefined ? most : Number(length);
  return prefix <= most ? { address, prefix, family } : undefined;
}

/** The ASCII form of a host name in which `*` stands for characters. Undefined if it is none. */
export function parseNamePattern(text: string): string | undefined {
  const name = domainToASCII(text.replace(/\.$/, ''));
  const isPattern = /^(?=.{1,253}$)[\da-z_*]([\da-z_*-]{0,62})(\.[\da-z_*][\da-z_*-]{0,62})*$/.test(name);
  // Numbers are addresses in one of their many forms, and a pattern of asterisks would allow every host.
  return isPattern && !/(^|\.)(\d+|0x[\da-f]*)$/.test(name) && /(^|\.)[^.*]+$/.test(name) ? name : undefined;
}

const allowedHost = nonEmptyText.refine(
  (text) => (parseNetwork(text) ?? parseNamePattern(text)) !== undefined,
  {
    error:
      'must be a network (`10.244.0.0/16`), an address or a host name (`*.apps.example`), without a port',
  },
);

const resourceName = nonEmptyText.regex(/^[\w.-]+$/, { error: 'must be a name' });
const portNumber = z.int().min(1).max(65_535);
const portName = nonEmptyText.regex(/^[a-z\d]([a-z\d-]*[a-z\d])?$/, {
  error: 'must be a port number, or the name of a port',
});

const kubernetes = z
  .strictObject({
    namespace: resourceName.meta({ description: 'The namespace of the Service.' }),
    service: resourceName.meta({ description: 'The name of the Service.' }),
    cluster: nonEmptyText.exactOptional().meta({
      description: 'The name of a `kubernetes` source. Default: the only one of the environment.',
    }),
  })
  .meta({ description: 'The pods behind a Service of Kubernetes.' });

const engines = nonEmptyText.exactOptional().meta({
  description: 'The name of a `docker` source. Default: all of the environment.',
});

const containers = z
  .strictObject({
    name: nonEmptyText.exactOptional().meta({ description: 'The name of the container.' }),
    labels: z
      .record(z.string().min(1), z.string())
      .exactOptional()
      .meta({ description: 'Labels that the containers have.' }),
    engines,
  })
  .refine(({ name, labels }) => name !== undefined || Object.keys(labels ?? {}).length > 0, {
    error: 'needs `name` or `labels`',
  })
  .meta({ description: 'Containers with this name and these labels, on every engine.' });

const swarm = z
  .strictObject({ service: resourceName.meta({ description: 'The name of the service.' }), engines })
  .meta({ description: 'The tasks of a service of Docker Swarm.' });

const LOCATIONS = ['kubernetes', 'containers', 'swarm', 'addresses'] as const;

const replicas = z
  .strictObject({
    kubernetes: kubernetes.exactOptional(),
    containers: containers.exactOptional(),
    swarm: swarm.exactOptional(),
    addresses: z
      .array(urlOption({ protocols: ['http', 'https'], isOrigin: true }))
      .min(1)
      .refine((urls) => new Set(urls).size === urls.length, { error: 'must not list an address twice' })
      .exactOptional()
      .meta({
        description:
          'The address of each replica, not of a load balancer: `["http://host-1:3000", "http://host-2:3000"]`.',
      }),
  })
  .refine((found) => LOCATIONS.filter((one) => found[one] !== undefined).length === 1, {
    error: 'needs exactly one of `kubernetes`, `containers`, `swarm` and `addresses`',
  })
  .meta({
    description:
      'Where the replicas are found: in one of `kubernetes`, `containers`, `swarm` and `addresses`.',
  });

const HEADER = /^[!#$%&'*+.^_`|~\w-]+$/;
/** Headers that the client sets itself. */
const OWN_HEADERS =
  /^(accept-encoding|connection|content-length|expect|keep-alive|te|trailer|transfer-encoding|upgrade)$/i;

const header = nonEmptyText.regex(HEADER, { error: 'must be the name of a header' });

const build = z
  .union([
    z.enum(['auto', 'text']),
    z.strictObject({
      pointer: z
        .string()
        .regex(/^(\/([^~/]|~[01])*)+$/, { error: 'must be a JSON pointer such as `/meta/buildNumber`' })
        .meta({ description: 'A JSON pointer (RFC 6901): `/meta/buildNumber`.' }),
    }),
    z.strictObject({ header: header.meta({ description: 'The name of a header: `X-Build`.' }) }),
  ])
  .default('auto')
  .meta({
    description:
      "Where the answer has the build. `auto` recognizes Spring Boot's `/actuator/info`, Mozilla's `/__version__`, `buildNumber` and the like, and a " +
      'build as plain text. `text` is the whole body, `{ pointer: /meta/buildNumber }` a member of JSON, `{ header: X-Build }` a header.',
  });

const expected = z
  .union([
    z.literal('image-tag'),
    z.strictObject({ annotation: nonEmptyText.meta({ description: 'The name of an annotation.' }) }),
    z.strictObject({ label: nonEmptyText.meta({ description: 'The name of a label.' }) }),
  ])
  .exactOptional()
  .meta({
    description:
      'Where the expected build is, if a command has no `--expect`: `image-tag`, `{ label: app.kubernetes.io/version }` or ' +
      '`{ annotation: … }` of the workload. Default: nowhere; replicas are only compared with each other.',
  });

const service = z
  .strictObject({
    name: nonEmptyText
      .max(200)
      .regex(/^[\w.-]+(\/[\w.-]+)*$/, { error: 'must be a name such as `api` or `shop/api`' })
      .meta({ description: 'As people name it in commands: `shop/api`.' }),
    replicas,
    port: z.union([portNumber, portName]).exactOptional().meta({
      description:
        'The port in the container, by number; in Kubernetes also by name, by default the only one of the Service.',
    }),
    path: nonEmptyText
      .regex(/^\/[\x21-\x7E]*$/, { error: 'must begin with `/`, and have no spaces' })
      .refine((path) => !/[\\#]/.test(path), { error: 'must not contain `\\` or `#`' })
      .meta({ description: 'The path that returns the build: `/diagnostics`.' }),
    scheme: z
      .enum(['http', 'https'])
      .default('http')
      .meta({ description: 'The protocol of the replicas. `addresses` have their own.' }),
    build,
    expected,
    container: nonEmptyText.exactOptional().meta({
      description: 'The main container, whose image is compared. Default: the one with the port.',
    }),
    ca: caOption('the certificates of the replicas'),
    serverName: nonEmptyText.exactOptional().meta({
      description:
        'The name to send as SNI and to expect in certificates, because replicas are asked by address: `api.shop.svc`.',
    }),
    clientCertificate: clientCertificateOption('The client certificate, for replicas that require one.'),
    headers: z
      .record(
        z
          .string()
          .regex(HEADER, { error: 'must be the name of a header' })
          .refine((name) => !OWN_HEADERS.test(name), { error: 'is a header that Wrench sets itself' }),
        nonEmptyText.meta({ secret: true }),
      )
      .exactOptional()
      .meta({ description: 'Headers to send to the replicas, such as `authorization`. Values are secret.' }),
  })
  .superRefine(({ replicas: { kubernetes: pods, addresses }, ...own }, context) => {
    const problem = (path: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [path], message });
    if (addresses && own.port !== undefined) problem('port', 'is part of `addresses`');
    if (addresses && own.expected !== undefined)
      problem('expected', 'needs replicas in Kubernetes, containers or Swarm');
    if (!addresses && !pods && typeof own.port !== 'number')
      problem('port', 'is needed: the number of the port in the container');
    if (!pods && typeof own.expected === 'object' && 'annotation' in own.expected)
      problem('expected', 'can be an annotation only in Kubernetes; use a `label`');
    const usesTls = addresses ? addresses.some((url) => url.startsWith('https:')) : own.scheme === 'https';
    for (const key of ['ca', 'serverName', 'clientCertificate'] as const)
      if (own[key] !== undefined && !usesTls)
        problem(key, addresses ? 'is only used with `https://`' : 'is only used with `scheme: https`');
  });

/** The `builds` source in `wrench.yaml`: services whose replicas say which build they run. */
export const buildsConfig = z
  .strictObject({
    kind: z.literal('builds').meta({ description: 'Services whose replicas say which build they run.' }),
    name: nameOption('builds'),
    services: z
      .array(service)
      .min(1)
      .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, {
        error: 'must not have two services with the same name',
      })
      .meta({ description: 'The services.' }),
    hosts: z
      .array(allowedHost)
      .default([])
      .meta({
        description:
          'The networks, addresses and host names that replicas may have, besides `addresses`: `[10.244.0.0/16, "*.apps.example"]`. `*` stands for ' +
          'characters between two dots, `*.` at the beginning for any number of names. Addresses of this machine, link-local ones and those of cloud ' +
          'metadata services must be listed one by one.',
      }),
    timeoutMs: timeoutOption({
      defaultMs: 3_000,
      description: 'The timeout for one attempt to ask one replica, in milliseconds.',
    }),
    retries: z
      .int()
      .min(0)
      .max(5)
      .default(2)
      .meta({ description: 'How often a replica is asked again if it does not respond.' }),
  })
  .superRefine(({ services, hosts }, context) => {
    const found = services.find(({ replicas: { addresses } }) => addresses === undefined);
    if (!found || hosts.length > 0) return;
    context.addIssue({
      code: 'custom',
      path: ['hosts'],
      message: `is needed for the replicas of ${found.name}: list their networks, such as \`10.244.0.0/16\``,
    });
  })
  .meta({ description: 'The builds that replicas of services run.' });

export type BuildsConfig = z.output<typeof buildsConfig>;

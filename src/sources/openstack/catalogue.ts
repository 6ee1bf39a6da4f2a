import { SourceError } from '../../ports/source-error.ts';
import { asObject, type JsonObject, listIn, textIn } from '../../wire/json-object.ts';
import { printable } from '../../wire/x509.ts';
import type { OpenStackConfig } from './config.ts';

/** The services that Wrench reads, by their type: https://service-types.openstack.org/ */
export type CloudServiceType = 'compute' | 'network' | 'image';

/** How messages name a service. */
export const SERVICE_NAMES = {
  compute: 'Nova',
  network: 'Neutron',
  image: 'Glance',
} as const satisfies Readonly<Record<CloudServiceType, string>>;

/** The address of a service. */
export interface ServiceEndpoint {
  /** Without a slash at its end; as the catalogue has it, with or without a version. */
  readonly url: string;
  readonly isFromCatalogue: boolean;
}

/**
 * The address of a service, in the configured region and interface.
 * @throws {SourceError} if there is none, or if it can't be chosen.
 */
export function findEndpoint(
  { name, authUrl, region, interface: wanted, endpoints }: OpenStackConfig,
  catalogue: readonly JsonObject[],
  type: CloudServiceType,
): ServiceEndpoint {
  const own = endpoints[type];
  if (own !== undefined) return { url: own, isFromCatalogue: false };
  const service = SERVICE_NAMES[type];
  const all = catalogue
    .filter((one) => one['type'] === type)
    .flatMap((one) => listIn(one, 'endpoints'))
    .map((one) => ({ ...one, region: textIn(one, 'region_id') ?? textIn(one, 'region') ?? '' }));
  const regions = namesOf(all.map((one) => one.region));
  const missing = (what: string): SourceError =>
    new SourceError(name, 'missing', `the catalogue of Keystone has no ${what}`);
  if (all.length === 0) throw missing(`${type} service (${service})`);
  const inRegion = all.filter((one) => region === undefined || one.region === region);
  if (inRegion.length === 0)
    throw missing(`${type} service (${service}) in the region ${region}: \`region\` can be ${regions}`);
  const found = inRegion.filter((one) => asObject(one)['interface'] === wanted);
  if (found.length === 0) {
    const others = namesOf(inRegion.map((one) => textIn(one, 'interface') ?? ''));
    throw missing(`${wanted} address of ${service}: \`interface\` can be ${others}`);
  }
  const foundRegions = new Set(found.map((one) => one.region));
  if (foundRegions.size > 1)
    throw new SourceError(
      name,
      'refused',
      `the catalogue of Keystone has several regions: set \`region\` to ${regions}`,
    );
  const url = textIn(found[0]!, 'url')?.replace(/\/+$/, '');
  const parsed = url === undefined ? null : URL.parse(url);
  if (!parsed || !/^https?:$/.test(parsed.protocol))
    throw new SourceError(
      name,
      'malformed',
      `the catalogue of Keystone has no http or https address of ${service}: set \`endpoints.${type}\``,
    );
  // Anyone on the way could take the token, which Keystone sent encrypted.
  if (parsed.protocol === 'http:' && authUrl.startsWith('https:'))
    throw new SourceError(
      name,
      'refused',
      `the address of ${service} in the catalogue, ${parsed.host}, is not encrypted (http): set \`endpoints.${type}\` to use it anyway`,
    );
  return { url: url!, isFromCatalogue: true };
}

function namesOf(names: readonly string[]): string {
  return [...new Set(names)]
    .filter((one) => one !== '')
    .map(printable)
    .toSorted()
    .slice(0, 10)
    .join(' or ');
}

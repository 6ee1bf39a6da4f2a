import type { LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { SourceError } from '../../ports/source-error.ts';
import { printable } from '../../wire/x509.ts';
import type { AllowedHosts } from './allowed-hosts.ts';

/** The addresses of a host name. */
export type ResolveName = (name: string) => Promise<readonly LookupAddress[]>;

export function notAllowed(source: string, host: string, details = ''): SourceError {
  return new SourceError(
    source,
    'refused',
    `${printable(host)} was not asked${details}: add it or its network to \`hosts\` of the source ${source}`,
  );
}

/** Resolves a name once. Only allowed addresses are connected to, whatever the name resolves to later. */
export function lookupAllowed({
  source,
  allowedHosts,
  resolve,
}: {
  readonly source: string;
  readonly allowedHosts: AllowedHosts;
  readonly resolve: ResolveName;
}): LookupFunction {
  const addressesOf = async (name: string): Promise<readonly LookupAddress[]> => {
    const found = await resolve(name);
    const allowed = allowedHosts.addressesOf(name, found);
    const [first] = found;
    if (allowed.length === 0)
      throw notAllowed(source, name, first ? `, which has the address ${first.address}` : '');
    for (const family of [4, 6]) {
      const { size } = new Set(allowed.filter((one) => one.family === family).map(({ address }) => address));
      if (size > 1)
        throw new SourceError(
          source,
          'refused',
          `${printable(name)} was not asked: it has ${size} addresses, which may be different replicas. Configure each address`,
        );
    }
    return allowed;
  };
  const lookup = async (...[name, options, callback]: Parameters<LookupFunction>): Promise<void> => {
    try {
      const addresses = await addressesOf(name);
      const [first] = addresses;
      if (options.all === true) callback(null, [...addresses]);
      else callback(null, first!.address, first!.family);
    } catch (error) {
      callback(error as NodeJS.ErrnoException, '');
    }
  };
  return (...asked) => void lookup(...asked);
}

import { type ports, type ReadContext, SourceError } from '../../kit.ts';
import { chooseSources } from '../../shared/sources.ts';

const PROTOCOLS = ['SSLv3', 'TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const;

/** One handshake. A site has several if it has several certificates or if each of its addresses is checked. */
export interface Negotiated extends Pick<ports.Handshake, 'address' | 'servername' | 'legacyOnly'> {
  readonly place: string;
  readonly protocol: (typeof PROTOCOLS)[number];
}

export interface Facts {
  readonly handshakes: readonly Negotiated[];
}

/** Reads live sites only: nothing is negotiated for a stored certificate. A handshake without a known protocol is a gap. */
export async function collect(
  context: ReadContext<'certificates'>,
  { source }: { readonly source?: string | undefined },
): Promise<Facts> {
  const { attempt, gap, note, saw, signal } = context;
  const handshakes: Negotiated[] = [];
  const stores = chooseSources(context, 'certificates', source);
  const live = stores.filter(({ role }) => role === 'served');
  if (live.length === 0 && (stores.length > 0 || source === undefined))
    gap(
      'live sites',
      new SourceError('certificates', 'missing', 'none are configured, only stored certificates'),
    );
  const readSites = async ({ name, scan }: ports.CertificateStore) => {
    let places = 0;
    for await (const { place, ...result } of scan({ signal })) {
      places += 1;
      const served = result.kind === 'seen' ? result.served : undefined;
      const protocol = PROTOCOLS.find((one) => one === served?.protocol);
      if (served === undefined || protocol === undefined) {
        const unknown = `unknown protocol: ${served?.protocol ?? 'the handshake ended before one was chosen'}`;
        gap(place, result.kind === 'unseen' ? result.error : new SourceError(name, 'malformed', unknown));
        continue;
      }
      handshakes.push({ ...served, place, protocol });
      saw(name);
      if (served.otherAddresses !== undefined)
        note(
          `${name}: only one of several addresses of a site was checked; \`everyAddress: true\` checks all of them`,
        );
    }
    if (places === 0) throw new SourceError(name, 'missing', 'no sites are listed');
  };
  await Promise.all(live.map((store) => attempt(store.name, undefined, () => readSites(store))));
  return { handshakes };
}

import { type ports, wording } from '../../kit.ts';
import type { Client } from './clients.ts';
import type { Context, Facts } from './facts.ts';
import { isSameHost } from '../../shared/host-names.ts';
import { unlessMissing } from '../../shared/unless-missing.ts';
import { hostOf } from './servers.ts';

const MAX_MACS = 200;
const MAX_INSTANCES = 20;

/** What the cloud and the hosts know about clients that seem to have a fault. A question without an answer is only noted. */
export async function readMore(
  context: Context,
  faulty: readonly Client[],
): Promise<Pick<Facts, 'ports' | 'instances' | 'checksums'> & { readonly asked: ReadonlySet<string> }> {
  const { signal, read } = context;
  const macs = [...new Set(faulty.map(({ mac }) => mac))].slice(0, MAX_MACS);
  if (macs.length === 0) return { ports: [], instances: [], checksums: [], asked: new Set() };
  const perCloud = await Promise.all(
    (read.cloud ?? []).map(async (cloud) => {
      const found = await readOptional(
        context,
        `${cloud.name}: ports of ${wording.count(macs.length, 'client')}`,
        [],
        () => cloud.ports({ macs, signal }),
      );
      const ids = [...new Set(found.filter(isOfInstance).flatMap(({ device }) => device ?? []))];
      const instances = await Promise.all(
        ids
          .slice(0, MAX_INSTANCES)
          .map((id) =>
            readOptional(context, `${cloud.name}: instance ${id}`, undefined, () =>
              cloud.server({ id, signal }),
            ),
          ),
      );
      return { found, instances: instances.filter((one) => one !== undefined) };
    }),
  );
  const found = perCloud.flatMap((one) => one.found);
  return {
    asked: new Set(perCloud.length > 0 ? macs : []),
    ports: found,
    instances: perCloud.flatMap(({ instances }) => instances),
    checksums: await readChecksums(context, faulty, found),
  };
}

function isOfInstance({ owner = '' }: ports.CloudPort): boolean {
  return owner.startsWith('compute:');
}

/** Only of hosts on which a client that doesn't receive replies and its server both run. */
async function readChecksums(
  context: Context,
  faulty: readonly Client[],
  found: readonly ports.CloudPort[],
): Promise<Facts['checksums']> {
  const hosts = new Set(
    faulty
      .filter(({ state }) => state.is === 'not receiving')
      .flatMap(({ mac, server }) => {
        const host = hostOf(server);
        return found.some(
          (port) => port.mac === mac && port.host !== undefined && isSameHost(port.host, host),
        )
          ? [host]
          : [];
      }),
  );
  const sources = context.read.hosts ?? [];
  const asked = [...hosts].flatMap((host) => {
    const source = sources.find((one) => one.hosts.some(({ name }) => name === host));
    return source ? [{ host, source }] : [];
  });
  const answers = await Promise.all(
    asked.map(async ({ host, source }) => ({
      host,
      rules: await readOptional(context, `${source.name}: checksum rules of ${host}`, [], () =>
        source.checksumRules({ host, signal: context.signal }),
      ),
    })),
  );
  return answers.filter(({ rules }) => rules.length > 0);
}

/**
 * Reads something that only adds to the report. What a source doesn't have is a note; a source that doesn't respond is a gap, because it could have
 * shown a fault.
 */
export async function readOptional<T>(
  context: Context,
  what: string,
  fallback: T,
  read: () => Promise<T>,
): Promise<T> {
  return context.attempt(what, fallback, () => unlessMissing(context, what, fallback, read));
}

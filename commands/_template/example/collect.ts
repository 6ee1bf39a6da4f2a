import type { ports, ReadContext } from '../../kit.ts';
import { chooseSources } from '../../shared/sources.ts';

/** What was read, without conclusions. */
export interface Facts {
  readonly certificates: readonly {
    readonly place: string;
    readonly notBefore: Date;
    readonly notAfter: Date;
  }[];
}

/** Reads through ports. It may wait and may fail, but judges nothing. */
export async function collect(
  context: ReadContext<'certificates'>,
  { source }: { readonly source?: string | undefined },
): Promise<Facts> {
  const certificates: Facts['certificates'][number][] = [];
  const { attempt, gap, saw, signal } = context;
  const readStore = async (store: ports.CertificateStore) => {
    for await (const result of store.scan({ signal })) {
      if (result.kind === 'unseen') {
        gap(result.place, result.error);
        continue;
      }
      const [{ notBefore, notAfter }] = result.chain;
      certificates.push({ place: result.place, notBefore, notAfter });
      saw(store.name);
    }
  };
  // At the same time: a source that hangs until the deadline must not block the others.
  await Promise.all(
    chooseSources(context, 'certificates', source).map((store) =>
      attempt(store.name, undefined, () => readStore(store)),
    ),
  );
  return { certificates };
}

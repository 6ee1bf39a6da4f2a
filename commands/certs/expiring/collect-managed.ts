import type { ports, ReadContext, SourceError } from '../../kit.ts';
import { intern } from '../../shared/intern-certificates.ts';
import { limitTasks } from '../../shared/limit-tasks.ts';
import { indexManaged, type KnownCertificate } from '../../shared/managed-chain.ts';
import { contentsToRead, openQuestions } from '../../shared/managed-contents.ts';
import { gapsOf } from '../../shared/open-question-gaps.ts';
import { answerOf } from '../../shared/settle.ts';

/** A certificate that something manages, with what was read of it. */
export interface ManagedFact extends KnownCertificate {
  readonly contents: readonly ports.VersionContent[];
  /** Whether `--match` selects it. The others are needed as authorities. */
  readonly isAsked: boolean;
  /** SHA-256 of the certificate at the place that it writes to, if that was read. */
  readonly written?: string;
}

/** An issuer of a PKI, besides its certificates. */
export type IssuerFact = Pick<ports.PkiIssuer, 'place' | 'name' | 'beyondEnd' | 'roles'> & {
  readonly certificate: ports.Certificate;
  /** Whether a role uses it. One that was replaced stays in the list for years. */
  readonly isUsed: boolean;
};

type Store = ports.CertificateStore;
type Context = Pick<ReadContext<'certificates'>, 'gap' | 'signal'>;

const MAX_PARALLEL = 8;

/** Adds the contents that decide something, and records a gap for what remains undecided. Authorities are in the same store as what they sign. */
export async function readContents(
  context: Context,
  store: Store,
  listed: readonly ManagedFact[],
  horizon: Date,
): Promise<readonly ManagedFact[]> {
  const readable = store.contents ? contentsToRead(listed, horizon) : [];
  const contents = new Map<string, readonly ports.VersionContent[]>();
  const failures = new Map<string, SourceError>();
  const limited = limitTasks(MAX_PARALLEL);
  const interner = intern();
  await Promise.all(
    readable.map(({ certificate: { place }, versions }) =>
      limited(async () => {
        const { value = [], error } = await answerOf(
          context.signal,
          async () => (await store.contents?.(place, { versions, signal: context.signal })) ?? [],
        );
        if (error) failures.set(place, error);
        else contents.set(place, value.map(interner.content));
      }),
    ),
  );
  const known = listed.map((one) => ({
    ...one,
    contents: [...one.contents, ...(contents.get(one.place) ?? [])],
  }));
  for (const { what, error } of gapsOf(openQuestions(indexManaged(known), horizon), failures))
    context.gap(what, error);
  return known;
}

import { type ports, SourceError } from '../kit.ts';

/** Services in memory for the fixtures of checks, as documented in `src/ports`. */
export function buildSource({
  name = 'builds',
  services,
  answers,
}: {
  readonly name?: string;
  readonly services: readonly ports.BuildService[];
  /** By `host:port`. A text is why it can't be reached. Others are unreachable too. */
  readonly answers: Readonly<Record<string, Omit<ports.BuildAnswer, 'url'> | string>>;
}): ports.Builds {
  return {
    name,
    services,
    ask: async ({ host, port }) => {
      const place = `${host}:${port}`;
      const answer = answers[place] ?? 'nothing responded';
      if (typeof answer === 'string') throw new SourceError(name, 'unreachable', `${place}: ${answer}`);
      return { url: `http://${place}/version`, ...answer };
    },
  };
}

/** Something that a person can break from the page, to see what the bot makes of it. */
export interface Mischief {
  /** Verb first: `Lose a doppler's key`. */
  readonly label: string;
  /** What happens then, in a line. */
  readonly about: string;
  /** It makes good what another one broke. */
  readonly mends?: boolean;
  /** Breaks it, and says what is broken now. */
  readonly run: () => Promise<string>;
}

export interface MischiefTold {
  readonly said?: string;
  readonly failure?: string;
}

/** Runs one by its label; who asks for the same while it runs gets the same answer. */
export function createMischief(all: readonly Mischief[]): (label: string) => Promise<MischiefTold> {
  const running = new Map<string, Promise<MischiefTold>>();
  return (label) => {
    const known = all.find((one) => one.label === label);
    if (!known) return Promise.resolve({ failure: 'There is no such thing to break.' });
    const already = running.get(label);
    if (already) return already;
    const told = tell(known).finally(() => running.delete(label));
    running.set(label, told);
    return told;
  };
}

async function tell({ run }: Mischief): Promise<MischiefTold> {
  try {
    return { said: await run() };
  } catch (error) {
    return { failure: error instanceof Error ? error.message : String(error) };
  }
}

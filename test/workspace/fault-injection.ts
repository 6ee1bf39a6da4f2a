/** A fault that a person can inject from the page, to see how the bot reports it. */
export interface FaultInjection {
  /** Verb first: `Lose a doppler's key`. */
  readonly label: string;
  /** The effect, in one line. */
  readonly about: string;
  /** Restores what another injection broke. */
  readonly restores?: boolean;
  /** Injects the fault. Returns a message that says what is broken now. */
  readonly run: () => Promise<string>;
}

export interface FaultInjectionResult {
  readonly message?: string;
  readonly failure?: string;
}

/** Injects a fault by its label. A second request while one runs gets the result of the first. */
export function createFaultInjector(
  all: readonly FaultInjection[],
): (label: string) => Promise<FaultInjectionResult> {
  const running = new Map<string, Promise<FaultInjectionResult>>();
  return (label) => {
    const injection = all.find((one) => one.label === label);
    if (!injection) return Promise.resolve({ failure: 'unknown fault' });
    const already = running.get(label);
    if (already) return already;
    const result = injectFault(injection).finally(() => running.delete(label));
    running.set(label, result);
    return result;
  };
}

async function injectFault({ run }: FaultInjection): Promise<FaultInjectionResult> {
  try {
    return { message: await run() };
  } catch (error) {
    return { failure: error instanceof Error ? error.message : String(error) };
  }
}

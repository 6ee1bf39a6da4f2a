import type { FaultPlan } from '../faults.ts';
import type { Interactions } from '../interactions.ts';
import type { FaultInjection } from '../fault-injection.ts';
import type { Store } from '../store.ts';

export interface PageCommand {
  /** With its slash. */
  readonly command: string;
  readonly usage?: string;
  readonly description: string;
}

/** The parts of a workspace that its page shows and uses. */
export interface PageParts {
  readonly store: Store;
  readonly interactions: Interactions;
  readonly faults: FaultPlan;
  readonly commands: readonly PageCommand[];
  readonly faultInjections: readonly FaultInjection[];
}

import type { Buttons } from './buttons.ts';
import type { FaultInjector } from './fault-injection.ts';
import type { Disturbances } from './fix-log.ts';
import type { Chance } from './random.ts';
import type { ChaosStage } from './stage.ts';

/** What scenarios and faults act on. */
export interface ScenarioContext {
  readonly stage: ChaosStage;
  readonly buttons: Buttons;
  readonly disturbances: Disturbances;
  readonly chance: Chance;
  readonly injector: Pick<FaultInjector, 'freeze' | 'killWorkerOf'>;
  /** The longest wait for something to appear. */
  readonly timeoutMs: number;
}
